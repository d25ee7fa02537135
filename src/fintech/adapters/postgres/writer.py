"""A writer: one connection, and one group at a time on its way into the books."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Final

from attrs import frozen

from fintech.adapters.postgres.connections import CONNECTION_LOST, RACE_LOST, Connection, GuardShort
from fintech.adapters.postgres.group_state import glance, hold, read, recognise, supposable, suppose
from fintech.adapters.postgres.lanes import Answered, Care, Lane, Member, release
from fintech.adapters.postgres.recent_claims import ClaimKey, RecentClaims, claim_key
from fintech.adapters.postgres.statements import write_statement
from fintech.adapters.postgres.writes import Owner, Writes
from fintech.domain.apply import ClaimState, State, apply
from fintech.domain.changeset import Answer, Changeset, Committed, KeyAnswered, StaleWrite
from fintech.domain.ids import EventId
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted, PortError, StoreUnavailable

_log: Final = logging.getLogger(__name__)

TRIES_MAX: Final = 8
RECONNECT_AFTER_S: Final = 0.1
#: After a lost race or an unforeseen refusal a writer glances first for so many groups: both come in swarms.
CAUTIOUS_GROUPS: Final = 8


@frozen
class Landed:
    """What became of a group, whose accounts got delta rows, and the keys that it took or found taken."""

    outcomes: Sequence[Answered]
    owners: Iterable[Owner]
    claims: Mapping[ClaimKey, ClaimState | None]


class Writer:
    """One writer and its connection."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        clock: Clock,
        committed: Callable[[Iterable[Owner]], None],
        recent: RecentClaims,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._committed = committed
        self._recent = recent
        self._connection: Connection | None = None
        self._cautious = 0

    async def work(self, lane: Lane, lanes: Sequence[Lane]) -> None:
        """Take groups from a lane and commit them until cancelled; nothing that goes wrong with one ends the writer."""
        try:
            while True:
                group = await lane.take()
                try:
                    await self._commit(group, self._care_for(lane, group))
                except BaseException as error:
                    reason = StoreUnavailable("the commit was interrupted; hand the changeset in again")
                    for member in group:
                        member.fail(reason if isinstance(error, asyncio.CancelledError) else error)
                    if not isinstance(error, Exception):
                        raise
                finally:
                    release(group, lanes)
        finally:
            if self._connection is not None:
                self._connection.terminate()

    def _care_for(self, lane: Lane, group: Sequence[Member]) -> Care:
        if lane.care is not Care.SUPPOSED:
            return lane.care
        if self._cautious:
            self._cautious -= 1
            return Care.GLANCED
        for member in group:
            if not supposable(member.changes) or self._recent.doubtful(member.scope, member.changes):
                return Care.GLANCED
        return Care.SUPPOSED

    async def _commit(self, group: Sequence[Member], care: Care) -> None:
        races = 0
        while group:
            try:
                connection = await self._connected()
                if care is Care.HELD:
                    async with connection.transaction():
                        landed = await self._attempt(connection, group, care)
                else:
                    landed = await self._attempt(connection, group, care)
            except RACE_LOST:
                races += 1
                if races == TRIES_MAX:
                    break
                self._cautious = CAUTIOUS_GROUPS
                care = Care(min(care + 1, Care.HELD))
                await _pause(races)
            except ValueError as error:  # a value that cannot be sent; asyncpg files it with lost connections
                self._refuse_alone(group, error)
                break
            except CONNECTION_LOST as error:
                self._hang_up()
                group = self._still_patient(group, error)
                care = max(care, Care.READ)
                await asyncio.sleep(RECONNECT_AFTER_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, only the changeset that causes it may fail
                if care < Care.READ:
                    care = Care.READ  # what was supposed may have made no sense
                    continue
                self._refuse_alone(group, error)
                break
            else:
                self._committed(landed.owners)
                self._answer(group, landed, care)
                return
        await self._split(group)

    def _answer(self, group: Sequence[Member], landed: Landed, care: Care) -> None:
        for member, outcome in zip(group, landed.outcomes, strict=True):
            member.succeed(outcome)
            if care is not Care.SUPPOSED and not isinstance(outcome, Success):
                scope, changes = member.scope, member.changes
                if not self._recent.answered(scope, changes) and not self._recent.doubtful(scope, changes):
                    self._cautious = CAUTIOUS_GROUPS  # supposed, it would have spoilt its group
        self._recent.remember(landed.claims)

    async def _attempt(self, connection: Connection, group: Sequence[Member], care: Care) -> Landed:
        pairs = [(member.scope, member.changes) for member in group]
        held: frozenset[Owner] = frozenset()
        if care is Care.SUPPOSED:
            state = suppose(pairs, self._recent)
        elif care is Care.GLANCED:
            state = await glance(connection, pairs)
        elif care is Care.READ:
            state = await read(connection, pairs)
        else:
            state, held = await hold(connection, pairs)
        writes = Writes(held)
        before = set(state.committed)
        outcomes = self._decide(state, pairs, writes, before)
        if care is Care.GLANCED:
            await _recognise(connection, pairs, outcomes)
        for (livemode, account), balances in (state.accounts or {}).items():
            writes.set_balances(livemode, account, balances)
        if care is Care.SUPPOSED and not (writes and _founded(pairs, outcomes, writes)):
            raise GuardShort
        if writes:
            parts, columns = writes.parts()
            await connection.fetchval(write_statement(parts), *columns)
        return Landed(outcomes, writes.delta_owners, _taken(state, pairs))

    def _decide(
        self,
        state: State,
        pairs: Sequence[tuple[Scope, Changeset]],
        writes: Writes,
        before: set[tuple[Scope, EventId]],
    ) -> list[Answered]:
        now = self._clock.now()
        outcomes: list[Answered] = []
        for scope, changes in pairs:
            outcome = apply(state, scope, changes, now)
            mark = (scope, changes.first_event)
            if not isinstance(outcome, Success):
                refused = outcome.failure()
                if isinstance(refused, KeyAnswered) and refused.event == changes.first_event:
                    outcome = Success(Committed(changes.id))  # handed in again, and refused by its own doing
            elif mark not in before:
                before.add(mark)
                writes.add(scope, changes)
            outcomes.append(outcome)
        return outcomes

    def _refuse_alone(self, group: Sequence[Member], error: Exception) -> None:
        """A changeset that cannot be written is told so once it is alone; until then its group is split."""
        if len(group) == 1:
            _log.error("a changeset cannot be stored: %s", type(error).__name__)
            broken = PortError(f"the changeset cannot be stored: {type(error).__name__}")
            broken.__cause__ = error
            group[0].fail(broken)

    def _still_patient(self, group: Sequence[Member], error: BaseException) -> Sequence[Member]:
        """Those who still wait; the others are told that nobody knows."""
        now = monotonic()
        patient = [member for member in group if now < member.give_up_at]
        for member in group:
            if now >= member.give_up_at:
                lost = StoreUnavailable("the store did not answer in time; hand the changeset in again")
                lost.__cause__ = error
                member.fail(lost)
        return patient

    async def _split(self, group: Sequence[Member]) -> None:
        """One row that cannot be written must not fail its neighbours: find it by halves."""
        care = Care.HELD if any(member.changes.limited for member in group) else Care.READ
        if not group:
            return
        if len(group) == 1:
            group[0].fail(ConcurrencyExhausted("the changeset lost its race too often; nothing was done"))
            return
        half = len(group) // 2
        for part in (group[:half], group[half:]):
            try:
                await self._commit(part, care)
            except Exception as error:  # noqa: BLE001 - whatever it is, the callers of this half are told
                for member in part:
                    member.fail(error)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def _recognise(
    connection: Connection, pairs: Sequence[tuple[Scope, Changeset]], outcomes: list[Answered]
) -> None:
    """A changeset that was committed before is refused by what it did itself: it is answered as committed."""
    refused = {
        place: pair
        for place, (pair, outcome) in enumerate(zip(pairs, outcomes, strict=True))
        if _might_be_committed(pair[1], outcome)
    }
    if refused:
        committed = await recognise(connection, list(refused.values()))
        for place, (scope, changes) in refused.items():
            if (scope, changes.first_event) in committed:
                outcomes[place] = Success(Committed(changes.id))


def _might_be_committed(changes: Changeset, outcome: Answered) -> bool:
    """Every refusal might be a changeset's own doing, but for one: a key that it answers as it claims it says by whom
    it was answered."""
    if isinstance(outcome, Success):
        return False
    return not (isinstance(outcome.failure(), KeyAnswered) and isinstance(changes.claim, Answer))


def _founded(pairs: Sequence[tuple[Scope, Changeset]], outcomes: Sequence[Answered], writes: Writes) -> bool:
    """Whether every refusal of a group that was only supposed rests on what is known or on what the guards look at."""
    for (scope, _), outcome in zip(pairs, outcomes, strict=True):
        if not isinstance(outcome, Success):
            refused = outcome.failure()
            if isinstance(refused, StaleWrite) and not writes.saves(scope, refused.resource):
                return False
    return True


def _taken(state: State, pairs: Sequence[tuple[Scope, Changeset]]) -> dict[ClaimKey, ClaimState | None]:
    """The keys that a group took or found taken, each with its claim where that is surely answered.

    An answer to an earlier claim is not sure: somebody else may have given one first, and no guard looks at it.
    """
    taken: dict[ClaimKey, ClaimState | None] = {}
    unsure = {
        (scope, changes.claim.key)
        for scope, changes in pairs
        if isinstance(changes.claim, Answer) and changes.claim.claim is None
    }
    for scope, changes in pairs:
        key = claim_key(scope, changes)
        if key is not None:
            claim = state.claims.get(key)
            answered = claim is not None and claim.answered_by is not None and key not in unsure
            taken[key] = claim if answered else None
    return taken


async def _pause(races: int) -> None:
    """Nothing after the first lost race, then a little longer each time, never in step with others."""
    if races > 1:
        await asyncio.sleep(random.uniform(0, 0.002 * 2**races))  # noqa: S311 - jitter, not a secret
