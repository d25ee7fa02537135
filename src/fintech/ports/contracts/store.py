"""The promise of `Store`, for every adapter's tests."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from fintech.domain.changeset import (
    Committed,
    StaleWrite,
)
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, EventId, MerchantId, PaymentId
from fintech.domain.ledger import Balances
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import ACTOR, Story, stored
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

#: Moves the store's clock on.
Advance = Callable[[timedelta], None]


class StoreContract:
    """Subclass it and provide the fixtures ``store`` (empty), ``clock`` (the store's), ``ids`` (an `IdSource`) and
    ``advance`` (moves the clock by a timedelta)."""

    @pytest.fixture
    async def story(self, store: Store, ids: IdSource, clock: Clock) -> Story:
        return await Story.begin(store, ids, clock)

    async def test_what_is_committed_reads_back_equal(self, store: Store, story: Story) -> None:
        payment = await story.paid(manual=True)
        method, key = story.method(), story.key()
        await story.committed(story.changes((method, EventType.PAYMENT_METHOD_CREATED)))
        await story.committed(story.changes((key, EventType.API_KEY_CREATED)))
        changes = await story.committed(await story.refunding(await story.paid(), 300))
        refund = stored(changes)
        assert await store.payment(story.scope, payment.id) == payment
        assert await store.merchant(story.scope) == story.merchant
        assert await store.payment_method(story.scope, method.id) == evolve(method, version=1)
        assert await store.api_key(story.scope, key.id) == evolve(key, version=1)
        assert await store.key_by_digest(key.digest) == (story.scope, evolve(key, version=1))
        assert await store.refund(story.scope, refund.id) == refund

    async def test_one_commit_makes_a_thing_and_changes_another_of_its_kind(
        self, store: Store, story: Story
    ) -> None:
        old, new, never = (story.key(digest * 32) for digest in (b"o", b"n", b"x"))
        await story.committed(story.changes((old, EventType.API_KEY_CREATED)))
        ended = evolve(old, version=1, ends_at=story.clock.now())
        both = story.changes((new, EventType.API_KEY_CREATED), (ended, EventType.API_KEY_UPDATED))
        await story.committed(both)
        assert await store.api_key(story.scope, new.id) == evolve(new, version=1)
        assert await store.api_key(story.scope, old.id) == evolve(ended, version=2)
        late = story.changes((never, EventType.API_KEY_CREATED), (ended, EventType.API_KEY_UPDATED))
        assert await store.commit(story.scope, late) == Failure(StaleWrite(old.id, 2))
        assert await store.event(story.scope, late.first_event) is None

    async def test_an_event_has_who_what_and_the_snapshot(self, store: Store, story: Story) -> None:
        changes = await story.committed(story.paying())
        event = await store.event(story.scope, changes.first_event)
        assert event is not None
        assert (event.actor, event.type, event.at) == (ACTOR, EventType.PAYMENT_SUCCEEDED, changes.at)
        assert event.snapshot == stored(changes)

    async def test_nothing_is_there_that_was_not_committed(
        self, store: Store, story: Story, ids: IdSource
    ) -> None:
        assert await store.payment(story.scope, ids.new(PaymentId)) is None
        assert await store.merchant(Scope(ids.new(MerchantId), livemode=False)) is None
        assert await store.claim(story.scope, "never") is None
        assert await store.event(story.scope, EventId.of(ids.new(ChangesetId), 0)) is None
        assert await store.key_by_digest(b"x" * 32) is None

    async def test_no_other_merchant_and_no_other_mode_sees_it(
        self, store: Store, story: Story, ids: IdSource, clock: Clock
    ) -> None:
        payment = await story.paid()
        other = await Story.begin(store, ids, clock)
        for scope in (other.scope, Scope(story.scope.merchant, livemode=True)):
            assert await store.payment(scope, payment.id) is None
            assert not any(balance != Balances() for balance in (await store.books(scope)).values())

    async def test_a_stale_write_is_refused_with_the_current_version(
        self, store: Store, story: Story
    ) -> None:
        payment = await story.paid(manual=True)
        await story.committed(story.capturing(payment, 4_000, final=False))
        stale = story.capturing(payment, 5_000)
        before = await store.books(story.scope)
        assert await store.commit(story.scope, stale) == Failure(StaleWrite(payment.id, 2))
        assert await store.books(story.scope) == before
        assert await store.event(story.scope, stale.first_event) is None

    async def test_creating_what_is_there_is_stale(self, store: Store, story: Story) -> None:
        changes = await story.committed(story.paying())
        again = story.changes((changes.changes[0].aggregate, EventType.PAYMENT_SUCCEEDED))
        assert await store.commit(story.scope, again) == Failure(StaleWrite(stored(changes).id, 1))

    async def test_saving_what_is_not_there_is_stale(self, store: Store, story: Story) -> None:
        ghost = stored(story.paying())
        changes = story.changes((ghost, EventType.PAYMENT_UPDATED))
        assert await store.commit(story.scope, changes) == Failure(StaleWrite(ghost.id, 0))

    async def test_of_racing_writers_one_wins(self, store: Store, story: Story) -> None:
        payment = await story.paid(manual=True)
        rivals = [story.capturing(payment, 100 + n) for n in range(20)]
        outcomes = await asyncio.gather(*(store.commit(story.scope, rival) for rival in rivals))
        winners = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Success)]
        assert len(winners) == 1
        refused = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        assert all(outcome == Failure(StaleWrite(payment.id, 2)) for outcome in refused)
        assert await store.payment(story.scope, payment.id) == stored(rivals[winners[0]])

    async def test_concurrent_commits_all_land(self, store: Store, story: Story) -> None:
        many = [story.paying(1_000) for _ in range(50)]
        outcomes = await asyncio.gather(*(store.commit(story.scope, changes) for changes in many))
        assert outcomes == [Success(Committed(changes.id)) for changes in many]
        books = await store.books(story.scope)
        unsettled = [books[account] for account in books if account.code.startswith("unsettled/")]
        assert sum(each.credits_posted for each in unsettled) == 50_000
        assert sum(each.debits_posted for each in unsettled) == 50 * 20

    async def test_the_same_changeset_again_is_committed_and_not_done_twice(
        self, store: Store, story: Story
    ) -> None:
        changes = await story.committed(story.paying(claim=story.claim("k")))
        books = await store.books(story.scope)
        assert await store.commit(story.scope, changes) == Success(Committed(changes.id))
        both = await asyncio.gather(*(store.commit(story.scope, changes) for _ in range(5)))
        assert both == [Success(Committed(changes.id))] * 5
        assert await store.books(story.scope) == books

    async def test_a_new_changeset_handed_in_twice_at_once_is_done_once(
        self, store: Store, story: Story
    ) -> None:
        changes = story.paying(700)
        outcomes = await asyncio.gather(*(store.commit(story.scope, changes) for _ in range(5)))
        assert outcomes == [Success(Committed(changes.id))] * 5
        books = await store.books(story.scope)
        assert sum(books[each].debits_posted for each in books if "scheme_receivable" in each.code) == 700

    async def test_a_caller_that_goes_away_does_not_undo_its_commit(self, store: Store, story: Story) -> None:
        changes = story.paying()
        task = asyncio.ensure_future(store.commit(story.scope, changes))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await store.commit(story.scope, changes) == Success(Committed(changes.id))
        books = await store.books(story.scope)
        assert sum(books[each].debits_posted for each in books if "scheme_receivable" in each.code) == 10_000
