"""The audit trail: streams, their records and checkpoints, which are added to and never changed."""

from typing import Final

from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None

_TABLES: Final = (
    """create table audit_streams (
    name text collate "C" not null,
    started_at timestamptz not null,
    cmk text not null,
    sealed_key bytea not null,
    permission text,
    constraint audit_streams_pk primary key (name)
)""",
    """create table audit_records (
    stream text collate "C" not null,
    sequence integer not null,
    document json not null,
    mac bytea not null,
    at text collate "C" not null generated always as (document ->> 'at') stored,
    actor text collate "C" not null generated always as (document ->> 'actor') stored,
    action text collate "C" not null generated always as (document ->> 'action') stored,
    merchant text collate "C" generated always as (document ->> 'merchant') stored,
    constraint audit_records_pk primary key (stream, sequence),
    constraint audit_records_of_a_stream foreign key (stream) references audit_streams (name),
    constraint audit_records_sequence_counts_from_0 check (sequence >= 0)
)""",
    "create index audit_records_at on audit_records (at)",
    "create index audit_records_merchant on audit_records (merchant, at) where merchant is not null",
    """create table audit_checkpoints (
    stream text collate "C" not null,
    count integer not null,
    head bytea not null,
    at timestamptz not null,
    key text not null,
    signature bytea not null,
    constraint audit_checkpoints_pk primary key (stream, count, signature)
)""",
)

#: Whoever owns the tables can take a trigger away, so let another role than the application's own them; the chain shows
#: what was done all the same.
_APPEND_ONLY: Final = (
    """create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: the audit trail is added to and never changed', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end $$""",
    *(
        f"create trigger {table}_append_only before update or delete or truncate on {table}"
        " for each statement execute function audit_is_append_only()"
        for table in ("audit_streams", "audit_records", "audit_checkpoints")
    ),
)


def upgrade() -> None:
    """Create everything, in one transaction."""
    for statement in (*_TABLES, *_APPEND_ONLY):
        op.execute(statement)
