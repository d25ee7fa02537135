"""Charges on the wire: what a payment's attempts are called there."""

from typing import Annotated, Any, Final

from attrs import frozen

from fintech.domain.ids import ChargeId, PaymentId
from fintech.domain.payments.attempt import Attempt
from fintech.domain.payments.payment import Payment
from fintech.domain.scope import Scope
from fintech.entrypoints.http.charge_rendering import render_charge
from fintech.entrypoints.http.errors import missing
from fintech.entrypoints.http.kinds import Reference
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.ports.queries import Queries
from fintech.ports.store import Store

_CHARGES: Final = Resource("charges", "charge")
PATH: Final = "/v1/charges"


@frozen(kw_only=True)
class ChargeListParams(ListParams):
    """Which charges."""

    payment_intent: Annotated[
        PaymentId | None, Reference(PaymentId, "payment_intent"), "Only the charges of this payment."
    ] = None
    starting_after: Annotated[ChargeId | None, Reference(ChargeId, "charge"), OLDER] = None
    ending_before: Annotated[ChargeId | None, Reference(ChargeId, "charge"), NEWER] = None


@frozen(kw_only=True)
class Charges:
    """The operations on charges."""

    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get = _CHARGES.get
        return (
            get(
                "list",
                PATH,
                ChargeListParams,
                self.list,
                "List attempts to be paid, newest first.",
                lists=True,
            ),
            get("retrieve", PATH + "/{charge}", Nothing, self.retrieve, "Retrieve an attempt to be paid."),
        )

    async def list(self, call: Call[ChargeListParams]) -> Answer:
        scope, payment = call.scope, call.params.payment_intent
        if payment is not None and await self.store.payment(scope, payment) is None:
            raise missing("payment_intent", payment, "payment_intent")
        listed = await self.queries.charges(scope, call.params.page(), payment)
        seen: Seen = {each.id: each for each, _ in listed.items}

        def render(charge: tuple[Payment, ChargeId]) -> dict[str, Any]:
            attempt = attempt_of(*charge)
            assert attempt is not None
            return render_charge(charge[0], attempt, scope.livemode)

        return Answer(list_of(PATH, listed, render), seen)

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        seen: Seen = {}
        rendered = await self.load(call.scope, call.target, seen)
        if rendered is None:
            raise missing("charge", call.target, "charge")
        return Answer(rendered, seen)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The charge with an id."""
        parsed = ChargeId.parse(id)
        if parsed is None:
            return None
        payment = seen.get(parsed.payment_id) or await self.store.payment(scope, parsed.payment_id)
        if not isinstance(payment, Payment):
            return None
        seen[payment.id] = payment
        attempt = attempt_of(payment, parsed)
        return render_charge(payment, attempt, scope.livemode) if attempt else None


def attempt_of(payment: Payment, id: ChargeId) -> Attempt | None:
    """The attempt that a charge's id names."""
    return next((attempt for attempt in payment.attempts if attempt.id == id), None)
