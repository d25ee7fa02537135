"""What a process lends merchants' keys with, and writes down what is done with them: its vault, its stream of the audit trail.

Each is made when it is first asked for, and ended with the deployment, the vault before the trail.
"""

import os
import socket
from contextlib import AsyncExitStack

from attrs import field, frozen
from dependency_injector import providers

from fintech.domain.keys.periods import KeyPolicy
from fintech.entrypoints.key_custody import Custody
from fintech.entrypoints.key_settings import Environment
from fintech.ports.audit_trail import AuditFigures, AuditSink, AuditTrail, CheckpointStore
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.key_table import KeyTable
from fintech.ports.key_vault import KeyVault


@frozen(kw_only=True)
class Lending:
    """By the names that the core has for it."""

    audit: providers.Provider[AuditTrail] = field(repr=False)
    key_vault: providers.Provider[KeyVault] = field(repr=False)
    key_policy: KeyPolicy
    key_environment: Environment


@frozen(kw_only=True)
class Kept:
    """Where wrapped keys, the trail and its checkpoints are kept."""

    key_table: KeyTable
    audit_sink: AuditSink
    checkpoints: CheckpointStore


def lending(
    closing: AsyncExitStack,
    custody: Custody,
    kept: Kept,
    clock: Clock,
    ids: IdSource,
    *,
    attended: bool = True,
) -> Lending:
    """``attended``: the vault looks at the key table by itself; without it, when it is asked for a lease."""
    terms = custody.terms

    def made_trail() -> AuditTrail:
        from fintech.adapters.audit.chaining import ChainedTrail, Sealing  # noqa: PLC0415 - spares others its weight

        trail = ChainedTrail(
            sink=kept.audit_sink,
            checkpoints=kept.checkpoints,
            sealing=Sealing(root=custody.key_root(), cmk=terms.cmks[0], environment=terms.environment),
            notary=custody.notary(),
            clock=clock,
            ids=ids,
            origin=f"{socket.gethostname()}/{os.getpid()}",
            figures=AuditFigures(),
        )
        closing.push_async_callback(trail.close)
        return trail

    trail = providers.Singleton(made_trail)

    def made_vault() -> KeyVault:
        from fintech.adapters.crypto.leasing import LeasingVault  # noqa: PLC0415 - spares others its weight
        from fintech.adapters.crypto.lending import VaultSettings  # noqa: PLC0415 - the same

        vault = LeasingVault(
            root=custody.key_root(),
            table=kept.key_table,
            audit=trail(),
            clock=clock,
            ids=ids,
            settings=VaultSettings(
                environment=terms.environment,
                cmks=terms.cmks,
                derivation=terms.derivation,
                timing=terms.timing,
            ),
            attended=attended,
        )
        closing.push_async_callback(vault.close)
        return vault

    return Lending(
        audit=trail,
        key_vault=providers.Singleton(made_vault),
        key_policy=KeyPolicy(),
        key_environment=terms.environment,
    )
