"""What stands in for ports of custody until their adapters are here. To be removed when they are put together."""

from typing import Any

from fintech.application.keys.carrying_out import Overtaken
from fintech.application.keys.orders import Shredding
from fintech.domain.audit import AuditEntry
from fintech.domain.keys.custody import Custody, CustodyStepRefused
from fintech.domain.outcome import Failure, Outcome
from fintech.domain.scope import Actor, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.key_table import AppliedOrder
from fintech.ports.signatures import SignatureChecker


class NoTrail(AuditTrail):
    async def write(self, entry: AuditEntry) -> None:
        del entry


class NoOfficers(SignatureChecker):
    def check(self, key: str, message: bytes, signature: bytes) -> bool:
        del key, message, signature
        return False

    @property
    def keys(self) -> frozenset[str]:
        return frozenset()


class NoShredding(Shredding):
    async def __call__(
        self, actor: Actor, scope: Scope, order: AppliedOrder | None
    ) -> Outcome[Any, CustodyStepRefused | Overtaken]:
        del actor, scope, order
        return Failure(CustodyStepRefused(Custody.ACTIVE, Custody.SHREDDED))
