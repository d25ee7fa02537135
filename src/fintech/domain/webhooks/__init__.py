"""Webhooks: where a merchant's systems hear of what happened, and how often we tell them."""
