"""Use cases about disputes."""
