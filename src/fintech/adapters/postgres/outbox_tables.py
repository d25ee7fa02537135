"""The tables of the outbox."""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP

from fintech.adapters.postgres.tables import METADATA

_KEY: Final = Text(collation="C")
_MOMENT: Final = TIMESTAMP(timezone=True)

#: Which event is on its way to which webhook endpoint. ``due_at`` is null once it has ended, so that what is looked
#: through for work is as long as the work and not as the past.
deliveries = Table(
    "deliveries",
    METADATA,
    Column("merchant_id", _KEY, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("endpoint_id", _KEY, nullable=False),
    Column("event_id", _KEY, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("due_at", _MOMENT, nullable=True),
    Column("leased_until", _MOMENT, nullable=True),
    #: The last tries; null where there are none.
    Column("log", JSON(none_as_null=True), nullable=True),
    PrimaryKeyConstraint("merchant_id", "livemode", "endpoint_id", "event_id"),
    Index(
        "deliveries_due",
        "merchant_id",
        "livemode",
        "endpoint_id",
        "due_at",
        postgresql_where=text("due_at is not null"),
    ),
)

#: Webhook endpoints at which nothing has arrived since a moment at which something failed.
failing_endpoints = Table(
    "failing_endpoints",
    METADATA,
    Column("merchant_id", _KEY, nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("endpoint_id", _KEY, nullable=False),
    Column("since", _MOMENT, nullable=False),
    PrimaryKeyConstraint("merchant_id", "livemode", "endpoint_id"),
)
