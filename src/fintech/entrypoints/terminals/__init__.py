"""The door of terminals: what their messages ask of the core, and what they are told."""
