"""A drill: whether an order takes a merchant's keys away in this deployment, as it is, and how long that takes."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.keys.carrying_out import Signed
from fintech.application.keys.orders import ApplyOrder, OrderRefused
from fintech.domain.keys.orders import Order, OrderAction
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import KeyVault

#: How long a drill waits for an order to be heeded, in seconds, and how often it looks.
PATIENCE_S: Final = 10.0
LOOK_S: Final = 0.02

_PLACE: Final = Place("drill", "word", "drill")
_WORD: Final = b"drill"

#: An officer: signs a document as the key's name says.
Sign: TypeAlias = Callable[[bytes], Signed]


@frozen
class NotInTime:
    """What an order said had not come about after `PATIENCE_S`."""

    step: str


@frozen
class LiveMode:
    """Drills are for test mode: in live mode the merchant's customers would notice."""


@frozen
class Step:
    """One step of a drill, and how long it took in seconds."""

    name: str
    took_s: float


DrillRefused: TypeAlias = LiveMode | CustodyRefused | OrderRefused | NotInTime


@frozen(kw_only=True)
class DrillCustody:
    """Seal and open a word with a merchant's test keys; with an officer's signature, take the keys away meanwhile."""

    vault: KeyVault
    table: KeyTable
    clock: Clock
    apply_order: ApplyOrder
    environment: str

    async def __call__(
        self, actor: Actor, scope: Scope, sign: Sign | None
    ) -> Outcome[tuple[Step, ...], DrillRefused]:
        """What was done, in order. It takes two numbers of orders. A drill that is refused in the middle leaves the keys
        suspended, and says so by its steps' absence: the bank restores them. Raises as the ports do."""
        if scope.livemode:
            return Failure(LiveMode())
        steps: list[Step] = []
        sealing = await self._timed(steps, "sealed and opened", partial(self._used, scope))
        if isinstance(sealing, Failure) or sign is None:
            return sealing if isinstance(sealing, Failure) else Success(tuple(steps))
        for action, usable, heeded in (
            (OrderAction.SUSPEND, False, "no keys any more"),
            (OrderAction.RESTORE, True, "keys again"),
        ):
            ordering = partial(self._ordered, actor, scope, action, sign)
            for name, work in (
                (f"order to {action.value} applied", ordering),
                (heeded, partial(self._seen, scope, usable, heeded)),
            ):
                outcome = await self._timed(steps, name, work)
                if isinstance(outcome, Failure):
                    return outcome
        opened = await self._timed(steps, "sealed and opened", partial(self._used, scope))
        return opened if isinstance(opened, Failure) else Success(tuple(steps))

    async def _timed(
        self, steps: list[Step], name: str, work: Callable[[], Awaitable[Outcome[None, DrillRefused]]]
    ) -> Outcome[None, DrillRefused]:
        started = perf_counter()
        outcome = await work()
        if isinstance(outcome, Success):
            steps.append(Step(name, perf_counter() - started))
        return outcome

    async def _used(self, scope: Scope) -> Outcome[None, DrillRefused]:
        lent = await self.vault.lease(scope)
        if isinstance(lent, Failure):
            return lent
        lease = lent.unwrap()
        opened = lease.open(KeyPurpose.PII, _PLACE, lease.seal(KeyPurpose.PII, _PLACE, _WORD))
        return opened if isinstance(opened, Failure) else Success(None)

    async def _ordered(
        self, actor: Actor, scope: Scope, action: OrderAction, sign: Sign
    ) -> Outcome[None, DrillRefused]:
        order = Order(
            environment=self.environment,
            sequence=await self.table.last_order() + 1,
            action=action,
            subject=scope,
            issued_at=self.clock.now(),
            reason="drill",
        )
        document = order.document()
        outcome = await self.apply_order(actor, document, (sign(document),))
        return outcome if isinstance(outcome, Failure) else Success(None)

    async def _seen(self, scope: Scope, usable: bool, step: str) -> Outcome[None, DrillRefused]:
        """Wait until this process heeds the order, as every other does at the same time."""
        end = perf_counter() + PATIENCE_S
        while isinstance(await self._used(scope), Success) is not usable:
            if perf_counter() >= end:
                return Failure(NotInTime(step))
            await asyncio.sleep(LOOK_S)
        return Success(None)
