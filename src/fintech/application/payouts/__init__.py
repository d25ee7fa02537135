"""Payouts: what merchants ask of them, how the bank is asked, and what becomes of them."""
