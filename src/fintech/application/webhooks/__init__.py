"""Webhooks: the endpoints that merchants keep, and the sending of events to them."""
