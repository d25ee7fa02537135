"""Writes the page of the key inventory from the code's own table: ``python -m tests.architecture.key_inventory``."""

from pathlib import Path

from fintech.domain.keys.inventory import KEY_KINDS

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "key-inventory.md"
HEAD = """# Key inventory

Every kind of cryptographic key in the system (PCI DSS 12.3.3, 3.6.1.1). This page is made from `domain/keys/inventory.py`
(`python -m tests.architecture.key_inventory`); `fintech keys inventory` prints the same with how many there are, how old
they are and which are past their crypto-period.

| key | algorithm | bits | used for | custodian | kept | crypto-period | replaced |
|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The page."""
    rows = [
        f"| **{kind.name}** | {kind.algorithm} | {kind.bits} | {kind.used_for} | {kind.custodian} | {kind.kept} "
        f"| {kind.period} | {kind.replaced} |\n"
        for kind in KEY_KINDS
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
