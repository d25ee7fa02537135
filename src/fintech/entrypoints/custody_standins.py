"""What stands in for ports of custody until their adapters are put together. To be removed then."""

from typing import Any

from attrs import fields
from dependency_injector import providers

from fintech.domain.audit import AuditEntry
from fintech.domain.keys.periods import KeyPolicy
from fintech.entrypoints.key_custody import Custody
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import KeyVault


class NoTrail(AuditTrail):
    async def write(self, entry: AuditEntry) -> None:
        del entry


def standins(table: KeyTable, custody: Custody, clock: Clock, ids: IdSource) -> dict[str, Any]:
    trail = NoTrail()

    def vault() -> KeyVault:
        from fintech.adapters.crypto.leasing import LeasingVault  # noqa: PLC0415 - spares others its weight
        from fintech.adapters.crypto.lending import VaultSettings  # noqa: PLC0415 - the same

        settings = VaultSettings(environment=custody.terms.environment, cmks=custody.terms.cmks)
        return LeasingVault(
            root=custody.key_root(),
            table=table,
            audit=trail,
            clock=clock,
            ids=ids,
            settings=settings,
            attended=False,
        )

    return {
        "audit": trail,
        "key_vault": providers.Singleton(vault),
        "key_policy": KeyPolicy(),
        "key_environment": custody.terms.environment,
    }


def ports_of(kind: Any, opened: Any) -> Any:
    return kind(**{each.name: getattr(opened, each.name) for each in fields(kind)})
