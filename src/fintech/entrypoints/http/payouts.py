"""Payouts on the wire."""

from typing import Annotated, Any, Final

from attrs import frozen

from fintech.application.commits import NotFound, Reply
from fintech.application.payouts.asking import PayoutRefusal
from fintech.application.payouts.creating import CreatePayout
from fintech.application.payouts.repeats import PayoutAnswered
from fintech.application.payouts.requests import CancelPayout, ReversePayout, UpdatePayout
from fintech.domain.ids import BankAccountId, PayoutId
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure
from fintech.domain.payments.refusals import CurrencyNotSupported
from fintech.domain.payouts.payout import Payout, PayoutMethod, PayoutStatus
from fintech.domain.scope import Scope
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.kinds import AMOUNT, METADATA_CHANGES, Choice, Pairs, Reference, Text, words
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.payment_params import CURRENCY, DESCRIPTION_LENGTH_MAX
from fintech.entrypoints.http.payout_refusals import payout_problem
from fintech.entrypoints.http.payout_rendering import STATUSES, render_payout
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/payouts"
#: What banks show of a descriptor, in characters.
DESCRIPTOR_LENGTH_MAX: Final = 22

_PAYOUTS: Final = Resource("payouts", "payout")
_ACCOUNT: Final = Reference(BankAccountId, "external account")
_STATUSES: Final = Choice(
    {
        wire: tuple(status for status in PayoutStatus if STATUSES[status] == wire)
        for wire in dict.fromkeys(STATUSES.values())
    }
)


@frozen(kw_only=True)
class CreateParams:
    """A new payout."""

    amount: Annotated[int, AMOUNT, "How much arrives, in minor units; an instant payout's fee comes on top."]
    currency: Annotated[Currency, CURRENCY, "The account's currency."]
    method: Annotated[
        PayoutMethod, words(*PayoutMethod), "With the bank's next window, or at once and for a fee."
    ] = PayoutMethod.STANDARD
    destination: Annotated[
        BankAccountId | None, _ACCOUNT, "The bank account; by default the default one."
    ] = None
    description: Annotated[
        str | None, Text(DESCRIPTION_LENGTH_MAX, kept=True), "A description of your own."
    ] = None
    statement_descriptor: Annotated[
        str | None, Text(DESCRIPTOR_LENGTH_MAX, kept=True), "What the bank shows on its statement."
    ] = None
    source_type: Annotated[str | None, words("card"), "Has no effect: there is one balance."] = None
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of a payout."""

    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class ReverseParams:
    """A payout that brings another one's money back."""

    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class PayoutListParams(ListParams):
    """Which payouts."""

    status: Annotated[tuple[PayoutStatus, ...] | None, _STATUSES, "Only payouts with this status."] = None
    destination: Annotated[BankAccountId | None, _ACCOUNT, "Only payouts to this bank account."] = None
    starting_after: Annotated[PayoutId | None, Reference(PayoutId, "payout"), OLDER] = None
    ending_before: Annotated[PayoutId | None, Reference(PayoutId, "payout"), NEWER] = None


@frozen(kw_only=True)
class Payouts:
    """The operations on payouts."""

    create_payout: CreatePayout
    update_payout: UpdatePayout
    cancel_payout: CancelPayout
    reverse_payout: ReversePayout
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _PAYOUTS.get, _PAYOUTS.post, PATH + "/{payout}"
        return (
            post("create", PATH, CreateParams, self.create, "Pay some of the balance out."),
            get("list", PATH, PayoutListParams, self.list, "List payouts, newest first.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a payout."),
            post("update", one, UpdateParams, self.update, "Change the metadata of a payout."),
            post("cancel", one + "/cancel", Nothing, self.cancel, "Cancel a payout that is pending."),
            post(
                "reverse", one + "/reverse", ReverseParams, self.reverse, "Have a paid payout brought back."
            ),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        params = call.params
        merchant = await self.store.merchant(call.scope)
        if merchant is not None and merchant.currency is not params.currency:
            raise Refused(payout_problem(CurrencyNotSupported(merchant.currency)))
        outcome = await self.create_payout(
            call.request,
            call.scope,
            amount_minor=params.amount,
            method=params.method,
            destination=params.destination,
            description=params.description,
            statement_descriptor=params.statement_descriptor,
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
        )
        if isinstance(outcome, Failure) and _no_destination(outcome.failure()):
            raise missing("external account", params.destination or "", "destination")
        return _answer(call, outcome)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        metadata = call.params.metadata
        return _answer(
            call, await self.update_payout(call.request, call.scope, _named(call), metadata=metadata)
        )

    async def cancel(self, call: Call[Nothing]) -> Answer:
        return _answer(call, await self.cancel_payout(call.request, call.scope, _named(call)))

    async def reverse(self, call: Call[ReverseParams]) -> Answer:
        metadata = tuple([pair for pair in call.params.metadata if pair[1]])
        return _answer(
            call, await self.reverse_payout(call.request, call.scope, _named(call), metadata=metadata)
        )

    async def list(self, call: Call[PayoutListParams]) -> Answer:
        params, scope = call.params, call.scope
        listed = await self.queries.payouts(scope, params.page(), params.status or (), params.destination)
        rendered = list_of(PATH, listed, lambda payout: render_payout(payout, scope.livemode))
        return Answer(rendered, {payout.id: payout for payout in listed.items})

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        seen: Seen = {}
        rendered = await self.load(call.scope, call.target, seen)
        if rendered is None:
            raise missing("payout", call.target, "payout")
        return Answer(rendered, seen)

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The payout with an id."""
        parsed = PayoutId.parse(id)
        payout = (seen.get(parsed) or await self.store.payout(scope, parsed)) if parsed else None
        if not isinstance(payout, Payout):
            return None
        seen[payout.id] = payout
        return render_payout(payout, scope.livemode)


def _named(call: Call[Any]) -> PayoutId:
    id = PayoutId.parse(call.target)
    if id is None:
        raise missing("payout", call.target, "payout")
    return id


def _no_destination(refused: PayoutRefusal) -> bool:
    return isinstance(refused, NotFound) and refused.kind == "bank_account"


def _answer(call: Call[Any], outcome: PayoutAnswered) -> Answer:
    if isinstance(outcome, Failure):
        raise Refused(payout_problem(outcome.failure()))
    reply: Reply[Payout] = outcome.unwrap()
    payout = reply.value
    rendered = render_payout(payout, call.scope.livemode)
    return Answer(rendered, {payout.id: payout}, replayed=reply.replayed)
