"""The rules of moving merchants' money, and nothing else: no clock, no randomness, no I/O, nothing async."""
