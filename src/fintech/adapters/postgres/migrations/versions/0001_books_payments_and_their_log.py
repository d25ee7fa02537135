"""The first tables: merchants, payments and refunds, the books, idempotency keys, the log.

Rows that are updated again and again leave room on their page (``fillfactor``), so that the new version fits beside the
old one and no index has to be touched.
"""

from typing import Final

from alembic import op

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

_AGGREGATE: Final = """
    merchant_id text collate "C" not null,
    livemode boolean not null,
    id text collate "C" not null,
    version integer not null,
"""

_AGGREGATES: Final = (
    f"""create table merchants ({_AGGREGATE}
    standing text not null,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint merchants_pk primary key (merchant_id, livemode, id)
)""",
    "create index merchants_closed on merchants (merchant_id, livemode) where standing = 'closed'",
    f"""create table api_keys ({_AGGREGATE}
    digest bytea not null,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint api_keys_pk primary key (merchant_id, livemode, id)
)""",
    "create unique index api_keys_digest on api_keys (digest)",
    f"""create table payment_methods ({_AGGREGATE}
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint payment_methods_pk primary key (merchant_id, livemode, id)
)""",
    f"""create table settlements ({_AGGREGATE}
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint settlements_pk primary key (merchant_id, livemode, id)
)""",
    f"""create table payments ({_AGGREGATE}
    status text not null,
    currency text not null,
    amount_minor bigint not null,
    authorised_minor bigint not null,
    held_minor bigint not null,
    captured_minor bigint not null,
    refunded_minor bigint not null,
    due_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint payments_pk primary key (merchant_id, livemode, id),
    constraint payments_amount_is_positive check (amount_minor > 0),
    constraint payments_refunded_within_captured check (refunded_minor between 0 and captured_minor),
    constraint payments_captured_within_authorised check (captured_minor + held_minor <= authorised_minor)
) with (fillfactor = 80)""",
    "create index payments_due_at on payments (due_at) where due_at is not null",
    f"""create table refunds ({_AGGREGATE}
    payment_id text collate "C" not null,
    status text not null,
    currency text not null,
    amount_minor bigint not null,
    due_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint refunds_pk primary key (merchant_id, livemode, id),
    constraint refunds_amount_is_positive check (amount_minor > 0)
) with (fillfactor = 80)""",
    "create index refunds_payment_id on refunds (merchant_id, livemode, payment_id, id)",
    "create index refunds_due_at on refunds (due_at) where due_at is not null",
)

_COMMITS: Final = (
    """create table claims (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    key text collate "C" not null,
    operation text not null,
    fingerprint bytea not null,
    resource text collate "C" not null,
    lease_until timestamptz not null,
    answered_by text collate "C",
    refusal text,
    constraint claims_pk primary key (merchant_id, livemode, key)
) with (fillfactor = 80)""",
    """create table events (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    id text collate "C" not null,
    type text not null,
    aggregate_id text collate "C" not null,
    version integer not null,
    at timestamptz not null,
    actor json not null,
    document json not null,
    xact xid8 not null default pg_current_xact_id(),
    constraint events_pk primary key (merchant_id, livemode, id)
)""",
    "create index events_xact on events (merchant_id, livemode, xact, id)",
)

_BOOKS: Final = (
    """create table movements (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    id text collate "C" not null,
    line boolean not null,
    currency text not null,
    source text collate "C" not null,
    at timestamptz not null,
    legs json not null,
    constraint movements_pk primary key (merchant_id, livemode, id)
)""",
    """create table resolutions (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    pending_id text collate "C" not null,
    resolved_by text collate "C" not null,
    constraint resolutions_pk primary key (merchant_id, livemode, pending_id)
)""",
    """create view transfers as
select m.merchant_id, m.livemode, 'tr_' || substr(m.id, 5) || lpad((l.place - 1)::text, 2, '0') as id,
       l.leg ->> 'kind' as kind, coalesce(l.leg ->> 'phase', 'post') as phase,
       l.leg ->> 'debit_owner' as debit_owner, l.leg ->> 'debit' as debit_code,
       l.leg ->> 'credit_owner' as credit_owner, l.leg ->> 'credit' as credit_code,
       m.currency, (l.leg ->> 'amount')::bigint as amount_minor, m.source, m.at,
       l.leg ->> 'resolves' as resolves, (l.leg ->> 'expires_at')::timestamptz as expires_at
  from movements m, json_array_elements(m.legs) with ordinality as l (leg, place)""",
    """create table books (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    constraint books_pk primary key (merchant_id, livemode)
)""",
    """create table accounts (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    code text collate "C" not null,
    currency text collate "C" not null,
    debits_pending bigint not null,
    debits_posted bigint not null,
    credits_pending bigint not null,
    credits_posted bigint not null,
    constraint accounts_pk primary key (merchant_id, livemode, code, currency),
    constraint accounts_sums_never_negative
        check (least(debits_pending, debits_posted, credits_pending, credits_posted) >= 0)
) with (fillfactor = 80)""",
    # A queue more than a table: vacuumed by how much was taken out of it, however large it is.
    """create table book_deltas (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    id bigint generated always as identity,
    moves json not null,
    constraint book_deltas_pk primary key (merchant_id, livemode, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)""",
)


def upgrade() -> None:
    """Create everything, in one transaction."""
    for statement in (*_AGGREGATES, *_COMMITS, *_BOOKS):
        op.execute(statement)
