"""Work that goes on whoever waits for it, or nobody."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import define, field

T = TypeVar("T")


async def landed(task: asyncio.Task[T], otherwise: T) -> T:
    """What a task of others' comes to: who goes away does not stop it. If it is stopped itself, whoever waits is not cancelled
    with it, but told ``otherwise``."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        waiting = asyncio.current_task()
        if not task.cancelled() or (waiting is not None and waiting.cancelling()):
            raise
        return otherwise


@define(eq=False)
class Background:
    """Tasks under way. What one raises is told to those who wait for it, and to nobody if there is nobody."""

    _tasks: set[asyncio.Task[Any]] = field(factory=set, init=False)

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin something that nobody waits for."""
        self._tasks.add(self.start(work))

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin something."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._landed)
        return task

    async def stop(self) -> None:
        """Cancel what is under way, and wait for its end."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(set(self._tasks))

    def _landed(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
