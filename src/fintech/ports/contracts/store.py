"""The promise of `Store`, for every adapter's tests."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from fintech.domain.changeset import (
    AccountClosed,
    AlreadyResolved,
    Answer,
    Ceiling,
    Committed,
    Expired,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
    UniqueTaken,
)
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, EventId, MerchantId, MovementId, PaymentId
from fintech.domain.ledger import Balances, Bucket, Movement, Phase, TransferKind
from fintech.domain.merchants import Standing
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.attempt import AUTHORISATION_VALID
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import ACTOR, Story, stored
from fintech.ports.id_source import IdSource
from fintech.ports.store import Due, Store

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


class IdempotencyContract:
    """The part of `StoreContract` about claims; the same fixtures."""

    @pytest.fixture
    async def story(self, store: Store, ids: IdSource, clock: Clock) -> Story:
        return await Story.begin(store, ids, clock)

    async def test_a_claimed_key_is_in_flight(self, store: Store, story: Story) -> None:
        claim = story.claim("k", resource="pi_1")
        await story.committed(story.paying(claim=claim))
        again = story.paying(claim=story.claim("k", resource="pi_2"))
        assert await store.commit(story.scope, again) == Failure(KeyInFlight("pi_1", claim.lease_until))
        assert await store.payment(story.scope, stored(again).id) is None

    async def test_an_answered_key_answers(self, store: Store, story: Story) -> None:
        first = await story.committed(story.paying(claim=story.claim("k")))
        payment = stored(first)
        answer = await story.committed(
            story.changes((payment, EventType.PAYMENT_UPDATED), claim=Answer(key="k", refusal="declined"))
        )
        again = story.paying(claim=story.claim("k"))
        assert await store.commit(story.scope, again) == Failure(KeyAnswered(answer.first_event, "declined"))
        known = await store.claim(story.scope, "k")
        assert known is not None
        assert (known.answered_by, known.refusal) == (answer.first_event, "declined")

    async def test_claim_and_answer_in_one(self, store: Store, story: Story) -> None:
        claim = story.claim("k")
        method = story.method()
        changes = await story.committed(
            story.changes((method, EventType.PAYMENT_METHOD_CREATED), claim=Answer(key="k", claim=claim))
        )
        assert await store.commit(story.scope, story.paying(claim=claim)) == Failure(
            KeyAnswered(changes.first_event, None)
        )

    async def test_a_key_for_another_request_is_reused(self, store: Store, story: Story) -> None:
        await story.committed(story.paying(claim=story.claim("k")))
        other = story.paying(claim=story.claim("k", fingerprint=b"g" * 32))
        assert await store.commit(story.scope, other) == Failure(KeyReused("payment_intents.create"))

    async def test_a_refused_request_takes_no_key(self, store: Store, story: Story) -> None:
        payment = await story.paid()
        stale = story.changes((evolve(payment, version=7), EventType.PAYMENT_UPDATED), claim=story.claim("k"))
        assert isinstance(await store.commit(story.scope, stale), Failure)
        assert await store.claim(story.scope, "k") is None
        await story.committed(story.paying(claim=story.claim("k")))

    async def test_of_racing_requests_with_one_key_one_is_done(self, store: Store, story: Story) -> None:
        rivals = [story.paying(900, claim=story.claim("k")) for _ in range(20)]
        outcomes = await asyncio.gather(*(store.commit(story.scope, rival) for rival in rivals))
        assert sum(isinstance(outcome, Success) for outcome in outcomes) == 1
        refused = [outcome.failure() for outcome in outcomes if isinstance(outcome, Failure)]
        assert all(isinstance(each, KeyInFlight) for each in refused)
        books = await store.books(story.scope)
        assert sum(books[each].debits_posted for each in books if "scheme_receivable" in each.code) == 900

    async def test_keys_of_other_merchants_are_other_keys(
        self, store: Store, story: Story, ids: IdSource, clock: Clock
    ) -> None:
        other = await Story.begin(store, ids, clock)
        await story.committed(story.paying(claim=story.claim("k")))
        await other.committed(other.paying(claim=other.claim("k")))

    async def test_any_text_may_be_a_key(self, store: Store, story: Story) -> None:
        for key in ("", "\x1f", "\x1e", "{}", "\\", "'\"", "ключ 🔑", "x" * 255):
            await story.committed(story.paying(claim=story.claim(key)))
            assert await store.claim(story.scope, key) is not None


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
