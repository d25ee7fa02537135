"""Rows of the key table, and what they are of."""

from collections.abc import Sequence
from typing import Any

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import (
    CmkName,
    Custody,
    Derivation,
    KeyRing,
    KeyRingId,
    KeyStatus,
    KeyVersion,
    LeftGrant,
)
from fintech.domain.scope import Scope
from fintech.ports.key_table import Census, KeyCount


def scope_of(row: Any) -> Scope:
    """Whose it is."""
    return Scope(MerchantId(row["merchant_id"]), row["livemode"])


def ring_columns(ring: KeyRing, epoch: int) -> tuple[object, ...]:
    """A ring without its versions."""
    scope = ring.scope
    custody = (ring.custody, ring.opened_until, ring.created_at)
    left = ([each.cmk for each in ring.left], [each.grant for each in ring.left])
    return scope.merchant, scope.livemode, ring.id, ring.version, *custody, epoch, *left, ring.certified_at


def version_columns(ring: KeyRing) -> list[list[object]]:
    """Its versions, column by column."""
    rows = [
        (
            key.number,
            key.status,
            key.cmk,
            key.derivation,
            key.wrapped,
            key.grant,
            key.created_at,
            key.retired_at,
        )
        for key in ring.keys
    ]
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(8)]


def ring_of(rows: Sequence[Any]) -> KeyRing:
    """The ring of its versions' rows."""
    first = rows[0]
    return KeyRing(
        id=KeyRingId(first["id"]),
        version=first["version"],
        scope=scope_of(first),
        custody=Custody(first["custody"]),
        keys=tuple(_version(row) for row in rows if row["number"] is not None),
        created_at=first["created_at"],
        opened_until=first["opened_until"],
        certified_at=first["certified_at"],
        left=tuple(
            LeftGrant(CmkName(cmk), grant)
            for cmk, grant in zip(first["left_cmks"], first["left_grants"], strict=True)
        ),
    )


def _version(row: Any) -> KeyVersion:
    return KeyVersion(
        number=row["number"],
        status=KeyStatus(row["status"]),
        cmk=CmkName(row["cmk"]),
        derivation=Derivation(row["derivation"]),
        wrapped=row["wrapped"],
        grant=row["grant_name"],
        created_at=row["version_created_at"],
        retired_at=row["retired_at"],
    )


def census_of(rows: Sequence[Any]) -> Census:
    """The census, of rows of both kinds."""
    kept = [row for row in rows if row["cmk"] is None]
    return Census(
        rings=dict.fromkeys(Custody, 0) | {Custody(row["custody"]): row["rings"] for row in kept},
        opened=sum(row["opened"] for row in kept),
        uncertified=sum(row["uncertified"] for row in kept),
        hanging={
            CmkName(row["cmk"]): KeyCount(
                rings=row["rings"],
                active=row["active"],
                decrypt_only=row["decrypt_only"],
                oldest=row["oldest"],
                due=row["due"],
                left=row["left_grants"],
            )
            for row in rows
            if row["cmk"] is not None
        },
    )
