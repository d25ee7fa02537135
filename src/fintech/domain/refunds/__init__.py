"""Refunds: the intent, its outcome, and what both do to the books."""
