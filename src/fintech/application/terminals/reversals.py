"""Reversals: a terminal gives a transaction up, and neither knows nor cares what has become of it."""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import evolve, frozen

from fintech.application.commits import (
    OUTCOME_TRIES_MAX,
    Commits,
    Decision,
    NotFound,
    Request,
    RequestKey,
    saved,
)
from fintech.application.payments.asking import books_of, event_of
from fintech.application.payments.repeats import load
from fintech.application.refunds.covering import AdvanceCover, advance_cover
from fintech.application.terminals.sales import Sale
from fintech.domain.changeset import (
    CommitRefused,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
)
from fintech.domain.chart import Bucket, Limit
from fintech.domain.events import Aggregate, EventType
from fintech.domain.guards import Backing
from fintech.domain.ids import ChangesetId, PaymentId, RefundId
from fintech.domain.ledger import AccountId, Transfer
from fintech.domain.merchants import Merchant
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.at_terminal import never_to_be, withdrawn
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.lifecycle import refund_accounts
from fintech.domain.refunds.refund import RefundStatus
from fintech.domain.refunds.reversal import purchase_reversed
from fintech.domain.scope import Actor, Scope
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

#: How often the original may come in between while it is blocked: once it is there, there is something to reverse.
BLOCKING_TRIES_MAX: Final = 4
#: Under this operation a refund is blocked that has not come: it will find its key used for something else.
BLOCKED: Final = "terminal reversal"


class Reversed(StrEnum):
    """What a reversal came to."""

    BLOCKED = "blocked"  #: its original has not come, and will not be done when it does
    UNDONE = "undone"  #: given up, released or given back, just now
    NOTHING_LEFT = "nothing_left"  #: the original was declined, or is undone already
    TOLD = "told"  #: a refund cannot be called back; somebody has to look at it


@frozen
class AmountDiffers:
    """The original is of another amount, in minor units."""

    original_minor: int


@frozen
class _NothingLeft:
    """There is nothing to undo."""

    payment: Payment


ReversalRefusal: TypeAlias = AmountDiffers | NotFound | CommitRefused


@frozen(kw_only=True)
class Original:
    """What is reversed: the key under which it was asked for, and what a terminal says that it was."""

    key: RequestKey
    sale: Sale
    refund: bool = False


@frozen(kw_only=True)
class ReverseTransaction:
    """Undo what a terminal has given up, whatever state it is in; what has not come yet is blocked for good."""

    store: Store
    ids: IdSource
    commits: Commits

    async def __call__(
        self, actor: Actor, scope: Scope, original: Original
    ) -> Outcome[Reversed, ReversalRefusal]:
        """Done as often as it is told, with the same end. Refused for another amount than the original's, and where
        the merchant's books are closed."""
        refused: CommitRefused | None = None
        for _ in range(BLOCKING_TRIES_MAX):
            claim = await self.store.claim(scope, original.key.key)
            if claim is not None:
                return await self._found(actor, scope, original, claim.claim.resource)
            blocked = await self._block(actor, scope, original)
            if isinstance(blocked, Success):
                return Success(Reversed.BLOCKED)
            refused = blocked.failure()
            if not isinstance(refused, KeyInFlight | KeyAnswered | KeyReused):
                break
        assert refused is not None
        return Failure(refused)

    async def payment(
        self, request: Request, scope: Scope, id: PaymentId
    ) -> Outcome[Payment, NotFound | CommitRefused]:
        """Undo a payment; ``request`` is the one that it was made by, and is answered by this where it has no answer
        yet. The payment as it is then, also where there was nothing to undo. A fact: what the merchant's buckets
        cannot bear, however fast they change, it owes."""
        outcome = await self._undo(request, scope, id, buckets=True)
        if isinstance(outcome, Failure) and isinstance(outcome.failure(), LimitReached):
            outcome = await self._undo(request, scope, id, buckets=False)
        if isinstance(outcome, Success):
            return outcome
        refused = outcome.failure()
        return Success(refused.payment) if isinstance(refused, _NothingLeft) else Failure(refused)

    async def _found(
        self, actor: Actor, scope: Scope, original: Original, resource: str
    ) -> Outcome[Reversed, ReversalRefusal]:
        id = PaymentId.parse(resource)
        if id is None:
            return await self._tell(actor, scope, original, RefundId(resource))
        before = await self.store.payment(scope, id)
        if before is None:
            return Failure(NotFound("payment", id))
        if before.amount_minor != original.sale.amount_minor:
            return Failure(AmountDiffers(before.amount_minor))
        undone = await self.payment(Request(actor=actor, key=original.key), scope, id)
        if isinstance(undone, Failure):
            return undone
        changed = undone.unwrap().version != before.version
        return Success(Reversed.UNDONE if changed else Reversed.NOTHING_LEFT)

    async def _undo(
        self, request: Request, scope: Scope, id: PaymentId, *, buckets: bool
    ) -> Outcome[Payment, "_NothingLeft | NotFound | CommitRefused"]:
        async def decide(
            changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Payment], _NothingLeft | NotFound]:
            loaded = await load(self.store, scope, id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment = loaded.unwrap()
            if len(payment.attempts) > 1:
                return Failure(_NothingLeft(payment))  # declined at the terminal, and paid for elsewhere
            if payment.disputed_minor:
                return Failure(
                    _NothingLeft(payment)
                )  # a chargeback was faster: the cardholder has it already
            booked = withdrawn(payment, books_of(merchant), now, changeset)
            after, transfers = (booked.payment, booked.transfers) if booked else (payment, ())
            event, more, backing = event_of(after), list[tuple[Aggregate, EventType]](), None
            if after.captured_minor > after.refunded_minor:
                spendable, cover = await self._spendable(scope, merchant, after, buckets=buckets)
                after, given = purchase_reversed(
                    after,
                    merchant,
                    books_of(merchant),
                    spendable,
                    id=self.ids.new(RefundId),
                    at=now,
                    changeset=changeset,
                    unsettled_most_minor=cover.free_minor,
                )
                backing = cover.backing if given.unsettled else None
                event, transfers = EventType.CHARGE_REFUNDED, (*transfers, *given.transfers)
                more.append((given.refund, EventType.REFUND_CREATED))
            elif booked is None:
                return Failure(_NothingLeft(payment))
            return Success(_decision(request, after, event, more, transfers, backing))

        return await self.commits.land(scope, request.actor, decide, tries_max=OUTCOME_TRIES_MAX)

    async def _spendable(
        self, scope: Scope, merchant: Merchant, payment: Payment, *, buckets: bool
    ) -> tuple[dict[AccountId, int], AdvanceCover]:
        """What there is to draw on, and what of it stands behind advances; without ``buckets``, as if there were none."""
        books = books_of(merchant)
        accounts, advance = refund_accounts(books, payment.attempts[-1]), books.account(Bucket.ADVANCE.value)
        if not buckets:
            return dict.fromkeys(accounts, 0), AdvanceCover(0, Backing(owed=(advance,)))
        balances = await self.store.balances(scope, (*accounts, advance))
        cover = await advance_cover(self.store, scope, books, balances[advance].owed)
        spendable = {each: balances[each].spendable(Limit.DEBITS_WITHIN_CREDITS) for each in accounts}
        return spendable, cover

    async def _block(self, actor: Actor, scope: Scope, original: Original) -> Outcome[Payment, CommitRefused]:
        """Take the original's key, and answer it: when it comes after all, it is a repeat of what was never to be."""
        key = evolve(original.key, operation=BLOCKED) if original.refund else original.key
        request = Request(actor=actor, key=key)
        sale = original.sale

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Payment], CommitRefused]:
            payment = never_to_be(
                id=self.ids.new(PaymentId),
                amount_minor=sale.amount_minor,
                currency=sale.currency,
                at=now,
                presented=sale.presented,
            )
            changes = ((payment, EventType.PAYMENT_CANCELED),)
            claim = request.claim_and_answer(payment.id, now)
            return Success(Decision(value=saved(payment), changes=changes, claim=claim))

        return await self.commits.land(scope, actor, decide)

    async def _tell(
        self, actor: Actor, scope: Scope, original: Original, id: RefundId
    ) -> Outcome[Reversed, ReversalRefusal]:
        """Money on its way to a cardholder is not called back by a machine: the log says that a terminal would."""
        refund = await self.store.refund(scope, id)
        if refund is None:
            return Failure(NotFound("refund", id))
        if refund.amount_minor != original.sale.amount_minor:
            return Failure(AmountDiffers(refund.amount_minor))
        if refund.status is RefundStatus.FAILED:
            return Success(Reversed.NOTHING_LEFT)
        key = RequestKey(
            key=f"{original.key.key}/reversal", operation=BLOCKED, fingerprint=original.key.fingerprint
        )
        request = Request(actor=actor, key=key)

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Reversed], NotFound]:
            fresh = await self.store.refund(scope, id)
            if fresh is None:
                return Failure(NotFound("refund", id))
            changes = ((fresh, EventType.REFUND_REVERSAL_REQUESTED),)
            claim = request.claim_and_answer(id, now)
            return Success(Decision(value=Reversed.TOLD, changes=changes, claim=claim))

        outcome: Outcome[Reversed, ReversalRefusal] = await self.commits.land(scope, actor, decide)
        if isinstance(outcome, Failure) and isinstance(outcome.failure(), KeyAnswered | KeyReused):
            return Success(Reversed.TOLD)
        return outcome


def _decision(
    request: Request,
    payment: Payment,
    event: EventType,
    refunds: list[tuple[Aggregate, EventType]],
    transfers: tuple[Transfer, ...],
    backing: Backing | None,
) -> Decision[Payment]:
    """The payment stands first, since it is the answer to whoever asks for it under its key."""
    return Decision(
        value=saved(payment),
        changes=((payment, event), *refunds),
        transfers=transfers,
        backing=backing,
        claim=request.answer("reversed"),
    )
