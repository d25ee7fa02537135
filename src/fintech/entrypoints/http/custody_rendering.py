"""Custody on the wire: orders, rings of keys, root keys."""

import base64
from typing import Any, Final

from fintech.application.keys.shredding import Shredded
from fintech.application.keys.status import KeptWord
from fintech.domain.keys.breaking_glass import ACTION
from fintech.domain.keys.custody import CmkStatus, Custody, Derivation, KeyRing, KeyStatus, KeyVersion
from fintech.domain.keys.orders import Order, OrderAction
from fintech.domain.scope import Scope
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    maybe,
    members,
    one_of,
)
from fintech.ports.key_table import RootKey

ORDER: Final = "custody_order"
KEY: Final = "custody_key"
ROOT_KEY: Final = "custody_root_key"

ORDER_SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const(ORDER),
        "action": maybe(one_of(*OrderAction, ACTION)),
        "applied": UNIX_TIME,
        "destruction": maybe(
            members(
                {
                    "certificate": maybe(TEXT),
                    "finished": FLAG,
                    "notary": maybe(TEXT),
                    "signature": maybe(TEXT),
                    "values_removed": INTEGER,
                }
            )
        ),
        "document": TEXT,
        "environment": maybe(TEXT),
        "issued": maybe(UNIX_TIME),
        "livemode": maybe(FLAG),
        "merchant": maybe(TEXT),
        "reason": maybe(TEXT),
        "root_key": maybe(TEXT),
        "sequence": INTEGER,
        "signatures": array(TEXT),
        "signed_by": array(TEXT),
        "until": maybe(UNIX_TIME),
    }
)
KEY_SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const(KEY),
        "created": UNIX_TIME,
        "custody": one_of(*Custody),
        "livemode": FLAG,
        "merchant": TEXT,
        "opened_until": maybe(UNIX_TIME),
        "ring": TEXT,
        "usable": FLAG,
        "versions": array(
            members(
                {
                    "created": UNIX_TIME,
                    "derivation": one_of(*Derivation),
                    "number": INTEGER,
                    "retired": maybe(UNIX_TIME),
                    "root_key": TEXT,
                    "status": one_of(*KeyStatus),
                }
            )
        ),
    }
)
ROOT_KEY_SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const(ROOT_KEY),
        "authorised": maybe(UNIX_TIME),
        "custody": one_of(Custody.ACTIVE, Custody.SUSPENDED),
        "status": one_of(*CmkStatus),
    }
)

_MODES: Final = {True: "live", False: "test"}


def scope_id(scope: Scope) -> str:
    """What a merchant's keys in one mode are called: ``acct_…/live``."""
    return f"{scope.merchant}/{_MODES[scope.livemode]}"


def render_order(kept: KeptWord, shredded: Shredded | None = None) -> dict[str, Any]:
    """What the bank said. Of what this release cannot read, the document is all there is."""
    word = kept.word
    order = word if isinstance(word, Order) else None
    subject = None if word is None else word.subject if isinstance(word, Order) else word.scope
    scope = subject if isinstance(subject, Scope) else None
    return {
        "id": f"order_{kept.kept.sequence}",
        "object": ORDER,
        "action": order.action.value if order else ACTION if word else None,
        "applied": int(kept.kept.applied_at.timestamp()),
        "destruction": None if shredded is None else _render_destruction(shredded),
        "document": kept.kept.document.decode("ascii", "replace"),
        "environment": word.environment if word else None,
        "issued": int(order.issued_at.timestamp()) if order else None,
        "livemode": scope.livemode if scope else None,
        "merchant": scope.merchant if scope else None,
        "reason": word.reason if word else None,
        "root_key": None if scope else subject,
        "sequence": kept.kept.sequence,
        "signatures": [base64.b64encode(each).decode() for each in kept.signatures],
        "signed_by": list(kept.signed_by),
        "until": int(word.until.timestamp()) if word and not isinstance(word, Order) else None,
    }


def render_ring(ring: KeyRing, *, usable: bool) -> dict[str, Any]:
    """A merchant's keys in one mode; nothing of what they are."""
    opened = ring.opened_until
    return {
        "id": scope_id(ring.scope),
        "object": KEY,
        "created": int(ring.created_at.timestamp()),
        "custody": ring.custody.value,
        "livemode": ring.scope.livemode,
        "merchant": ring.scope.merchant,
        "opened_until": None if opened is None else int(opened.timestamp()),
        "ring": ring.id,
        "usable": usable,
        "versions": [_render_version(key) for key in ring.keys],
    }


def render_root_key(root_key: RootKey) -> dict[str, Any]:
    """A root key of the bank as we know it."""
    authorised = root_key.authorised_at
    return {
        "id": root_key.cmk,
        "object": ROOT_KEY,
        "authorised": None if authorised is None else int(authorised.timestamp()),
        "custody": (Custody.ACTIVE if root_key.custody_open else Custody.SUSPENDED).value,
        "status": root_key.status.value,
    }


def _render_version(key: KeyVersion) -> dict[str, Any]:
    return {
        "created": int(key.created_at.timestamp()),
        "derivation": key.derivation.value,
        "number": key.number,
        "retired": None if key.retired_at is None else int(key.retired_at.timestamp()),
        "root_key": key.cmk,
        "status": key.status.value,
    }


def _render_destruction(shredded: Shredded) -> dict[str, Any]:
    signed = shredded.certificate
    return {
        "certificate": signed and signed.document.decode(),
        "finished": shredded.finished,
        "notary": signed and signed.key,
        "signature": signed and base64.b64encode(signed.signature).decode(),
        "values_removed": shredded.removed,
    }
