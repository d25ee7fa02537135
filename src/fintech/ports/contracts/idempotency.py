"""The promise of `Store` about idempotency keys."""

import asyncio

import pytest

from fintech.domain.changeset import (
    Answer,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
)
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.outcome import Failure, Success
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story, stored
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store


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
