"""Migrated tables are the tables of the code, however many processes migrate."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from fintech.adapters.postgres import schema
from fintech.adapters.postgres.audit_tables import audit_records
from fintech.adapters.postgres.custody_tables import key_rings
from fintech.adapters.postgres.outbox_tables import deliveries
from fintech.adapters.postgres.tables import METADATA, Xid8
from fintech.ports.errors import StoreUnavailable

for told_by_its_import in (audit_records, deliveries, key_rings):
    assert told_by_its_import.metadata is METADATA

#: Tables whose rows change again and again, and no index with them.
ROOMY = ("accounts", "claims", "key_uses", "payments", "refunds")
#: Everything that Postgres knows of our tables, but for how they are stored.
CATALOGUE = {
    "columns": """select c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity, l.collname, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        left join pg_collation l on l.oid = a.attcollation
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace""",
    "constraints": """select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace""",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'",
}


async def asked(url: str, statement: str) -> list[Any]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        return list(await connection.execute(text(statement)))


async def catalogue(url: str) -> dict[str, list[str]]:
    return {
        name: sorted(
            str(tuple(row)) for row in await asked(url, select) if schema.VERSION_TABLE not in str(row)
        )
        for name, select in CATALOGUE.items()
    }


async def test_upgrading_an_empty_database_and_again(empty_url: str) -> None:
    assert await schema.current(empty_url) is None
    head = await schema.upgrade(empty_url)
    assert head == await schema.current(empty_url)
    assert await schema.upgrade(empty_url) == head
    await schema.require_head(empty_url)


async def test_many_upgrade_at_once(empty_url: str) -> None:
    heads = await asyncio.gather(*(schema.upgrade(empty_url) for _ in range(5)))
    assert len(set(heads)) == 1
    await schema.require_head(empty_url)


async def test_the_migrated_tables_are_those_of_the_code(
    sqlalchemy_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ischema_names, "xid8", Xid8)

    def differences(connection: Connection) -> list[Any]:
        options = {
            "compare_type": True,
            "compare_server_default": True,
            "version_table": schema.VERSION_TABLE,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))

    engine = create_async_engine(sqlalchemy_url, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_migrated_tables_are_those_of_the_code_to_the_last_check(
    sqlalchemy_url: str, empty_url: str
) -> None:
    engine = create_async_engine(empty_url, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    assert await catalogue(sqlalchemy_url) == await catalogue(empty_url)


async def test_rows_that_change_have_room_and_the_queue_is_swept(sqlalchemy_url: str) -> None:
    rows = await asked(
        sqlalchemy_url,
        "select relname, reloptions from pg_class where relkind = 'r' and reloptions is not null"
        " and relnamespace = 'public'::regnamespace",
    )
    options = {name: set(values) for name, values in rows}
    queue = {"autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=20000"}
    assert options.pop("book_deltas") == queue
    outbox = {"autovacuum_vacuum_scale_factor=0.02", "autovacuum_vacuum_threshold=20000", "fillfactor=80"}
    assert options.pop("deliveries") == outbox
    emptied = {"autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=0"}
    assert options.pop("key_versions") == emptied
    assert options == {name: {"fillfactor=80"} for name in ROOMY}


def test_the_files_of_the_steps_are_named_by_their_revisions() -> None:
    steps = ScriptDirectory(str(Path(schema.__file__).parent / "migrations"))
    assert steps.get_heads() == [schema.HEAD]
    known = [step.revision for step in steps.walk_revisions()]
    assert [Path(steps.get_revision(each).path).name.partition("_")[0] for each in known] == known


async def test_who_finds_the_tables_up_to_date_needs_no_alembic(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = await schema.upgrade(empty_url)
    monkeypatch.setitem(sys.modules, "alembic", None)
    assert await schema.upgrade(empty_url) == head
    await schema.require_head(empty_url)


async def test_tables_that_are_behind_are_refused(empty_url: str) -> None:
    with pytest.raises(schema.SchemaBehind, match="nothing, this release needs 0004"):
        await schema.require_head(empty_url)


async def test_tables_of_a_later_release_are_fine(sqlalchemy_url: str, postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute(f"update {schema.VERSION_TABLE} set version_num = '9999'")
    await connection.close()
    assert await schema.current(sqlalchemy_url) == "9999"
    await schema.require_head(sqlalchemy_url)


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable):
        await schema.upgrade("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
