"""The audit trail of a process: the chain that it writes, and the checkpoints that are kept elsewhere."""
