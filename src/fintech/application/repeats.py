"""Requests that were made before: the same key is answered the same way, and what was abandoned is continued."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fintech.application.commits import Commits, Reply, Request
from fintech.domain.changeset import CommitRefused, KeyAnswered, KeyInFlight
from fintech.domain.events import Aggregate
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope

A = TypeVar("A", bound=Aggregate)
R = TypeVar("R")


async def replied(
    commits: Commits,
    request: Request,
    scope: Scope,
    kind: type[A],
    outcome: Outcome[A, R],
    *,
    resume: Callable[[str], Awaitable[A | None]] | None = None,
    refusal: Callable[[str], R] | None = None,
) -> Outcome[Reply[A], R | CommitRefused]:
    """The reply to a first request, or what it came to when this is a repeat of it.

    ``resume`` continues an abandoned request (its lease is over, nobody answered) from the state of its resource; what is
    done in one commit has none. ``refusal`` says a kept no again, where the snapshot does not say it.
    """
    if isinstance(outcome, Success):
        return Success(Reply(outcome.unwrap()))
    refused = await commits.key_first(scope, request, outcome.failure())
    if isinstance(refused, KeyAnswered):
        if refusal is not None and refused.refusal is not None:
            return Failure(refusal(refused.refusal))
        snapshot = await commits.answered(scope, refused)
        assert isinstance(snapshot, kind)
        return Success(Reply(snapshot, replayed=True))
    if resume is not None and isinstance(refused, KeyInFlight) and refused.lease_until <= commits.clock.now():
        resumed = await resume(refused.resource)
        if resumed is not None:
            return Success(Reply(resumed, replayed=True))
    return Failure(refused)
