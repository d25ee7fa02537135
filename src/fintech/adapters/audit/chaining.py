"""The audit trail of this process: a stream of its own, begun before its first entry, chained with a key that is
replaced after each entry.

Whoever writes at the same time shares an append, and each waits until it is durable. A batch whose fate is unknown is
handed in again, the same to the letter, before anything else is written: the sink takes it once, so the chain goes on
without a gap and without two truths. Who wrote it has been told that it is not there, and it may be there all the same:
that something was tried is written down, also when it was not done.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import Final, TypeVar

from attrs import frozen

from fintech.adapters.audit.beginning import Chain, Sealing
from fintech.adapters.audit.pacing import AuditPacing
from fintech.adapters.audit.witnessing import Witness
from fintech.domain.audit import (
    AuditAction,
    AuditEntry,
    AuditRecord,
    AuditResult,
    AuditStreamId,
    document_of,
)
from fintech.domain.scope import Face
from fintech.ports.audit_trail import (
    AppendRefused,
    AuditFigures,
    AuditSink,
    AuditTrail,
    CheckpointStore,
    Stream,
)
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable, PortError
from fintech.ports.id_source import IdSource
from fintech.ports.signatures import Notary
from fintech.sealing.schedule import wipe

#: Who writes of the stream itself.
WRITER: Final = "audit"
HAND_INS_MAX: Final = 3

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)


@frozen
class _Waiting:
    entry: AuditEntry
    written: "asyncio.Future[None]"


class ChainedTrail(AuditTrail):
    """``origin`` is where this process runs. Nothing is asked of anybody before the first entry.

    Raises ``ValueError`` or ``TypeError`` for an entry that cannot be spelt, and `AuditUnavailable` where the root makes no key, the sink keeps nothing, ``pacing.queue_max`` entries wait, or
    it was closed. A stream whose end is not what was written there is left as it is and another one begun, which says so.
    """

    def __init__(
        self,
        *,
        sink: AuditSink,
        checkpoints: CheckpointStore,
        sealing: Sealing,
        notary: Notary,
        clock: Clock,
        ids: IdSource,
        origin: str,
        figures: AuditFigures,
        pacing: AuditPacing | None = None,
    ) -> None:
        self._sink, self._checkpoints, self._sealing, self._notary = sink, checkpoints, sealing, notary
        self._clock, self._ids, self._origin, self._figures = clock, ids, origin, figures
        self._pacing = pacing or AuditPacing()
        self._queue: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._stream: Stream | None = None
        self._chain: Chain | None = None
        #: Whether the sink knows the stream.
        self._begun = False
        self._witness: Witness | None = None
        #: What was handed in and is not known to be there; it begins where the sink ended.
        self._pending: Sequence[AuditRecord] = ()
        self._abandoned: str | None = None
        self._closed = False

    async def write(self, entry: AuditEntry) -> None:
        document_of("", 0, entry)  # one that cannot be spelt is refused before it has a place
        if self._closed:
            raise AuditUnavailable("the audit trail of this process has ended")
        if len(self._queue) >= self._pacing.queue_max:
            self._figures.refused += 1
            raise AuditUnavailable("too much waits to be written down")
        waiting = _Waiting(entry, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all(), name="audit trail")
        await waiting.written

    async def close(self) -> None:
        """Write what waits, the end and a last checkpoint, within ``pacing.stop_s``; forget the key."""
        self._closed = True
        try:
            async with asyncio.timeout(self._pacing.stop_s):
                while self._writing is not None:
                    await asyncio.wait({self._writing})
                if self._begun:
                    await self._append([self._own(AuditAction.STREAM_ENDED)])
                if self._witness is not None:
                    await self._witness.close()
        except (AuditUnavailable, TimeoutError):
            _log.warning("the stream of the audit trail ends without an entry that says so")
        finally:
            self._forget()
            if self._writing is not None:
                self._writing.cancel()

    async def _write_all(self) -> None:
        try:
            while self._queue:
                await self._write_batch()
        finally:
            self._writing = None

    async def _write_batch(self) -> None:
        some = min(len(self._queue), self._pacing.batch_max)
        batch = [self._queue.popleft() for _ in range(some)]
        try:
            await self._append([each.entry for each in batch])
        except BaseException as error:
            # Whoever waits behind them would wait for the same: they are told at once.
            told = [*batch, *self._queue]
            self._queue.clear()
            self._figures.refused += len(told)
            for each in told:
                if not each.written.done():
                    each.written.set_exception(_unavailable(error))
            if not isinstance(error, Exception):
                raise
            if not self._figures.failing:
                _log.error("nothing can be written into the audit trail: %s", error)
            self._figures.failing = True
            return
        if self._figures.failing:
            _log.info("the audit trail can be written to again")
        self._figures.failing = False
        for each in batch:
            if not each.written.done():
                each.written.set_result(None)

    async def _append(self, entries: Sequence[AuditEntry]) -> None:
        chain = await self._begin()
        await self._land_pending()
        if chain.next == 0:
            entries = [*self._opening(), *entries]
        self._pending = [chain.record(each) for each in entries]
        await self._land_pending()
        self._figures.entries += len(entries)

    async def _begin(self) -> Chain:
        """The stream, which the sink knows. One that it may not know yet is told to it again."""
        if self._stream is None or self._chain is None:
            begun = await self._sealing.begun(self._ids.new(AuditStreamId), self._clock)
            self._stream, self._chain = begun
        if not self._begun:
            try:
                async with asyncio.timeout(self._pacing.patience_s):
                    await self._sink.begin(self._stream)
            except (PortError, TimeoutError, AppendRefused) as error:
                raise AuditUnavailable("no stream of the audit trail can be begun") from error
            self._begun = True
        return self._chain

    async def _land_pending(self) -> None:
        """Hand in what is pending until it is known to be there."""
        for _ in range(HAND_INS_MAX):
            if not self._pending or await self._landed():
                break
        else:
            raise AuditUnavailable("what was handed in to the audit trail is not there")

    async def _landed(self) -> bool:
        pending = self._pending
        try:
            async with asyncio.timeout(self._pacing.patience_s):
                await self._sink.append(pending)
        except (AppendRefused, PortError, TimeoutError):
            if not await self._there(pending):
                return False
        self._pending = ()
        last = pending[-1]
        if self._witness is None:
            self._witness = Witness(
                environment=self._sealing.environment,
                notary=self._notary,
                kept=self._checkpoints,
                clock=self._clock,
                figures=self._figures,
                pacing=self._pacing,
            )
        self._witness.cover(last.stream, last.sequence + 1, last.mac)
        return True

    async def _there(self, pending: Sequence[AuditRecord]) -> bool:
        """Whether the sink ends with what was handed in."""
        try:
            async with asyncio.timeout(self._pacing.patience_s):
                end = await self._sink.end(pending[0].stream)
        except (PortError, TimeoutError) as error:
            raise AuditUnavailable("the audit trail cannot be reached") from error
        if end == pending[-1]:
            return True
        if (-1 if end is None else end.sequence) != pending[0].sequence - 1:
            await self._abandon(pending[0].stream)
            raise AuditUnavailable("the end of the audit trail's stream is not what was written there")
        return False

    async def _abandon(self, stream: str) -> None:
        """Somebody has been at our stream: leave it as it is, for whoever verifies it."""
        _log.critical("the end of an audit stream is not what was written there", extra={"stream": stream})
        self._abandoned = stream
        self._forget()
        if self._witness is not None:
            await self._witness.close()
            self._witness = None

    def _opening(self) -> list[AuditEntry]:
        opening = [self._own(AuditAction.STREAM_STARTED)]
        if self._abandoned is not None:
            opening.append(self._own(AuditAction.INTEGRITY_FAILED, self._abandoned, AuditResult.FAILED))
            self._abandoned = None
        return opening

    def _own(
        self, action: AuditAction, subject: str | None = None, result: AuditResult = AuditResult.DONE
    ) -> AuditEntry:
        assert self._stream is not None
        return AuditEntry(
            at=self._clock.now(),
            actor=WRITER,
            face=Face.WORKER,
            action=action,
            result=result,
            subject=subject or self._stream.name,
            origin=self._origin,
        )

    def _forget(self) -> None:
        if self._chain is not None:
            wipe(self._chain.key)
        self._stream = self._chain = None
        self._begun, self._pending = False, ()


def _unavailable(error: BaseException) -> AuditUnavailable:
    if isinstance(error, AuditUnavailable):
        return AuditUnavailable(*error.args)
    return AuditUnavailable("the audit trail is broken")
