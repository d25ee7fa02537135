"""What the life of keys looks like in the audit trail."""

from attrs import frozen

from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.scope import Actor, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock


@frozen(kw_only=True)
class WriteDown:
    """Writes an entry about a merchant's keys. Raises `AuditUnavailable`."""

    trail: AuditTrail
    clock: Clock

    async def __call__(
        self,
        actor: Actor,
        scope: Scope,
        action: AuditAction,
        result: AuditResult,
        subject: str,
        **details: str | int,
    ) -> None:
        """``subject`` is a ring's id, or what else it is about; ``details`` are ids, numbers and codes."""
        await self.trail.write(
            AuditEntry(
                at=self.clock.now(),
                actor=actor.name,
                face=actor.face,
                action=action,
                result=result,
                subject=subject,
                merchant=scope.merchant,
                livemode=scope.livemode,
                request=actor.request,
                details=details,
            )
        )
