"""Limits: how many requests at once, for how long, and how often for each API key."""

import asyncio
import math
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from attrs import define, field

#: How many API keys are remembered; the one that asked longest ago is forgotten first, and starts full again.
BUCKETS_MAX: Final = 10_000


@define
class RateLimit:
    """A token bucket for each key: ``burst`` at once, ``per_s`` in the long run. Clocks in seconds."""

    per_s: float
    burst: int
    now: Callable[[], float] = monotonic
    _buckets: dict[str, tuple[float, float]] = field(factory=dict, init=False)

    def take(self, key: str) -> int:
        """0 if it may pass, or else in how many whole seconds it may."""
        now = self.now()
        tokens, since = self._buckets.pop(key, (float(self.burst), now))
        tokens = min(tokens + (now - since) * self.per_s, float(self.burst))
        passes = tokens >= 1
        if len(self._buckets) >= BUCKETS_MAX:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = (tokens - passes, now)
        return 0 if passes else max(math.ceil((1 - tokens) / self.per_s), 1)


@define
class Flights:
    """The requests that are under way, each until its time is over.

    One timer for all of them instead of one each; so a request may take longer by up to a tenth of ``timeout_s``.
    ``draining``: the next ones shall come in elsewhere. ``makes_room``: where all places are taken, whoever has longest
    not said what he wants, nor who he is, gives his up to the next: nobody keeps the others out by being slow.
    """

    most: int
    timeout_s: float
    draining: bool = False
    makes_room: bool = False
    _deadlines: "dict[asyncio.Task[Any], float]" = field(factory=dict, init=False)
    _late: "set[asyncio.Task[Any]]" = field(factory=set, init=False)
    _unknown: "dict[asyncio.Task[Any], None]" = field(factory=dict, init=False)
    _timer: asyncio.TimerHandle | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self._deadlines)

    def enter(self) -> "asyncio.Task[Any] | None":
        """The task that is let in, or None when there are too many. It is cancelled when its time is over."""
        if len(self._deadlines) >= self.most and not self._has_made_room():
            return None
        task = asyncio.current_task()
        assert task is not None
        self._deadlines[task] = monotonic() + self.timeout_s
        if self.makes_room:
            self._unknown[task] = None
        if self._timer is None:
            self._look_later()
        return task

    def extend(self, task: "asyncio.Task[Any]", timeout_s: float) -> None:
        """From now on, it has so much time."""
        self._deadlines[task] = monotonic() + timeout_s

    def settle(self) -> None:
        """Who is asking now has said what he wants: he keeps his place."""
        task = asyncio.current_task()
        assert task is not None
        self._unknown.pop(task, None)

    def leave(self, task: "asyncio.Task[Any]") -> None:
        """It is done."""
        del self._deadlines[task]
        self._late.discard(task)
        self._unknown.pop(task, None)

    def was_late(self, task: "asyncio.Task[Any]") -> bool:
        """Whether it was us who cancelled it; if so, the cancellation is taken back and the task goes on."""
        if task not in self._late:
            return False
        self._late.discard(task)
        return task.uncancel() == 0

    def _has_made_room(self) -> bool:
        """Whether there is a place after all: of somebody who is going, or has to go now."""
        if not self.makes_room:
            return False
        if len(self._deadlines) - len(self._late) < self.most:
            return True
        longest = next(iter(self._unknown), None)
        if longest is None:
            return False
        del self._unknown[longest]
        self._late.add(longest)
        longest.cancel()
        return True

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.timeout_s / 10, self._look)

    def _look(self) -> None:
        now = monotonic()
        for task, deadline in self._deadlines.items():
            if deadline <= now and task not in self._late:
                self._late.add(task)
                self._unknown.pop(task, None)
                task.cancel()
        self._timer = None
        if self._deadlines:
            self._look_later()
