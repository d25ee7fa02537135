"""Keys: merchants' rings of wrapped keys, root keys and the bank's orders; and what is sealed with them."""

from typing import Final

from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

_KEYS: Final = (
    """create table key_epoch (
    one boolean not null,
    epoch bigint not null,
    constraint key_epoch_pk primary key (one),
    constraint key_epoch_is_one check (one)
)""",
    "insert into key_epoch (one, epoch) values (true, 0)",
    """create table key_rings (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    id text collate "C" not null,
    version integer not null,
    custody text not null,
    opened_until timestamptz,
    created_at timestamptz not null,
    epoch bigint not null,
    left_cmks text[] not null,
    left_grants text[] not null,
    certified_at timestamptz,
    constraint key_rings_pk primary key (merchant_id, livemode)
)""",
    "create index key_rings_epoch on key_rings (epoch)",
    # What is emptied here shall not lie about as a row version: the next round of autovacuum takes it, however few.
    """create table key_versions (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    number integer not null,
    status text not null,
    cmk text collate "C" not null,
    derivation text not null,
    wrapped bytea not null,
    grant_name text,
    created_at timestamptz not null,
    retired_at timestamptz,
    constraint key_versions_pk primary key (merchant_id, livemode, number),
    constraint key_versions_retired_is_empty check (status <> 'retired' or length(wrapped) = 0)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0)""",
    "create index key_versions_cmk on key_versions (cmk, merchant_id, livemode) where status <> 'retired'",
    """create table root_keys (
    cmk text collate "C" not null,
    status text not null,
    custody_open boolean not null,
    authorised_at timestamptz,
    epoch bigint not null,
    constraint root_keys_pk primary key (cmk)
)""",
    "create index root_keys_epoch on root_keys (epoch)",
    # Free room in each page, for a row that changes again and again and no index with it.
    """create table key_uses (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    until timestamptz not null,
    constraint key_uses_pk primary key (merchant_id, livemode)
) with (fillfactor = 80)""",
    """create table key_orders (
    sequence bigint not null,
    document bytea not null,
    signature bytea not null,
    applied_at timestamptz not null,
    constraint key_orders_pk primary key (sequence)
)""",
    """create table key_leader (
    one boolean not null,
    name text not null,
    until timestamptz not null,
    constraint key_leader_pk primary key (one),
    constraint key_leader_is_one check (one)
)""",
)

_SEALED: Final = (
    """create table protected_values (
    merchant_id text collate "C" not null,
    livemode boolean not null,
    table_name text collate "C" not null,
    record_id text collate "C" not null,
    column_name text collate "C" not null,
    schema integer not null,
    number integer not null,
    message bytea not null,
    blind_index bytea,
    put_at timestamptz not null,
    quarantined_at timestamptz,
    constraint protected_values_pk primary key (merchant_id, livemode, table_name, record_id, column_name)
)""",
    # Nothing that is sealed can be made smaller: do not try.
    "alter table protected_values alter column message set storage external",
    """create index protected_values_blind_index
    on protected_values (merchant_id, livemode, table_name, column_name, blind_index, record_id)
    where blind_index is not null""",
    """create index protected_values_number
    on protected_values (merchant_id, livemode, number, table_name, record_id, column_name)
    where quarantined_at is null""",
)


def upgrade() -> None:
    """Create everything, in one transaction."""
    for statement in (*_KEYS, *_SEALED):
        op.execute(statement)
