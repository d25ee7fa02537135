"""The promise of `Store` about idempotency keys."""

import asyncio

import attrs
import pytest

from fintech.domain.cards import Decline, DeclineCode
from fintech.domain.changeset import (
    Answer,
    Changeset,
    Committed,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
)
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, EventId
from fintech.domain.outcome import Failure, Success
from fintech.domain.refunds.lifecycle import refund_answered
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

    async def test_an_answer_may_resolve_what_its_claim_began(self, store: Store, story: Story) -> None:
        """A refund that the issuer declines: the answer to its key voids what the claim held."""
        refunding = await story.refunding(await story.paid(), 300)
        asked = await story.committed(attrs.evolve(refunding, claim=story.claim("k")))
        changeset = story.ids.new(ChangesetId)
        declined = Decline(code=DeclineCode.GENERIC_DECLINE, scheme_code="05")
        booked = refund_answered(
            stored(asked), story.merchant, story.books, declined, story.clock.now(), changeset
        ).unwrap()
        assert booked.transfers
        await story.committed(
            story.changes(
                (booked.refund, EventType.REFUND_FAILED),
                transfers=booked.transfers,
                claim=Answer(key="k", refusal="declined"),
                id=changeset,
            )
        )
        claim = await store.claim(story.scope, "k")
        assert claim is not None
        assert (claim.answered_by, claim.refusal) == (EventId.of(changeset, 0), "declined")

    async def test_a_changeset_is_known_again_after_its_key_was_answered(
        self, store: Store, story: Story
    ) -> None:
        claimed = await story.committed(story.paying(claim=story.claim("k")))
        await story.committed(
            story.changes((stored(claimed), EventType.PAYMENT_UPDATED), claim=Answer(key="k"))
        )
        for _ in range(2):
            assert await store.commit(story.scope, claimed) == Success(Committed(claimed.id))

    async def test_the_first_answer_stays(self, store: Store, story: Story) -> None:
        claimed = await story.committed(story.paying(claim=story.claim("k")))
        payment = stored(claimed)
        answer = await story.committed(
            story.changes((payment, EventType.PAYMENT_UPDATED), claim=Answer(key="k"))
        )
        await story.committed(
            story.changes((evolve(payment, version=2), EventType.PAYMENT_UPDATED), claim=Answer(key="k"))
        )
        for _ in range(2):
            repeat = story.paying(claim=story.claim("k"))
            answered = Failure(KeyAnswered(answer.first_event, None))
            assert await store.commit(story.scope, repeat) == answered

    async def test_a_refused_repeat_does_not_mislead_about_its_neighbours(
        self, store: Store, story: Story
    ) -> None:
        payment = stored(await story.committed(story.paying(manual=True)))

        def update(version: int, claim: Answer | None = None) -> Changeset:
            return story.changes((evolve(payment, version=version), EventType.PAYMENT_UPDATED), claim=claim)

        answer = Answer(key="k", claim=story.claim("k"))
        await story.committed(update(1, answer))
        await story.committed(update(2))
        repeat, fresh, others = update(2, answer), update(3), [story.paying() for _ in range(6)]
        outcomes = await asyncio.gather(
            *(store.commit(story.scope, each) for each in (repeat, fresh, repeat, *others))
        )
        assert [type(outcome) for outcome in outcomes[:3]] == [Failure, Success, Failure]
