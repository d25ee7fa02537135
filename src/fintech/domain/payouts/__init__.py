"""Payouts: a merchant's money on its way to its bank account, and what both books say of it."""
