"""Payments: what merchants and the clock do with them."""
