"""What a process knows of each root key of the bank: when it was last let use it, whether it answers, and what the key
table says of it. Every call to the root goes through here, bounded in number and in time."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from attrs import define, field

from fintech.domain.keys.custody import CmkName, CmkStatus
from fintech.domain.keys.timing import CustodyTiming
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.ports.clock import Clock
from fintech.ports.key_root import RootFault, RootRefused
from fintech.ports.key_table import RootKey
from fintech.ports.key_vault import VaultFigures

#: So many calls without an answer, one after the other, and the root is left alone for a while.
FAILURES_MAX: Final = 3
NEVER: Final = datetime.min.replace(tzinfo=UTC)

T = TypeVar("T")

_UNANSWERED: Final = RootRefused(RootFault.UNREACHABLE, "left alone", whole=True)
_TIMED_OUT: Final = RootRefused(RootFault.UNREACHABLE, "timed out", whole=True)
_BROKEN: Final = RootRefused(RootFault.UNREACHABLE, "broken", whole=True)
_SAID_NO: Final = RootRefused(RootFault.DENIED, "said no a moment ago", whole=True)
_CLOSED: Final = frozenset({CmkStatus.DISABLED, CmkStatus.PENDING_DELETION})

_log = logging.getLogger(__name__)


@define(eq=False)
class RootStanding:
    """How it stands with one root key, as far as this process knows.

    What hangs from it is used without a question until ``quiet_until``: so long after the root's last yes, ``heard_at``,
    as a heartbeat may be old; or, while the root does not answer, until it is asked again at ``retry_at``. ``told_at`` is the
    heartbeat that the key table had last, and ``denied_at`` when the root last refused all that hang from it.
    """

    cmk: CmkName
    quiet_until: datetime = NEVER
    heard_at: datetime | None = None
    told_at: datetime | None = None
    denied_at: datetime | None = None
    retry_at: datetime = NEVER
    failures: int = 0
    shut: bool = False  #: by the bank's order, or because the sweep found it disabled
    asking: "asyncio.Task[None] | None" = None


def pause_after(failures: int, timing: CustodyTiming) -> timedelta:
    """How long to wait after so many failures in a row: doubled each time, at random between half and whole."""
    whole = min(timing.retry_first * (1 << min(failures - 1, 16)), timing.retry_most)
    return whole * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret


@define(eq=False)
class Roots:
    """The root keys that this process has to do with. ``denied`` is told when the root refuses one for all."""

    clock: Clock
    timing: CustodyTiming
    figures: VaultFigures
    denied: Callable[[RootStanding, str], None]
    calls_max: int
    _standings: dict[CmkName, RootStanding] = field(factory=dict, init=False)
    _together: dict[tuple[CmkName, ...], tuple[RootStanding, ...]] = field(factory=dict, init=False)
    _places: asyncio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.calls_max)

    def of(self, cmk: CmkName) -> RootStanding:
        """How it stands with a root key."""
        standing = self._standings.get(cmk)
        if standing is None:
            standing = self._standings[cmk] = RootStanding(cmk)
        return standing

    def all(self) -> tuple[RootStanding, ...]:
        """All of them."""
        return tuple(self._standings.values())

    def together(self, cmks: tuple[CmkName, ...]) -> tuple[RootStanding, ...]:
        """How it stands with several: one tuple for all leases that hang from the same."""
        if cmks not in self._together:
            self._together[cmks] = tuple(self.of(cmk) for cmk in cmks)
        return self._together[cmks]

    def tell(self, told: RootKey, now: datetime) -> bool:
        """What the key table says of one; whether that shuts it.

        A heartbeat counts from when it is first seen at the latest, so that another machine's clock that is ahead makes it
        no younger.
        """
        standing = self.of(told.cmk)
        shut = not told.custody_open or told.status in _CLOSED
        shuts, standing.shut = shut and not standing.shut, shut
        if told.authorised_at is not None and told.authorised_at != standing.told_at:
            standing.told_at = told.authorised_at
            self._heard(standing, min(told.authorised_at, now))
        if shut:
            standing.quiet_until = NEVER
        return shuts

    def unasked(self, standing: RootStanding, now: datetime) -> RootRefused | None:
        """Why the root is not asked at the moment: it has just said no to all, or has not answered."""
        if standing.denied_at is not None and now < standing.denied_at + self.timing.refused_for:
            return _SAID_NO
        if standing.failures >= FAILURES_MAX and now < standing.retry_at:
            return _UNANSWERED
        return None

    async def call(
        self, standing: RootStanding, ask: Callable[[], Awaitable[Outcome[T, RootRefused]]], *, proves: bool
    ) -> Outcome[T, RootRefused]:
        """Ask the root, unless it was left alone or has just said no to all. ``proves``: a yes is a heartbeat."""
        async with self._places:
            now = self.clock.now()
            unasked = self.unasked(standing, now)
            if unasked is not None:
                return Failure(unasked)
            self.figures.root_calls += 1
            outcome = await self._asked(ask)
        if isinstance(outcome, Success):
            standing.failures = 0
            if proves:
                self._heard(standing, now)
        else:
            self._refused(standing, outcome.failure())
        return outcome

    def unanswered(self, standing: RootStanding) -> None:
        """It cannot be asked at the moment: what is lent stays lent, and it is asked again after a pause."""
        if standing.failures == FAILURES_MAX - 1:
            _log.warning("a root key cannot be asked", extra={"cmk": standing.cmk})
        standing.failures += 1
        standing.retry_at = self.clock.now() + pause_after(standing.failures, self.timing)
        if standing.denied_at is None and not standing.shut:
            standing.quiet_until = max(standing.quiet_until, standing.retry_at)

    async def _asked(self, ask: Callable[[], Awaitable[Outcome[T, RootRefused]]]) -> Outcome[T, RootRefused]:
        try:
            async with asyncio.timeout(self.timing.root_timeout.total_seconds()):
                return await ask()
        except TimeoutError:
            return Failure(_TIMED_OUT)
        except Exception as error:  # noqa: BLE001 - an adapter that breaks its promise must not look like a no
            _log.error("a keeper of root keys is broken", extra={"error": type(error).__name__})
            return Failure(_BROKEN)

    def _refused(self, standing: RootStanding, refused: RootRefused) -> None:
        self.figures.root_faults[refused.fault] += 1
        if refused.fault is RootFault.UNREACHABLE:
            self.unanswered(standing)
            return
        standing.failures = 0
        if refused.fault is RootFault.DENIED and refused.whole:
            standing.denied_at = self.clock.now()
            standing.heard_at = None
            standing.quiet_until = NEVER
            self.denied(standing, refused.code)

    def _heard(self, standing: RootStanding, at: datetime) -> None:
        """The root let us use it at a moment, if that was after it last refused."""
        if standing.denied_at is not None and at <= standing.denied_at:
            return
        standing.denied_at = None
        if standing.heard_at is None or at > standing.heard_at:
            standing.heard_at = at
        if not standing.shut:
            standing.quiet_until = max(standing.quiet_until, standing.heard_at + self.timing.heartbeat)
