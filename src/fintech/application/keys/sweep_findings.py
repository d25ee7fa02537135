"""What the sweep of keys finds out: counted, logged, and written down."""

import logging
from typing import Final

from attrs import define, field

from fintech.application.auditing import Audited, Deed
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import CmkStatus, Custody, KeyRing
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.key_root import RootRefused
from fintech.ports.key_table import RootKey

#: Who sweeps, in the audit trail.
SWEEP: Final = Actor("key sweep", Face.WORKER)
#: So many damaged keys are remembered, so that the alarm is sounded once for each.
DAMAGED_MAX: Final = 10_000

_log = logging.getLogger(__name__)


@define
class SweepFigures:
    """What a sweep has come to. ``asked`` are questions to the root, ``unanswered`` those without an answer, ``shut`` how often
    a root key was found refused, ``suspended`` merchants whose permission was gone; ``round_s`` is how long the last round
    of all merchants took."""

    leading: bool = False
    asked: int = 0
    unanswered: int = 0
    shut: int = 0
    opened: int = 0
    suspended: int = 0
    damaged: int = 0
    rounds: int = 0
    round_s: float = 0.0


@define(kw_only=True, eq=False)
class Findings:
    """Tells whoever must know. What is done already is not undone because it cannot be written down; the log has it then."""

    audited: Audited
    figures: SweepFigures = field(factory=SweepFigures, init=False)
    _damaged: dict[tuple[Scope, int], None] = field(factory=dict, init=False)

    async def opened(self, root_key: RootKey, code: str) -> None:
        """A root key can be used again. Raises `AuditUnavailable`: then it stays shut."""
        await self.audited.write(_turned(root_key, CmkStatus.ENABLED, code), AuditResult.DONE)
        self.figures.opened += 1
        _log.warning("a root key can be used again", extra={"cmk": root_key.cmk})

    async def shut(self, root_key: RootKey, status: CmkStatus, code: str) -> None:
        """The root refuses a root key to all."""
        self.figures.shut += 1
        _log.error("a root key is refused to all", extra={"cmk": root_key.cmk, "code": code})
        await self.audited.tell(_turned(root_key, status, code), AuditResult.DONE)

    async def suspended(self, ring: KeyRing, refused: RootRefused) -> None:
        """A merchant's permission is gone."""
        self.figures.suspended += 1
        _log.error("a merchant's permission is gone", extra={"merchant": ring.scope.merchant})
        details = {"from": ring.custody.value, "to": Custody.SUSPENDED.value, "code": refused.code}
        await self.audited.tell(_found(AuditAction.CUSTODY_CHANGED, ring), AuditResult.DONE, **details)

    async def damaged(self, ring: KeyRing, refused: RootRefused) -> None:
        """A merchant's wrapped key is not what was wrapped: told once for each state of its ring."""
        if (ring.scope, ring.version) in self._damaged:
            return
        if len(self._damaged) >= DAMAGED_MAX:
            del self._damaged[next(iter(self._damaged))]
        self._damaged[ring.scope, ring.version] = None
        self.figures.damaged += 1
        _log.error("a merchant's wrapped key is damaged", extra={"merchant": ring.scope.merchant})
        deed = _found(AuditAction.INTEGRITY_FAILED, ring)
        await self.audited.tell(deed, AuditResult.FAILED, code=refused.code)


def _turned(root_key: RootKey, status: CmkStatus, code: str) -> Deed:
    details = {"from": root_key.status.value, "to": status.value, "code": code}
    return Deed(actor=SWEEP, action=AuditAction.CUSTODY_CHANGED, subject=root_key.cmk, details=details)


def _found(action: AuditAction, ring: KeyRing) -> Deed:
    return Deed(actor=SWEEP, action=action, subject=ring.id, scope=ring.scope)
