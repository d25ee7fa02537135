"""What stands in for ports of custody until their adapters are here. To be removed when they are put together."""

from typing import Any

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.adapters.crypto.notary import LocalNotary
from fintech.adapters.crypto.signatures import Ed25519Checker
from fintech.domain.audit import AuditEntry
from fintech.domain.keys.periods import KeyPolicy
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import KeyTable
from fintech.ports.signatures import SignatureChecker


class NoTrail(AuditTrail):
    async def write(self, entry: AuditEntry) -> None:
        del entry


def standins(
    table: KeyTable, clock: Clock, ids: IdSource, secret: bytes, officers: SignatureChecker | None
) -> dict[str, Any]:
    root, trail = LocalRoot(secret), NoTrail()
    settings = VaultSettings(environment="development", cmks=(LOCAL_CMK,))
    return {
        "audit": trail,
        "officers": officers or Ed25519Checker({}),
        "key_root": root,
        "key_vault": LeasingVault(
            root=root, table=table, audit=trail, clock=clock, ids=ids, settings=settings, attended=False
        ),
        "key_policy": KeyPolicy(),
        "notary": LocalNotary(secret[:32]),
    }
