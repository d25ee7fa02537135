"""``fintech keys``: custody of merchants' keys, as the back office and the bank's officers see and change it."""

from fintech.entrypoints.cli.lazy import LazyGroup, Listed

keys = LazyGroup(
    name="keys",
    help="Show custody of merchants' keys; sign and apply the bank's orders.",
    lazy={
        "status": Listed(
            "fintech.entrypoints.cli.keys_status:status", "Show root keys, rings and what the bank last said."
        ),
        "orders": Listed("fintech.entrypoints.cli.keys_status:orders", "List what the bank said, by number."),
        "order": Listed("fintech.entrypoints.cli.keys_order:order", "Sign an order; apply a signed one."),
        "break-glass": Listed(
            "fintech.entrypoints.cli.keys_glass:break_glass",
            "Open a merchant's keys for hours: it takes two officers.",
        ),
        "drill": Listed(
            "fintech.entrypoints.cli.keys_drill:drill",
            "Try whether orders are heeded, on a merchant's test keys.",
        ),
        "rotate": Listed(
            "fintech.entrypoints.cli.keys_life:rotate", "Make a new version of a merchant's key."
        ),
        "reseal": Listed(
            "fintech.entrypoints.cli.keys_life:reseal", "Seal anew what older versions have sealed."
        ),
        "retire": Listed(
            "fintech.entrypoints.cli.keys_life:retire", "Destroy a version that nothing is sealed with."
        ),
        "move": Listed(
            "fintech.entrypoints.cli.keys_life:move", "Hang all keys of one root key from another."
        ),
        "tend": Listed("fintech.entrypoints.cli.keys_life:tend", "Do at once what the sweep does over time."),
        "shred": Listed(
            "fintech.entrypoints.cli.keys_shredding:shred", "Destroy a merchant's keys, for good."
        ),
        "certificate": Listed(
            "fintech.entrypoints.cli.keys_shredding:certificate", "Check certificates of destruction."
        ),
        "quarantine": Listed(
            "fintech.entrypoints.cli.keys_quarantine:quarantine",
            "List what was set apart; release what opens after all.",
        ),
        "inventory": Listed(
            "fintech.entrypoints.cli.keys_inventory:inventory", "List kinds of keys, and how many there are."
        ),
        "honeytoken": Listed(
            "fintech.entrypoints.cli.keys_inventory:honeytoken", "Plant what nobody should touch."
        ),
        "officer": Listed(
            "fintech.entrypoints.cli.keys_officer:officer",
            "Make, list and revoke officers' keys for the HTTP API.",
        ),
    },
)
