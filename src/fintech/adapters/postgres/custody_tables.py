"""The tables of what is sealed and of the keys that it is sealed with: apart from the books, and referred to by none of them.

A database may be given to each of the two alone. No column here holds anything in plain that a card, a person or a key
could be known by, and none anywhere holds a CVV, a track or a PIN (tests/architecture/test_columns.py).
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP

from fintech.adapters.postgres.tables import METADATA

_KEY: Final = Text(collation="C")
_MOMENT: Final = TIMESTAMP(timezone=True)

#: One row. Whoever changes keys locks it first, so that epochs are given in the order of commits.
key_epoch = Table(
    "key_epoch",
    METADATA,
    Column("one", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("one"),
    CheckConstraint("one", "is_one"),
)

#: ``epoch`` is that of the ring's last change.
key_rings = Table(
    "key_rings",
    METADATA,
    Column("merchant_id", _KEY, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("id", _KEY, nullable=False),
    Column("version", Integer, nullable=False),
    Column("custody", Text, nullable=False),
    Column("opened_until", _MOMENT, nullable=True),
    Column("created_at", _MOMENT, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    #: Permissions that are still to be withdrawn: root keys, and the permission at each.
    Column("left_cmks", ARRAY(Text), nullable=False),
    Column("left_grants", ARRAY(Text), nullable=False),
    #: When a notary certified that it is destroyed.
    Column("certified_at", _MOMENT, nullable=True),
    PrimaryKeyConstraint("merchant_id", "livemode"),
    Index("key_rings_epoch", "epoch"),
)

#: ``wrapped`` is what a root key of the bank wrapped, and empty once the version is retired or shredded.
key_versions = Table(
    "key_versions",
    METADATA,
    Column("merchant_id", _KEY, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("cmk", _KEY, nullable=False),
    Column("derivation", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("grant_name", Text, nullable=True),
    Column("created_at", _MOMENT, nullable=False),
    Column("retired_at", _MOMENT, nullable=True),
    PrimaryKeyConstraint("merchant_id", "livemode", "number"),
    CheckConstraint("status <> 'retired' or length(wrapped) = 0", "retired_is_empty"),
    Index("key_versions_cmk", "cmk", "merchant_id", "livemode", postgresql_where=text("status <> 'retired'")),
)

#: ``epoch`` is that of the last change of status or custody; a heartbeat leaves it.
root_keys = Table(
    "root_keys",
    METADATA,
    Column("cmk", _KEY, nullable=False),
    Column("status", Text, nullable=False),
    Column("custody_open", Boolean, nullable=False),
    Column("authorised_at", _MOMENT, nullable=True),
    Column("epoch", BigInteger, nullable=False),
    PrimaryKeyConstraint("cmk"),
    Index("root_keys_epoch", "epoch"),
)

#: Until when some process may have a merchant's keys in use: for the sweep. It is lost without harm but to the bound of a
#: silent revocation, until leases are renewed; written with every lease, and apart from what changes keys.
key_uses = Table(
    "key_uses",
    METADATA,
    Column("merchant_id", _KEY, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("until", _MOMENT, nullable=False),
    PrimaryKeyConstraint("merchant_id", "livemode"),
)

#: What the bank signed, to the byte.
key_orders = Table(
    "key_orders",
    METADATA,
    Column("sequence", BigInteger, nullable=False, autoincrement=False),
    Column("document", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("applied_at", _MOMENT, nullable=False),
    PrimaryKeyConstraint("sequence"),
)

#: At most one row: which process leads the sweep, and until when.
key_leader = Table(
    "key_leader",
    METADATA,
    Column("one", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("until", _MOMENT, nullable=False),
    PrimaryKeyConstraint("one"),
    CheckConstraint("one", "is_one"),
)

#: One value for each field of a record. ``number`` is the version of the merchant's key; ``schema`` that of what is inside.
protected_values = Table(
    "protected_values",
    METADATA,
    Column("merchant_id", _KEY, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("table_name", _KEY, nullable=False),
    Column("record_id", _KEY, nullable=False),
    Column("column_name", _KEY, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("blind_index", LargeBinary, nullable=True),
    Column("put_at", _MOMENT, nullable=False),
    #: Since when it is set apart as not what was sealed there.
    Column("quarantined_at", _MOMENT, nullable=True),
    PrimaryKeyConstraint("merchant_id", "livemode", "table_name", "record_id", "column_name"),
    Index(
        "protected_values_blind_index",
        "merchant_id",
        "livemode",
        "table_name",
        "column_name",
        "blind_index",
        "record_id",
        postgresql_where=text("blind_index is not null"),
    ),
    Index(
        "protected_values_number",
        "merchant_id",
        "livemode",
        "number",
        "table_name",
        "record_id",
        "column_name",
        postgresql_where=text("quarantined_at is null"),
    ),
)
