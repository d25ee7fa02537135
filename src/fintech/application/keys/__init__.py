"""Keys: carrying out what the bank says of them, and telling how they stand."""
