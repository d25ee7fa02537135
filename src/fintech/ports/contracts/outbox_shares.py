"""The promise of `Outbox` about fairness, what is asked of it again, and what it tells."""

from datetime import timedelta

import pytest
from attrs import evolve

from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, EventId, WebhookEndpointId
from fintech.domain.webhooks.delivery import DeliveryStatus
from fintech.domain.webhooks.endpoint import EndpointStatus
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story
from fintech.ports.contracts.outbox import (
    LEASE,
    PAID,
    Advance,
    changed,
    claimed,
    emptied,
    enabled,
    failure,
    plenty,
    success,
)
from fintech.ports.id_source import IdSource
from fintech.ports.outbox import Outbox, Tried
from fintech.ports.queries import Page
from fintech.ports.store import Store


class OutboxSharesContract:
    """The rest of `OutboxContract`; the same fixtures."""

    @pytest.fixture
    async def story(self, store: Store, ids: IdSource, clock: Clock) -> Story:
        return await Story.begin(store, ids, clock)

    @pytest.fixture
    def outbox(self, outboxes: tuple[Outbox, Outbox]) -> Outbox:
        return outboxes[0]

    async def test_nobody_waits_because_another_has_more(
        self, store: Store, outbox: Outbox, story: Story, ids: IdSource, clock: Clock
    ) -> None:
        busy = await enabled(story, (PAID.value,))
        for _ in range(50):
            await story.paid(500)
        quiet = []
        for _ in range(3):
            other = await Story.begin(store, ids, clock)
            quiet.append(await enabled(other, (PAID.value,)))
            await other.paid(500)
        share = {busy.id: 4}
        haul = await outbox.claim(clock.now(), LEASE, 10, lambda each: share.get(each, 4))
        counts = [sum(item.endpoint.id == each.id for item in haul.items) for each in (busy, *quiet)]
        assert counts == [4, 1, 1, 1]

    async def test_what_is_put_off_waits_until_then_and_counts_as_no_failure(
        self, outbox: Outbox, story: Story, clock: Clock, advance: Advance
    ) -> None:
        endpoint = await enabled(story, (PAID.value,))
        await story.paid(500)
        (first,) = await claimed(outbox, clock)
        until = clock.now() + timedelta(minutes=1)
        await outbox.record([Tried(first, first.delivery.put_off(until))])
        assert await claimed(outbox, clock) == []
        (kept,) = (await outbox.deliveries(story.scope, endpoint.id, Page())).items
        assert (kept.status, kept.due_at, kept.tries) == (DeliveryStatus.PENDING, until, 0)
        advance(timedelta(minutes=1))
        (again,) = await claimed(outbox, clock)
        assert (again.delivery, again.failing_since) == (kept, None)

    async def test_each_gets_its_turn_when_there_is_more_than_a_call_takes(
        self, store: Store, outbox: Outbox, ids: IdSource, clock: Clock
    ) -> None:
        endpoints = []
        for _ in range(6):
            story = await Story.begin(store, ids, clock)
            endpoints.append(await enabled(story, (PAID.value,)))
            for _ in range(4):
                await story.paid(500)
        seen: list[WebhookEndpointId] = []
        for _ in range(12):
            haul = await outbox.claim(clock.now(), LEASE, 2, lambda _: 1)
            assert len(haul.items) <= 2
            seen += [item.endpoint.id for item in haul.items]
        assert len(seen) >= 18  # a round may end with less than its limit
        first, second = seen[:6], seen[6:12]
        assert set(first) == set(second) == {each.id for each in endpoints}

    async def test_one_without_room_is_passed_by(self, outbox: Outbox, story: Story, clock: Clock) -> None:
        full, free = await enabled(story, (PAID.value,)), await enabled(story, (PAID.value,))
        await story.paid()
        haul = await outbox.claim(clock.now(), LEASE, 100, lambda each: 0 if each == full.id else 5)
        assert [item.endpoint.id for item in haul.items] == [free.id]
        assert [item.endpoint.id for item in await claimed(outbox, clock)] == [full.id]

    async def test_the_longest_overdue_of_an_endpoint_come_first(
        self, outbox: Outbox, story: Story, clock: Clock, advance: Advance
    ) -> None:
        await enabled(story, (PAID.value,))
        events = []
        for _ in range(3):
            advance(timedelta(seconds=1))
            events.append((await story.committed(story.paying(500))).first_event)
        haul = await outbox.claim(clock.now(), LEASE, 100, lambda _: 2)
        assert [item.event.id for item in haul.items] == events[:2]

    async def test_pending_are_those_that_have_not_arrived_and_still_may(
        self, outbox: Outbox, story: Story, clock: Clock, ids: IdSource
    ) -> None:
        endpoints = [await enabled(story, (PAID.value,)) for _ in range(4)]
        event = (await story.committed(story.paying())).first_event
        nothing = (await story.committed(story.paying())).changes[0].aggregate.id
        unknown = EventId.of(ids.new(ChangesetId), 0)
        assert nothing
        assert await outbox.pending(story.scope, [event, unknown]) == {event: 4}
        arrived, failed, _, _ = [item for item in await claimed(outbox, clock) if item.event.id == event]
        await outbox.record(
            [
                Tried(arrived, arrived.delivery.tried(success(clock.now()), 0)),
                Tried(failed, failed.delivery.tried(failure(clock.now()), 0)),
            ]
        )
        assert await outbox.pending(story.scope, [event]) == {event: 3}
        gone = next(each for each in endpoints if each.id == failed.endpoint.id)
        await changed(story, gone, status=EndpointStatus.REMOVED)
        assert await outbox.pending(story.scope, [event]) == {event: 2}
        assert await outbox.pending(story.scope, []) == {}

    async def test_it_is_sent_again_whatever_became_of_it(
        self, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        endpoint = await enabled(story, (PAID.value,))
        event = (await story.committed(story.paying())).first_event
        (item,) = await claimed(outbox, clock)
        arrived = item.delivery.tried(success(clock.now()), 0)
        await outbox.record([Tried(item, arrived)])
        again = await outbox.send_again(story.scope, endpoint.id, event, clock.now())
        assert again == arrived.again(clock.now())
        (item,) = await claimed(outbox, clock)
        assert (item.delivery, item.pending) == (again, 1)
        await outbox.record([Tried(item, item.delivery.canceled())])
        assert await outbox.send_again(story.scope, endpoint.id, event, clock.now()) == again

    async def test_what_is_on_its_way_is_not_taken_from_who_sends_it(
        self, outboxes: tuple[Outbox, Outbox], story: Story, clock: Clock
    ) -> None:
        endpoint = await enabled(story, (PAID.value,))
        event = (await story.committed(story.paying())).first_event
        (item,) = await claimed(outboxes[0], clock)
        await outboxes[1].send_again(story.scope, endpoint.id, event, clock.now())
        assert await claimed(outboxes[1], clock) == []
        await outboxes[0].record([Tried(item, item.delivery.tried(success(clock.now()), 0))])
        (kept,) = (await outboxes[0].deliveries(story.scope, endpoint.id, Page())).items
        assert kept.status is DeliveryStatus.DELIVERED

    async def test_what_waits_for_its_time_is_woken_and_what_is_under_way_is_not(
        self, outboxes: tuple[Outbox, Outbox], story: Story, clock: Clock, advance: Advance
    ) -> None:
        await enabled(story, (PAID.value,))
        for _ in range(3):
            await story.committed(story.paying(500))
        held = await claimed(outboxes[0], clock)
        assert len(held) == 3
        later = clock.now() + timedelta(minutes=10)
        soon = clock.now() + timedelta(seconds=5)
        assert await outboxes[1].wake(story.scope, soon, 10) == 0
        await outboxes[0].record([Tried(item, item.delivery.put_off(later)) for item in held])
        assert await outboxes[1].wake(evolve(story.scope, livemode=True), soon, 10) == 0
        assert await outboxes[1].wake(story.scope, soon, 2) == 2
        assert await outboxes[1].wake(story.scope, soon, 10) == 1
        assert await outboxes[1].wake(story.scope, soon, 10) == 0
        assert await claimed(outboxes[1], clock) == []
        advance(timedelta(seconds=5))
        assert sorted(item.event.id for item in await claimed(outboxes[1], clock)) == sorted(
            item.event.id for item in held
        )

    async def test_an_event_that_was_not_wanted_is_sent_when_it_is_asked_for(
        self, outbox: Outbox, story: Story, clock: Clock, ids: IdSource
    ) -> None:
        event = (await story.committed(story.paying())).first_event
        endpoint = await enabled(story, (EventType.REFUND_CREATED.value,))
        delivery = await outbox.send_again(story.scope, endpoint.id, event, clock.now())
        assert delivery is not None
        assert (delivery.status, delivery.type, delivery.due_at) == ("pending", PAID.value, clock.now())
        (item,) = await claimed(outbox, clock)
        assert (item.event.id, item.delivery) == (event, delivery)
        unknown = EventId.of(ids.new(ChangesetId), 0)
        assert await outbox.send_again(story.scope, endpoint.id, unknown, clock.now()) is None
        nowhere = ids.new(WebhookEndpointId)
        assert await outbox.send_again(story.scope, nowhere, event, clock.now()) is None
        await changed(story, endpoint, status=EndpointStatus.REMOVED)
        assert await outbox.send_again(story.scope, endpoint.id, event, clock.now()) is None

    async def test_deliveries_are_listed_newest_first_in_pages(
        self, outbox: Outbox, story: Story, clock: Clock, advance: Advance
    ) -> None:
        endpoint, other = await enabled(story, (PAID.value,)), await enabled(story, (PAID.value,))
        events, times = [], []
        for _ in range(5):
            advance(timedelta(seconds=1))
            times.append(clock.now())
            events.append((await story.committed(story.paying(500))).first_event)
        await emptied(outbox, clock)

        async def page(**asked: object) -> tuple[list[EventId], bool]:
            listed = await outbox.deliveries(story.scope, endpoint.id, Page(**asked))  # type: ignore[arg-type] # of a test
            assert {each.endpoint for each in listed.items} <= {endpoint.id}
            return [each.event for each in listed.items], listed.has_more

        newest = sorted(events, reverse=True)  # ids of one millisecond are in any order
        assert await page() == (newest, False)
        assert await page(limit=2) == (newest[:2], True)
        assert await page(limit=2, after=newest[1]) == (newest[2:4], True)
        assert await page(limit=2, before=newest[3]) == (newest[1:3], True)
        spanned, _ = await page(created_from=times[1], created_until=times[3])
        assert sorted(spanned) == sorted(events[1:3])
        assert len((await outbox.deliveries(story.scope, other.id, Page())).items) == 5

    async def test_a_claim_of_nothing_says_so(self, outbox: Outbox, story: Story, clock: Clock) -> None:
        await enabled(story)
        haul = await outbox.claim(clock.now(), LEASE, 10, plenty)
        assert (haul.items, haul.more) == ((), False)
        await outbox.record([])
