"""Deeds that are written down: before they are done, and how they ended."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from attrs import define, field, frozen

from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.outcome import Failure, Outcome
from fintech.domain.scope import Actor, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable

_log: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class Deed:
    """What somebody does. ``anyway``: it is done also where it cannot be written down, because it takes rights away from
    somebody or keeps the business going; the log then has what the trail has not."""

    actor: Actor
    action: AuditAction
    subject: str
    scope: Scope | None = None
    origin: str | None = None
    details: Mapping[str, str | int] = field(factory=dict)
    anyway: bool = False


@define
class Ending:
    """How a deed ended, as whoever does it says; ``details`` are what is known by then and was not before."""

    _begin: Callable[[], Awaitable[None]]
    result: AuditResult = AuditResult.DONE
    details: dict[str, str | int] = field(factory=dict)
    begun: bool = field(default=False, init=False)

    async def begin(self) -> None:
        """From now on it is done: durably, and once however often it is said."""
        if not self.begun:
            await self._begin()
            self.begun = True

    def came_to(self, outcome: Outcome[Any, Any]) -> None:
        """A success is done, whatever else is refused."""
        self.result = AuditResult.REFUSED if isinstance(outcome, Failure) else AuditResult.DONE

    def failed(self, **details: str | int) -> None:
        """It was tried, and somebody else would not or could not."""
        self.result = AuditResult.FAILED
        self.details.update(details)


@frozen(kw_only=True)
class Audited:
    """The one way to write deeds down: that each is about to be done, durably, and then what became of it."""

    audit: AuditTrail
    clock: Clock

    @asynccontextmanager
    async def deed(self, deed: Deed) -> AsyncIterator[Ending]:
        """Do it within. Raises `AuditUnavailable` before anything is done, unless it is to be done ``anyway``; that its end
        cannot be written down undoes nothing and is logged."""
        async with self.attempt(deed) as ending:
            await ending.begin()
            yield ending

    @asynccontextmanager
    async def attempt(self, deed: Deed) -> AsyncIterator[Ending]:
        """The same for who looks first whether there is anything to do: it begins with `Ending.begin`, or leaves no trace."""
        ending = Ending(partial(self.tell if deed.anyway else self.write, deed, AuditResult.BEGUN))
        try:
            yield ending
        except BaseException:  # also who goes away in the middle has not done it, as far as anybody knows
            if ending.result is AuditResult.DONE:
                ending.result = AuditResult.FAILED
            raise
        finally:
            if ending.begun:
                await self.tell(deed, ending.result, **ending.details)

    async def looked(self, deed: Deed) -> None:
        """Write a deed down that changes nothing, in one entry, before it is done. Raises `AuditUnavailable`, unless it is to be
        done ``anyway``."""
        await (self.tell if deed.anyway else self.write)(deed, AuditResult.DONE)

    async def tell(self, deed: Deed, result: AuditResult, **details: str | int) -> None:
        """One entry, of what is done whether it can be written down or not: if not, the log has it."""
        try:
            await self.write(deed, result, **details)
        except AuditUnavailable:
            _unwritten(deed, result)

    async def write(self, deed: Deed, result: AuditResult, **details: str | int) -> None:
        """One entry; ``details`` are ids, numbers and codes. Raises `AuditUnavailable`."""
        scope = deed.scope
        await self.audit.write(
            AuditEntry(
                at=self.clock.now(),
                actor=deed.actor.name,
                face=deed.actor.face,
                action=deed.action,
                result=result,
                subject=deed.subject,
                merchant=None if scope is None else scope.merchant,
                livemode=None if scope is None else scope.livemode,
                origin=deed.origin,
                request=deed.actor.request,
                details={**deed.details, **details},
            )
        )


def _unwritten(deed: Deed, result: AuditResult) -> None:
    told = {
        "action": deed.action.value,
        "result": result.value,
        "subject": deed.subject,
        "actor": deed.actor.name,
        "merchant": None if deed.scope is None else deed.scope.merchant,
    }
    _log.error("the audit trail does not have what was done", extra=told)
