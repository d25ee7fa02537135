"""Payment methods on the wire: cards, made from what was typed in or named as test cards are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from fintech.application.commits import Request, RequestKey
from fintech.application.payment_methods import (
    CreatePaymentMethod,
    FindMethod,
    LookUpMethods,
    ReadBilling,
    SoughtMethod,
)
from fintech.domain.billing import NO_BILLING, BillingDetails
from fintech.domain.cards import Card
from fintech.domain.ids import PaymentMethodId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payment_methods import Method, PaymentMethod
from fintech.domain.payments.presentation import Presentation, payment_of_presented
from fintech.domain.scope import Scope
from fintech.entrypoints.http.card_facts import BILLING, CHECKS, NO_CHECKS, render_billing
from fintech.entrypoints.http.card_present import METHOD, render_presented_card
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.listing import page_of
from fintech.entrypoints.http.method_params import CreateParams, FindParams, MethodListParams
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.protection import PROTECTION, WITHHELD, protection_of
from fintech.entrypoints.http.refusals import problem_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    maybe,
    members,
    one_of,
)
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/payment_methods"
_METHODS: Final = Resource("payment_methods", "payment_method")

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("payment_method"),
        "allow_redisplay": TEXT,
        "billing_details": BILLING,
        "card": members(
            {
                "brand": TEXT,
                "checks": CHECKS,
                "country": TEXT,
                "display_brand": TEXT,
                "exp_month": INTEGER,
                "exp_year": INTEGER,
                "fingerprint": maybe(TEXT),
                "funding": TEXT,
                "generated_from": NULL,
                "last4": TEXT,
                "networks": members({"available": array(TEXT), "preferred": NULL}),
                "regulated_status": NULL,
                "three_d_secure_usage": members({"supported": FLAG}),
                "wallet": NULL,
            }
        ),
        "card_present": METHOD,
        "created": UNIX_TIME,
        "customer": NULL,
        "livemode": FLAG,
        "metadata": METADATA,
        "protection": PROTECTION,
        "type": one_of("card", "card_present"),
    },
    optional=("card", "card_present", "protection"),
)


def render_method(
    id: str,
    card: Card,
    *,
    livemode: bool,
    created_at: datetime | None = None,
    metadata: Metadata = (),
    presented: Presentation | None = None,
    billing: BillingDetails = NO_BILLING,
) -> dict[str, Any]:
    """A payment method, ``presented`` at a terminal or not. A test card that is known by its name was never created:
    its time is 0."""
    kind = "card_present" if presented else "card"
    return {
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": render_billing(billing),
        kind: render_presented_card(presented, card) if presented else _card(card),
        "created": int(created_at.timestamp()) if created_at else 0,
        "customer": None,
        "livemode": livemode,
        "metadata": dict(metadata),
        "type": kind,
    }


def _card(card: Card) -> dict[str, Any]:
    return {
        "brand": card.scheme.value,
        "checks": NO_CHECKS,
        "country": card.country,
        "display_brand": card.scheme.value,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding.value,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.scheme.value], "preferred": None},
        "regulated_status": None,
        "three_d_secure_usage": {"supported": False},
        "wallet": None,
    }


def render_stored(
    method: PaymentMethod,
    livemode: bool,
    billing: Outcome[BillingDetails, CustodyRefused] | None = None,
) -> dict[str, Any]:
    """A payment method that was created, and whose card it is: as far as that is known here, and may be told."""
    told = billing.unwrap() if isinstance(billing, Success) else NO_BILLING
    body = render_method(
        method.id,
        method.card,
        livemode=livemode,
        created_at=method.created_at,
        metadata=method.metadata,
        billing=told,
    )
    if isinstance(billing, Failure):
        body["protection"] = protection_of(billing.failure())
    elif billing is None and method.billing_places():
        body["protection"] = WITHHELD
    return body


@frozen(kw_only=True)
class PaymentMethods:
    """The operations on payment methods."""

    create_method: CreatePaymentMethod
    find_method: FindMethod
    read_billing: ReadBilling
    look_up_methods: LookUpMethods
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post = _METHODS.get, _METHODS.post
        return (
            post("create", PATH, CreateParams, self.create, "Keep what may be kept of a card."),
            get("list", PATH, MethodListParams, self.list, "List payment methods, newest first.", lists=True),
            post("find", PATH + "/find", FindParams, self.find, "Find cards by whose they are.", lists=True),
            get("retrieve", PATH + "/{payment_method}", Nothing, self.retrieve, "Retrieve a payment method."),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params = call.params
        outcome = await self.create_method(
            call.request, call.scope, params.card.details(), params.metadata, params.billing()
        )
        if isinstance(outcome, Failure):
            raise Refused(problem_of(outcome.failure()))
        reply = outcome.unwrap()
        (rendered,) = await self._rendered(call.scope, (reply.value,))
        return Answer(rendered, replayed=reply.replayed)

    async def list(self, call: Call[MethodListParams]) -> Answer:
        listed = await self.queries.payment_methods(call.scope, call.params.page())
        rendered = await self._rendered(call.scope, listed.items)
        return Answer(page_of(PATH, rendered, has_more=listed.has_more))

    async def find(self, call: Call[FindParams]) -> Answer:
        """By POST, although nothing is changed: an e-mail address has no place in a URL, which others write down."""
        found = await self.look_up_methods(call.scope, SoughtMethod(email=call.params.email))
        if isinstance(found, Failure):
            raise Refused(problem_of(found.failure()))
        rendered = await self._rendered(call.scope, found.unwrap())
        return Answer(page_of(PATH + "/find", rendered, has_more=False))

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        rendered = await self.load(call.scope, call.target, {})
        if rendered is None:
            raise missing("PaymentMethod", call.target, "payment_method")
        return Answer(rendered)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The payment method with an id or a test card's name."""
        del seen
        parsed = PaymentMethodId.parse(id)
        if parsed is None:
            named = await self.find_method(scope, id)
            return render_method(named.id, named.card, livemode=scope.livemode) if named else None
        stored = await self.store.payment_method(scope, parsed)
        if stored is None:
            return await self._presented(scope, parsed)
        return (await self._rendered(scope, (stored,)))[0]

    async def _rendered(self, scope: Scope, methods: Sequence[PaymentMethod]) -> Sequence[dict[str, Any]]:
        billings = await self.read_billing(scope, methods)
        return [render_stored(method, scope.livemode, billings[method.id]) for method in methods]

    async def _presented(self, scope: Scope, id: PaymentMethodId) -> dict[str, Any] | None:
        """A card that was presented at a terminal: it is kept with the payment that it is called after."""
        payment = await self.store.payment(scope, payment_of_presented(id))
        if payment is None or not payment.attempts or payment.attempts[0].method.id != id:
            return None
        return render_method(
            id,
            payment.attempts[0].method.card,
            livemode=scope.livemode,
            created_at=payment.created_at,
            presented=payment.presented,
        )

    async def chosen(
        self, request: Request, scope: Scope, name: str | None, data: "CreateParams | None"
    ) -> Method | None:
        """What a request wants to pay with: a method by its name, or one made of what is typed in, or nothing.

        What is typed in again under the same idempotency key, in the same request, is the same method.
        """
        if name is not None:
            found = await self.find_method(scope, name)
            if found is None:
                raise missing("PaymentMethod", name, "payment_method")
            return found
        if data is None:
            return None
        outcome = await self.create_method(
            _made_within(request), scope, data.card.details(), data.metadata, data.billing()
        )
        if isinstance(outcome, Failure):
            raise Refused(problem_of(outcome.failure()))
        made = outcome.unwrap().value
        return Method(made.id, made.card)


def _made_within(request: Request) -> Request:
    """A request for a method within another request: its key is the digest of the other's, which nobody can guess."""
    key = request.key
    if key is None:
        return request
    within = RequestKey(
        key=f"{key.fingerprint.hex()}.payment_method_data",
        operation="payment_methods.create",
        fingerprint=key.fingerprint,
    )
    return Request(actor=request.actor, key=within)
