"""The `State` that a group of changesets is applied to: supposed, glanced, read, or held.

*Supposed*: what the changesets themselves say is so; the guards of the write find out if it is not. *Glanced*: what one
unlocked statement sees of the rows that are there by rights; the guards find out if it has changed since, or if there
are others. *Read*: what one unlocked statement sees of everything. *Held*: the rows are locked first, in key order, so
that they cannot change; balances are there too where a limit has to be judged.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

import orjson

from fintech.adapters.postgres.book_balances import fold_balances, hold_books
from fintech.adapters.postgres.connections import Connection
from fintech.adapters.postgres.legs import decode_legs
from fintech.adapters.postgres.recent_claims import RecentClaims
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.adapters.postgres.writes import Owner
from fintech.domain.apply import ClaimState, PendingState, State, uniques_of
from fintech.domain.changeset import Answer, Changeset, Claim
from fintech.domain.ids import EventId, MerchantId, TransferId
from fintech.domain.ledger import Phase, Transfer
from fintech.domain.scope import Scope

Key: TypeAlias = tuple[str, bool, str]

_KEYS: Final = "unnest(${0}::text[], ${1}::bool[], ${2}::text[]) as u(merchant_id, livemode, key)"


def suppose(group: Iterable[tuple[Scope, Changeset]], recent: RecentClaims) -> State:
    """The state that makes every changeset of the group acceptable, as far as one can be without the others; but for
    repeats of what this process remembers."""
    state = State(accounts=None)
    for scope, changes in group:
        if answered := recent.answered(scope, changes):
            state.claims.setdefault(*answered)
            continue  # refused, so that what it supposes is nobody's business
        for change in changes.changes:
            aggregate = change.aggregate
            if aggregate.version:
                state.versions.setdefault((scope, aggregate.id), aggregate.version)
        for transfer in changes.transfers:
            if transfer.resolves is not None:
                state.pendings.setdefault((scope, transfer.resolves), PendingState(transfer))
    return state


def supposable(changes: Changeset) -> bool:
    """Whether the guards can find out everything that would refuse it: not when a pending one may have expired."""
    for transfer in changes.transfers:  # noqa: SIM110 - on every payment's way; all() takes twice as long
        if transfer.phase is Phase.POST_PENDING:
            return False
    return True


async def glance(connection: Connection, group: Sequence[tuple[Scope, Changeset]]) -> State:
    """What one statement sees, but for balances and for what only a changeset that was committed before would find:
    its mark (see `recognise`) and the aggregates that it made."""
    return await _read(connection, _wanted(group, whole=False))


async def read(connection: Connection, group: Sequence[tuple[Scope, Changeset]]) -> State:
    """What one statement sees of everything that the group touches, but for balances."""
    return await _read(connection, _wanted(group, whole=True))


async def recognise(
    connection: Connection, group: Sequence[tuple[Scope, Changeset]]
) -> set[tuple[Scope, EventId]]:
    """The marks of those that were committed before."""
    marks = sorted((scope.merchant, scope.livemode, changes.first_event) for scope, changes in group)
    rows = await connection.fetch(read_statement(("events",)), *zip(*marks, strict=True))
    return {(Scope(MerchantId(merchant), livemode), EventId(key)) for _, merchant, livemode, key, *_ in rows}


async def _read(connection: Connection, wanted: dict[str, set[Key]]) -> State:
    state = State(accounts=None)
    parts = tuple(part for part, keys in wanted.items() if keys)
    arguments = [array for part in parts for array in zip(*sorted(wanted[part]), strict=True)]
    for part, merchant, livemode, key, number, extra in await connection.fetch(
        read_statement(parts), *arguments
    ):
        _take(state, part, Scope(MerchantId(merchant), livemode), key, number, extra)
    return state


async def hold(
    connection: Connection, group: Sequence[tuple[Scope, Changeset]]
) -> tuple[State, frozenset[Owner]]:
    """Lock what the group touches, in key order, and read it; inside a transaction.

    Accounts are held where a limit may be reached. Deltas of their owners are deleted: the balances, deltas included,
    are in the state and must be written.
    """
    wanted = _wanted(group, whole=True)
    for mapping in MAPPINGS.values():
        keys = wanted[mapping.table.name]
        if keys:
            await connection.execute(_lock_statement(mapping.table.name), *zip(*sorted(keys), strict=True))
    owners: list[Owner] = []
    if any(changes.limited for _, changes in group):
        owners = sorted(
            {(account.owner, scope.livemode) for scope, changes in group for account in changes.judged()}
        )
        await hold_books(connection, owners)
    state = await _read(connection, wanted)
    if not owners:
        return state, frozenset()
    touched = {(scope.livemode, account) for scope, changes in group for account in changes.judged()}
    state.accounts = await fold_balances(connection, owners, touched)
    return state, frozenset(owners)


def _wanted(group: Iterable[tuple[Scope, Changeset]], *, whole: bool) -> dict[str, set[Key]]:
    wanted: dict[str, set[Key]] = {name: set() for name in _READS}
    for scope, changes in group:
        merchant, livemode = scope.merchant, scope.livemode
        if whole:
            wanted["events"].add((merchant, livemode, changes.first_event))
        claim = changes.claim
        if isinstance(claim, Claim | Answer):
            wanted["claims"].add((merchant, livemode, claim.key))
        for change in changes.changes:
            aggregate = change.aggregate
            if whole or aggregate.version:
                wanted[MAPPINGS[type(aggregate)].table.name].add((merchant, livemode, aggregate.id))
            for unique, value in uniques_of(aggregate):
                wanted[unique].add((merchant, livemode, value))
        if changes.transfers:
            wanted["closed"].add((merchant, livemode, merchant))
        for transfer in changes.transfers:
            if transfer.resolves is not None:
                wanted["pendings"].add((merchant, livemode, transfer.resolves))
    return wanted


_READS: Final[dict[str, str]] = {
    "events": "select 'events', u.*, 0, null from {keys} join events t on t.merchant_id = u.merchant_id"
    " and t.livemode = u.livemode and t.id = u.key",
    "claims": "select 'claims', u.*, 0, row_to_json(t)::text from {keys} join claims t"
    " on t.merchant_id = u.merchant_id and t.livemode = u.livemode and t.key = u.key",
    "api_key_digest": "select 'api_key_digest', t.merchant_id, t.livemode, u.key, 0, t.id from {keys}"
    " join api_keys t on t.digest = decode(u.key, 'hex')",
    "terminal_number": "select 'terminal_number', t.merchant_id, t.livemode, u.key, 0, t.id from {keys}"
    " join terminals t on t.number = u.key",
    "closed": "select 'closed', u.*, 0, null from {keys} join merchants t on t.merchant_id = u.merchant_id"
    " and t.livemode = u.livemode and t.id = u.key where t.standing = 'closed'",
    "pendings": "select 'pendings', u.*, (select count(*)::int from resolutions r where r.merchant_id = u.merchant_id"
    " and r.livemode = u.livemode and r.pending_id = u.key), row_to_json(t)::text from {keys} join movements t"
    " on t.merchant_id = u.merchant_id and t.livemode = u.livemode"
    " and t.id = 'txn_' || substr(u.key, 4, length(u.key) - 5)",
    **{
        mapping.table.name: f"select '{mapping.table.name}', u.*, t.version, null from {{keys}} join"
        f" {mapping.table.name} t on t.merchant_id = u.merchant_id and t.livemode = u.livemode and t.id = u.key"
        for mapping in MAPPINGS.values()
    },
}


@lru_cache(maxsize=128)
def read_statement(parts: tuple[str, ...]) -> str:
    """The statement that reads what the parts want; each takes the three arrays of its keys."""
    selects = []
    for n, part in enumerate(parts):
        keys = _KEYS.format(3 * n + 1, 3 * n + 2, 3 * n + 3)
        selects.append(_READS[part].format(keys=keys))
    return " union all ".join(selects)


@lru_cache(maxsize=16)
def _lock_statement(table: str) -> str:
    keys = _KEYS.format(1, 2, 3)
    return (
        f"select 1 from {table} t join {keys} on t.merchant_id = u.merchant_id and t.livemode = u.livemode"
        " and t.id = u.key order by t.merchant_id, t.livemode, t.id for update of t"
    )


def _take(state: State, part: str, scope: Scope, key: str, number: int, extra: str | None) -> None:
    match part:
        case "events":
            state.committed.add((scope, EventId(key)))
        case "closed":
            state.closed.add(scope)
        case "api_key_digest" | "terminal_number":
            state.uniques[part, key] = extra or ""
        case "claims":
            state.claims[scope, key] = claim_state(extra or "{}")
        case "pendings":
            id = TransferId(key)
            state.pendings[scope, id] = PendingState(_pending(scope, id, extra or "{}"), resolved=number > 0)
        case _:
            state.versions[scope, key] = number


def claim_state(text: str) -> ClaimState:
    """A stored claim, from its row as JSON."""
    row = orjson.loads(text)
    claim = Claim(
        key=row["key"],
        operation=row["operation"],
        fingerprint=bytes.fromhex(row["fingerprint"].removeprefix("\\x")),
        resource=row["resource"],
        lease_until=datetime.fromisoformat(row["lease_until"]),
    )
    answered_by = row["answered_by"]
    return ClaimState(claim, EventId(answered_by) if answered_by else None, row["refusal"])


def _pending(scope: Scope, id: TransferId, text: str) -> Transfer:
    row = orjson.loads(text)
    at = datetime.fromisoformat(row["at"])
    legs = orjson.dumps(row["legs"]).decode()
    transfers = decode_legs(scope, id.movement_id, row["currency"], row["source"], at, legs)
    return next(transfer for transfer in transfers if transfer.id == id)
