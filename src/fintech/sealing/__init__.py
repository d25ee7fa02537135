"""Sealing: how a merchant's key becomes keys of one purpose, and what a sealed message is made of. No I/O."""
