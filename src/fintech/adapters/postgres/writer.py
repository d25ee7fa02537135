"""A writer: one connection, and one group at a time on its way into the books."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Final

from attrs import frozen

from fintech.adapters.postgres.connections import CONNECTION_LOST, RACE_LOST, Connection, GuardShort
from fintech.adapters.postgres.group_state import glance, hold, read, recognise, supposable, suppose
from fintech.adapters.postgres.lanes import Answered, Care, Lane, Member, release
from fintech.adapters.postgres.recent_claims import ClaimKey, RecentClaims
from fintech.adapters.postgres.statements import write_statement
from fintech.adapters.postgres.writes import Owner, Writes
from fintech.domain.apply import ClaimState, State, apply
from fintech.domain.changeset import Changeset, Committed, KeyAnswered
from fintech.domain.ids import EventId
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted, PortError, StoreUnavailable

TRIES_MAX: Final = 8
RECONNECT_AFTER_S: Final = 0.1
#: After a lost race or an unforeseen refusal a writer glances first for so many groups: both come in swarms.
CAUTIOUS_GROUPS: Final = 8


@frozen
class Landed:
    """What became of a group, whose accounts got delta rows, and the claims that it saw or made."""

    outcomes: Sequence[Answered]
    owners: Iterable[Owner]
    claims: Mapping[ClaimKey, ClaimState]


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
        if lane.care is Care.SUPPOSED and (
            self._cautious or not all(supposable(member.changes) for member in group)
        ):
            self._cautious = max(self._cautious - 1, 0)
            return Care.GLANCED
        return lane.care

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
            # Had this only been supposed, the whole group would have been written twice.
            unforeseen = care is not Care.SUPPOSED and not isinstance(outcome, Success)
            if unforeseen and self._recent.seen_by(member.scope, member.changes) is None:
                self._cautious = CAUTIOUS_GROUPS
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
        if writes:
            parts, columns = writes.parts()
            await connection.fetchval(write_statement(parts), *columns)
        elif care is Care.SUPPOSED:
            raise GuardShort
        return Landed(outcomes, writes.delta_owners, state.claims)

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
                    outcome = Success(
                        Committed(changes.id)
                    )  # handed in again, and refused by what it did itself
            elif mark not in before:
                before.add(mark)
                writes.add(scope, changes)
            outcomes.append(outcome)
        return outcomes

    def _refuse_alone(self, group: Sequence[Member], error: Exception) -> None:
        """A changeset that cannot be written is told so once it is alone; until then its group is split."""
        if len(group) == 1:
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
    refused = {place: pairs[place] for place, outcome in enumerate(outcomes) if _might_be_committed(outcome)}
    if refused:
        committed = await recognise(connection, list(refused.values()))
        for place, (scope, changes) in refused.items():
            if (scope, changes.first_event) in committed:
                outcomes[place] = Success(Committed(changes.id))


def _might_be_committed(outcome: Answered) -> bool:
    """A key that was answered says by which changeset; every other refusal might be its own doing."""
    return not isinstance(outcome, Success) and not isinstance(outcome.failure(), KeyAnswered)


async def _pause(races: int) -> None:
    """Nothing after the first lost race, then a little longer each time, never in step with others."""
    if races > 1:
        await asyncio.sleep(random.uniform(0, 0.002 * 2**races))  # noqa: S311 - jitter, not a secret
