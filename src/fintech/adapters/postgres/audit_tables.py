"""The tables of the audit trail. Rows are added and never changed: triggers refuse everything else."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

from fintech.adapters.postgres.tables import METADATA

_KEY: Final = Text(collation="C")
_MOMENT: Final = TIMESTAMP(timezone=True)


def _told(name: str, *, nullable: bool = False) -> Column[object]:
    """What the document says, to look for it: nobody can make the column say something else."""
    spelt = f"document ->> '{name}'::text"  # in Postgres's own spelling of it
    return Column(name, _KEY, Computed(spelt, persisted=True), nullable=nullable)


audit_streams = Table(
    "audit_streams",
    METADATA,
    Column("name", _KEY, nullable=False),
    Column("started_at", _MOMENT, nullable=False),
    Column("cmk", Text, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("permission", Text),
    PrimaryKeyConstraint("name"),
)

audit_records = Table(
    "audit_records",
    METADATA,
    Column("stream", _KEY, nullable=False),
    Column("sequence", Integer, nullable=False),
    #: To the letter what is chained: ``json`` keeps the text as it was given.
    Column("document", JSON, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    #: All of one length, so that the order of the texts is that of time.
    _told("at"),
    _told("actor"),
    _told("action"),
    _told("merchant", nullable=True),
    PrimaryKeyConstraint("stream", "sequence"),
    ForeignKeyConstraint(["stream"], ["audit_streams.name"], name="audit_records_of_a_stream"),
    CheckConstraint("sequence >= 0", "sequence_counts_from_0"),
    Index("audit_records_at", "at"),
    Index("audit_records_merchant", "merchant", "at", postgresql_where=text("merchant is not null")),
)

#: For deployments that name no place outside the database. What is signed cannot be forged here, but it can be removed.
audit_checkpoints = Table(
    "audit_checkpoints",
    METADATA,
    Column("stream", _KEY, nullable=False),
    Column("count", Integer, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "count", "signature"),
)
