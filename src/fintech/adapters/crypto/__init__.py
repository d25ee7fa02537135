"""Who keeps the bank's root keys, and what is lent of them to this process."""
