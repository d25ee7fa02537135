"""Cash flow: payouts and what they pay for, disputes, write-offs, terminals, webhooks."""

from typing import Final

from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"
branch_labels: Final = None
depends_on: Final = None

_AGGREGATE: Final = """
    merchant_id text collate "C" not null,
    livemode boolean not null,
    id text collate "C" not null,
    version integer not null,
"""

_PAYOUTS: Final = (
    f"""create table bank_accounts ({_AGGREGATE}
    removed_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint bank_accounts_pk primary key (merchant_id, livemode, id)
)""",
    f"""create table balance_settings ({_AGGREGATE}
    due_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint balance_settings_pk primary key (merchant_id, livemode, id)
)""",
    "create index balance_settings_due_at on balance_settings (due_at) where due_at is not null",
    f"""create table payouts ({_AGGREGATE}
    status text not null,
    method text not null,
    destination text collate "C" not null,
    currency text not null,
    amount_minor bigint not null,
    in_transit_minor bigint not null,
    due_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint payouts_pk primary key (merchant_id, livemode, id),
    constraint payouts_amount_is_positive check (amount_minor > 0),
    constraint payouts_is_in_transit_or_not check (in_transit_minor in (0, amount_minor))
)""",
    "create index payouts_due_at on payouts (due_at) where due_at is not null",
    f"""create table remittances ({_AGGREGATE}
    payout_id text collate "C" not null,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint remittances_pk primary key (merchant_id, livemode, id)
)""",
    "create index remittances_payout_id on remittances (merchant_id, livemode, payout_id, id)",
)

_DISPUTES: Final = (
    f"""create table disputes ({_AGGREGATE}
    payment_id text collate "C" not null,
    status text not null,
    currency text not null,
    amount_minor bigint not null,
    due_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint disputes_pk primary key (merchant_id, livemode, id),
    constraint disputes_amount_is_positive check (amount_minor > 0)
)""",
    "create index disputes_payment_id on disputes (merchant_id, livemode, payment_id, id)",
    "create index disputes_due_at on disputes (due_at) where due_at is not null",
    f"""create table write_offs ({_AGGREGATE}
    status text not null,
    currency text not null,
    amount_minor bigint not null,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint write_offs_pk primary key (merchant_id, livemode, id),
    constraint write_offs_amount_is_positive check (amount_minor > 0)
)""",
)

_TERMINALS: Final = (
    f"""create table locations ({_AGGREGATE}
    removed_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint locations_pk primary key (merchant_id, livemode, id)
)""",
    f"""create table terminals ({_AGGREGATE}
    number text collate "C" not null,
    location_id text collate "C" not null,
    serial text collate "C" not null,
    status text not null,
    signed_on_at timestamptz,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint terminals_pk primary key (merchant_id, livemode, id)
)""",
    "create unique index terminals_number on terminals (number)",
    "create index terminals_location_id on terminals (merchant_id, livemode, location_id, id)",
)

_WEBHOOKS: Final = (
    f"""create table webhook_endpoints ({_AGGREGATE}
    status text not null,
    types text not null,
    created_at timestamptz not null,
    event_id text collate "C" not null,
    constraint webhook_endpoints_pk primary key (merchant_id, livemode, id)
)""",
    "create index webhook_endpoints_there on webhook_endpoints (merchant_id, livemode, id) where status <> 'removed'",
    # A row is updated twice in its life, and the index of what is due has to be rid of it soon.
    """create table deliveries (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    endpoint_id text collate "C" not null,
    event_id text collate "C" not null,
    status text not null,
    tries integer not null,
    step integer not null,
    due_at timestamptz,
    leased_until timestamptz,
    log json,
    constraint deliveries_pk primary key (merchant_id, livemode, endpoint_id, event_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 20000)""",
    """create index deliveries_due on deliveries (merchant_id, livemode, endpoint_id, due_at)
    where due_at is not null""",
    """create table failing_endpoints (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    endpoint_id text collate "C" not null,
    since timestamptz not null,
    constraint failing_endpoints_pk primary key (merchant_id, livemode, endpoint_id)
)""",
)

#: What is not read with a merchant's books (`domain.ledger.aside`). The flag changes twice in an account's life, so that
#: an index over it costs updates of balances nothing.
_ASIDE: Final = (
    """alter table accounts add column aside boolean not null generated always as (
    debits_pending = 0 and credits_pending = 0 and debits_posted = credits_posted and code like '%/____-__-__'
    or code like 'quota/%'
) stored""",
    "create index accounts_open on accounts (merchant_id, livemode) where not aside",
)

#: A process of the release before writes lines without their net; they are added up from their legs.
_LINES: Final = (
    "alter table movements add column net_minor bigint",
    """update movements m set net_minor = (
        select sum(case when coalesce(leg ->> 'phase', 'post') in ('post', 'post_pending')
               then (leg ->> 'amount')::bigint * (
                   (split_part(leg ->> 'credit', '/', 1) in ('unsettled', 'available', 'reserved', 'advance', 'receivable'))::int
                   - (split_part(leg ->> 'debit', '/', 1) in ('unsettled', 'available', 'reserved', 'advance', 'receivable'))::int)
               else 0 end)
          from json_array_elements(m.legs) leg)
     where line""",
    "alter table movements drop constraint movements_pk",
    """alter table movements add constraint movements_pk
        primary key (merchant_id, livemode, id) include (line, at, net_minor)""",
)


def upgrade() -> None:
    """Create everything, in one transaction."""
    for statement in (*_LINES, *_PAYOUTS, *_DISPUTES, *_TERMINALS, *_WEBHOOKS, *_ASIDE):
        op.execute(statement)
