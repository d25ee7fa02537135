"""What merchants ask of a refund."""

from datetime import datetime

from attrs import evolve, frozen

from fintech.application.commits import Commits, Decision, NotFound, Request, saved
from fintech.application.payments.asking import AcquirerMissing, books_of
from fintech.application.payments.repeats import load
from fintech.application.refunds.asking import RefundAsking, RefundRefusal
from fintech.application.refunds.covering import advance_cover
from fintech.application.refunds.repeats import RefundAnswered, RefundRepeats
from fintech.domain.chart import Bucket, Limit
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.disputes.facts import reserve_freed
from fintech.domain.events import EventType
from fintech.domain.guards import Backing, Ceiling
from fintech.domain.ids import ChangesetId, PaymentId, RefundId
from fintech.domain.merchants import Merchant
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.lifecycle import BookedRefund, fee_returned, refund_accounts, refund_sent
from fintech.domain.refunds.refund import REFUNDS_MAX, InsufficientFunds, Refund, RefundReason
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store


@frozen(kw_only=True)
class CreateRefund:
    """Give some or all of a captured payment back."""

    store: Store
    ids: IdSource
    commits: Commits
    asking: RefundAsking
    repeats: RefundRepeats

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        payment: PaymentId,
        *,
        amount_minor: int | None = None,
        reason: RefundReason | None = None,
        metadata: Metadata = (),
    ) -> RefundAnswered:
        """Refused as `Payment.refunding` and `refund_sent` refuse; without an amount, all that is left."""
        if not self.asking.acquirer.serves(scope):
            return Failure(AcquirerMissing(scope.livemode))

        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Refund], RefundRefusal]:
            loaded = await load(self.store, scope, payment)
            if isinstance(loaded, Failure):
                return loaded
            merchant, paid = loaded.unwrap()
            amount = paid.captured_minor - paid.refunded_minor if amount_minor is None else amount_minor
            reserving = paid.refunding(amount, REFUNDS_MAX)
            if isinstance(reserving, Failure):
                return reserving
            reserved = reserving.unwrap()
            sent = await self._sent(scope, merchant, reserved, amount, now, changeset, reason, metadata)
            if isinstance(sent, Failure):
                # The money may be gone because somebody else gave it back between the two reads.
                overtaken = await self.store.payment(scope, payment) != paid
                return await decide(changeset, now) if overtaken else sent
            booked, backing, freed = sent.unwrap()
            refund = booked.refund
            return Success(
                Decision(
                    value=saved(refund),
                    changes=(
                        (refund, EventType.REFUND_CREATED),
                        (reserved.returning(refund.fee), EventType.CHARGE_REFUNDED),
                        *((dispute, EventType.DISPUTE_UPDATED) for dispute in freed),
                    ),
                    transfers=booked.transfers,
                    ceilings=(_most_debt(merchant),) if booked.indebted else (),
                    backing=backing if booked.unsettled else None,
                    claim=request.claim(refund.id, now),
                )
            )

        outcome: Outcome[Refund, RefundRefusal] = await self.commits.land(scope, request.actor, decide)
        if isinstance(outcome, Success):
            outcome = await self.asking.send(request, scope, outcome.unwrap())
        return await self.repeats.reply(request, scope, outcome)

    async def _sent(
        self,
        scope: Scope,
        merchant: Merchant,
        reserved: Payment,
        amount_minor: int,
        now: datetime,
        changeset: ChangesetId,
        reason: RefundReason | None,
        metadata: Metadata,
    ) -> Outcome[tuple[BookedRefund, Backing, tuple[Dispute, ...]], InsufficientFunds]:
        """Reserve the money where it is now; the commit judges again, and by what stands behind advances.

        Also the dispute whose reserve is there for it.
        """
        books, attempt = books_of(merchant), reserved.attempts[-1]
        accounts = refund_accounts(books, attempt)
        advance = books.account(Bucket.ADVANCE.value)
        balances = await self.store.balances(scope, (*accounts, advance))
        cover = await advance_cover(self.store, scope, books, balances[advance].owed)
        *funds, debt = accounts
        spendable = {account: balances[account].spendable(Limit.DEBITS_WITHIN_CREDITS) for account in funds}
        inquiry = await self._inquiry(scope, reserved)
        freed, freeing = (
            (None, ()) if inquiry is None else reserve_freed(books, inquiry, amount_minor, now, changeset)
        )
        spendable[funds[-1]] += sum(leg.amount_minor for leg in freeing)
        sent = refund_sent(
            books,
            attempt,
            spendable,
            merchant.limits.refund_debt_max_minor - balances[debt].owed,
            id=self.ids.new(RefundId),
            payment=reserved.id,
            amount_minor=amount_minor,
            fee=fee_returned(merchant, reserved),
            at=now,
            changeset=changeset,
            reason=reason,
            metadata=metadata,
            unsettled_most_minor=cover.free_minor,
        )
        if isinstance(sent, Failure):
            return sent
        booked = sent.unwrap()
        whole = evolve(booked, transfers=(*booked.transfers, *freeing))
        return Success((whole, cover.backing, () if freed is None else (freed,)))

    async def _inquiry(self, scope: Scope, payment: Payment) -> Dispute | None:
        """The inquiry about a payment that something is held back for."""
        for id in payment.disputes:
            dispute = await self.store.dispute(scope, id)
            if dispute is not None and dispute.reserved_minor:
                return dispute
        return None


def _most_debt(merchant: Merchant) -> Ceiling:
    """How far refunds may take a merchant into debt."""
    owed = books_of(merchant).account(Bucket.RECEIVABLE.value)
    return Ceiling(owed, merchant.limits.refund_debt_max_minor)


@frozen(kw_only=True)
class UpdateRefund:
    """Change what may be changed of a refund: what the merchant has hung on it."""

    store: Store
    commits: Commits
    repeats: RefundRepeats

    async def __call__(
        self, request: Request, scope: Scope, id: RefundId, *, metadata: Metadata | None = None
    ) -> RefundAnswered:
        """Refused as `Refund.updated` refuses; ``metadata`` is merged into what is there by then."""

        async def decide(_changeset: ChangesetId, now: datetime) -> Outcome[Decision[Refund], RefundRefusal]:
            refund = await self.store.refund(scope, id)
            if refund is None:
                return Failure(NotFound("refund", id))
            updated = refund.updated(metadata)
            if isinstance(updated, Failure):
                return updated
            after = updated.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.REFUND_UPDATED),),
                    claim=request.claim_and_answer(id, now),
                )
            )

        return await self.repeats.reply(request, scope, await self.commits.land(scope, request.actor, decide))
