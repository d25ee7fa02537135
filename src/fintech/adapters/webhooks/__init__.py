"""Webhooks over real sockets: names are looked at before anything is connected to, and answers are hardly read."""
