"""This process's stream of the audit trail, in every deployment. Names its adapter."""

import os
import socket
from contextlib import AsyncExitStack

from dependency_injector import providers

from fintech.entrypoints.key_custody import Custody
from fintech.ports.audit_trail import AuditFigures, AuditSink, AuditTrail, CheckpointStore
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource


def trail_on(
    closing: AsyncExitStack,
    custody: Custody,
    *,
    sink: AuditSink,
    checkpoints: CheckpointStore,
    clock: Clock,
    ids: IdSource,
) -> providers.Provider[AuditTrail]:
    """Made when something is first written down, for most commands write nothing; it ends with the deployment."""

    def made() -> AuditTrail:
        from fintech.adapters.audit.chaining import ChainedTrail, Sealing  # noqa: PLC0415 - spares others its weight

        terms = custody.terms
        trail = ChainedTrail(
            sink=sink,
            checkpoints=checkpoints,
            sealing=Sealing(root=custody.key_root(), cmk=terms.cmks[0], environment=terms.environment),
            notary=custody.notary(),
            clock=clock,
            ids=ids,
            origin=f"{socket.gethostname()}/{os.getpid()}",
            figures=AuditFigures(),
        )
        closing.push_async_callback(trail.close)
        return trail

    return providers.Singleton(made)
