"""What a changeset does to the books: the one function that every store commits with.

A store gathers the rows that some changesets touch into a `State`, applies the changesets to it one after the other,
and makes durable what came out. A refused changeset leaves the state as it was; later ones see exactly what the
earlier ones did. `apply` is deterministic and does no I/O: the memory store is this function under a lock, and a
database store must agree with it.
"""

from datetime import datetime
from typing import TypeAlias

from attrs import Factory, define, frozen

from fintech.domain.api_keys import ApiKey
from fintech.domain.changeset import (
    AccountClosed,
    AlreadyResolved,
    Answer,
    Changeset,
    Claim,
    CommitRefused,
    Committed,
    Expired,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
    UniqueTaken,
)
from fintech.domain.chart import rule_of
from fintech.domain.events import Aggregate
from fintech.domain.ids import EventId, TransferId
from fintech.domain.ledger import AccountId, Balances, Phase, Transfer
from fintech.domain.merchants import Merchant, Standing
from fintech.domain.moves import may_reach_limit
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.domain.terminals import Terminal

AccountKey: TypeAlias = tuple[bool, AccountId]


@frozen
class ClaimState:
    """A stored claim; ``answered_by`` once its request has its outcome."""

    claim: Claim
    answered_by: EventId | None = None
    refusal: str | None = None


@frozen
class PendingState:
    """A stored pending transfer and whether it was resolved."""

    transfer: Transfer
    resolved: bool = False


@define
class State:
    """The rows that a group of changesets touches. What is not here is not there.

    ``uniques`` maps what must be unique across aggregates to the id that has it. ``accounts`` is None where no
    changeset may take any account past its limit, so that nobody has to know what is on it.
    """

    committed: set[tuple[Scope, EventId]] = Factory(set)
    closed: set[Scope] = Factory(set)
    claims: dict[tuple[Scope, str], ClaimState] = Factory(dict)
    versions: dict[tuple[Scope, str], int] = Factory(dict)
    uniques: dict[tuple[str, str], str] = Factory(dict)
    pendings: dict[tuple[Scope, TransferId], PendingState] = Factory(dict)
    accounts: dict[AccountKey, Balances] | None = Factory(dict)


def apply(state: State, scope: Scope, changes: Changeset, now: datetime) -> Outcome[Committed, CommitRefused]:
    """Make a changeset true in the state, whole, or refuse it and leave the state as it was.

    ``now`` is the moment of the commit: what expires is judged by it, not by when the changeset was thought of.
    """
    if (scope, changes.first_event) in state.committed:
        return Success(Committed(changes.id))
    refused = (
        _claim_refused(state, scope, changes)
        or _save_refused(state, scope, changes)
        or (_transfer_refused(state, scope, changes, now) if changes.transfers else None)
    )
    if refused is not None:
        return Failure(refused)
    _absorb(state, scope, changes)
    return Success(Committed(changes.id))


def uniques_of(aggregate: Aggregate) -> tuple[tuple[str, str], ...]:
    """What no other aggregate may have, as (name, value): across all merchants, for it is looked up without one."""
    match aggregate:
        case ApiKey(digest=digest):
            return (("api_key_digest", digest.hex()),)
        case Terminal(number=number):
            return (("terminal_number", number),)
        case _:
            return ()


def _claim_refused(state: State, scope: Scope, changes: Changeset) -> CommitRefused | None:
    claim = changes.claim.claim if isinstance(changes.claim, Answer) else changes.claim
    if claim is None:
        return None
    stored = state.claims.get((scope, claim.key))
    if stored is None:
        return None
    if stored.claim.fingerprint != claim.fingerprint or stored.claim.operation != claim.operation:
        return KeyReused(stored.claim.operation)
    if stored.answered_by is not None:
        return KeyAnswered(stored.answered_by, stored.refusal)
    return KeyInFlight(stored.claim.resource, stored.claim.lease_until)


def _save_refused(state: State, scope: Scope, changes: Changeset) -> CommitRefused | None:
    for change in changes.changes:
        aggregate = change.aggregate
        current = state.versions.get((scope, aggregate.id), 0)
        if current != aggregate.version:
            return StaleWrite(aggregate.id, current)
        for unique in uniques_of(aggregate):
            if state.uniques.get(unique, aggregate.id) != aggregate.id:
                return UniqueTaken(unique[0])
    return None


def _transfer_refused(state: State, scope: Scope, changes: Changeset, now: datetime) -> CommitRefused | None:
    if scope in state.closed:
        return AccountClosed(scope)
    resolved: set[TransferId] = set()
    for transfer in changes.transfers:
        pending_id = transfer.resolves
        if pending_id is None:
            continue
        if pending_id in resolved:
            return AlreadyResolved(pending_id)
        if refused := _resolution_refused(state, scope, transfer, pending_id, now):
            return refused
        resolved.add(pending_id)
    return _limit_refused(state, scope, changes)


def _limit_refused(state: State, scope: Scope, changes: Changeset) -> LimitReached | None:
    if not changes.limited:
        return None
    for account, move in changes.moves.items():
        if may_reach_limit(account.code, move):
            before = _balances(state, scope, account)
            limit = rule_of(account.code).limit
            if not before.plus(move).within(limit):
                return LimitReached(account, before.spendable(limit))
    for ceiling in changes.ceilings:
        before = _balances(state, scope, ceiling.account)
        after = before.plus(changes.moves.get(ceiling.account, Balances()))
        if after.owed > ceiling.most_minor:
            return LimitReached(ceiling.account, ceiling.most_minor - before.owed)
    return _backing_refused(state, scope, changes)


def _backing_refused(state: State, scope: Scope, changes: Changeset) -> LimitReached | None:
    backing = changes.backing
    if backing is None:
        return None
    nothing = Balances()
    room = backing.room_minor(
        lambda account: _balances(state, scope, account).plus(changes.moves.get(account, nothing))
    )
    if room >= 0:
        return None
    before = backing.room_minor(lambda account: _balances(state, scope, account))
    return LimitReached(backing.owed[0], before)


def _balances(state: State, scope: Scope, account: AccountId) -> Balances:
    if state.accounts is None:
        message = "a limit cannot be judged without balances"
        raise AssertionError(message)
    return state.accounts.get((scope.livemode, account), Balances())


def _resolution_refused(
    state: State, scope: Scope, transfer: Transfer, pending_id: TransferId, now: datetime
) -> CommitRefused | None:
    pending = state.pendings.get((scope, pending_id))
    if pending is None or (
        pending.transfer.debit,
        pending.transfer.credit,
        pending.transfer.amount_minor,
    ) != (
        transfer.debit,
        transfer.credit,
        transfer.amount_minor,
    ):
        message = f"{transfer.id} resolves {pending_id}, which is not such a pending transfer"
        raise AssertionError(message)
    if pending.resolved:
        return AlreadyResolved(pending_id)
    expires_at = pending.transfer.expires_at
    if transfer.phase is Phase.POST_PENDING and expires_at is not None and now >= expires_at:
        return Expired(pending_id)
    return None


def _absorb(state: State, scope: Scope, changes: Changeset) -> None:
    state.committed.add((scope, changes.first_event))
    _absorb_claim(state, scope, changes)
    for change in changes.changes:
        aggregate = change.aggregate
        state.versions[scope, aggregate.id] = aggregate.version + 1
        for unique in uniques_of(aggregate):
            state.uniques[unique] = aggregate.id
        if isinstance(aggregate, Merchant) and aggregate.standing is Standing.CLOSED:
            state.closed.add(scope)
    for transfer in changes.transfers:
        if transfer.phase is Phase.PENDING:
            state.pendings[scope, transfer.id] = PendingState(transfer)
        elif transfer.resolves is not None:
            pending = state.pendings[scope, transfer.resolves]
            state.pendings[scope, transfer.resolves] = PendingState(pending.transfer, resolved=True)
    if state.accounts is not None:
        for account, move in changes.moves.items():
            before = state.accounts.get((scope.livemode, account), Balances())
            state.accounts[scope.livemode, account] = before.plus(move)


def _absorb_claim(state: State, scope: Scope, changes: Changeset) -> None:
    match changes.claim:
        case Claim() as claim:
            state.claims[scope, claim.key] = ClaimState(claim)
        case Answer(key=key, claim=given, refusal=refusal):
            stored = ClaimState(given) if given else state.claims.get((scope, key))
            if stored is not None and stored.answered_by is None:
                state.claims[scope, key] = ClaimState(stored.claim, changes.first_event, refusal)
        case None:
            pass
