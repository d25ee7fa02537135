"""The promise of `Outbox`, for every adapter's tests."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId, EventId, WebhookEndpointId
from fintech.domain.webhooks.delivery import Delivery, DeliveryStatus, DeliveryTry, TryFault
from fintech.domain.webhooks.endpoint import ALL_TYPES, EndpointStatus, WebhookEndpoint
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story
from fintech.ports.id_source import IdSource
from fintech.ports.outbox import Claimed, Outbox, Tried
from fintech.ports.queries import Page
from fintech.ports.store import Store

Advance = Callable[[timedelta], None]

LEASE = timedelta(seconds=60)
MANY = 1_000
#: Both that a payment of a `Story` is made of.
PAID = EventType.PAYMENT_SUCCEEDED


def plenty(_endpoint: WebhookEndpointId) -> int:
    """Room for whatever there is."""
    return MANY


class OutboxContract:
    """Subclass it and provide the fixtures ``store`` (empty), ``outboxes`` (two on that store, as two processes have
    them), ``clock`` (the store's), ``ids`` (an `IdSource`) and ``advance`` (moves the clock by a timedelta)."""

    @pytest.fixture
    async def story(self, store: Store, ids: IdSource, clock: Clock) -> Story:
        return await Story.begin(store, ids, clock)

    @pytest.fixture
    def outbox(self, outboxes: tuple[Outbox, Outbox]) -> Outbox:
        return outboxes[0]

    async def test_an_event_is_put_there_for_each_endpoint_that_wants_it(
        self, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        everything = await enabled(story)
        refunds = await enabled(story, (EventType.REFUND_CREATED.value,))
        both = await enabled(story, (EventType.REFUND_CREATED.value, PAID.value))
        await emptied(outbox, clock)
        payment = await story.paid()
        items = {each.endpoint.id: each for each in await claimed(outbox, clock)}
        of_all, of_both = items.pop(everything.id), items.pop(both.id)
        assert (of_all.endpoint, of_both.endpoint) == (everything, both)
        assert of_all.event.snapshot == payment
        assert (of_all.event.type, of_all.scope, of_all.pending) == (PAID, story.scope, 2)
        assert of_all.event == await story.store.event(story.scope, of_all.event.id)
        assert of_all.delivery == Delivery(
            endpoint=everything.id,
            event=of_all.event.id,
            type=PAID.value,
            status=DeliveryStatus.PENDING,
            due_at=of_all.event.at,
        )
        assert refunds.id != everything.id
        assert not items

    async def test_no_other_merchant_and_no_other_mode_hears_of_it(
        self, store: Store, outbox: Outbox, story: Story, ids: IdSource, clock: Clock
    ) -> None:
        endpoint = await enabled(story)
        await emptied(outbox, clock)
        other = await Story.begin(store, ids, clock)
        live = Story(store, ids, clock, story.merchant, evolve_scope(story))
        await other.paid()
        await live.committed(live.changes((live.key(b"l" * 32), EventType.API_KEY_CREATED)))
        assert await claimed(outbox, clock) == []
        listed = await outbox.deliveries(other.scope, endpoint.id, Page())
        assert listed.items == ()

    async def test_what_was_refused_is_not_sent(
        self, store: Store, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        await enabled(story)
        payment = await story.paid(manual=True)
        await emptied(outbox, clock)
        changes = story.capturing(evolve(payment, version=7), 10_000)
        await store.commit(story.scope, changes)
        assert await claimed(outbox, clock) == []

    async def test_a_changeset_that_is_handed_in_again_is_sent_once(
        self, store: Store, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        await enabled(story)
        await emptied(outbox, clock)
        changes = await story.committed(story.paying())
        await asyncio.gather(*(store.commit(story.scope, changes) for _ in range(5)))
        assert len(await claimed(outbox, clock)) == 1

    async def test_a_disabled_or_removed_endpoint_gets_nothing_new(
        self, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        endpoint = await enabled(story)
        for status in (EndpointStatus.DISABLED, EndpointStatus.REMOVED):
            endpoint = await changed(story, endpoint, status=status)
            await emptied(outbox, clock)
            await story.paid()
            assert await claimed(outbox, clock) == []

    async def test_what_was_due_when_it_was_disabled_is_claimed_with_the_endpoint_as_it_is_now(
        self, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        endpoint = await enabled(story, (PAID.value,))
        await story.paid()
        disabled = await changed(story, endpoint, status=EndpointStatus.DISABLED)
        (item,) = await claimed(outbox, clock)
        assert item.endpoint == disabled
        await outbox.record([Tried(item, item.delivery.canceled())])
        assert await claimed(outbox, clock) == []
        (logged,) = (await outbox.deliveries(story.scope, endpoint.id, Page())).items
        assert (logged.status, logged.tries) == (DeliveryStatus.CANCELED, 0)

    async def test_events_that_race_with_an_endpoint_are_sent_or_not_but_never_after_it_is_known(
        self, outbox: Outbox, story: Story, clock: Clock
    ) -> None:
        made: list[WebhookEndpoint] = []
        known = asyncio.Event()
        told: list[tuple[EventId, bool]] = []

        async def sell() -> None:
            for _ in range(5):
                sure = known.is_set()
                changes = await story.committed(story.paying(500))
                told.append((changes.first_event, sure))

        async def make() -> None:
            made.append(await enabled(story, (PAID.value,)))
            known.set()

        await asyncio.gather(*(sell() for _ in range(10)), make())
        sent = {each.event.id for each in await claimed(outbox, clock)}
        assert {event for event, sure in told if sure} <= sent <= {event for event, _ in told}
        await changed(story, made[0], status=EndpointStatus.REMOVED)
        late = await story.committed(story.paying(500))
        assert late.first_event not in {each.event.id for each in await claimed(outbox, clock)}

    async def test_what_is_claimed_is_nobody_elses_until_the_lease_is_over(
        self, outboxes: tuple[Outbox, Outbox], story: Story, clock: Clock, advance: Advance
    ) -> None:
        await enabled(story, (PAID.value,))
        for _ in range(20):
            await story.paid(500)
        rounds = [each.claim(clock.now(), LEASE, 7, plenty) for _ in range(5) for each in outboxes]
        items = [item for haul in await asyncio.gather(*rounds) for item in haul.items]
        items += await claimed(outboxes[1], clock)
        assert len(items) == len({item.event.id for item in items}) == 20
        advance(LEASE - timedelta(seconds=1))
        assert await claimed(outboxes[1], clock) == []
        advance(timedelta(seconds=1))  # whoever claimed them died
        assert len(await claimed(outboxes[1], clock)) == 20

    async def test_what_is_let_go_is_free_at_once_and_untried(
        self, outboxes: tuple[Outbox, Outbox], story: Story, clock: Clock
    ) -> None:
        await enabled(story, (PAID.value,))
        await story.paid()
        (item,) = await claimed(outboxes[0], clock)
        await outboxes[0].record([Tried(item, item.delivery)])
        (again,) = await claimed(outboxes[1], clock)
        assert again.delivery == item.delivery
        assert again.failing_since is None

    async def test_a_success_is_the_end(
        self, outbox: Outbox, story: Story, clock: Clock, advance: Advance
    ) -> None:
        endpoint = await enabled(story, (PAID.value,))
        await story.paid()
        (item,) = await claimed(outbox, clock)
        after = item.delivery.tried(success(clock.now()), 0)
        await outbox.record([Tried(item, after)])
        advance(timedelta(days=5))
        assert await claimed(outbox, clock) == []
        assert (await outbox.deliveries(story.scope, endpoint.id, Page())).items == (after,)

    async def test_a_failure_is_tried_again_when_it_is_time(
        self, outbox: Outbox, story: Story, clock: Clock, advance: Advance
    ) -> None:
        await enabled(story, (PAID.value,))
        await story.paid()
        (item,) = await claimed(outbox, clock)
        first = clock.now()
        after = item.delivery.tried(failure(first), 0.5)
        await outbox.record([Tried(item, after)])
        assert after.due_at is not None
        advance(after.due_at - clock.now() - timedelta(milliseconds=1))
        assert await claimed(outbox, clock) == []
        advance(timedelta(milliseconds=1))
        (again,) = await claimed(outbox, clock)
        assert again.delivery == after
        assert again.failing_since == first
        later = again.delivery.tried(failure(clock.now(), fault=TryFault.TIMEOUT), 0.5)
        await outbox.record([Tried(again, later)])
        advance(timedelta(days=1))
        (third,) = await claimed(outbox, clock)
        assert (third.delivery.log, third.failing_since) == (later.log, first)
        await outbox.record([Tried(third, third.delivery.tried(success(clock.now()), 0))])
        await story.paid()
        (next_event,) = await claimed(outbox, clock)
        assert next_event.failing_since is None

    async def test_whoever_lost_the_lease_changes_nothing_but_for_a_success(
        self, outboxes: tuple[Outbox, Outbox], story: Story, clock: Clock, advance: Advance
    ) -> None:
        endpoint = await enabled(story, (PAID.value,))
        await story.paid()
        (old,) = await claimed(outboxes[0], clock)
        advance(LEASE)
        (new,) = await claimed(outboxes[1], clock)
        for late in (old.delivery, old.delivery.tried(failure(clock.now()), 0), old.delivery.canceled()):
            await outboxes[0].record([Tried(old, late)])
        assert await claimed(outboxes[0], clock) == []  # it is still leased
        (kept,) = (await outboxes[0].deliveries(story.scope, endpoint.id, Page())).items
        assert kept == new.delivery
        await outboxes[0].record([Tried(old, old.delivery.tried(success(clock.now()), 0))])
        await outboxes[1].record([Tried(new, new.delivery.tried(failure(clock.now()), 0))])
        (kept,) = (await outboxes[0].deliveries(story.scope, endpoint.id, Page())).items
        assert kept.status is DeliveryStatus.DELIVERED


def evolve_scope(story: Story) -> Any:
    """The same merchant's other mode."""
    return type(story.scope)(story.scope.merchant, not story.scope.livemode)


def endpoint_of(story: Story, types: tuple[str, ...] = ALL_TYPES) -> WebhookEndpoint:
    """An endpoint that is not stored yet."""
    return WebhookEndpoint(
        id=story.ids.new(WebhookEndpointId),
        version=0,
        url="https://example.com/hooks",
        types=types,
        status=EndpointStatus.ENABLED,
        secret_number=1,
        sealed_under="we.1",
        created_at=story.clock.now(),
    )


async def enabled(story: Story, types: tuple[str, ...] = ALL_TYPES) -> WebhookEndpoint:
    """An endpoint that is stored, as it is then."""
    return await _saved(story, endpoint_of(story, types), EventType.WEBHOOK_ENDPOINT_CREATED)


async def changed(story: Story, endpoint: WebhookEndpoint, **changes: Any) -> WebhookEndpoint:
    """The same with something changed."""
    return await _saved(story, evolve(endpoint, **changes), EventType.WEBHOOK_ENDPOINT_UPDATED)


async def _saved(story: Story, endpoint: WebhookEndpoint, event: EventType) -> WebhookEndpoint:
    await story.committed(story.changes((endpoint, event), id=story.ids.new(ChangesetId)))
    return evolve(endpoint, version=endpoint.version + 1)


async def claimed(outbox: Outbox, clock: Clock, limit: int = MANY) -> list[Claimed]:
    """Everything that is due."""
    items: list[Claimed] = []
    while True:
        haul = await outbox.claim(clock.now(), LEASE, limit, plenty)
        items += haul.items
        if not haul.more:
            return items


async def emptied(outbox: Outbox, clock: Clock) -> None:
    """Whatever is due is delivered."""
    done = [
        Tried(each, each.delivery.tried(success(clock.now()), 0)) for each in await claimed(outbox, clock)
    ]
    await outbox.record(done)


def success(at: datetime) -> DeliveryTry:
    """The receiver has it."""
    return DeliveryTry(at=at, duration_ms=12, status=200)


def failure(at: datetime, fault: TryFault | None = None) -> DeliveryTry:
    """The receiver has it not."""
    return DeliveryTry(at=at, duration_ms=12, status=None if fault else 500, fault=fault)
