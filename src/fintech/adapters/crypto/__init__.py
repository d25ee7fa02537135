"""Keys: roots that the bank owns, and the vault that lends what hangs from them."""
