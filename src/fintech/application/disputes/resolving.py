"""What becomes of disputes later: the acquirer has something to tell, or has not answered yet."""

from datetime import datetime
from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.commits import OUTCOME_TRIES_MAX, Commits, Decision, NotFound, Request, saved
from fintech.application.disputes.asking import DisputeAsking
from fintech.application.disputes.evidence import KeepEvidence
from fintech.application.payments.asking import books_of
from fintech.application.payments.repeats import load
from fintech.application.refunds.covering import advance_cover
from fintech.domain.changeset import CommitRefused
from fintech.domain.chart import Bucket, Limit, bucket_of
from fintech.domain.disputes.booking import dispute_accounts
from fintech.domain.disputes.dispute import Dispute, ErrandKind
from fintech.domain.disputes.facts import Circumstances, NoNews, Step, Stepped, TooEarly, next_step
from fintech.domain.disputes.news import CaseNews
from fintech.domain.events import Aggregate, EventType
from fintech.domain.guards import Backing
from fintech.domain.ids import ChangesetId, ChargeId, DisputeId
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.refusals import TooMany
from fintech.domain.scope import Actor, Scope
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

#: No piece of news takes more steps than there are kinds of them.
STEPS_MAX: Final = len(Step) + 1

_NOTHING: Final[Metadata] = ()

#: Why a piece of news is not, or not now, done anything about.
NewsRefusal: TypeAlias = NoNews | TooEarly | TooMany | NotFound | CommitRefused

_EVENTS: Final = {
    Step.OPENED: EventType.DISPUTE_CREATED,
    Step.ESCALATED: EventType.DISPUTE_UPDATED,
    Step.WITHDRAWN: EventType.DISPUTE_FUNDS_WITHDRAWN,
    Step.REINSTATED: EventType.DISPUTE_FUNDS_REINSTATED,
    Step.CLOSED: EventType.DISPUTE_CLOSED,
}


@frozen(kw_only=True)
class ResolveDispute:
    """Do what is due for a dispute: tell the acquirer again what it has not answered."""

    store: Store
    commits: Commits
    evidence: KeepEvidence
    asking: DisputeAsking

    async def __call__(self, scope: Scope, id: DisputeId, actor: Actor) -> Dispute | None:
        """The dispute as it is afterwards, or None if there is none."""
        dispute = await self.store.dispute(scope, id)
        if dispute is None or dispute.due_at is None or dispute.due_at > self.commits.clock.now():
            return dispute
        request, texts = Request(actor=actor), _NOTHING
        if dispute.errand is not None and dispute.errand.kind is ErrandKind.EVIDENCE:
            opened = (await self.evidence.of(scope, (dispute,)))[id]
            if isinstance(opened, Failure):
                await self.asking.held_up(request, scope, dispute)
                return await self.store.dispute(scope, id)
            texts = opened.unwrap()
        await self.asking.send(request, scope, dispute, texts)
        return await self.store.dispute(scope, id)


@frozen(kw_only=True)
class HeedDispute:
    """A fact from the acquirer: a case about a charge was opened, has gone on or is over."""

    store: Store
    ids: IdSource
    commits: Commits

    async def __call__(self, scope: Scope, charge: ChargeId, news: CaseNews, actor: Actor) -> NewsRefusal:
        """Take every step that the news asks for, each in a commit of its own, and say why there is none left.

        `NoNews` or `NotFound`: it need not be told again. `TooEarly`: it must be.
        """
        for _ in range(STEPS_MAX):
            stepped = await self._step(scope, charge, news, actor)
            if isinstance(stepped, Failure):
                return stepped.failure()
        message = f"{news.case} takes more steps than there are"
        raise AssertionError(message)

    async def _step(
        self, scope: Scope, charge: ChargeId, news: CaseNews, actor: Actor
    ) -> Outcome[Dispute, NewsRefusal]:
        async def decide(changeset: ChangesetId, now: datetime) -> Outcome[Decision[Dispute], NewsRefusal]:
            loaded = await load(self.store, scope, charge.payment_id)
            if isinstance(loaded, Failure):
                return loaded
            merchant, payment = loaded.unwrap()
            attempt = next((each for each in payment.attempts if each.id == charge), None)
            if attempt is None:
                return Failure(NotFound("charge", charge))
            dispute = next((each for each in await self._of(scope, payment) if each.case == news.case), None)
            books = books_of(merchant)
            accounts = dispute_accounts(books, attempt)
            advance = books.account(Bucket.ADVANCE.value)
            balances = await self.store.balances(scope, (*accounts, advance))
            cover = await advance_cover(self.store, scope, books, balances[advance].owed)
            circumstances = Circumstances(
                merchant=merchant,
                books=books,
                spendable={
                    account: balances[account].spendable(Limit.DEBITS_WITHIN_CREDITS) for account in accounts
                },
                id=self.ids.new(DisputeId),
                at=now,
                changeset=changeset,
                unsettled_most_minor=cover.free_minor,
            )
            step = next_step(payment, attempt, dispute, news, circumstances)
            return Success(_decision(step.unwrap(), cover.backing)) if isinstance(step, Success) else step

        return await self.commits.land(scope, actor, decide, tries_max=OUTCOME_TRIES_MAX)

    async def _of(self, scope: Scope, payment: Payment) -> list[Dispute]:
        """Every dispute of a payment."""
        found = [await self.store.dispute(scope, id) for id in payment.disputes]
        return [dispute for dispute in found if dispute is not None]


def _decision(stepped: Stepped, backing: Backing) -> Decision[Dispute]:
    changes: tuple[tuple[Aggregate, EventType], ...] = ((stepped.dispute, _EVENTS[stepped.step]),)
    if stepped.payment is not None:
        changes += ((stepped.payment, EventType.CHARGE_UPDATED),)
    takes_unsettled = any(bucket_of(leg.debit.code) is Bucket.UNSETTLED for leg in stepped.transfers)
    return Decision(
        value=saved(stepped.dispute),
        changes=changes,
        transfers=stepped.transfers,
        backing=backing if takes_unsettled else None,
    )
