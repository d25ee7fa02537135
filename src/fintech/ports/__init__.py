"""What the core asks of the world: Protocols in domain types only, each with its contract suite in `contracts`."""
