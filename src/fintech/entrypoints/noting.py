"""What a service writes into the audit trail of its own accord, and nobody waits for: that it started and stopped, and who
knocked in vain."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.scope import Face
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable

INTERVAL_S: Final = 60.0
#: How many addresses are told apart from one writing to the next; the others are one.
PLACES_MAX: Final = 32
ELSEWHERE: Final = "elsewhere"
SERVICE: Final = "serve"


@define
class Strangers:
    """Failed authentications since they were last written down: how many, by reason, by address and by door. Whoever fails a
    million times fills a few lines with it, and no disk (PCI DSS 10.2.1.4)."""

    _counts: Counter[tuple[str, str, Face]] = field(factory=Counter)

    def note(self, why: str, origin: str | None, face: Face = Face.HTTP) -> None:
        """One more."""
        here = (why, origin or ELSEWHERE, face)
        if here not in self._counts and len(self._counts) >= PLACES_MAX:
            here = (why, ELSEWHERE, face)
        self._counts[here] += 1

    def taken(self) -> Mapping[tuple[str, str, Face], int]:
        """All of them; the count begins anew."""
        counts, self._counts = self._counts, Counter()
        return counts


@frozen(kw_only=True)
class Noting:
    """Writes one round of it when it is called. What cannot be written waits for the next."""

    audit: AuditTrail
    clock: Clock
    strangers: Strangers = field(factory=Strangers)
    _waiting: deque[AuditEntry] = field(factory=deque, init=False)

    async def __call__(self) -> int:
        """Write what there is. Never many: what happens meanwhile is counted together."""
        if not self._waiting:
            self._waiting.extend(
                self._entry(AuditAction.AUTHENTICATION_FAILED, AuditResult.REFUSED, why, origin, count, face)
                for (why, origin, face), count in self.strangers.taken().items()
            )
        await self._write()
        return 0

    def started(self) -> None:
        """The service is ready. It is written with the next round."""
        self._waiting.append(self._entry(AuditAction.SERVICE_STARTED, AuditResult.DONE, SERVICE))

    async def stopped(self) -> None:
        """The service has stopped: the last that is written."""
        await self()
        self._waiting.append(self._entry(AuditAction.SERVICE_STOPPED, AuditResult.DONE, SERVICE))
        await self._write()

    async def _write(self) -> None:
        try:
            while self._waiting:
                await self.audit.write(self._waiting[0])
                self._waiting.popleft()
        except AuditUnavailable:
            return  # the trail has said so in the log

    def _entry(
        self,
        action: AuditAction,
        result: AuditResult,
        subject: str,
        origin: str | None = None,
        times: int = 1,
        face: Face = Face.WORKER,
    ) -> AuditEntry:
        return AuditEntry(
            at=self.clock.now(),
            actor=SERVICE,
            face=face,
            action=action,
            result=result,
            subject=subject,
            origin=origin,
            details={} if origin is None else {"times": times},
        )
