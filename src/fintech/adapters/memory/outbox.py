"""The outbox in memory, beside the store that fills it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from fintech.adapters.memory.paging import listed
from fintech.adapters.memory.store import DeliveryKey, Memory
from fintech.domain.ids import EventId, WebhookEndpointId
from fintech.domain.scope import Scope
from fintech.domain.webhooks.delivery import Delivery, DeliveryStatus, first_delivery
from fintech.domain.webhooks.endpoint import EndpointStatus
from fintech.ports.outbox import Claimed, Haul, Outbox, Room, Tried
from fintech.ports.queries import Listed, Page


class MemoryOutbox(Outbox):
    """Goes round the endpoints, each claim from where the last one ended."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._leases: dict[DeliveryKey, datetime] = memory.delivery_leases
        self._last = ""

    async def claim(self, now: datetime, lease: timedelta, limit: int, room: Room) -> Haul:
        with self._memory.lock:
            due = self._due(now)
            turns = sorted(due, key=lambda endpoint: (endpoint <= self._last, endpoint))
            taken: list[DeliveryKey] = []
            for endpoint in turns:
                if len(taken) == limit:
                    return Haul(self._claimed(taken, now + lease), more=True)
                most = min(max(room(endpoint), 0), limit - len(taken))
                taken += due[endpoint][:most]
                self._last = endpoint
            return Haul(self._claimed(taken, now + lease), more=False)

    async def record(self, tried: Sequence[Tried]) -> None:
        with self._memory.lock:
            arrived = {(each.claimed.scope, each.after.endpoint) for each in tried if _arrived(each)}
            for each in tried:
                place = (each.claimed.scope, each.after.endpoint)
                if place in arrived:
                    self._memory.failing.pop(place, None)
                elif each.made:
                    self._memory.failing.setdefault(place, each.after.log[-1].at)
                self._keep(each)

    async def send_again(
        self, scope: Scope, endpoint: WebhookEndpointId, event: EventId, now: datetime
    ) -> Delivery | None:
        memory = self._memory
        with memory.lock:
            told = memory.events.get((scope, event))
            there = memory.endpoints.get(scope, {}).get(endpoint)
            if told is None or there is None or there.status is EndpointStatus.REMOVED:
                return None
            before = memory.outbox.get((scope, endpoint, event))
            after = before.again(now) if before else first_delivery(endpoint, event, told.type, now)
            memory.outbox[scope, endpoint, event] = after
            return after

    async def wake(self, scope: Scope, at: datetime, limit: int) -> int:
        outbox = self._memory.outbox
        later = [
            key
            for key, delivery in outbox.items()
            if key[0] == scope
            and key not in self._leases
            and delivery.due_at is not None
            and delivery.due_at > at
        ]
        for key in later[:limit]:
            outbox[key] = outbox[key].put_off(at)
        return len(later[:limit])

    async def deliveries(self, scope: Scope, endpoint: WebhookEndpointId, page: Page) -> Listed[Delivery]:
        memory = self._memory
        found = [
            each for (where, whose, _), each in memory.outbox.items() if (where, whose) == (scope, endpoint)
        ]
        return listed(found, page, lambda each: each.event, lambda each: memory.events[scope, each.event].at)

    async def pending(self, scope: Scope, events: Sequence[EventId]) -> Mapping[EventId, int]:
        counted = {event: self._pending(scope, event) for event in events}
        return {event: count for event, count in counted.items() if count}

    def _pending(self, scope: Scope, event: EventId) -> int:
        found = 0
        for endpoint in self._memory.endpoints.get(scope, {}).values():
            delivery = self._memory.outbox.get((scope, endpoint.id, event))
            if delivery is not None and endpoint.status is not EndpointStatus.REMOVED:
                found += delivery.status is DeliveryStatus.PENDING
        return found

    def _due(self, now: datetime) -> dict[WebhookEndpointId, list[DeliveryKey]]:
        due: dict[WebhookEndpointId, list[tuple[datetime, DeliveryKey]]] = {}
        for key, delivery in self._memory.outbox.items():
            leased_until = self._leases.get(key)
            free = leased_until is None or leased_until <= now
            if delivery.due_at is not None and delivery.due_at <= now and free:
                due.setdefault(delivery.endpoint, []).append((delivery.due_at, key))
        return {endpoint: [key for _, key in sorted(each, key=_overdue)] for endpoint, each in due.items()}

    def _claimed(self, keys: Sequence[DeliveryKey], until: datetime) -> tuple[Claimed, ...]:
        memory = self._memory
        for key in keys:
            self._leases[key] = until
        return tuple(
            Claimed(
                scope=scope,
                delivery=memory.outbox[scope, endpoint, event],
                endpoint=memory.endpoints[scope][endpoint],
                event=memory.events[scope, event],
                pending=self._pending(scope, event),
                leased_until=until,
                failing_since=memory.failing.get((scope, endpoint)),
            )
            for scope, endpoint, event in keys
        )

    def _keep(self, tried: Tried) -> None:
        key = (tried.claimed.scope, tried.after.endpoint, tried.after.event)
        now = self._memory.outbox[key]
        holds = self._leases.get(key) == tried.claimed.leased_until
        if now.status is DeliveryStatus.PENDING and (holds or _arrived(tried)):
            self._leases.pop(key, None)
            if tried.after != tried.claimed.delivery:
                self._memory.outbox[key] = evolve(tried.after, tries=now.tries + tried.made)


def _arrived(tried: Tried) -> bool:
    return tried.after.status is DeliveryStatus.DELIVERED


def _overdue(due: tuple[datetime, DeliveryKey]) -> tuple[datetime, EventId]:
    return due[0], due[1][2]
