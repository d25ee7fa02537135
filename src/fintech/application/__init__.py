"""Use cases: one frozen class with one ``__call__`` each, in one rhythm: load, decide, commit."""
