"""`make bench`: every figure as a ratio measured side by side, with its baseline in this folder."""
