"""The promise of `Store` about money and what is due."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from fintech.domain.business_days import sydney_day
from fintech.domain.changeset import (
    AccountClosed,
    AlreadyResolved,
    Backing,
    Ceiling,
    CommitRefused,
    Committed,
    Expired,
    LimitReached,
    UniqueTaken,
)
from fintech.domain.chart import Bucket, is_daily, unsettled_on
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, MovementId
from fintech.domain.ledger import Balances, Movement, Phase, TransferKind
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.attempt import AUTHORISATION_VALID
from fintech.domain.payments.payment import Payment
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story
from fintech.ports.contracts.seasons import Season
from fintech.ports.id_source import IdSource
from fintech.ports.store import Due, Store

#: Moves the store's clock on.
Advance = Callable[[timedelta], None]


class LedgerContract:
    """The part of `StoreContract` about money; the same fixtures."""

    @pytest.fixture
    async def story(self, store: Store, ids: IdSource, clock: Clock) -> Story:
        return await Story.begin(store, ids, clock)

    async def test_a_limit_is_judged_where_the_money_is(self, store: Store, story: Story) -> None:
        payment = await story.paid(10_000)
        too_much = await story.refunding(payment, 10_000, funds_minor=10_000)
        account = next(leg.debit for leg in too_much.transfers)
        assert await store.commit(story.scope, too_much) == Failure(LimitReached(account, 9_807))
        assert await store.payment(story.scope, payment.id) == payment
        await story.paid(1_000)
        await story.committed(too_much)

    async def test_racing_debits_never_pass_the_limit(self, store: Store, story: Story) -> None:
        payments = [await story.paid(1_000) for _ in range(20)]
        rivals = [await story.refunding(payment, 1_000, funds_minor=1_000) for payment in payments]
        outcomes = await asyncio.gather(*(store.commit(story.scope, rival) for rival in rivals))
        assert sum(isinstance(outcome, Success) for outcome in outcomes) == 19  # 20 x 980 of 20 x 1,000
        for account, balances in (await store.books(story.scope)).items():
            if account.code.startswith("unsettled/"):
                assert balances.debits_pending + balances.debits_posted <= balances.credits_posted

    async def test_a_ceiling_is_judged_in_the_commit(self, store: Store, story: Story) -> None:
        payment = await story.paid()
        owed = story.books.account(Bucket.RECEIVABLE.value)

        def lending(amount_minor: int) -> Movement:
            movement = Movement(
                MovementId.of(story.ids.new(ChangesetId), 0), source=payment.id, at=story.clock.now()
            )
            cash = story.books.platform_account(Bucket.OWN_CASH.value)
            movement.move(TransferKind.REFUND, owed, cash, amount_minor)
            return movement

        async def lend(version: int, amount_minor: int) -> object:
            changes = story.changes(
                (evolve(payment, version=version), EventType.PAYMENT_UPDATED),
                transfers=tuple(lending(amount_minor).legs),
                ceilings=(Ceiling(owed, 500),),
            )
            return await store.commit(story.scope, changes)

        assert isinstance(await lend(1, 400), Success)
        assert await lend(2, 101) == Failure(LimitReached(owed, 100))
        assert isinstance(await lend(2, 100), Success)

    async def test_what_backs_an_advance_is_judged_in_the_commit(self, store: Store, story: Story) -> None:
        payment = await story.paid(10_000)
        backing = _half_of_unsettled(story)
        assert isinstance(await _lend(store, story, payment, 4_900, backing), Success)
        payment = evolve(payment, version=2)
        assert await _lend(store, story, payment, 4, backing) == Failure(LimitReached(backing.owed[0], 3))
        assert isinstance(await _lend(store, story, payment, 3, backing), Success)

    async def test_what_went_or_was_reserved_meanwhile_backs_nothing(
        self, store: Store, story: Story
    ) -> None:
        payment, other = await story.paid(10_000), await story.paid(10_000)
        await story.committed(await story.refunding(other, 2_000))
        backing = _half_of_unsettled(story)
        assert isinstance(await _lend(store, story, payment, 5_000, backing), Success)
        reserving = Movement(
            MovementId.of(story.ids.new(ChangesetId), 0), source=other.id, at=story.clock.now()
        )
        reserving.move(TransferKind.RESERVE, backing.pledged[0], backing.reserved[0], 9_614)
        later = evolve(other, version=2)
        reserved = story.changes((later, EventType.PAYMENT_UPDATED), transfers=tuple(reserving.legs))
        await story.committed(reserved)
        refused = await _lend(store, story, evolve(payment, version=2), 1, backing)
        assert refused == Failure(LimitReached(backing.owed[0], (17_614 - 2 * 9_614) // 2 - 5_000))

    async def test_money_that_is_there_backs_an_advance_whole(self, store: Store, story: Story) -> None:
        payment = await story.paid(10_000)
        backing = _half_of_unsettled(story)
        whole = Backing(owed=backing.owed, cash=backing.pledged)
        assert await _lend(store, story, payment, 9_808, whole) == Failure(LimitReached(whole.owed[0], 9_807))
        assert isinstance(await _lend(store, story, payment, 9_807, whole), Success)

    async def test_racing_advances_never_pass_what_backs_them(self, store: Store, story: Story) -> None:
        payments = [await story.paid(1_000) for _ in range(20)]
        backing = _half_of_unsettled(story)
        outcomes = await asyncio.gather(*(_lend(store, story, each, 980, backing) for each in payments))
        assert sum(isinstance(outcome, Success) for outcome in outcomes) == 10
        assert Failure(LimitReached(backing.owed[0], 0)) in outcomes

    async def test_a_pending_transfer_resolves_once(self, store: Store, story: Story) -> None:
        payment = await story.paid(manual=True)
        first, second = story.capturing(payment, 10_000), story.capturing(payment, 10_000)
        await story.committed(first)
        fresh = story.changes(
            (evolve(second.changes[0].aggregate, version=2), EventType.PAYMENT_UPDATED),
            transfers=second.transfers,
            id=second.id,
        )
        hold = payment.attempts[-1].holds[0].transfer
        assert await store.commit(story.scope, fresh) == Failure(AlreadyResolved(hold))

    async def test_an_expired_pending_transfer_can_only_be_voided(
        self, store: Store, story: Story, advance: Advance
    ) -> None:
        payment = await story.paid(manual=True)
        capture = story.capturing(payment, 10_000)
        void = next(leg for leg in capture.transfers if leg.phase is Phase.VOID_PENDING)
        post = story.changes(
            (payment, EventType.PAYMENT_UPDATED),
            transfers=(evolve(void, phase=Phase.POST_PENDING),),
            id=capture.id,
        )
        advance(AUTHORISATION_VALID)
        assert void.resolves is not None
        assert await store.commit(story.scope, post) == Failure(Expired(void.resolves))
        await story.committed(
            story.changes((payment, EventType.PAYMENT_UPDATED), transfers=(void,), id=capture.id)
        )

    async def test_closed_books_take_no_transfers(self, store: Store, story: Story) -> None:
        closed = evolve(story.merchant, standing=Standing.CLOSED)
        await story.committed(story.changes((closed, EventType.ACCOUNT_UPDATED)))
        assert await store.commit(story.scope, story.paying()) == Failure(AccountClosed(story.scope))

    async def test_a_taken_value_is_refused(
        self, store: Store, story: Story, ids: IdSource, clock: Clock
    ) -> None:
        await story.committed(story.changes((story.key(), EventType.API_KEY_CREATED)))
        other = await Story.begin(store, ids, clock)
        again = other.changes((other.key(), EventType.API_KEY_CREATED))
        assert await store.commit(other.scope, again) == Failure(UniqueTaken("api_key_digest"))

    async def test_balances_of_unused_accounts_are_nothing(self, store: Store, story: Story) -> None:
        account = story.books.account("available")
        assert await store.balances(story.scope, [account]) == {account: Balances()}

    async def test_days_that_are_closed_leave_the_books_until_something_late_comes(
        self, store: Store, ids: IdSource, clock: Clock, advance: Advance
    ) -> None:
        season = await Season.begin(store, ids, clock)
        scope = season.story.scope
        await season.pay(10_000)
        held = await season.pay(3_000, manual=True)
        day = season.story.books.account(unsettled_on(sydney_day(clock.now())))
        assert day in await store.books(scope)
        await season.settle()
        books = await store.books(scope)
        assert not any(is_daily(account.code) for account in books)
        assert {account.code for account in books} >= {"available", "client_cash", "holds"}
        await season.cancel(held.id)
        assert season.story.books.account("holds") in await store.books(scope)  # even, but not a day's
        for _ in range(10):  # enough to be folded
            await season.pay(1_000)
        advance(timedelta(days=1))
        await season.pay(1_000)
        books = await store.books(scope)
        assert books[day].debits_posted < books[day].credits_posted
        assert books == await store.balances(scope, [*books])
        total = Balances()
        for balances in books.values():
            total = total.plus(balances)
        assert total.debits_posted == total.credits_posted

    async def test_what_is_due_is_leased_to_one(self, store: Store, story: Story, advance: Advance) -> None:
        early = await story.paid(manual=True)
        advance(timedelta(hours=1))
        late = await story.paid(manual=True)
        await story.paid()
        now = story.clock.now()
        assert list(await store.claim_due(Due.PAYMENTS, now, 10, timedelta(minutes=1))) == []
        advance(AUTHORISATION_VALID)
        now = story.clock.now()
        taken = await asyncio.gather(
            *(store.claim_due(Due.PAYMENTS, now, 1, timedelta(minutes=1)) for _ in range(4))
        )
        assert sorted(id for claimed in taken for _, id in claimed) == sorted([early.id, late.id])
        assert list(await store.claim_due(Due.PAYMENTS, now, 10, timedelta(minutes=1))) == []
        advance(timedelta(minutes=2))
        again = await store.claim_due(Due.PAYMENTS, story.clock.now(), 10, timedelta(minutes=1))
        assert {(scope, id) for scope, id in again} == {(story.scope, early.id), (story.scope, late.id)}
        assert list(await store.claim_due(Due.REFUNDS, story.clock.now(), 10, timedelta(minutes=1))) == []


def _half_of_unsettled(story: Story) -> Backing:
    """An advance may come to half of what was captured today, less what is reserved."""
    books, today = story.books, unsettled_on(sydney_day(story.clock.now()))
    return Backing(
        owed=(books.account(Bucket.ADVANCE.value),),
        pledged=(books.account(today),),
        reserved=(books.account(Bucket.RESERVED.value),),
        share_bps=5_000,
    )


async def _lend(
    store: Store, story: Story, payment: Payment, amount_minor: int, backing: Backing
) -> Outcome[Committed, CommitRefused]:
    """Raise the advance. What backs it is not touched, so a store has to look for it."""
    movement = Movement(MovementId.of(story.ids.new(ChangesetId), 0), source=payment.id, at=story.clock.now())
    movement.move(
        TransferKind.PAYOUT, backing.owed[0], story.books.account(Bucket.IN_TRANSIT.value), amount_minor
    )
    lending = story.changes(
        (payment, EventType.PAYMENT_UPDATED), transfers=tuple(movement.legs), backing=backing
    )
    return await store.commit(story.scope, lending)
