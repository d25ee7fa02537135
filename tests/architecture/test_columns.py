"""What the tables may hold: no column has a place for a card's number, its security code, a track or a PIN, and where
sealed values are kept every column is known by name."""

import re
from typing import Final

import pytest
from sqlalchemy import Column, Table

from fintech.adapters.postgres import audit_tables, custody_tables, outbox_tables
from fintech.adapters.postgres.tables import METADATA

for told_by_its_import in (audit_tables, custody_tables, outbox_tables):
    assert told_by_its_import.METADATA is METADATA

#: What may never be stored (PCI DSS 3.3.1), and what may only be stored sealed, as columns like to be called.
NEVER: Final = re.compile(
    r"(^|_)(pan|card_?number|cvv\d?|cvc\d?|cid|csc|security_code|track\d?|track_data|magstripe|pin|pin_block|"
    r"emv|arqc|e?mail|phone|name|owner|account_number|bsb|secret|private_key|plaintext)($|_)"
)
#: Columns that the pattern finds and that hold something else.
OTHERWISE: Final = {
    ("audit_streams", "name"): "a process's own name",
    ("key_leader", "name"): "a process's own name",
    ("key_versions", "grant_name"): "a permission at the root",
    ("protected_values", "table_name"): "where a value belongs",
    ("protected_values", "column_name"): "where a value belongs",
}
#: Every column of what is sealed and of keys, with what it holds. Another one is thought about first.
KNOWN: Final = {
    "key_epoch": {"one": "true", "epoch": "a count"},
    "key_rings": {
        "merchant_id": "an id",
        "livemode": "the mode",
        "id": "an id",
        "version": "a count",
        "custody": "a status",
        "opened_until": "a moment",
        "created_at": "a moment",
        "epoch": "a count",
        "left_cmks": "root keys' names",
        "left_grants": "names of permissions",
        "certified_at": "a moment",
    },
    "key_versions": {
        "merchant_id": "an id",
        "livemode": "the mode",
        "number": "a count",
        "status": "a status",
        "cmk": "a root key's name",
        "derivation": "a kind",
        "wrapped": "wrapped by the root",
        "grant_name": "a permission's name",
        "created_at": "a moment",
        "retired_at": "a moment",
    },
    "key_uses": {"merchant_id": "an id", "livemode": "the mode", "until": "a moment"},
    "root_keys": {
        "cmk": "a root key's name",
        "status": "a status",
        "custody_open": "what the bank says",
        "authorised_at": "a moment",
        "epoch": "a count",
    },
    "key_orders": {
        "sequence": "a count",
        "document": "what the bank signed",
        "signature": "a signature",
        "applied_at": "a moment",
    },
    "key_leader": {"one": "true", "name": "a process's name", "until": "a moment"},
    "protected_values": {
        "merchant_id": "an id",
        "livemode": "the mode",
        "table_name": "where it belongs",
        "record_id": "an id",
        "column_name": "where it belongs",
        "schema": "a count",
        "number": "a count",
        "message": "sealed",
        "blind_index": "a keyed digest",
        "put_at": "a moment",
        "quarantined_at": "a moment",
    },
}

COLUMNS: Final = [column for table in METADATA.sorted_tables for column in table.columns]


def test_no_column_has_a_place_for_what_is_never_stored() -> None:
    found = {(column.table.name, column.name) for column in COLUMNS if NEVER.search(column.name)}
    assert found == OTHERWISE.keys()


@pytest.mark.parametrize("name", ["cvv", "card_cvc2", "track2", "pin_block", "pan", "owner_name", "email"])
def test_such_a_column_would_be_found(name: str) -> None:
    assert NEVER.search(name)


@pytest.mark.parametrize("table", KNOWN)
def test_every_column_beside_what_is_sealed_is_known(table: str) -> None:
    assert {column.name for column in COLUMNS if column.table.name == table} == KNOWN[table].keys()


def test_every_table_of_keys_and_of_what_is_sealed_is_known() -> None:
    assert {each.name for each in vars(custody_tables).values() if isinstance(each, Table)} == KNOWN.keys()


def test_what_is_sealed_is_bytes_and_nothing_else_is_long() -> None:
    """A message is bytes that a root or a merchant's key made; text is ids, names and statuses."""
    sealed: list[Column[object]] = [
        column for column in COLUMNS if column.table.name in KNOWN and column.type.python_type is bytes
    ]
    assert {(column.table.name, column.name) for column in sealed} == {
        ("key_versions", "wrapped"),
        ("key_orders", "document"),
        ("key_orders", "signature"),
        ("protected_values", "message"),
        ("protected_values", "blind_index"),
    }
