"""What stands in for ports of custody until their adapters are here. To be removed when they are put together."""

from typing import Any

from dependency_injector import providers

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.adapters.crypto.lending import VaultSettings
from fintech.domain.audit import AuditEntry
from fintech.domain.keys.periods import KeyPolicy
from fintech.entrypoints.key_custody import Custody
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import KeyTable


class NoTrail(AuditTrail):
    async def write(self, entry: AuditEntry) -> None:
        del entry


def standins(table: KeyTable, clock: Clock, ids: IdSource, custody: Custody) -> dict[str, Any]:
    trail, terms = NoTrail(), custody.terms

    def vault() -> LeasingVault:
        return LeasingVault(
            root=custody.key_root(),
            table=table,
            audit=trail,
            clock=clock,
            ids=ids,
            settings=VaultSettings(
                environment=terms.environment, cmks=terms.cmks, derivation=terms.derivation
            ),
            attended=False,
        )

    return {
        "audit": trail,
        "key_vault": providers.Singleton(vault),
        "key_policy": KeyPolicy(),
        "key_environment": terms.environment,
    }
