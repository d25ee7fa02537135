"""The audit trail of each deployment. Names its adapters.

| profile                | streams            | checkpoints                           |
|------------------------|--------------------|---------------------------------------|
| `testing`, `in_memory` | in memory          | in memory                             |
| `embedded`             | the folder's books | a file in the folder                  |
| `container`            | PostgreSQL         | the file that settings name, or there |

A trail is made when somebody first has something to write: most commands never do.
"""

import os
import socket
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

from attrs import frozen
from dependency_injector import providers

from fintech.application.keys.honeytokens import Alarm
from fintech.domain.keys.custody import CmkName
from fintech.entrypoints.audit_settings import AuditSettings
from fintech.entrypoints.key_custody import Custody
from fintech.ports.audit_trail import AuditFigures, AuditSink, AuditTrail, CheckpointStore
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource

#: What a data folder holds of checkpoints.
CHECKPOINTS_FILE: Final = "audit-checkpoints.jsonl"


@frozen
class Auditing:
    """What the core has of the audit trail, by the names that it has for it."""

    audit: providers.Provider[AuditTrail]
    audit_figures: providers.Provider[AuditFigures]
    alarm: providers.Provider[Alarm]


def trail_on(
    closing: AsyncExitStack,
    custody: Custody,
    sink: AuditSink,
    checkpoints: CheckpointStore,
    clock: Clock,
    ids: IdSource,
    settings: AuditSettings | None = None,
) -> Auditing:
    """The trail of this process."""
    figures = AuditFigures()
    made = partial(
        _trail, closing, custody, sink, checkpoints, clock, ids, figures, settings or AuditSettings()
    )
    trail = providers.Singleton(made)
    alarm = providers.Singleton(partial(_alarm, closing, clock), trail)
    return Auditing(trail, providers.Object(figures), alarm)


def checkpoints_in(path: Path) -> CheckpointStore:
    """Those in a file, which need not be there yet."""
    from fintech.adapters.audit.checkpoint_file import (  # noqa: PLC0415 - spares others its weight
        FileCheckpoints,
    )

    return FileCheckpoints(path)


def _alarm(closing: AsyncExitStack, clock: Clock, trail: AuditTrail) -> Alarm:
    """What is on its way when the deployment is closed is written before the trail ends."""
    alarm = Alarm(trail, clock)
    closing.push_async_callback(alarm.settled)
    return alarm


def _trail(
    closing: AsyncExitStack,
    custody: Custody,
    sink: AuditSink,
    checkpoints: CheckpointStore,
    clock: Clock,
    ids: IdSource,
    figures: AuditFigures,
    settings: AuditSettings,
) -> AuditTrail:
    from fintech.adapters.audit.beginning import Sealing  # noqa: PLC0415 - spares others its weight
    from fintech.adapters.audit.chaining import ChainedTrail  # noqa: PLC0415 - the same

    sealing = Sealing(
        root=custody.key_root(),
        cmk=CmkName(settings.cmk) if settings.cmk else custody.terms.cmks[0],
        environment=custody.terms.environment,
        reader=CmkName(settings.reader_cmk) if settings.reader_cmk else None,
    )
    trail = ChainedTrail(
        sink=sink,
        checkpoints=checkpoints,
        sealing=sealing,
        notary=custody.notary(),
        clock=clock,
        ids=ids,
        origin=f"{socket.gethostname()}:{os.getpid()}",
        figures=figures,
    )
    closing.push_async_callback(trail.close)
    return trail
