"""The dispatcher on a core in memory: what it sends, when it sends it again, and what it leaves alone."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest
import stripe
from attrs import evolve
from stripe import WebhookSignature

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.outbox import MemoryOutbox
from fintech.adapters.memory.webhook_sender import MemoryWebhookSender
from fintech.application.commits import NotFound
from fintech.application.webhooks import dispatch as module
from fintech.application.webhooks.deliveries import EndpointDisabled
from fintech.application.webhooks.dispatch import Dispatch
from fintech.application.webhooks.endpoints import Keyed
from fintech.application.webhooks.figures import Ending
from fintech.application.webhooks.lanes import RUNNING_MAX, Lane
from fintech.domain.ids import EventId, WebhookEndpointId
from fintech.domain.keys.columns import WEBHOOK_SECRET
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from fintech.domain.webhooks.delivery import RETRY_DELAYS, Delivery, DeliveryStatus, TryFault
from fintech.domain.webhooks.endpoint import PATIENCE, DisabledBecause, EndpointStatus
from fintech.entrypoints.container import Core
from fintech.entrypoints.worker import delivering, dispatcher
from fintech.ports.errors import StoreUnavailable
from fintech.ports.outbox import Haul, Tried
from fintech.ports.protected_store import SealedValue
from fintech.ports.queries import Page
from fintech.ports.webhook_sender import Parcel, Sent
from tests.unit.application.shop import PLAIN, Shop

URL = "https://example.com/hooks"
PAID = ("payment_intent.succeeded",)


class Line(MemoryWebhookSender):
    """A sender with a hand in it: ``held`` are URLs whose receivers take their time until `release`."""

    def __init__(self) -> None:
        super().__init__()
        self.held: set[str] = set()
        self.released = asyncio.Event()
        self.under_way: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.statuses: dict[str, int | TryFault] = {}
        self.breaks = 0

    async def post(self, parcel: Parcel) -> Sent:
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("a bug")
        self.under_way[parcel.url] += 1
        self.peak[parcel.url] = max(self.peak[parcel.url], self.under_way[parcel.url])
        try:
            await asyncio.sleep(0)
            if parcel.url in self.held:
                await self.released.wait()
            if parcel.url in self.statuses:
                self.script.appendleft(self.statuses[parcel.url])
            return await super().post(parcel)
        finally:
            self.under_way[parcel.url] -= 1

    def events(self, url: str = URL) -> list[str]:
        """The ids of the events that came to a URL."""
        return [json.loads(parcel.body)["id"] for parcel in self.sent if parcel.url == url]


@pytest.fixture
def line(shop: Shop) -> Line:
    line = Line()
    shop.core.webhook_sender.override(line)
    return line


async def make(shop: Shop, types: tuple[str, ...] = PAID, url: str = URL) -> Keyed:
    return (await shop.core.create_webhook_endpoint()(PLAIN, shop.scope, url, types)).unwrap().value


def _have(line: Line, count: int) -> bool:
    return len(line.sent) >= count


def _held_back_more(dispatching: Dispatch, than: int) -> bool:
    return dispatching.figures.endings[Ending.HELD_BACK] > than


async def log_of(shop: Shop, endpoint: Keyed) -> list[Delivery]:
    return list(
        (await shop.core.outbox().deliveries(shop.scope, endpoint.endpoint.id, Page(limit=100))).items
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def working(core: Core, **options: float) -> AsyncIterator[Dispatch]:
    made = dispatcher(core)
    async with delivering(made, interval_s=0.005, **options):
        yield made


async def settled(dispatching: Dispatch) -> None:
    """Everything that was claimed has been recorded, and nothing more is due."""
    for _ in range(5):
        await until(lambda: not dispatching._held)
        await asyncio.sleep(0.01)


async def test_an_event_is_sent_signed_and_as_the_wire_has_it(shop: Shop, line: Line) -> None:
    made = await make(shop)
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(lambda: line.sent)
        await settled(dispatching)
    (parcel,) = line.sent
    assert (parcel.url, parcel.loopback) == (URL, True)
    assert parcel.headers["Content-Type"] == "application/json; charset=utf-8"
    assert WebhookSignature.verify_header(parcel.body, parcel.headers["Stripe-Signature"], made.secret)
    event = json.loads(parcel.body)
    assert (event["object"], event["type"], event["pending_webhooks"]) == ("event", *PAID, 1)
    (delivery,) = await log_of(shop, made)
    assert (delivery.status, delivery.event, delivery.log[0].status) == ("delivered", event["id"], 200)
    assert dispatching.figures.endings[Ending.ARRIVED] == 1
    assert sum(dispatching.figures.lag_buckets) == 1


async def test_during_a_rotation_both_secrets_sign(shop: Shop, line: Line) -> None:
    old = await make(shop)
    new = (
        (await shop.core.rotate_webhook_secret()(PLAIN, shop.scope, old.endpoint.id, timedelta(hours=1)))
        .unwrap()
        .value
    )
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(lambda: len(line.sent) == 1)
        await settled(dispatching)
        shop.clock.advance(timedelta(hours=1))
        await shop.pay()
        await until(lambda: len(line.sent) == 2)
    during, after = [(parcel.body, parcel.headers["Stripe-Signature"]) for parcel in line.sent]
    for secret in (old.secret, new.secret):
        assert WebhookSignature.verify_header(*during, secret)
    assert WebhookSignature.verify_header(*after, new.secret)
    with pytest.raises(stripe.SignatureVerificationError):
        WebhookSignature.verify_header(*after, old.secret)


async def test_pending_webhooks_are_those_that_have_not_got_it(shop: Shop, line: Line) -> None:
    await make(shop)
    slow = await make(shop, url=URL + "/slow")
    line.statuses[slow.endpoint.url] = 500
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(lambda: line.events() and line.events(slow.endpoint.url))
        await settled(dispatching)
        del line.statuses[slow.endpoint.url]
        shop.clock.advance(RETRY_DELAYS[0])
        await until(lambda: len(line.sent) == 3)
    told = [json.loads(parcel.body)["pending_webhooks"] for parcel in line.sent]
    assert (max(told[:2]), told[2]) == (2, 1)


async def test_what_fails_is_sent_again_on_schedule_and_then_no_more(shop: Shop, line: Line) -> None:
    made = await make(shop)
    line.statuses[URL] = 503
    async with working(shop.core) as dispatching:
        await shop.pay()
        for tries in range(1, len(RETRY_DELAYS) + 2):
            await until(partial(_have, line, tries))
            await settled(dispatching)
            for lane in dispatching._lanes.values():
                lane.free_at = 0.0  # its pauses are the machine's time
            shop.clock.advance(RETRY_DELAYS[min(tries, len(RETRY_DELAYS)) - 1])
        shop.clock.advance(timedelta(days=10))
        await asyncio.sleep(0.03)
    (delivery,) = await log_of(shop, made)
    assert (delivery.status, delivery.tries) == (DeliveryStatus.FAILED, len(RETRY_DELAYS) + 1)
    assert len(set(line.events())) == 1
    assert dispatching.figures.endings[Ending.LOST] == 1


async def test_one_that_hangs_delays_nobody(shop: Shop, line: Line) -> None:
    hanging = [await make(shop, url=f"{URL}/{number}") for number in range(4)]
    line.held = {each.endpoint.url for each in hanging}
    await make(shop)
    for _ in range(40):
        await shop.pay()
    async with working(shop.core, patience_s=0.05):
        await until(lambda: len(line.events()) == 40)
        assert all(line.under_way[url] for url in line.held)
    assert max(line.peak[url] for url in line.held) <= RUNNING_MAX
    for each in hanging:
        assert {delivery.tries for delivery in await log_of(shop, each)} == {0}


async def test_one_that_fails_is_sent_one_at_a_time_until_something_arrives(shop: Shop, line: Line) -> None:
    await make(shop)
    for _ in range(30):
        await shop.pay()
    line.statuses[URL] = TryFault.TIMEOUT
    async with working(shop.core) as dispatching:
        await until(lambda: dispatching.figures.endings[Ending.FAILED] >= 2)
        failed = dispatching.figures.endings[Ending.FAILED]
        assert line.peak[URL] <= 2
        await asyncio.sleep(0.1)
        assert dispatching.figures.endings[Ending.FAILED] <= failed + 1  # it pauses
        del line.statuses[URL]
        for lane in dispatching._lanes.values():
            lane.free_at = 0.0
        shop.clock.advance(RETRY_DELAYS[0])
        await until(lambda: dispatching.figures.endings[Ending.ARRIVED] == 30)


async def test_one_that_was_failing_before_a_restart_begins_alone(shop: Shop, line: Line) -> None:
    await make(shop)
    for _ in range(20):
        await shop.pay()
    line.statuses[URL] = 500
    async with working(shop.core) as first:
        await until(lambda: first.figures.endings[Ending.FAILED])
    line.peak.clear()
    line.held = {URL}
    async with working(shop.core, patience_s=0.05):
        await until(lambda: line.under_way[URL])
        await asyncio.sleep(0.03)
    assert line.peak[URL] == 1


async def test_an_endpoint_that_nothing_arrives_at_for_days_is_disabled(shop: Shop, line: Line) -> None:
    made = await make(shop)
    other = await make(shop, ("webhook_endpoint.updated",), url=URL + "/other")
    line.statuses[URL] = 500
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(line.events)
        await settled(dispatching)
        shop.clock.advance(PATIENCE)
        await until(lambda: line.events(other.endpoint.url))
        await settled(dispatching)
        await shop.pay()
        await asyncio.sleep(0.02)
    endpoint = await shop.core.store().webhook_endpoint(shop.scope, made.endpoint.id)
    assert endpoint is not None
    assert (endpoint.status, endpoint.disabled_because) == (EndpointStatus.DISABLED, DisabledBecause.FAILING)
    assert dispatching.figures.disabled == 1
    assert len(set(line.events())) == 1
    told = json.loads(next(parcel.body for parcel in line.sent if parcel.url == other.endpoint.url))
    assert (told["data"]["object"]["status"], told["data"]["object"]["disabled_reason"]) == (
        "disabled",
        "failing",
    )


async def test_one_arrival_keeps_an_endpoint_alive(shop: Shop, line: Line) -> None:
    made = await make(shop)
    async with working(shop.core) as dispatching:
        for status in (500, 200, 500):
            line.script.append(status)
            await shop.pay()
            await settled(dispatching)
            shop.clock.advance(PATIENCE - timedelta(hours=1))
        await settled(dispatching)
    endpoint = await shop.core.store().webhook_endpoint(shop.scope, made.endpoint.id)
    assert endpoint is not None
    assert endpoint.status is EndpointStatus.ENABLED


async def test_what_was_due_when_it_was_disabled_is_canceled(shop: Shop, line: Line) -> None:
    made = await make(shop)
    await shop.pay()
    await shop.core.update_webhook_endpoint()(PLAIN, shop.scope, made.endpoint.id, disabled=True)
    async with working(shop.core) as dispatching:
        await until(lambda: dispatching.figures.endings[Ending.CANCELED])
        await settled(dispatching)
    assert not line.sent
    assert [each.status for each in await log_of(shop, made)] == [DeliveryStatus.CANCELED]


async def test_it_is_sent_again_when_somebody_asks(shop: Shop, line: Line) -> None:
    made, unwanted = await make(shop), await make(shop, ("refund.created",), url=URL + "/refunds")
    resend = shop.core.resend_event()
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(lambda: line.sent)
        await settled(dispatching)
        event = EventId(line.events()[0])
        again, deliveries = (await resend(shop.scope, event)).unwrap()
        assert (again.id, [each.endpoint for each in deliveries]) == (event, [made.endpoint.id])
        await until(lambda: len(line.events()) == 2)
        await resend(shop.scope, event, unwanted.endpoint.id)
        await until(lambda: line.events(unwanted.endpoint.url))
        await settled(dispatching)
    assert line.events() == [event, event]
    assert [each.tries for each in await log_of(shop, made)] == [2]


async def test_nothing_is_sent_again_that_is_not_there_or_to_nobody(shop: Shop, line: Line) -> None:
    made = await make(shop)
    await shop.pay()
    event = (await shop.core.queries().events(shop.scope, Page(limit=1))).items[0].id
    resend = shop.core.resend_event()
    nothing, nowhere = EventId("evt_" + "9" * 26), WebhookEndpointId("we_" + "9" * 24)
    assert await resend(shop.scope, nothing) == Failure(NotFound("event", nothing))
    assert await resend(shop.scope, event, nowhere) == Failure(NotFound("webhook_endpoint", nowhere))
    await shop.core.update_webhook_endpoint()(PLAIN, shop.scope, made.endpoint.id, disabled=True)
    assert await resend(shop.scope, event, made.endpoint.id) == Failure(EndpointDisabled(made.endpoint.id))
    assert (await resend(shop.scope, event)).unwrap()[1] == []


async def test_at_the_end_what_is_under_way_arrives_and_the_rest_is_let_go(shop: Shop, line: Line) -> None:
    made = await make(shop)
    async with working(shop.core) as first:
        await shop.pay()
        await until(lambda: first.figures.endings[Ending.ARRIVED])
        line.held = {URL}
        for _ in range(60):
            await shop.pay()
        await until(lambda: line.under_way[URL] == RUNNING_MAX)
        asyncio.get_running_loop().call_later(0.05, line.released.set)
    log = await log_of(shop, made)
    assert Counter(each.status for each in log) == {"delivered": RUNNING_MAX + 1, "pending": 60 - RUNNING_MAX}
    async with working(shop.core) as second:  # at once: no lease is left
        await until(lambda: second.figures.endings[Ending.ARRIVED] == 60 - RUNNING_MAX)
    assert Counter(line.events()).most_common(1)[0][1] == 1


async def test_at_the_end_nobody_is_waited_for_longer_than_patience(shop: Shop, line: Line) -> None:
    made = await make(shop)
    await shop.pay()
    line.held = {URL}
    async with working(shop.core, patience_s=0.05):
        await until(lambda: line.under_way[URL])
    assert [(each.status, each.tries) for each in await log_of(shop, made)] == [("pending", 0)]
    line.held.clear()
    async with working(shop.core):
        await until(lambda: line.sent)


async def test_what_it_died_with_is_sent_by_another_when_the_lease_is_over(shop: Shop, line: Line) -> None:
    made = await make(shop)
    await shop.pay()
    haul = await shop.core.outbox().claim(shop.clock.now(), module.LEASE, 10, lambda _: 10)
    assert len(haul.items) == 1  # and its holder is killed
    async with working(shop.core):
        await asyncio.sleep(0.03)
        assert not line.sent
        shop.clock.advance(module.LEASE)
        await until(lambda: line.sent)
    assert [each.status for each in await log_of(shop, made)] == ["delivered"]


async def test_several_share_the_work(shop: Shop, line: Line) -> None:
    for number in range(3):
        await make(shop, url=f"{URL}/{number}")
    async with working(shop.core) as one, working(shop.core) as other:
        for _ in range(60):
            await shop.pay()
        await until(
            lambda: one.figures.endings[Ending.ARRIVED] + other.figures.endings[Ending.ARRIVED] == 180
        )
    counted = Counter((parcel.url, json.loads(parcel.body)["id"]) for parcel in line.sent)
    assert len(counted) == 180
    assert set(counted.values()) == {1}


async def test_a_bug_in_one_event_stops_no_other_and_does_not_come_back_at_once(
    shop: Shop, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    made = await make(shop)
    line.breaks = 1
    async with working(shop.core) as dispatching:
        for _ in range(5):
            await shop.pay()
        await until(lambda: dispatching.figures.endings[Ending.ARRIVED] == 4)
        await settled(dispatching)
    broken = [each for each in await log_of(shop, made) if each.status is DeliveryStatus.PENDING]
    assert [each.log[-1].fault for each in broken] == [TryFault.OURS]
    assert "a bug" not in caplog.text


class Shaky(MemoryOutbox):
    """An outbox whose store is away for a while."""

    def __init__(self, core: Core, clock: ManualClock) -> None:
        super().__init__(core.store().memory)  # type: ignore[attr-defined] # it is the one in memory
        self.claims = self.records = 0
        self.poisoned = ""

    async def claim(self, *arguments) -> Haul:
        if self.claims:
            self.claims -= 1
            raise StoreUnavailable("away")
        return await super().claim(*arguments)

    async def record(self, tried) -> None:
        if self.records:
            self.records -= 1
            raise StoreUnavailable("away")
        if any(each.after.event == self.poisoned for each in tried):
            raise ValueError("cannot be stored")
        await super().record(tried)


async def test_a_store_that_is_away_loses_nothing(
    shop: Shop, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Shaky(shop.core, shop.clock)
    shop.core.outbox.override(outbox)
    made = await make(shop)
    outbox.claims = outbox.records = 3
    await shop.pay()
    with caplog.at_level(logging.INFO):
        async with working(shop.core) as dispatching:
            await until(lambda: line.sent)
            await settled(dispatching)
    assert [each.status for each in await log_of(shop, made)] == ["delivered"]
    assert len(line.sent) == 1
    said = [record.getMessage() for record in caplog.records if "dispatch" in record.name]
    assert said[:2] == ["deliveries cannot be claimed; it goes on trying", "the dispatcher works again"]


async def test_one_that_cannot_be_recorded_does_not_hold_up_its_neighbours(shop: Shop, line: Line) -> None:
    outbox = Shaky(shop.core, shop.clock)
    shop.core.outbox.override(outbox)
    made = await make(shop)
    for _ in range(7):
        await shop.pay()
    outbox.poisoned = (await log_of(shop, made))[3].event
    async with working(shop.core) as dispatching:
        await until(lambda: dispatching.figures.endings[Ending.ARRIVED] == 7)
        await settled(dispatching)
    counts = Counter(each.status for each in await log_of(shop, made))
    assert counts == {"delivered": 6, "pending": 1}


async def test_what_waited_until_its_lease_is_nearly_over_is_left_to_others(shop: Shop, line: Line) -> None:
    await make(shop)
    await shop.pay()
    (claimed,) = (await shop.core.outbox().claim(shop.clock.now(), module.LEASE, 10, lambda _: 10)).items
    shop.clock.advance(module.LEASE)
    dispatching = dispatcher(shop.core)
    await dispatching._try(Lane(), claimed)
    assert dispatching._tried == [Tried(claimed, claimed.delivery)]
    assert not line.sent


@pytest.mark.parametrize(
    ("reason", "waits_s"),
    [
        (CustodyReason.UNREACHABLE, 10),
        (CustodyReason.SUSPENDED, 60),
        (CustodyReason.REVOKED, 600),
        (CustodyReason.INTEGRITY, 600),
    ],
)
async def test_what_custody_lets_nobody_sign_waits_and_nothing_is_lost(
    shop: Shop, line: Line, reason: CustodyReason, waits_s: int
) -> None:
    made = await make(shop)
    shop.vault.refusing[shop.scope] = reason
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(lambda: dispatching.figures.endings[Ending.HELD_BACK])
        await settled(dispatching)
        (waiting,) = await log_of(shop, made)
        assert (waiting.status, waiting.tries, waiting.step, waiting.log) == ("pending", 0, 0, ())
        assert waiting.due_at is not None
        assert 0.8 * waits_s <= (waiting.due_at - shop.clock.now()).total_seconds() <= waits_s
        assert line.sent == []
        for _ in range(5):  # days of it give neither the delivery nor the endpoint up
            shop.advance(days=1)
            held = dispatching.figures.endings[Ending.HELD_BACK]
            await until(partial(_held_back_more, dispatching, held))
            await settled(dispatching)
        shop.vault.refusing.clear()
        shop.advance(hours=1)
        await until(lambda: line.sent)
        await settled(dispatching)
    (delivery,) = await log_of(shop, made)
    assert (delivery.status, delivery.tries) == ("delivered", 1)
    (parcel,) = line.sent
    assert made.secret is not None
    assert WebhookSignature.verify_header(parcel.body, parcel.headers["Stripe-Signature"], made.secret, 10**9)


async def test_what_nobody_can_ever_sign_is_canceled(shop: Shop, line: Line) -> None:
    made = await make(shop)
    shop.vault.refusing[shop.scope] = CustodyReason.DESTROYED
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(lambda: dispatching.figures.endings[Ending.CANCELED])
        await settled(dispatching)
    assert ([each.status for each in await log_of(shop, made)], line.sent) == (["canceled"], [])


async def test_a_secret_is_opened_for_each_delivery_and_asked_for_once(
    shop: Shop, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(shop)
    asked, values = list[int](), shop.core.protected()
    get = values.get

    async def counted(scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        asked.append(len(places))
        return await get(scope, places)

    monkeypatch.setattr(values, "get", counted)
    async with working(shop.core) as dispatching:
        for count in range(1, 4):
            await shop.pay()
            await until(partial(_have, line, count))
        await settled(dispatching)
    assert len(asked) <= 2
    assert shop.vault.leases[shop.scope] >= 3


async def test_a_secret_that_was_sealed_anew_is_found(shop: Shop, line: Line) -> None:
    made = await make(shop)
    values, place = shop.core.protected(), WEBHOOK_SECRET.at(made.endpoint.sealed_under)
    async with working(shop.core) as dispatching:
        await shop.pay()
        await until(partial(_have, line, 1))
        await shop.vault.rotate(shop.scope, 1, 2)
        (before,) = (await values.get(shop.scope, (place,))).values()
        lease = shop.vault.lent(shop.scope)
        secret = lease.open(KeyPurpose.WEBHOOK, place, before.message).unwrap()
        message = lease.seal(KeyPurpose.WEBHOOK, place, secret)
        await values.replace(shop.scope, before, evolve(before, number=2, message=message))
        await shop.vault.rotate(shop.scope, 2)
        await shop.pay()
        await until(partial(_have, line, 2))
        await settled(dispatching)
    assert made.secret is not None
    for parcel in line.sent:
        assert WebhookSignature.verify_header(parcel.body, parcel.headers["Stripe-Signature"], made.secret)
