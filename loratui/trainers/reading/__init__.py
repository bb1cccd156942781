"""Reading a console: bytes to tokens, wrapped lines joined, tracebacks collected, bars to columns."""
