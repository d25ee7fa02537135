"""Disputes and write-offs for contract suites, committed as use cases do it."""

from typing import Final

from fintech.domain.chart import Bucket, Limit
from fintech.domain.disputes.booking import dispute_accounts
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.disputes.facts import Circumstances, Step, next_step
from fintech.domain.disputes.news import (
    CaseNews,
    DisputeClosed,
    DisputeEscalated,
    DisputeOpened,
    DisputeReason,
    Verdict,
)
from fintech.domain.events import Aggregate, EventType
from fintech.domain.ids import ChangesetId, DisputeId, PaymentId, WriteOffId
from fintech.domain.outcome import Failure
from fintech.domain.write_offs import WriteOff, decided, proposed
from fintech.ports.contracts.seasons import Season

_EVENTS: Final = {
    Step.OPENED: EventType.DISPUTE_CREATED,
    Step.ESCALATED: EventType.DISPUTE_UPDATED,
    Step.WITHDRAWN: EventType.DISPUTE_FUNDS_WITHDRAWN,
    Step.REINSTATED: EventType.DISPUTE_FUNDS_REINSTATED,
    Step.CLOSED: EventType.DISPUTE_CLOSED,
}


async def dispute(season: Season, id: PaymentId, amount_minor: int, *, inquiry: bool = False) -> Dispute:
    """A cardholder's bank takes money back, or asks first."""
    reason = DisputeReason.FRAUDULENT
    what = DisputeOpened(amount_minor=amount_minor, reason=reason, inquiry=inquiry, reason_code="10.4")
    payment = season.payment(id)
    return await heed(season, id, CaseNews(case=f"{id}.{len(payment.disputes)}", number=1, what=what))


async def escalate(season: Season, disputed: Dispute) -> Dispute:
    """The bank takes what it asked about."""
    what = DisputeEscalated(amount_minor=disputed.amount_minor)
    return await heed(season, disputed.payment, CaseNews(case=disputed.case, number=2, what=what))


async def close(season: Season, disputed: Dispute, verdict: Verdict) -> Dispute:
    """The case is over."""
    news = CaseNews(case=disputed.case, number=3, what=DisputeClosed(verdict=verdict))
    return await heed(season, disputed.payment, news)


async def heed(season: Season, id: PaymentId, news: CaseNews) -> Dispute:
    """Take every step that a piece of news asks for; the dispute as it is then."""
    story = season.story
    while True:
        payment = season.payment(id)
        attempt = payment.attempts[-1]
        known = next((each for each in season.all(Dispute) if each.case == news.case), None)
        accounts = dispute_accounts(story.books, attempt)
        balances = await story.store.balances(story.scope, accounts)
        changeset = story.ids.new(ChangesetId)
        circumstances = Circumstances(
            merchant=story.merchant,
            books=story.books,
            spendable={each: balances[each].spendable(Limit.DEBITS_WITHIN_CREDITS) for each in accounts},
            id=story.ids.new(DisputeId),
            at=season.now,
            changeset=changeset,
        )
        outcome = next_step(payment, attempt, known, news, circumstances)
        if isinstance(outcome, Failure):
            assert known is not None
            return known
        stepped = outcome.unwrap()
        changes: list[tuple[Aggregate, EventType]] = [(stepped.dispute, _EVENTS[stepped.step])]
        if stepped.payment is not None:
            changes.append((stepped.payment, EventType.CHARGE_UPDATED))
        await season.commit(*changes, transfers=stepped.transfers, id=changeset)


async def write_off(season: Season, amount_minor: int, *, approve: bool = True) -> WriteOff:
    """Two people give up some of what the merchant owes us, or the second does not agree."""
    story = season.story
    account = story.books.account(Bucket.RECEIVABLE.value)
    debt = (await story.store.balances(story.scope, [account]))[account]
    made = proposed(
        story.ids.new(WriteOffId),
        debt,
        amount_minor=amount_minor,
        currency=story.merchant.currency,
        reason="gone",
        name="one",
        at=season.now,
    ).unwrap()
    await season.commit((made, EventType.WRITE_OFF_CREATED))
    changeset = story.ids.new(ChangesetId)
    stored: WriteOff = season.aggregates[made.id]
    booked = decided(
        stored, story.books, debt, approve=approve, name="other", at=season.now, changeset=changeset
    ).unwrap()
    await season.commit(
        (booked.write_off, EventType.WRITE_OFF_UPDATED), transfers=booked.transfers, id=changeset
    )
    after: WriteOff = season.aggregates[made.id]
    return after


async def quarrel(season: Season) -> None:
    """Something of everything: an open inquiry with a reserve, a chargeback lost, one won, and a debt given up and repaid."""
    small, large, asked = [await season.pay(amount) for amount in (8_000, 9_000, 7_000)]
    await season.settle()
    await close(season, await dispute(season, small.id, 8_000), Verdict.WON)
    await dispute(season, asked.id, 5_000, inquiry=True)
    await escalate(season, await dispute(season, large.id, 4_000, inquiry=True))
    poor = await season.pay(60_000)
    await season.settle()
    await close(season, await dispute(season, poor.id, 60_000), Verdict.LOST)
    account = season.story.books.account(Bucket.RECEIVABLE.value)
    while (await season.story.store.balances(season.story.scope, [account]))[account].owed < 2:
        await dispute(season, poor.id, 60_000)
    await write_off(season, 1)
    await write_off(season, 1, approve=False)
    await season.pay(100_000)
    await season.settle()
