"""Payments on the wire: payment intents."""

from typing import Any, Final

from attrs import evolve, frozen

from fintech.application.payments.asking import Refusal
from fintech.application.payments.repeats import Answered
from fintech.application.payments.requests import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    CreatePayment,
    IncrementAuthorisation,
    UpdatePayment,
)
from fintech.domain.ids import PaymentId
from fintech.domain.outcome import Failure
from fintech.domain.payments.payment import CaptureMethod, Payment, PaymentStatus
from fintech.domain.payments.refusals import AuthorisationExpired, MethodMissing, WrongStatus
from fintech.domain.scope import Scope
from fintech.entrypoints.http.declines import Failure as Declined
from fintech.entrypoints.http.declines import failure_of, failure_of_increment
from fintech.entrypoints.http.errors import ErrorType, Problem, Refused, invalid, missing
from fintech.entrypoints.http.listing import list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.payment_methods import PaymentMethods
from fintech.entrypoints.http.payment_params import (
    CancelParams,
    CaptureParams,
    ConfirmParams,
    CreateParams,
    IncrementParams,
    PaymentListParams,
    UpdateParams,
)
from fintech.entrypoints.http.payment_rendering import render_payment
from fintech.entrypoints.http.refusals import problem_of
from fintech.entrypoints.http.routes import REPLAYED, Answer, Call, Resource, Route, Seen
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/payment_intents"
_INTENTS: Final = Resource("payment_intents", "payment_intent")
#: Refusals that the payment itself explains, so that it comes along.
_EXPLAINED: Final = (WrongStatus, MethodMissing, AuthorisationExpired)


@frozen(kw_only=True)
class Payments:
    """The operations on payments."""

    create_payment: CreatePayment
    update_payment: UpdatePayment
    confirm_payment: ConfirmPayment
    capture_payment: CapturePayment
    cancel_payment: CancelPayment
    increment_authorisation: IncrementAuthorisation
    methods: PaymentMethods
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _INTENTS.get, _INTENTS.post, PATH + "/{intent}"
        return (
            post("create", PATH, CreateParams, self.create, "Create a payment and, if told so, confirm it."),
            get("list", PATH, PaymentListParams, self.list, "List payments, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a payment."),
            post("update", one, UpdateParams, self.update, "Change what may still be changed of a payment."),
            post("confirm", f"{one}/confirm", ConfirmParams, self.confirm, "Ask for the money of a payment."),
            post("capture", f"{one}/capture", CaptureParams, self.capture, "Take what is authorised."),
            post("cancel", f"{one}/cancel", CancelParams, self.cancel, "Give a payment up."),
            post(
                "increment_authorization",
                f"{one}/increment_authorization",
                IncrementParams,
                self.increment,
                "Authorise a higher amount.",
            ),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params = call.params
        params.one_method()
        method = await self.methods.chosen(
            call.request, call.scope, params.payment_method, params.payment_method_data
        )
        outcome = await self.create_payment(
            call.request,
            call.scope,
            amount_minor=params.amount,
            currency=params.currency,
            capture_method=params.capture_method or CaptureMethod.AUTOMATIC,
            method=method,
            description=params.description or None,
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
            confirm=params.confirm,
        )
        return await self._asked(call, outcome)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        id, params = _target(call), call.params
        params.one_method()
        if params.currency is not None or params.payment_method_data is not None:
            payment = await self._existing(call.scope, id)
            if params.currency not in (None, payment.currency):
                raise invalid(
                    "currency", "parameter_invalid_value", "The currency of a payment cannot change."
                )
        method = await self.methods.chosen(
            call.request, call.scope, params.payment_method, params.payment_method_data
        )
        outcome = await self.update_payment(
            call.request,
            call.scope,
            id,
            amount_minor=params.amount,
            method=method,
            capture_method=params.capture_method,
            description=params.description,
            metadata=params.metadata,
        )
        return await self._answer(call, outcome)

    async def confirm(self, call: Call[ConfirmParams]) -> Answer:
        id, params = _target(call), call.params
        params.one_method()
        if params.capture_method is not None or params.payment_method_data is not None:
            payment = await self._existing(call.scope, id)
            if params.capture_method not in (None, payment.capture_method):
                message = "Update the payment before you confirm it: its capture_method is another one."
                raise invalid("capture_method", "parameter_invalid_value", message)
        method = await self.methods.chosen(
            call.request, call.scope, params.payment_method, params.payment_method_data
        )
        return await self._asked(call, await self.confirm_payment(call.request, call.scope, id, method))

    async def capture(self, call: Call[CaptureParams]) -> Answer:
        outcome = await self.capture_payment(
            call.request,
            call.scope,
            _target(call),
            amount_minor=call.params.amount_to_capture,
            final=call.params.final_capture,
        )
        return await self._answer(call, outcome, amount="amount_to_capture")

    async def cancel(self, call: Call[CancelParams]) -> Answer:
        outcome = await self.cancel_payment(
            call.request, call.scope, _target(call), call.params.cancellation_reason
        )
        return await self._answer(call, outcome)

    async def increment(self, call: Call[IncrementParams]) -> Answer:
        outcome = await self.increment_authorisation(
            call.request, call.scope, _target(call), call.params.amount
        )
        answer = await self._answer(call, outcome)
        payment = _payment_in(answer)
        declined = failure_of_increment(payment.attempts[-1].increments[-1])
        if declined is not None:
            raise Refused(_declined(declined, payment, answer))
        return answer

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        payment = await self._existing(call.scope, _target(call))
        return Answer(render_payment(payment, call.scope.livemode), {payment.id: payment})

    async def list(self, call: Call[PaymentListParams]) -> Answer:
        listed = await self.queries.payments(call.scope, call.params.page())
        livemode = call.scope.livemode
        body = list_of(PATH, listed, lambda payment: render_payment(payment, livemode))
        return Answer(body, {payment.id: payment for payment in listed.items})

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The payment with an id."""
        parsed = PaymentId.parse(id)
        payment = (seen.get(parsed) or await self.store.payment(scope, parsed)) if parsed else None
        if not isinstance(payment, Payment):
            return None
        seen[payment.id] = payment
        return render_payment(payment, scope.livemode)

    async def _existing(self, scope: Scope, id: PaymentId) -> Payment:
        payment = await self.store.payment(scope, id)
        if payment is None:
            raise missing("payment_intent", id, "intent")
        return payment

    async def _answer(self, call: Call[Any], outcome: Answered, *, amount: str = "amount") -> Answer:
        """The payment. Raises `Refused` with what the core refuses."""
        if isinstance(outcome, Failure):
            raise Refused(await self._problem(call, outcome.failure(), amount))
        reply = outcome.unwrap()
        payment = reply.value
        body = render_payment(payment, call.scope.livemode)
        return Answer(body, {payment.id: payment}, replayed=reply.replayed)

    async def _asked(self, call: Call[Any], outcome: Answered) -> Answer:
        """The payment after its issuer was asked. Raises `Refused` with the issuer's no, too."""
        answer = await self._answer(call, outcome)
        payment = _payment_in(answer)
        if payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD and payment.attempts:
            declined = failure_of(payment.attempts[-1])
            if declined is not None:
                raise Refused(_declined(declined, payment, answer))
        return answer

    async def _problem(self, call: Call[Any], refused: Refusal, amount: str) -> Problem:
        problem = problem_of(refused, param=amount)
        id = PaymentId.parse(call.target)
        payment = await self.store.payment(call.scope, id) if id and isinstance(refused, _EXPLAINED) else None
        if payment is None:
            return problem
        return evolve(problem, details={"payment_intent": render_payment(payment, call.scope.livemode)})


def _target(call: Call[Any]) -> PaymentId:
    id = PaymentId.parse(call.target)
    if id is None:
        raise missing("payment_intent", call.target, "intent")
    return id


def _payment_in(answer: Answer) -> Payment:
    payment = answer.seen[answer.body["id"]]
    assert isinstance(payment, Payment)
    return payment


def _declined(failure: Declined, payment: Payment, answer: Answer) -> Problem:
    return Problem(
        status=402,
        type=ErrorType.CARD,
        code=failure.code,
        message=failure.message,
        details=failure.details() | {"charge": payment.attempts[-1].id, "payment_intent": answer.body},
        headers=REPLAYED if answer.replayed else {},
    )
