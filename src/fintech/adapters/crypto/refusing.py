"""What the vault says no to: remembered for a moment, and written down."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import define, field

from fintech.adapters.crypto.background import Background
from fintech.adapters.crypto.leases import HeldLease
from fintech.adapters.crypto.making import VAULT, NotLent
from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.scope import Face, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_vault import VaultFigures
from fintech.sealing.merchant_keys import OpenFault
from fintech.sealing.message import MessageFault

REFUSALS_MAX: Final = 10_000
#: So many alarms wait to be written down; what comes on top of them is in the figures and in the log.
ALARMS_MAX: Final = 1_000

_log = logging.getLogger(__name__)


@define(eq=False)
class Refusals:
    """A no is given again for a moment, so that whoever insists costs neither the root nor the audit trail anything; one
    for damaged keys for as long as a lease, since they are not tried again."""

    _timing: CustodyTiming
    _until: "OrderedDict[Scope, tuple[CustodyRefused, datetime]]" = field(factory=OrderedDict, init=False)

    def get(self, scope: Scope, now: datetime) -> CustodyRefused | None:
        """The no that a merchant was given a moment ago."""
        refused, until = self._until.get(scope, (None, now))
        if refused is None or now < until:
            return refused
        del self._until[scope]
        return None

    def put(self, scope: Scope, refused: CustodyRefused, now: datetime) -> None:
        """Remember one."""
        damaged = refused.reason is CustodyReason.INTEGRITY
        until = now + (self._timing.lease if damaged else self._timing.refused_for)
        self._until[scope] = (refused, until)
        self._until.move_to_end(scope)
        if len(self._until) > REFUSALS_MAX:
            self._until.popitem(last=False)

    def forget(self, scope: Scope | None) -> None:
        """What was said of a merchant, or of all, may be true no more."""
        if scope is None:
            self._until.clear()
        else:
            self._until.pop(scope, None)


@define(eq=False)
class Alarms:
    """Writes down what the vault lends and refuses, and sounds the alarm where something is not as it was sealed."""

    _audit: AuditTrail
    _clock: Clock
    _figures: VaultFigures
    _background: Background
    _waiting: int = field(default=0, init=False)

    async def granted(self, lease: HeldLease) -> None:
        """A merchant's keys are lent that were not. Raises `AuditUnavailable`."""
        details: dict[str, str | int] = {
            "number": lease.number,
            "until": lease.ends_at.isoformat(timespec="seconds"),
        }
        await self._audit.write(
            self._entry(AuditAction.LEASE_GRANTED, AuditResult.DONE, "merchant's keys", lease.scope, details)
        )

    async def refused(self, scope: Scope, not_lent: NotLent) -> None:
        """A merchant's keys are refused. Raises `AuditUnavailable`."""
        damaged = not_lent.reason is CustodyReason.INTEGRITY
        action = AuditAction.INTEGRITY_FAILED if damaged else AuditAction.LEASE_REFUSED
        result = AuditResult.FAILED if damaged else AuditResult.REFUSED
        details = {"reason": not_lent.reason.value, "code": not_lent.code}
        if damaged:
            _log.error("a merchant's wrapped key is damaged", extra={"merchant": scope.merchant})
        await self._audit.write(self._entry(action, result, "merchant's keys", scope, details))

    def denied(self, cmk: CmkName, code: str) -> None:
        """The root has refused a root key to all who hang from it."""
        _log.error("the root refuses a root key", extra={"cmk": cmk, "code": code})
        self._sound(self._entry(AuditAction.LEASE_REFUSED, AuditResult.REFUSED, cmk, None, {"code": code}))

    def damaged(
        self, lease: HeldLease, purpose: KeyPurpose, place: Place, fault: MessageFault | OpenFault
    ) -> None:
        """A message is not what was sealed in its place."""
        self._figures.damaged += 1
        where = f"{place.table}.{place.column} {place.record}"
        _log.error("a sealed value is damaged", extra={"where": where, "fault": fault.value})
        details = {"purpose": purpose.value, "fault": fault.value}
        self._sound(
            self._entry(AuditAction.INTEGRITY_FAILED, AuditResult.FAILED, where, lease.scope, details)
        )

    def _sound(self, entry: AuditEntry) -> None:
        if self._waiting < ALARMS_MAX:
            self._waiting += 1
            self._background.begin(self._written(entry))

    async def _written(self, entry: AuditEntry) -> None:
        try:
            await self._audit.write(entry)
        except AuditUnavailable:
            _log.error("an alarm cannot be written down", extra={"alarm": entry.action.value})
        finally:
            self._waiting -= 1

    def _entry(
        self,
        action: AuditAction,
        result: AuditResult,
        subject: str,
        scope: Scope | None,
        details: Mapping[str, str | int],
    ) -> AuditEntry:
        return AuditEntry(
            at=self._clock.now(),
            actor=VAULT,
            face=Face.WORKER,
            action=action,
            result=result,
            subject=subject,
            merchant=None if scope is None else scope.merchant,
            livemode=None if scope is None else scope.livemode,
            details=details,
        )
