"""The tables. Every primary key and index begins with the scope, so the tables shard by merchant as they stand.

An aggregate is a row of what is looked for, guarded or counted, and the entry of the log that has its whole self.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, TIMESTAMP
from sqlalchemy.types import UserDefinedType

METADATA: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_N_name)s",
    }
)


class Xid8(UserDefinedType[int]):
    """A transaction's number, 64 bits, as Postgres counts them."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def _key() -> Text:
    return Text(collation="C")


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _aggregate(name: str, *columns: Column[object] | CheckConstraint | Index) -> Table:
    return Table(
        name,
        METADATA,
        Column("merchant_id", _key(), nullable=False),
        Column("livemode", Boolean, nullable=False),
        Column("id", _key(), nullable=False),
        Column("version", Integer, nullable=False),
        *columns,
        _moment("created_at"),
        #: The entry of the log whose document is what it is now.
        Column("event_id", _key(), nullable=False),
        PrimaryKeyConstraint("merchant_id", "livemode", "id"),
    )


merchants = _aggregate(
    "merchants",
    Column("standing", Text, nullable=False),
    Index("merchants_closed", "merchant_id", "livemode", postgresql_where=text("standing = 'closed'")),
)
api_keys = _aggregate(
    "api_keys",
    Column("digest", LargeBinary, nullable=False),
    Index("api_keys_digest", "digest", unique=True),
)
payment_methods = _aggregate("payment_methods")
settlements = _aggregate("settlements")
payments = _aggregate(
    "payments",
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("authorised_minor", BigInteger, nullable=False),
    Column("held_minor", BigInteger, nullable=False),
    Column("captured_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    _moment("due_at", nullable=True),
    CheckConstraint("amount_minor > 0", "amount_is_positive"),
    CheckConstraint("refunded_minor between 0 and captured_minor", "refunded_within_captured"),
    CheckConstraint("captured_minor + held_minor <= authorised_minor", "captured_within_authorised"),
    Index("payments_due_at", "due_at", postgresql_where=text("due_at is not null")),
)
refunds = _aggregate(
    "refunds",
    Column("payment_id", _key(), nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    _moment("due_at", nullable=True),
    CheckConstraint("amount_minor > 0", "amount_is_positive"),
    Index("refunds_payment_id", "merchant_id", "livemode", "payment_id", "id"),
    Index("refunds_due_at", "due_at", postgresql_where=text("due_at is not null")),
)
bank_accounts = _aggregate("bank_accounts", _moment("removed_at", nullable=True))
balance_settings = _aggregate(
    "balance_settings",
    _moment("due_at", nullable=True),
    Index("balance_settings_due_at", "due_at", postgresql_where=text("due_at is not null")),
)
payouts = _aggregate(
    "payouts",
    Column("status", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("destination", _key(), nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("in_transit_minor", BigInteger, nullable=False),
    _moment("due_at", nullable=True),
    CheckConstraint("amount_minor > 0", "amount_is_positive"),
    CheckConstraint("in_transit_minor in (0, amount_minor)", "is_in_transit_or_not"),
    Index("payouts_due_at", "due_at", postgresql_where=text("due_at is not null")),
)
remittances = _aggregate(
    "remittances",
    Column("payout_id", _key(), nullable=False),
    Index("remittances_payout_id", "merchant_id", "livemode", "payout_id", "id"),
)
disputes = _aggregate(
    "disputes",
    Column("payment_id", _key(), nullable=False),
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    _moment("due_at", nullable=True),
    CheckConstraint("amount_minor > 0", "amount_is_positive"),
    Index("disputes_payment_id", "merchant_id", "livemode", "payment_id", "id"),
    Index("disputes_due_at", "due_at", postgresql_where=text("due_at is not null")),
)
write_offs = _aggregate(
    "write_offs",
    Column("status", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    CheckConstraint("amount_minor > 0", "amount_is_positive"),
)
locations = _aggregate("locations", _moment("removed_at", nullable=True))
terminals = _aggregate(
    "terminals",
    Column("number", _key(), nullable=False),
    Column("location_id", _key(), nullable=False),
    Column("serial", _key(), nullable=False),
    Column("status", Text, nullable=False),
    _moment("signed_on_at", nullable=True),
    Index("terminals_number", "number", unique=True),
    Index("terminals_location_id", "merchant_id", "livemode", "location_id", "id"),
)
webhook_endpoints = _aggregate(
    "webhook_endpoints",
    Column("status", Text, nullable=False),
    #: The event types that it wants, set off by commas; ``*`` for all.
    Column("types", Text, nullable=False),
    Index(
        "webhook_endpoints_there",
        "merchant_id",
        "livemode",
        "id",
        postgresql_where=text("status <> 'removed'"),
    ),
)

claims = Table(
    "claims",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("key", _key(), nullable=False),
    Column("operation", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("resource", _key(), nullable=False),
    _moment("lease_until"),
    Column("answered_by", _key()),
    Column("refusal", Text),
    PrimaryKeyConstraint("merchant_id", "livemode", "key"),
)

events = Table(
    "events",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("id", _key(), nullable=False),
    Column("type", Text, nullable=False),
    Column("aggregate_id", _key(), nullable=False),
    Column("version", Integer, nullable=False),
    _moment("at"),
    Column("actor", JSON, nullable=False),
    Column("document", JSON, nullable=False),
    #: Which transaction wrote it: a list ends below the oldest one that is still open.
    Column("xact", Xid8(), nullable=False, server_default=text("pg_current_xact_id()")),
    PrimaryKeyConstraint("merchant_id", "livemode", "id"),
    Index("events_xact", "merchant_id", "livemode", "xact", "id"),
)

#: Transfers that belong together are one row: they are written together, read together and never changed. The view
#: `transfers` has a row for each leg. A leg is an object of `kind`, `debit`, `credit`, `amount` and, where they are
#: not a matter of course, `phase`, `debit_owner`, `credit_owner`, `resolves` and `expires_at`.
movements = Table(
    "movements",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("id", _key(), nullable=False),
    #: Whether it is a line of the merchant's statement.
    Column("line", Boolean, nullable=False),
    Column("currency", Text, nullable=False),
    Column("source", _key(), nullable=False),
    _moment("at"),
    Column("legs", JSON, nullable=False),
    #: What a line did to the balance; null where it is none, or was written by a release that did not say.
    Column("net_minor", BigInteger),
    #: With what statements ask of all lines, so that they need not look at the rows of those that they do not show.
    PrimaryKeyConstraint("merchant_id", "livemode", "id", postgresql_include=["line", "at", "net_minor"]),
)

#: A pending transfer that was posted or voided, and by which: the key sees to it that this happens once.
resolutions = Table(
    "resolutions",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("pending_id", _key(), nullable=False),
    Column("resolved_by", _key(), nullable=False),
    PrimaryKeyConstraint("merchant_id", "livemode", "pending_id"),
)

#: One row for each merchant with accounts: its lock is the lock of them all.
books = Table(
    "books",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    PrimaryKeyConstraint("merchant_id", "livemode"),
)

accounts = Table(
    "accounts",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("code", _key(), nullable=False),
    Column("currency", _key(), nullable=False),
    Column("debits_pending", BigInteger, nullable=False),
    Column("debits_posted", BigInteger, nullable=False),
    Column("credits_pending", BigInteger, nullable=False),
    Column("credits_posted", BigInteger, nullable=False),
    #: Not read with the merchant's books (`domain.ledger.aside`): there are more of them every day.
    Column(
        "aside",
        Boolean,
        Computed(  # in Postgres's own spelling of it
            "debits_pending = 0 and credits_pending = 0 and debits_posted = credits_posted"
            " and code ~~ '%/____-__-__'::text or code ~~ 'quota/%'::text",
            persisted=True,
        ),
        nullable=False,
    ),
    PrimaryKeyConstraint("merchant_id", "livemode", "code", "currency"),
    Index("accounts_open", "merchant_id", "livemode", postgresql_where=text("not aside")),
    CheckConstraint(
        "least(debits_pending, debits_posted, credits_pending, credits_posted) >= 0", "sums_never_negative"
    ),
)

#: What commits that lock nothing have added to a merchant's accounts and nobody has folded into them yet:
#: a list of [code, currency, debits pending, debits posted, credits pending, credits posted].
book_deltas = Table(
    "book_deltas",
    METADATA,
    Column("merchant_id", _key(), nullable=False),
    Column("livemode", Boolean, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("moves", JSON, nullable=False),
    PrimaryKeyConstraint("merchant_id", "livemode", "id"),
)
