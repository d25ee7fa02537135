"""``python -m fintech.entrypoints.cli`` is ``fintech``."""

from fintech.entrypoints.cli import main

main()
