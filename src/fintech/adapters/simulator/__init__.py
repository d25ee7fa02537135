"""A sandbox: an acquirer and a card directory that know test cards only, and do as they are told. Never in live mode."""
