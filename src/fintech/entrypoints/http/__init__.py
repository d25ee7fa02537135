"""The HTTP API: the wire that merchants know, over the use cases of the core."""
