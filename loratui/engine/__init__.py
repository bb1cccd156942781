"""Everything that loratui knows to do, without a screen."""
