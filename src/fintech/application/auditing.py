"""Deeds that are written down: before they are done, and how they ended."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
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

    result: AuditResult = AuditResult.DONE
    details: dict[str, str | int] = field(factory=dict)

    def came_to(self, outcome: Outcome[Any, Any]) -> None:
        """A success is done, whatever else is refused."""
        self.result = AuditResult.REFUSED if isinstance(outcome, Failure) else AuditResult.DONE


@frozen(kw_only=True)
class Audited:
    """Writes deeds down: that each is about to be done, durably, and then what became of it."""

    audit: AuditTrail
    clock: Clock

    @asynccontextmanager
    async def deed(self, deed: Deed) -> AsyncIterator[Ending]:
        """Do it within. Raises `AuditUnavailable` before anything is done, unless it is to be done ``anyway``; that its end
        cannot be written down undoes nothing and is logged."""
        try:
            await self._write(deed, Ending(AuditResult.BEGUN))
        except AuditUnavailable:
            if not deed.anyway:
                raise
            _unwritten(deed, AuditResult.BEGUN)
        ending = Ending()
        try:
            yield ending
        except Exception:
            if ending.result is AuditResult.DONE:
                ending.result = AuditResult.FAILED
            raise
        finally:
            try:
                await self._write(deed, ending)
            except AuditUnavailable:
                _unwritten(deed, ending.result)

    async def looked(self, deed: Deed) -> None:
        """Write a deed down that changes nothing, in one entry, before it is done. Raises `AuditUnavailable`, unless it is to be
        done ``anyway``."""
        try:
            await self._write(deed, Ending())
        except AuditUnavailable:
            if not deed.anyway:
                raise
            _unwritten(deed, AuditResult.DONE)

    async def _write(self, deed: Deed, ending: Ending) -> None:
        scope = deed.scope
        await self.audit.write(
            AuditEntry(
                at=self.clock.now(),
                actor=deed.actor.name,
                face=deed.actor.face,
                action=deed.action,
                result=ending.result,
                subject=deed.subject,
                merchant=None if scope is None else scope.merchant,
                livemode=None if scope is None else scope.livemode,
                origin=deed.origin,
                request=deed.actor.request,
                details={**deed.details, **ending.details},
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
