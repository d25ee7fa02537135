"""Events on the wire: the log of what happened, with a snapshot of the thing that it happened to."""

import re
from typing import Annotated, Any, Final, assert_never

import orjson
from attrs import frozen

from fintech.application.webhooks.deliveries import ResendEvent
from fintech.domain.api_keys import ApiKey
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.events import Event, EventType
from fintech.domain.ids import EventId, WebhookEndpointId
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.remittances import Remittance
from fintech.domain.scope import Scope
from fintech.domain.settlement import Settlement
from fintech.domain.terminals import Location, Terminal
from fintech.domain.webhooks.endpoint import WebhookEndpoint
from fintech.domain.write_offs import WriteOff
from fintech.entrypoints.http.balance_settings import render_balance_settings
from fintech.entrypoints.http.bank_accounts import render_bank_account
from fintech.entrypoints.http.charge_rendering import render_charge
from fintech.entrypoints.http.dispute_rendering import render_dispute
from fintech.entrypoints.http.errors import Refused, invalid, missing
from fintech.entrypoints.http.kinds import Many, Reference, Text
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of, page_of
from fintech.entrypoints.http.locations import render_location
from fintech.entrypoints.http.merchants import render_merchant
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.payment_methods import render_stored
from fintech.entrypoints.http.payment_rendering import render_payment
from fintech.entrypoints.http.payout_rendering import render_payout
from fintech.entrypoints.http.refunds import render_refund
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route
from fintech.entrypoints.http.schema import (
    ANYTHING,
    FLAG,
    INTEGER,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    const,
    maybe,
    members,
    one_of,
)
from fintech.entrypoints.http.settings import API_VERSION
from fintech.entrypoints.http.terminals import render_reader
from fintech.entrypoints.http.webhook_refusals import webhook_problem_of
from fintech.entrypoints.http.webhook_rendering import render_endpoint
from fintech.ports.outbox import Outbox
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/events"
TYPES_MAX: Final = 20
_EVENTS: Final = Resource("events", "event")
_TYPE: Final = Text(60)
#: What happens to a payment's charge is told with the charge.
_OF_CHARGE: Final = frozenset({EventType.CHARGE_REFUNDED, EventType.CHARGE_UPDATED})

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("event"),
        "account": NULL,
        "api_version": const(API_VERSION),
        "created": UNIX_TIME,
        "data": members({"object": ANYTHING}),
        "livemode": FLAG,
        "pending_webhooks": INTEGER,
        "request": members({"id": maybe(TEXT), "idempotency_key": maybe(TEXT)}),
        "type": one_of(*EventType),
    }
)


@frozen(kw_only=True)
class EventListParams(ListParams):
    """Which events."""

    type: Annotated[str | None, _TYPE, "Only events of this type; ``*`` stands for anything."] = None
    types: Annotated[tuple[str, ...], Many(_TYPE, TYPES_MAX), "Only events of these types."] = ()
    starting_after: Annotated[EventId | None, Reference(EventId, "event"), OLDER] = None
    ending_before: Annotated[EventId | None, Reference(EventId, "event"), NEWER] = None

    def wanted(self) -> tuple[str, ...] | None:
        """The types that are asked for, or None for all. Raises `Refused` where both ways of asking are used."""
        if self.type is not None and self.types:
            message = "You may only specify one of these parameters: type, types."
            raise invalid("types", "parameters_exclusive", message)
        if self.type is not None:
            pattern = re.compile(".*".join(map(re.escape, self.type.split("*"))))
            return tuple(each.value for each in EventType if pattern.fullmatch(each.value))
        return tuple(set(self.types).intersection(EventType)) if self.types else None


@frozen(kw_only=True)
class RetryParams:
    """Where to send it."""

    webhook_endpoint: Annotated[
        WebhookEndpointId | None,
        Reference(WebhookEndpointId, "webhook_endpoint"),
        "Only to this endpoint, wanted or not; otherwise to all that want it.",
    ] = None


def render_event(event: Event, livemode: bool, pending: int = 0) -> dict[str, Any]:
    """An event, in the one version of the wire that there is; ``pending`` endpoints have not got it yet."""
    return {
        "id": event.id,
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "created": int(event.at.timestamp()),
        "data": {"object": render_snapshot(event, livemode)},
        "livemode": livemode,
        "pending_webhooks": pending,
        "request": {"id": event.actor.request, "idempotency_key": event.actor.key},
        "type": event.type.value,
    }


def event_body(event: Event, livemode: bool, pending: int) -> bytes:
    """An event as it is posted to webhook endpoints."""
    return orjson.dumps(render_event(event, livemode, pending))


def render_snapshot(event: Event, livemode: bool) -> dict[str, Any]:  # noqa: C901, PLR0912 - one arm for each
    """The thing that the event happened to, as it was after it."""
    thing = event.snapshot
    match thing:
        case Payment():
            if event.type in _OF_CHARGE and thing.attempts:
                return render_charge(thing, thing.attempts[-1], livemode)
            return render_payment(thing, livemode)
        case Refund():
            return render_refund(thing)
        case PaymentMethod():
            return render_stored(thing, livemode)
        case Merchant():
            return render_merchant(thing)
        case ApiKey():
            return _render_key(thing, livemode)
        case Settlement():
            return _render_settlement(thing, livemode)
        case Payout():
            return render_payout(thing, livemode)
        case BankAccount():
            return render_bank_account(thing)
        case BalanceSettings():
            return render_balance_settings(thing)
        case Remittance():
            return _render_remittance(thing, livemode)
        case Dispute():
            return render_dispute(thing, livemode)
        case WriteOff():
            return _render_write_off(thing, livemode)
        case Location():
            return render_location(thing, livemode)
        case Terminal():
            return render_reader(thing, livemode, event.at)
        case WebhookEndpoint():
            return render_endpoint(thing, livemode)
        case _:
            assert_never(thing)


def _render_key(key: ApiKey, livemode: bool) -> dict[str, Any]:
    return {
        "id": key.id,
        "object": "api_key",
        "created": int(key.created_at.timestamp()),
        "ends_at": int(key.ends_at.timestamp()) if key.ends_at else None,
        "hint": key.hint,
        "livemode": livemode,
        "name": key.name,
    }


def _render_settlement(settlement: Settlement, livemode: bool) -> dict[str, Any]:
    return {
        "id": settlement.id,
        "object": "settlement",
        "advance_repaid": settlement.advance_repaid_minor,
        "created": int(settlement.settled_at.timestamp()),
        "currency": settlement.currency.value.lower(),
        "earned": settlement.earned_minor,
        "gross": settlement.gross_minor,
        "livemode": livemode,
        "released": settlement.released_minor,
        "repaid": settlement.repaid_minor,
        "through": settlement.through.isoformat(),
    }


def _render_write_off(write_off: WriteOff, livemode: bool) -> dict[str, Any]:
    """A write-off as its merchant may see it: who decided on it, and why, is ours."""
    return {
        "id": write_off.id,
        "object": "write_off",
        "amount": write_off.amount_minor,
        "balance_transaction": write_off.movement,
        "created": int(write_off.created_at.timestamp()),
        "currency": write_off.currency.value.lower(),
        "livemode": livemode,
        "status": write_off.status.value,
    }


def _render_remittance(remittance: Remittance, livemode: bool) -> dict[str, Any]:
    """A page of what a payout pays for; its lines are listed by ``/v1/balance_transactions?payout=``."""
    return {
        "id": remittance.id,
        "object": "remittance",
        "amount": remittance.total_minor,
        "created": int(remittance.created_at.timestamp()),
        "lines": len(remittance.lines),
        "livemode": livemode,
        "payout": remittance.payout,
    }


@frozen(kw_only=True)
class Events:
    """The operations on events."""

    store: Store
    queries: Queries
    outbox: Outbox
    resend_event: ResendEvent

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post = _EVENTS.get, _EVENTS.post
        return (
            get("list", PATH, EventListParams, self.list, "List what happened, newest first.", lists=True),
            get("retrieve", PATH + "/{id}", Nothing, self.retrieve, "Retrieve an event."),
            post("retry", PATH + "/{id}/retry", RetryParams, self.retry, "Send an event to webhooks again."),
        )

    async def list(self, call: Call[EventListParams]) -> Answer:
        page, types = call.params.page(), call.params.wanted()
        if types == ():
            return Answer(page_of(PATH, (), has_more=False))
        listed = await self.queries.events(call.scope, page, types or ())
        pending = await self.outbox.pending(call.scope, [event.id for event in listed.items])
        livemode = call.scope.livemode
        return Answer(
            list_of(PATH, listed, lambda event: render_event(event, livemode, pending.get(event.id, 0)))
        )

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        id = EventId.parse(call.target)
        event = await self.store.event(call.scope, id) if id else None
        if event is None:
            raise missing("event", call.target, "id")
        return await self._told(call.scope, event)

    async def retry(self, call: Call[RetryParams]) -> Answer:
        """Asked for again before it was sent, it is sent once, so it needs no idempotency key."""
        id = EventId.parse(call.target)
        if id is None:
            raise missing("event", call.target, "id")
        outcome = await self.resend_event(call.scope, id, call.params.webhook_endpoint)
        if isinstance(outcome, Failure):
            raise Refused(webhook_problem_of(outcome.failure()))
        event, _ = outcome.unwrap()
        return await self._told(call.scope, event)

    async def _told(self, scope: Scope, event: Event) -> Answer:
        pending = await self.outbox.pending(scope, [event.id])
        return Answer(render_event(event, scope.livemode, pending.get(event.id, 0)))
