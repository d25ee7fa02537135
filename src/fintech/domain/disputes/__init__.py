"""Disputes: a cardholder says no afterwards, and the bank takes the money back."""
