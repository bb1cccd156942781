"""`python -m loratui`."""

from loratui.cli import main

main()
