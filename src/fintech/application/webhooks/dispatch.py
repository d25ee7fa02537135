"""The dispatcher: sends what is in the outbox, for as long as a service lives. Any number of them share the work.

It claims what is due, sends it in lanes, one for each endpoint, and records what became of it. A delivery that it dies
with is claimed by somebody else when its lease is over, so that it arrives at least once.
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from attrs import define, field

from fintech.application.webhooks.deliveries import GiveUpEndpoint
from fintech.application.webhooks.figures import Ending, Figures
from fintech.application.webhooks.lanes import ALONE_FROM, Lane
from fintech.application.webhooks.posting import PostEvent, held_back_for
from fintech.application.webhooks.secrets import gone
from fintech.domain.ids import WebhookEndpointId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.scope import Actor, Face
from fintech.domain.webhooks.delivery import JITTER_FROM, Delivery, DeliveryStatus, DeliveryTry, TryFault
from fintech.domain.webhooks.endpoint import EndpointStatus
from fintech.ports.clock import Clock
from fintech.ports.errors import PortError, StoreUnavailable
from fintech.ports.outbox import BATCH_MAX, Claimed, Outbox, Tried

#: How often to look for what is due when nothing was.
INTERVAL_S: Final = 0.25
#: How long after a dispatcher died somebody else sends what it had claimed.
LEASE: Final = timedelta(seconds=60)
#: What is not sent so long before its lease is over is let go instead.
LEASE_RESERVE: Final = timedelta(seconds=15)
#: How many are claimed and not yet recorded, how many under way at once, and how many of these to endpoints that fail.
HELD_MAX: Final = 4_096
RUNNING_MAX: Final = 512
FAILING_MAX: Final = 256
#: So many endpoints are remembered to be failing.
LANES_MAX: Final = 10_000
#: What became of deliveries is gathered for so long, and kept together.
GATHER_S: Final = 0.01
FORGET_EVERY_S: Final = 1.0
DISPATCHER: Final = Actor("dispatcher", Face.WORKER, "nothing has arrived for three days")

_log: Final = logging.getLogger(__name__)


@define(kw_only=True, eq=False)
class Dispatch:
    """`run` it once, in the loop that it is made for; `stop` ends it."""

    outbox: Outbox
    post: PostEvent
    clock: Clock
    give_up: GiveUpEndpoint
    figures: Figures = field(factory=Figures)
    _lanes: dict[WebhookEndpointId, Lane] = field(factory=dict, init=False)
    _workers: "set[asyncio.Task[None]]" = field(factory=set, init=False)
    _tried: list[Tried] = field(factory=list, init=False)
    _held: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)
    _awake: asyncio.Event = field(factory=asyncio.Event, init=False)
    _to_record: asyncio.Event = field(factory=asyncio.Event, init=False)
    _slots: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(RUNNING_MAX), init=False)
    _failing_slots: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(FAILING_MAX), init=False)
    _troubled: bool = field(default=False, init=False)
    _forgot_at: float = field(default=0.0, init=False)

    async def run(self, interval_s: float = INTERVAL_S, *, patience_s: float = 5.0) -> None:
        """Dispatch until `stop`; then what is under way has ``patience_s`` to arrive, and the rest is let go."""
        recorder = asyncio.create_task(self._record_on(interval_s), name="deliveries' recorder")
        try:
            while not self._stopping:
                self._awake.clear()
                if not await self._claim():
                    await self._pause(interval_s)
        finally:
            self._stopping = True
            await self._land(patience_s)
            self._to_record.set()
            await asyncio.wait({recorder}, timeout=patience_s)
            recorder.cancel()
            await asyncio.wait({recorder})

    def stop(self) -> None:
        """Claim no more."""
        self._stopping = True
        self._awake.set()

    async def _claim(self) -> bool:
        """Claim what there is room for; whether to ask again at once."""
        limit = min(BATCH_MAX, HELD_MAX - self._held)
        if limit <= 0:
            return False
        now = monotonic()
        self._forget(now)
        rooms: dict[WebhookEndpointId, int] = {}

        def room(endpoint: WebhookEndpointId) -> int:
            rooms[endpoint] = self._lanes.get(endpoint, _NEW).room(now)
            return rooms[endpoint]

        try:
            haul = await self.outbox.claim(self.clock.now(), LEASE, limit, room)
        except Exception as error:  # noqa: BLE001 - whatever fails, what is due later must still be sent
            self._trouble("deliveries cannot be claimed; it goes on trying", error)
            return False
        self._well()
        self._held += len(haul.items)
        for claimed in haul.items:
            lane = self._lanes.get(claimed.endpoint.id)
            if lane is None:
                lane = Lane(failures=ALONE_FROM if claimed.failing_since else 0)
                self._lanes[claimed.endpoint.id] = lane
            lane.queue.append(claimed)
            rooms[claimed.endpoint.id] -= 1
            lane.more = rooms[claimed.endpoint.id] <= 0
        for id in {claimed.endpoint.id for claimed in haul.items}:
            self._start(self._lanes[id])
        return haul.more

    def _start(self, lane: Lane) -> None:
        for _ in range(lane.starts()):
            lane.running += 1
            worker = asyncio.create_task(self._work(lane))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, lane: Lane) -> None:
        try:
            while lane.queue and lane.running <= lane.most and not self._stopping:
                await self._deliver(lane, lane.queue.popleft())
                if lane.hungry:
                    self._awake.set()
        finally:
            lane.running -= 1

    async def _deliver(self, lane: Lane, claimed: Claimed) -> None:
        """Send one, whatever comes of it."""
        delivery = claimed.delivery
        if claimed.endpoint.status is not EndpointStatus.ENABLED:
            self._keep(claimed, delivery.canceled(), Ending.CANCELED)
            return
        try:
            if lane.failures:
                async with self._failing_slots:
                    await self._try(lane, claimed)
            else:
                await self._try(lane, claimed)
        except asyncio.CancelledError:
            self._keep(claimed, delivery, Ending.LET_GO)
            raise

    async def _try(self, lane: Lane, claimed: Claimed) -> None:
        async with self._slots:
            at = self.clock.now()
            if at + LEASE_RESERVE > claimed.leased_until:
                self._keep(claimed, claimed.delivery, Ending.LET_GO)
                return
            started = monotonic()
            self.figures.under_way += 1
            try:
                sent = await self.post(claimed)
            finally:
                self.figures.under_way -= 1
        if isinstance(sent, CustodyRefused):
            self._hold_back(claimed, sent, at)
            return
        made = DeliveryTry(at=at, duration_ms=sent.duration_ms, status=sent.status, fault=sent.fault)
        after = claimed.delivery.tried(made, random.random())  # noqa: S311 - jitter, not a secret
        if made.arrived:
            lane.succeeded()
            self.figures.arrived((self.clock.now() - claimed.event.at).total_seconds())
            self._keep(claimed, after, Ending.ARRIVED)
            self._start(lane)
            return
        self._keep(claimed, after, Ending.LOST if after.status is DeliveryStatus.FAILED else Ending.FAILED)
        lane.failed(started, monotonic(), hung=sent.fault is TryFault.TIMEOUT)
        if lane.failures >= ALONE_FROM:
            self._let_go(lane)
        await self._despair(claimed)

    def _hold_back(self, claimed: Claimed, refused: CustodyRefused, at: datetime) -> None:
        """A failure of ours: it waits, and nothing counts against the receiver. What nobody can ever sign is canceled."""
        if gone(refused):
            self._keep(claimed, claimed.delivery.canceled(), Ending.CANCELED)
            return
        wait = held_back_for(refused) * random.uniform(JITTER_FROM, 1)  # noqa: S311 - jitter, not a secret
        self._keep(claimed, claimed.delivery.put_off(at + wait), Ending.HELD_BACK)

    async def _despair(self, claimed: Claimed) -> None:
        """Disable an endpoint at which nothing has arrived for too long."""
        since, endpoint = claimed.failing_since, claimed.endpoint
        if since is None or not endpoint.overdue(since, self.clock.now()):
            return
        try:
            await self.give_up(DISPATCHER, claimed.scope, endpoint.id, since)
        except PortError as error:
            self._trouble("an endpoint cannot be disabled; the next failure will", error)
        else:
            self.figures.disabled += 1
            _log.warning("a webhook endpoint is disabled", extra={"endpoint": endpoint.id})

    def _let_go(self, lane: Lane) -> None:
        """Whatever waits in a lane that does not move is free for others, and for later."""
        while lane.queue:
            claimed = lane.queue.popleft()
            self._keep(claimed, claimed.delivery, Ending.LET_GO)

    def _keep(self, claimed: Claimed, after: Delivery, ending: Ending) -> None:
        self.figures.add(ending)
        self._tried.append(Tried(claimed, after))
        self._to_record.set()

    async def _record_on(self, interval_s: float) -> None:
        while self._tried or not self._stopping or self._workers:
            if not self._tried:
                await self._to_record.wait()
                self._to_record.clear()
                if not self._stopping:
                    await asyncio.sleep(GATHER_S)
                continue
            batch = self._tried[:BATCH_MAX]
            if await self._record(batch):
                del self._tried[: len(batch)]
                self._held -= len(batch)
            else:
                await asyncio.sleep(interval_s)

    async def _record(self, batch: Sequence[Tried]) -> bool:
        """Keep what became of some; whether it is done with. One that cannot be kept must not hold up its neighbours:
        it is sent again when its lease is over."""
        try:
            await self.outbox.record(batch)
        except StoreUnavailable as error:
            self._trouble("what became of deliveries cannot be kept yet", error)
            return False
        except Exception as error:  # noqa: BLE001 - the same
            if len(batch) == 1:
                _log.error("what became of a delivery cannot be kept", extra={"error": type(error).__name__})
                return True
            half = len(batch) // 2
            return await self._record(batch[:half]) and await self._record(batch[half:])
        return True

    async def _land(self, patience_s: float) -> None:
        """Let go of what waits, and wait for what is under way."""
        for lane in self._lanes.values():
            self._let_go(lane)
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=patience_s)
            for worker in late:
                worker.cancel()
            if late:
                await asyncio.wait(late)

    def _forget(self, now: float) -> None:
        """Lanes that have nothing to do and nothing to remember; when there are too many that have, these too."""
        if now < self._forgot_at + FORGET_EVERY_S:
            return
        self._forgot_at = now
        full = len(self._lanes) > LANES_MAX
        gone = [id for id, lane in self._lanes.items() if lane.idle(now) or (full and not lane.held)]
        for id in gone:
            del self._lanes[id]

    async def _pause(self, interval_s: float) -> None:
        try:
            async with asyncio.timeout(interval_s):
                await self._awake.wait()
        except TimeoutError:
            return

    def _trouble(self, message: str, error: Exception) -> None:
        if not self._troubled:
            _log.warning(message, extra={"error": type(error).__name__})
        self._troubled = True

    def _well(self) -> None:
        if self._troubled:
            _log.info("the dispatcher works again")
        self._troubled = False


_NEW: Final = Lane()
