"""Requests about terminals and locations that were made before. Each is one commit: it is answered or it is not."""

from typing import TypeVar

from fintech.application.commits import Commits, Reply, Request
from fintech.domain.changeset import CommitRefused, KeyAnswered
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.domain.terminals import Location, Terminal

T = TypeVar("T", Location, Terminal)
R = TypeVar("R")


async def replied(
    commits: Commits, request: Request, scope: Scope, kind: type[T], outcome: Outcome[T, R]
) -> Outcome[Reply[T], R | CommitRefused]:
    """The reply to a first request, or what it came to when this is a repeat of it."""
    if isinstance(outcome, Success):
        return Success(Reply(outcome.unwrap()))
    refused = await commits.key_first(scope, request, outcome.failure())
    if isinstance(refused, KeyAnswered):
        snapshot = await commits.answered(scope, refused)
        assert isinstance(snapshot, kind)
        return Success(Reply(snapshot, replayed=True))
    return Failure(refused)
