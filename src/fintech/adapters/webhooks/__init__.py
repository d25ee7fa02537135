"""Webhooks over real sockets. Import a module when something is to be sent: they bring the HTTP client with them."""
