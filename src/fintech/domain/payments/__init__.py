"""Payments: the intent, its attempts, and what both do to the books."""
