"""Reading a console: bytes to tokens, lines joined, tracebacks collected, bars to columns."""
