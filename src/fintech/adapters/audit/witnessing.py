"""Checkpoints of a stream: signed by the notary, kept out of our reach, and never in the way of whoever writes."""

import asyncio
import logging
import random
from typing import Final

from fintech.adapters.audit.pacing import AuditPacing
from fintech.domain.audit import Checkpoint, checkpoint_document
from fintech.ports.audit_trail import AuditFigures, CheckpointStore
from fintech.ports.clock import Clock
from fintech.ports.errors import PortError
from fintech.ports.signatures import Notary

_log: Final = logging.getLogger(__name__)


class Witness:
    """Has a stream's checkpoints signed and kept, one after the other, in a task of its own.

    The first is due at once, so that a stream cannot be cut down to nothing unseen. A notary or a store that is down
    delays them and shows in the figures; after ``pacing.alarm_after_s`` it is logged as critical, once.
    """

    def __init__(
        self,
        *,
        environment: str,
        notary: Notary,
        kept: CheckpointStore,
        clock: Clock,
        figures: AuditFigures,
        pacing: AuditPacing,
    ) -> None:
        self._environment = environment
        self._notary = notary
        self._kept = kept
        self._clock = clock
        self._figures = figures
        self._pacing = pacing
        self._stream = ""
        self._count = self._covered = 0
        self._head = b""
        self._news, self._plenty = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._alarmed = False

    def cover(self, stream: str, count: int, head: bytes) -> None:
        """The stream has come so far, durably."""
        if self._figures.uncovered_since is None:
            self._figures.uncovered_since = self._clock.now()
        self._stream, self._count, self._head = stream, count, head
        self._figures.uncovered = count - self._covered
        if self._task is None or self._task.done():  # the loop that it ran in may have ended
            self._news, self._plenty = asyncio.Event(), asyncio.Event()
        self._news.set()
        if count - self._covered >= self._pacing.checkpoint_entries:
            self._plenty.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="audit checkpoints")

    async def close(self) -> None:
        """Have a last checkpoint signed if it can be had now, and end."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        self._task = None
        if self._news.is_set():
            await self._attempt()

    async def _run(self) -> None:
        pause_s = self._pacing.retry_min_s
        while True:
            await self._due()
            if await self._attempt():
                pause_s = self._pacing.retry_min_s
                continue
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads processes, guards nothing
            pause_s = min(2 * pause_s, self._pacing.retry_max_s)

    async def _due(self) -> None:
        await self._news.wait()
        if self._covered and not self._figures.checkpoints_failing:
            try:
                async with asyncio.timeout(self._pacing.checkpoint_s):
                    await self._plenty.wait()
            except TimeoutError:
                return

    async def _attempt(self) -> bool:
        stream, count, head, at = self._stream, self._count, self._head, self._clock.now()
        try:
            async with asyncio.timeout(self._pacing.patience_s):
                key, signature = await self._notary.sign(
                    checkpoint_document(self._environment, stream, count, head, at)
                )
            checkpoint = Checkpoint(
                stream=stream, count=count, head=head, at=at, key=key, signature=signature
            )
            async with asyncio.timeout(self._pacing.patience_s):
                await self._kept.keep(checkpoint)
        except (PortError, TimeoutError) as error:
            self._failed(error)
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the next one is tried all the same
            _log.exception("a checkpoint failed in a way that nobody foresaw")
            self._failed(error)
            return False
        self._signed(count)
        return True

    def _signed(self, count: int) -> None:
        self._covered = count
        self._figures.checkpoints += 1
        self._figures.uncovered = self._count - count
        self._figures.uncovered_since = self._clock.now() if self._count > count else None
        if self._figures.checkpoints_failing:
            _log.info("checkpoints of the audit trail are signed again")
        self._figures.checkpoints_failing = self._alarmed = False
        if self._count == count:
            self._news.clear()
        if self._count - count < self._pacing.checkpoint_entries:
            self._plenty.clear()

    def _failed(self, error: Exception) -> None:
        figures = self._figures
        figures.checkpoint_failures += 1
        if not figures.checkpoints_failing:
            _log.warning(
                "a checkpoint of the audit trail cannot be had: %s", str(error) or type(error).__name__
            )
        figures.checkpoints_failing = True
        since = figures.uncovered_since
        if since is None or self._alarmed:
            return
        late_s = (self._clock.now() - since).total_seconds()
        if late_s >= self._pacing.alarm_after_s:
            self._alarmed = True
            _log.critical(
                "the audit trail has had no checkpoint for %d s: what was written since can be changed by "
                "whoever has this process",
                late_s,
            )
