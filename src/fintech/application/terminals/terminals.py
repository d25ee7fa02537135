"""Terminals: registered, moved, suspended, retired, and signing on."""

from datetime import datetime
from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.repeats import replied
from fintech.domain.changeset import CommitRefused, UniqueTaken
from fintech.domain.events import Aggregate, EventType
from fintech.domain.ids import ChangesetId, LocationId, TerminalId
from fintech.domain.metadata import Metadata, TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.domain.terminals import (
    Location,
    Placing,
    SimulatedInLiveMode,
    Terminal,
    TerminalFault,
    TerminalMayNot,
    new_terminal,
)
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

#: How many numbers are tried for a terminal that was given none. Of 2^40, the first is nearly always free.
NUMBERS_TRIED_MAX: Final = 5

TerminalRefusal: TypeAlias = (
    NotFound | TerminalFault | SimulatedInLiveMode | TerminalMayNot | TooManyKeys | CommitRefused
)
TerminalAnswered: TypeAlias = Outcome[Reply[Terminal], TerminalRefusal]


@frozen(kw_only=True)
class RegisterTerminal:
    """Make a terminal known, with the number by which its messages are told."""

    store: Store
    ids: IdSource
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        serial: str,
        location: LocationId,
        number: str | None = None,
        label: str | None = None,
        metadata: Metadata = (),
    ) -> TerminalAnswered:
        """Refused as `new_terminal` refuses, and as `UniqueTaken` where any merchant has or had the number."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Terminal], TerminalRefusal]:
            making = new_terminal(
                id=self.ids.new(TerminalId),
                serial=serial,
                location=location,
                at=now,
                livemode=scope.livemode,
                number=number,
                label=label,
                metadata=metadata,
            )
            if isinstance(making, Failure):
                return making
            joining = await _joined(self.store, scope, location)
            if isinstance(joining, Failure):
                return joining
            changes = ((making.unwrap(), EventType.TERMINAL_CREATED), _moved(joining.unwrap()))
            return Success(_decision(request, making.unwrap(), changes, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        for _ in range(NUMBERS_TRIED_MAX - 1):
            if number is not None or not _taken(outcome):
                break
            outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, Terminal, outcome)


@frozen(kw_only=True)
class UpdateTerminal:
    """Change what a terminal is called, or move it to another location."""

    store: Store
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: TerminalId,
        *,
        label: str | None = None,
        location: LocationId | None = None,
        metadata: Metadata | None = None,
    ) -> TerminalAnswered:
        """Refused as `Terminal.updated` refuses; ``metadata`` is merged into what is there by then."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Terminal], TerminalRefusal]:
            terminal = await self.store.terminal(scope, id)
            if terminal is None:
                return Failure(NotFound("terminal", id))
            updating = terminal.updated(label=label, location=location, metadata=metadata)
            if isinstance(updating, Failure):
                return updating
            after = updating.unwrap()
            changes: list[tuple[Aggregate, EventType]] = [(after, EventType.TERMINAL_UPDATED)]
            if after.location != terminal.location:
                joining = await _joined(self.store, scope, after.location)
                if isinstance(joining, Failure):
                    return joining
                left = await _left(self.store, scope, terminal)
                changes += [_moved(left), _moved(joining.unwrap())]
            return Success(_decision(request, after, tuple(changes), now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, Terminal, outcome)


@frozen(kw_only=True)
class PlaceTerminal:
    """Suspend, restore or retire a terminal."""

    store: Store
    commits: Commits

    async def __call__(
        self, request: Request, scope: Scope, id: TerminalId, placing: Placing
    ) -> TerminalAnswered:
        """Refused as `Terminal.placed` refuses."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Terminal], TerminalRefusal]:
            terminal = await self.store.terminal(scope, id)
            if terminal is None:
                return Failure(NotFound("terminal", id))
            placed = terminal.placed(placing)
            if isinstance(placed, Failure):
                return placed
            after = placed.unwrap()
            if placing is not Placing.RETIRE:
                return Success(_decision(request, after, ((after, EventType.TERMINAL_UPDATED),), now))
            left = await _left(self.store, scope, terminal)
            changes = ((after, EventType.TERMINAL_DELETED), _moved(left))
            return Success(_decision(request, after, changes, now))

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, Terminal, outcome)


@frozen
class _NothingNew:
    """What the terminal says is known."""

    terminal: Terminal


@frozen(kw_only=True)
class SignOnTerminal:
    """A terminal reports: it signs on, or shows that it is still there. Cheap enough for every such message."""

    store: Store
    commits: Commits

    async def __call__(
        self, actor: Actor, number: str
    ) -> Outcome[tuple[Scope, Terminal], NotFound | TerminalMayNot | CommitRefused]:
        """The terminal with a number and whose it is; refused as `Terminal.signed_on` refuses.

        Commits only what is new, which is the first sign-on and then, once in `SIGN_ON_RESOLUTION`, that it is there.
        """
        found = await self.store.terminal_by_number(number)
        if found is None:
            return Failure(NotFound("terminal", number))
        scope, known = found
        latest: Terminal | None = known

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Terminal], NotFound | TerminalMayNot | _NothingNew]:
            nonlocal latest
            terminal = latest or await self.store.terminal(scope, known.id)
            latest = None  # if this is overtaken, it is read again
            if terminal is None:
                return Failure(NotFound("terminal", number))
            signing = terminal.signed_on(now)
            if isinstance(signing, Failure):
                return signing
            after = signing.unwrap()
            if after is terminal:
                return Failure(_NothingNew(terminal))
            return Success(Decision(value=saved(after), changes=((after, EventType.TERMINAL_UPDATED),)))

        outcome = await self.commits.land(scope, actor, decide)
        if isinstance(outcome, Success):
            return Success((scope, outcome.unwrap()))
        refused = outcome.failure()
        return Success((scope, refused.terminal)) if isinstance(refused, _NothingNew) else Failure(refused)


def _taken(outcome: Outcome[Terminal, TerminalRefusal]) -> bool:
    return isinstance(outcome, Failure) and isinstance(outcome.failure(), UniqueTaken)


async def _joined(store: Store, scope: Scope, id: LocationId) -> Outcome[Location, NotFound]:
    """A location with one terminal more; where it has been removed, there is none."""
    location = await store.location(scope, id)
    joined = location.joined() if location is not None else None
    return joined if isinstance(joined, Success) else Failure(NotFound("location", id))


async def _left(store: Store, scope: Scope, terminal: Terminal) -> Location:
    """The location where a terminal stands, with one less."""
    location = await store.location(scope, terminal.location)
    assert location is not None, "a terminal stands nowhere"
    return location.left()


def _moved(location: Location) -> tuple[Location, EventType]:
    return location, EventType.LOCATION_UPDATED


def _decision(
    request: Request, after: Terminal, changes: tuple[tuple[Aggregate, EventType], ...], now: datetime
) -> Decision[Terminal]:
    return Decision(value=saved(after), changes=changes, claim=request.claim_and_answer(after.id, now))
