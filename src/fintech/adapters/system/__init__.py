"""The world as it is: the machine's clock, its randomness, a key in memory."""
