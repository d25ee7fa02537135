"""Keys: what of a merchant is sealed, under which key, and what the bank that owns the root says about it."""
