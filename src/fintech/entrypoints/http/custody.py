"""Custody over HTTP, for the bank: its orders, signed by its officers, and how merchants' keys stand."""

import base64
import binascii
import hashlib
from typing import Annotated, Any, Final

from attrs import evolve, field, frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.keys.breaking_glass import BreakGlass
from fintech.application.keys.carrying_out import SIGNATURE_BYTES, Signed, unproven
from fintech.application.keys.orders import ApplyOrder
from fintech.application.keys.status import ListOrders
from fintech.domain.audit import AuditAction
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.documents import DOCUMENT_MAX
from fintech.domain.keys.orders import CMK_MAX
from fintech.domain.outcome import Failure
from fintech.domain.scope import Actor, Scope
from fintech.entrypoints.http import problems
from fintech.entrypoints.http.custody_refusals import custody_problem_of
from fintech.entrypoints.http.custody_rendering import (
    KEY,
    ORDER,
    ROOT_KEY,
    render_order,
    render_ring,
    render_root_key,
)
from fintech.entrypoints.http.errors import Refused, invalid, spoken
from fintech.entrypoints.http.forms import Value
from fintech.entrypoints.http.kinds import Integer, Reference, Text
from fintech.entrypoints.http.limits import RateLimit
from fintech.entrypoints.http.listing import page_of
from fintech.entrypoints.http.parameters import Kind, Nothing, text_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Role, Route
from fintech.ports.clock import Clock
from fintech.ports.key_table import KeyTable
from fintech.ports.queries import PAGE_MAX
from fintech.ports.signatures import SignatureChecker

PATH: Final = "/v1/custody"
#: Longest name of an officer's key, in characters.
NAME_MAX: Final = 100
#: How often one signed document may be handed in, at once and in the long run.
SIGNED_BURST: Final = 20
SIGNED_PER_S: Final = 0.1

_SIGNED: Final = Resource("custody_orders", ORDER, Role.SIGNER)
_ORDERS: Final = Resource("custody_orders", ORDER, Role.OFFICER)
_KEYS: Final = Resource("custody_keys", KEY, Role.OFFICER)
_ROOT_KEYS: Final = Resource("custody_root_keys", ROOT_KEY, Role.OFFICER)
_NUMBER: Final = Integer(0, 2**53 - 1)
_LIMIT: Final = Integer(1, PAGE_MAX)


@frozen
class SignatureText(Kind[bytes]):
    """An Ed25519 signature in base64."""

    def read(self, value: Value, path: str) -> bytes:
        try:
            signature = base64.b64decode(text_of(value, path), validate=True)
        except (ValueError, binascii.Error):
            signature = b""
        if len(signature) != SIGNATURE_BYTES:
            message = f"{spoken(path)} is {SIGNATURE_BYTES} bytes in base64."
            raise invalid(path, "parameter_invalid_value", message)
        return signature

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[A-Za-z0-9+/]{85}[AQgw]==$"}


@frozen
class ScopeText(Kind[Scope]):
    """A merchant's keys in one mode: ``acct_…/live``."""

    def read(self, value: Value, path: str) -> Scope:
        id, _, mode = text_of(value, path).partition("/")
        merchant = MerchantId.parse(id)
        if merchant is None or mode not in ("live", "test"):
            raise invalid(path, "parameter_invalid_value", f"{spoken(path)} is like acct_…/live.")
        return Scope(merchant, mode == "live")

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^acct_[0-9a-hjkmnp-tv-z]{24}/(live|test)$"}


_DOCUMENT: Final = Text(DOCUMENT_MAX)
_NAME: Final = Text(NAME_MAX, kept=True)


@frozen(kw_only=True)
class OrderParams:
    """An order. To shred takes two officers: the second's key and signature, too."""

    document: Annotated[
        str, _DOCUMENT, "What was signed, to the byte: JSON with sorted names, without spaces."
    ]
    key: Annotated[str, _NAME, "The name of the officer's key."]
    signature: Annotated[bytes, SignatureText(), "The Ed25519 signature of the document."]
    second_key: Annotated[str | None, _NAME, "The name of another officer's key: to shred."] = None
    second_signature: Annotated[
        bytes | None, SignatureText(), "His or her signature of the same document."
    ] = None


@frozen(kw_only=True)
class GlassParams:
    """A request to break glass."""

    document: Annotated[str, _DOCUMENT, "What both signed, to the byte."]
    key: Annotated[str, _NAME, "The name of one officer's key."]
    signature: Annotated[bytes, SignatureText(), "His or her Ed25519 signature of the document."]
    second_key: Annotated[str, _NAME, "The name of another officer's key."]
    second_signature: Annotated[bytes, SignatureText(), "His or her signature of the same document."]


@frozen(kw_only=True)
class OrderListParams:
    """Which orders."""

    limit: Annotated[int, _LIMIT, "How many objects a page has."] = 10
    starting_after: Annotated[int, _NUMBER, "The number of the last order of the page before."] = 0


@frozen(kw_only=True)
class KeyListParams:
    """Which merchants' keys."""

    limit: Annotated[int, _LIMIT, "How many objects a page has."] = 10
    merchant: Annotated[MerchantId | None, Reference(MerchantId, "account"), "Only this merchant's."] = None
    root_key: Annotated[str | None, Text(CMK_MAX), "Only those that hang from this root key."] = None
    starting_after: Annotated[Scope | None, ScopeText(), "The last object of the page before."] = None


@frozen(kw_only=True)
class Custody:
    """The operations of the bank's officers."""

    apply_order: ApplyOrder
    break_glass: BreakGlass
    list_orders: ListOrders
    table: KeyTable
    clock: Clock
    audited: Audited
    checker: SignatureChecker
    rates: RateLimit = field(factory=lambda: RateLimit(SIGNED_PER_S, SIGNED_BURST))

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        orders, keys = f"{PATH}/orders", f"{PATH}/keys"
        glass = "Open a merchant's keys for hours at most, which takes two officers."
        return (
            _SIGNED.post(
                "create", orders, OrderParams, self.order, "Carry out an order that an officer signed."
            ),
            _ORDERS.get(
                "list",
                orders,
                OrderListParams,
                self.orders,
                "List what the bank said, by number.",
                lists=True,
            ),
            _SIGNED.post("break_glass", f"{PATH}/break_glass", GlassParams, self.glass, glass),
            _KEYS.get(
                "list", keys, KeyListParams, self.keys, "List merchants' keys and their custody.", lists=True
            ),
            _ROOT_KEYS.get(
                "list", f"{PATH}/root_keys", Nothing, self.root_keys, "List the bank's root keys.", lists=True
            ),
        )

    async def order(self, call: Call[OrderParams]) -> Answer:
        params = call.params
        signed: tuple[Signed, ...] = (Signed(key=params.key, signature=params.signature),)
        if (params.second_key is None) is not (params.second_signature is None):
            half = "second_key" if params.second_key is None else "second_signature"
            raise invalid(half, "parameter_missing", f"Missing required param: {half}.")
        if params.second_key is not None and params.second_signature is not None:
            signed += (Signed(key=params.second_key, signature=params.second_signature),)
        document = params.document.encode()
        self._within_its_rate(document, signed)
        outcome = await self.apply_order(_actor(call, params.key), document, signed, call.origin)
        if isinstance(outcome, Failure):
            raise Refused(custody_problem_of(outcome.failure()))
        reply = outcome.unwrap()
        body = render_order(self.list_orders.read(reply.value.kept), reply.value.shredded)
        return Answer(body, replayed=reply.replayed)

    async def glass(self, call: Call[GlassParams]) -> Answer:
        params = call.params
        signed = (
            Signed(key=params.key, signature=params.signature),
            Signed(key=params.second_key, signature=params.second_signature),
        )
        document = params.document.encode()
        self._within_its_rate(document, signed)
        outcome = await self.break_glass(_actor(call, params.key), document, signed, call.origin)
        if isinstance(outcome, Failure):
            raise Refused(custody_problem_of(outcome.failure()))
        reply = outcome.unwrap()
        return Answer(render_order(self.list_orders.read(reply.value.kept)), replayed=reply.replayed)

    async def orders(self, call: Call[OrderListParams]) -> Answer:
        limit = call.params.limit
        await self._looked(call, "orders")
        listed = await self.list_orders(call.params.starting_after, limit + 1)
        rendered = map(render_order, listed[:limit])
        return Answer(page_of(f"{PATH}/orders", rendered, has_more=len(listed) > limit))

    async def keys(self, call: Call[KeyListParams]) -> Answer:
        params, now = call.params, self.clock.now()
        await self._looked(call, "keys", params.merchant)
        if params.merchant is not None:
            scopes = (Scope(params.merchant, livemode) for livemode in (False, True))
            found = [await self.table.ring(scope) for scope in scopes]
            rings, has_more = [ring for ring in found if ring is not None], False
        else:
            cmk = None if params.root_key is None else CmkName(params.root_key)
            listed = await self.table.rings(cmk, params.starting_after, params.limit + 1)
            rings, has_more = list(listed[: params.limit]), len(listed) > params.limit
        rendered = [render_ring(ring, usable=ring.usable(now)) for ring in rings]
        return Answer(page_of(f"{PATH}/keys", rendered, has_more=has_more))

    async def root_keys(self, call: Call[Nothing]) -> Answer:
        await self._looked(call, "root keys")
        rendered = map(render_root_key, await self.table.root_keys())
        return Answer(page_of(f"{PATH}/root_keys", rendered, has_more=False))

    def _within_its_rate(self, document: bytes, signed: tuple[Signed, ...]) -> None:
        """What officers signed may be handed in so often, by whoever has got hold of it: each time makes an entry in the audit
        trail. What they did not sign takes nothing from it."""
        if unproven(self.checker, document, signed) is None:
            wait_s = self.rates.take(hashlib.sha256(document).hexdigest())
            if wait_s:
                raise Refused(problems.rate_limited(wait_s))

    async def _looked(self, call: Call[Any], at: str, merchant: MerchantId | None = None) -> None:
        """It is written down who looks; he sees it also where it cannot be, for in a breach he has to."""
        await self.audited.looked(
            Deed(
                actor=call.request.actor,
                action=AuditAction.CUSTODY_READ,
                subject=merchant or at,
                origin=call.origin,
                details={"at": at},
                anyway=True,
            )
        )


def _actor(call: Call[Any], key: str) -> Actor:
    """Whoever says that he has this key; the signature tells whether it is so."""
    return evolve(call.request.actor, name=key)
