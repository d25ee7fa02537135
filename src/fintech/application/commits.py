"""How every use case commits: with an actor, under an idempotency key, and again when somebody else was faster."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeAlias, TypeVar

from attrs import frozen

from fintech.domain.changeset import (
    Answer,
    Backing,
    Ceiling,
    Change,
    Changeset,
    Claim,
    CommitRefused,
    Committed,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
)
from fintech.domain.events import Aggregate, EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId
from fintech.domain.ledger import Transfer
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted, StoreUnavailable
from fintech.ports.id_source import IdSource
from fintech.ports.store import Store

T = TypeVar("T")
A = TypeVar("A", bound=Aggregate)
R = TypeVar("R")

#: How long a request may take before its key may be continued by another.
LEASE: Final = timedelta(seconds=60)
#: How often a decision that lost its race is made again.
TRIES_MAX: Final = 16
#: The same for the outcome of a call that was made: until it lands, within reason; the sweeper finds out the rest.
OUTCOME_TRIES_MAX: Final = 1_000
#: How often a changeset whose fate is unknown is handed in again.
HAND_INS_MAX: Final = 3
#: The decision was made on what is not so any more: load and decide again.
_OVERTAKEN: Final = (StaleWrite, LimitReached)


@frozen(kw_only=True)
class RequestKey:
    """An idempotency key, what it was used for, and a keyed digest of what was asked."""

    key: str
    operation: str
    fingerprint: bytes


@frozen(kw_only=True)
class Request:
    """Who asks, and under which idempotency key if any."""

    actor: Actor
    key: RequestKey | None = None

    def claim(self, resource: str, now: datetime) -> Claim | None:
        """Takes the key for work on a resource."""
        if self.key is None:
            return None
        return Claim(
            key=self.key.key,
            operation=self.key.operation,
            fingerprint=self.key.fingerprint,
            resource=resource,
            lease_until=now + LEASE,
        )

    def answer(self, refusal: str | None = None) -> Answer | None:
        """Ends the claim that an earlier commit of this request made."""
        return Answer(key=self.key.key, refusal=refusal) if self.key else None

    def claim_and_answer(self, resource: str, now: datetime) -> Answer | None:
        """Both in one commit, for work of one step."""
        claim = self.claim(resource, now)
        return Answer(key=claim.key, claim=claim) if claim else None


@frozen
class Reply(Generic[T]):
    """What a request came to. ``replayed``: it had been answered before and nothing was done now."""

    value: T
    replayed: bool = False


@frozen
class NotFound:
    """There is no such thing in this merchant's books of this mode."""

    kind: str
    id: str


@frozen(kw_only=True)
class Decision(Generic[T]):
    """What shall become true: aggregates as they will be with what happened to each, and transfers.

    ``value`` is what the caller gets when it has become true.
    """

    value: T
    changes: tuple[tuple[Aggregate, EventType], ...]
    transfers: tuple[Transfer, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    backing: Backing | None = None
    claim: Claim | Answer | None = None


Decide: TypeAlias = Callable[[ChangesetId, datetime], Awaitable[Outcome[Decision[T], R]]]


def saved(aggregate: A) -> A:
    """The aggregate as it is once it has been committed."""
    return evolve(aggregate, version=aggregate.version + 1)


@frozen(kw_only=True)
class Commits:
    """Decides and commits, again and again until it lands, loses too often, or is refused."""

    store: Store
    ids: IdSource
    clock: Clock

    async def land(
        self, scope: Scope, actor: Actor, decide: Decide[T, R], *, tries_max: int = TRIES_MAX
    ) -> Outcome[T, R | CommitRefused]:
        """Call ``decide`` and commit what it says; when it was overtaken, again on what is true by then.

        A limit that was reached counts as overtaken once: if it is reached again, that is the answer. Raises
        `ConcurrencyExhausted` when it loses ``tries_max`` times.
        """
        limit_reached: LimitReached | None = None
        for tries in range(tries_max):
            now = self.clock.now()
            changeset = self.ids.new(ChangesetId)
            decided = await decide(changeset, now)
            if isinstance(decided, Failure):
                return decided
            decision = decided.unwrap()
            changes = Changeset(
                id=changeset,
                at=now,
                actor=actor,
                changes=tuple([Change(aggregate, event) for aggregate, event in decision.changes]),
                transfers=decision.transfers,
                ceilings=decision.ceilings,
                backing=decision.backing,
                claim=decision.claim,
            )
            outcome = await self.commit(scope, changes)
            if isinstance(outcome, Success):
                return Success(decision.value)
            refused = outcome.failure()
            if not isinstance(refused, _OVERTAKEN) or (limit_reached and refused == limit_reached):
                return Failure(refused)
            limit_reached = refused if isinstance(refused, LimitReached) else limit_reached
            await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(tries, 6)))  # noqa: S311 - jitter, not a secret
        raise ConcurrencyExhausted("the decision was overtaken too often; nothing was done")

    async def commit(self, scope: Scope, changes: Changeset) -> Outcome[Committed, CommitRefused]:
        """Commit, handing the same changeset in again when nobody knows what became of it."""
        for _ in range(HAND_INS_MAX - 1):
            try:
                return await self.store.commit(scope, changes)
            except StoreUnavailable:
                continue
        return await self.store.commit(scope, changes)

    async def key_first(self, scope: Scope, request: Request, refused: R) -> R | CommitRefused:
        """Why a request is refused: what its key says of it comes before what the state says now.

        A capture that succeeded finds the payment captured when it is repeated; that is no refusal but its answer.
        """
        if request.key is None or isinstance(refused, CommitRefused):
            return refused
        stored = await self.store.claim(scope, request.key.key)
        if stored is None:
            return refused
        if (stored.claim.operation, stored.claim.fingerprint) != (
            request.key.operation,
            request.key.fingerprint,
        ):
            return KeyReused(stored.claim.operation)
        if stored.answered_by is not None:
            return KeyAnswered(stored.answered_by, stored.refusal)
        return KeyInFlight(stored.claim.resource, stored.claim.lease_until)

    async def answered(self, scope: Scope, refused: KeyAnswered) -> Aggregate:
        """What the request under a key came to, when it was answered before."""
        event = await self.store.event(scope, refused.event)
        if event is None:
            message = "the event that answers an idempotency key is not in the log"
            raise AssertionError(message)
        return event.snapshot
