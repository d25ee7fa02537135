"""Refunds: what merchants ask for, what the acquirer reports, and what the clock resolves."""
