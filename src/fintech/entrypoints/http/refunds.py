"""Refunds on the wire."""

from typing import Annotated, Any, Final

from attrs import frozen

from fintech.application.commits import Reply
from fintech.application.refunds.asking import RefundRefusal
from fintech.application.refunds.requests import CreateRefund, UpdateRefund
from fintech.domain.ids import ChargeId, PaymentId, RefundId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.refusals import AmountTooLarge, AmountTooSmall
from fintech.domain.refunds.refund import REASONS_TO_CHOOSE, Refund, RefundReason, RefundStatus
from fintech.domain.scope import Scope
from fintech.entrypoints.http.charges import attempt_of
from fintech.entrypoints.http.errors import Problem, Refused, missing
from fintech.entrypoints.http.kinds import AMOUNT, METADATA_CHANGES, Pairs, Reference, words
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.refusals import problem_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.entrypoints.http.schema import (
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    const,
    expandable,
    maybe,
    members,
    one_of,
)
from fintech.ports.queries import Page, Queries
from fintech.ports.store import Store

PATH: Final = "/v1/refunds"
#: How many refunds come along with an expanded charge.
WITH_CHARGE_MAX: Final = 10

_REFUNDS: Final = Resource("refunds", "refund")
_PAYMENT: Final = Reference(PaymentId, "payment_intent")
_CHARGE: Final = Reference(ChargeId, "charge")
_STATUSES: Final = {
    RefundStatus.SENT: "pending",
    RefundStatus.UNKNOWN: "pending",
    RefundStatus.SUCCEEDED: "succeeded",
    RefundStatus.FAILED: "failed",
}
_NULLS: Final = ("customer", "description", "instructions_email", "next_action", "receipt_number")
_CONNECT: Final = ("source_transfer_reversal", "transfer_reversal")

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("refund"),
        "amount": INTEGER,
        "balance_transaction": maybe(expandable("balance_transaction")),
        "charge": expandable("charge"),
        "created": UNIX_TIME,
        "currency": TEXT,
        "destination_details": members(
            {
                "card": members(
                    {
                        "reference": maybe(TEXT),
                        "reference_status": one_of("available", "pending"),
                        "reference_type": const("acquirer_reference_number"),
                        "type": const("refund"),
                    }
                ),
                "type": const("card"),
            }
        ),
        "failure_balance_transaction": maybe(expandable("balance_transaction")),
        "failure_reason": maybe(TEXT),
        "metadata": METADATA,
        "payment_intent": expandable("payment_intent"),
        "pending_reason": maybe(const("processing")),
        "reason": maybe(one_of(*RefundReason)),
        "status": one_of("failed", "pending", "succeeded"),
    }
    | dict.fromkeys(_NULLS + _CONNECT, NULL)
)


@frozen(kw_only=True)
class CreateParams:
    """A new refund: of a payment, or of the charge that was captured of it."""

    payment_intent: Annotated[PaymentId | None, _PAYMENT, "The payment to be given back."] = None
    charge: Annotated[ChargeId | None, _CHARGE, "The charge to be given back."] = None
    amount: Annotated[int | None, AMOUNT, "How much, in minor units; by default what is left."] = None
    reason: Annotated[RefundReason | None, words(*REASONS_TO_CHOOSE), "Why it is given back."] = None
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of a refund."""

    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class RefundListParams(ListParams):
    """Which refunds."""

    payment_intent: Annotated[PaymentId | None, _PAYMENT, "Only the refunds of this payment."] = None
    charge: Annotated[ChargeId | None, _CHARGE, "Only the refunds of this charge."] = None
    starting_after: Annotated[RefundId | None, Reference(RefundId, "refund"), OLDER] = None
    ending_before: Annotated[RefundId | None, Reference(RefundId, "refund"), NEWER] = None


def render_refund(refund: Refund) -> dict[str, Any]:
    """A refund. It is pending while nobody knows what became of it."""
    status = _STATUSES[refund.status]
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount_minor,
        "balance_transaction": refund.movement,
        "charge": refund.charge,
        "created": int(refund.created_at.timestamp()),
        "currency": refund.currency.value.lower(),
        "customer": None,
        "description": None,
        "destination_details": {
            "card": {
                "reference": refund.reference,
                "reference_status": "available" if refund.reference else "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "failure_balance_transaction": refund.failure_movement,
        "failure_reason": refund.failure.value if refund.failure else None,
        "instructions_email": None,
        "metadata": dict(refund.metadata),
        "next_action": None,
        "payment_intent": refund.payment,
        "pending_reason": "processing" if status == "pending" else None,
        "reason": refund.reason.value if refund.reason else None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }


@frozen(kw_only=True)
class Refunds:
    """The operations on refunds."""

    create_refund: CreateRefund
    update_refund: UpdateRefund
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _REFUNDS.get, _REFUNDS.post, PATH + "/{refund}"
        return (
            post("create", PATH, CreateParams, self.create, "Give some or all of a captured payment back."),
            get("list", PATH, RefundListParams, self.list, "List refunds, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a refund."),
            post("update", one, UpdateParams, self.update, "Change the metadata of a refund."),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params = call.params
        payment = await self._payment(call.scope, params.payment_intent, params.charge)
        if payment is None:
            raise Refused(_one_of_two("parameter_missing", "You must provide one of these parameters"))
        outcome = await self.create_refund(
            call.request,
            call.scope,
            payment,
            amount_minor=params.amount,
            reason=params.reason,
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
        )
        if isinstance(outcome, Failure):
            refused = outcome.failure()
            raise Refused(_ALL_GONE if _nothing_left(refused, params.amount) else problem_of(refused))
        return _answer(outcome)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        id = RefundId.parse(call.target)
        if id is None:
            raise missing("refund", call.target, "refund")
        metadata = call.params.metadata
        outcome = await self.update_refund(call.request, call.scope, id, metadata=metadata)
        if isinstance(outcome, Failure):
            raise Refused(problem_of(outcome.failure()))
        return _answer(outcome)

    async def list(self, call: Call[RefundListParams]) -> Answer:
        params = call.params
        payment = await self._payment(call.scope, params.payment_intent, params.charge)
        if payment is not None and await self.store.payment(call.scope, payment) is None:
            raise missing("payment_intent", payment, "payment_intent")
        listed = await self.queries.refunds(call.scope, params.page(), payment)
        return Answer(list_of(PATH, listed, render_refund), {refund.id: refund for refund in listed.items})

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        seen: Seen = {}
        rendered = await self.load(call.scope, call.target, seen)
        if rendered is None:
            raise missing("refund", call.target, "refund")
        return Answer(rendered, seen)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The refund with an id."""
        parsed = RefundId.parse(id)
        refund = (seen.get(parsed) or await self.store.refund(scope, parsed)) if parsed else None
        if not isinstance(refund, Refund):
            return None
        seen[refund.id] = refund
        return render_refund(refund)

    async def of_charge(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The latest refunds of a charge, as a list. Only one charge of a payment can have any."""
        del seen
        charge = ChargeId(id)
        listed = await self.queries.refunds(scope, Page(limit=WITH_CHARGE_MAX), charge.payment_id)
        body = list_of(f"{PATH}?charge={charge}", listed, render_refund)
        body["data"] = [each for each in body["data"] if each["charge"] == charge]
        return body

    async def _payment(
        self, scope: Scope, payment: PaymentId | None, charge: ChargeId | None
    ) -> PaymentId | None:
        """The payment that is meant, by its own id or by its charge's."""
        if charge is None:
            return payment
        if payment is not None:
            raise Refused(_one_of_two("parameters_exclusive", "You may only specify one of these parameters"))
        charged = await self.store.payment(scope, charge.payment_id)
        attempt = attempt_of(charged, charge) if charged else None
        if charged is None or attempt is None:
            raise missing("charge", charge, "charge")
        if charged.attempts[-1] is not attempt:
            raise Refused(
                Problem(
                    code="charge_not_refundable", message="This charge was never captured.", param="charge"
                )
            )
        return charged.id


def _answer(granted: Success[Reply[Refund]]) -> Answer:
    reply = granted.unwrap()
    refund = reply.value
    return Answer(render_refund(refund), {refund.id: refund}, replayed=reply.replayed)


def _nothing_left(refused: RefundRefusal, amount: int | None) -> bool:
    """Whether everything was given back before: nothing is left for any amount, and the rest is nothing."""
    if isinstance(refused, AmountTooSmall):
        return amount is None
    return isinstance(refused, AmountTooLarge) and refused.most_minor == 0


def _one_of_two(code: str, message: str) -> Problem:
    return Problem(code=code, message=f"{message}: charge, payment_intent.", param="payment_intent")


_ALL_GONE: Final = Problem(
    code="charge_already_refunded", message="This charge has been refunded in full already."
)
