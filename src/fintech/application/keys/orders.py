"""Applying the bank's orders: suspend, restore, revoke and shred a merchant's keys; suspend and restore a root key."""

import logging
from datetime import timedelta
from typing import Final, TypeAlias

from attrs import evolve, frozen

from fintech.application.commits import NotFound, Reply
from fintech.application.keys.carrying_out import CarryOut, Overtaken, Signed, Unproven, Word, by_two
from fintech.application.keys.figures import TwoOfficersNeeded
from fintech.application.keys.shredding import Shredded, ShredRing
from fintech.domain.audit import AuditAction
from fintech.domain.keys.custody import (
    PLATFORM,
    CmkName,
    Custody,
    CustodyStepRefused,
    KeyRing,
    KeyRingId,
    new_ring,
)
from fintech.domain.keys.documents import AnotherEnvironment
from fintech.domain.keys.orders import TWO_OFFICERS, Order, OrderAction, OrderMalformed, read_order
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import PortError
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import AppliedOrder, KeyTable, OrderOutOfSequence
from fintech.ports.outbox import BATCH_MAX, Outbox
from fintech.ports.store import Store

#: By then every process has heard of an order; who tries sooner may be refused once more, and waits anew.
HEARD: Final = timedelta(seconds=5)
#: So many batches of webhooks are woken when a merchant is restored.
WAKES_MAX: Final = 20

_log: Final = logging.getLogger(__name__)

#: What an order is refused for. None of these uses a number up.
OrderRefused: TypeAlias = (
    Unproven
    | OrderMalformed
    | AnotherEnvironment
    | TwoOfficersNeeded
    | OrderOutOfSequence
    | CustodyStepRefused
    | NotFound
)

_PLACES = {
    OrderAction.SUSPEND: Custody.SUSPENDED,
    OrderAction.RESTORE: Custody.ACTIVE,
    OrderAction.REVOKE: Custody.REVOKED,
}


@frozen(kw_only=True)
class Applied:
    """An order, and how it is kept. ``shredded`` says what an order to shred has destroyed, the first time."""

    order: Order
    kept: AppliedOrder
    shredded: Shredded | None = None


@frozen(kw_only=True)
class ApplyOrder:
    """Carry out an order that an officer of the bank has signed; two of them, where it cannot be undone."""

    table: KeyTable
    store: Store
    ids: IdSource
    clock: Clock
    carry_out: CarryOut
    shred: ShredRing
    outbox: Outbox

    async def __call__(
        self, actor: Actor, document: bytes, signed: tuple[Signed, ...], origin: str | None = None
    ) -> Outcome[Reply[Applied], OrderRefused]:
        """The signatures tell who ordered it; ``actor`` handed it in, ``origin`` is from where. Who has signed nothing is told
        nothing else. The number is exactly one more than that of the last order; one that was applied is answered as
        applied. Raises as `CarryOut` does."""
        word = Word(
            actor=actor,
            origin=origin,
            applied=AuditAction.ORDER_APPLIED,
            action="order",
            document=document,
            signed=signed,
        )
        fault = await self.carry_out.unproven(word)
        if fault is not None:
            return Failure(fault)
        meant = self._meant(document, signed)
        if isinstance(meant, Failure):
            await self.carry_out.refuse(word, meant.failure())
            return meant
        order = meant.unwrap()
        word = evolve(word, sequence=order.sequence, subject=order.subject, action=order.action.value)
        shreds: list[Shredded] = []

        async def attempt(
            applied: AppliedOrder,
        ) -> Outcome[object, CustodyStepRefused | NotFound | Overtaken]:
            if not isinstance(order.subject, Scope):
                return await self._place_root_key(order, order.subject, applied)
            if order.action is not OrderAction.SHRED:
                return await self._place_ring(order, order.subject, applied)
            outcome = await self.shred(actor, order.subject, applied)
            if isinstance(outcome, Success):
                shreds.append(outcome.unwrap())
            return outcome

        outcome: Outcome[
            Reply[AppliedOrder], CustodyStepRefused | NotFound | OrderOutOfSequence
        ] = await self.carry_out(word, attempt)
        if isinstance(outcome, Failure):
            return outcome
        reply = outcome.unwrap()
        await self._wake(order)
        applied = Applied(order=order, kept=reply.value, shredded=next(iter(shreds), None))
        return Success(Reply(applied, reply.replayed))

    async def _wake(self, order: Order) -> None:
        """Have a merchant's webhooks sent that waited for its keys, once it has them again. Left out, they come by themselves,
        minutes later."""
        scope = order.subject
        if order.action is not OrderAction.RESTORE or not isinstance(scope, Scope):
            return
        at = self.clock.now() + HEARD
        try:
            for _ in range(WAKES_MAX):
                if await self.outbox.wake(scope, at, BATCH_MAX) < BATCH_MAX:
                    return
        except PortError as error:
            _log.warning(
                "webhooks that waited are not woken",
                extra={"merchant": scope.merchant, "error": type(error).__name__},
            )

    def _meant(
        self, document: bytes, signed: tuple[Signed, ...]
    ) -> Outcome[Order, OrderMalformed | AnotherEnvironment | TwoOfficersNeeded]:
        """The order that officers signed, if it is for us and signed by as many as it takes."""
        read = read_order(document)
        if isinstance(read, Failure):
            return read
        order = read.unwrap()
        elsewhere = self.carry_out.elsewhere(order.environment)
        if elsewhere is not None:
            return Failure(elsewhere)
        alone = by_two(self.carry_out.checker, document, signed) if order.action in TWO_OFFICERS else None
        return Success(order) if alone is None else Failure(alone)

    async def _place_ring(
        self, order: Order, scope: Scope, applied: AppliedOrder
    ) -> Outcome[object, CustodyStepRefused | NotFound | Overtaken]:
        ring = await self.table.ring(scope) or await self._new_ring(scope)
        if ring is None:
            return Failure(NotFound("merchant", scope.merchant))
        placed = ring.placed(_PLACES[order.action])
        if isinstance(placed, Failure):
            return placed
        return await self.table.save(placed.unwrap(), applied)

    async def _new_ring(self, scope: Scope) -> KeyRing | None:
        """Of a merchant that has nothing sealed yet: the bank's word is kept for when it has."""
        if scope.merchant != PLATFORM and await self.store.merchant(scope) is None:
            return None
        return new_ring(id=self.ids.new(KeyRingId), scope=scope, key=None, at=self.clock.now())

    async def _place_root_key(
        self, order: Order, cmk: CmkName, applied: AppliedOrder
    ) -> Outcome[object, CustodyStepRefused | NotFound | Overtaken]:
        root_key = next((each for each in await self.table.root_keys() if each.cmk == cmk), None)
        if root_key is None:
            return Failure(NotFound("root key", cmk))
        custody_open = order.action is OrderAction.RESTORE
        if root_key.custody_open is custody_open:
            now = Custody.ACTIVE if custody_open else Custody.SUSPENDED
            return Failure(CustodyStepRefused(now, now))
        return await self.table.save_root_key(evolve(root_key, custody_open=custody_open), applied)
