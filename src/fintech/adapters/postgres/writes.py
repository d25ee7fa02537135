"""What a group of accepted changesets writes, gathered as columns for one statement."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

import orjson

from fintech.adapters.postgres.documents import encode
from fintech.adapters.postgres.legs import encode_legs
from fintech.adapters.postgres.rows import MAPPINGS
from fintech.adapters.postgres.statements import INSERT, UPDATE, Part, encoders
from fintech.domain.changeset import Answer, Changeset, Claim
from fintech.domain.events import Aggregate
from fintech.domain.ids import EventId, MerchantId
from fintech.domain.ledger import AccountId, Balances, Transfer
from fintech.domain.lines import change_of, touches_balance
from fintech.domain.scope import Actor, Scope

Row: TypeAlias = tuple[object, ...]
#: Whose accounts, in which mode.
Owner: TypeAlias = tuple[MerchantId, bool]

_TABLE_ORDER: Final = tuple(mapping.table.name for mapping in MAPPINGS.values())


class Writes:
    """Rows by part. ``held`` are the owners whose accounts are locked: their new balances are written as they are
    (`set_balances`); everybody else's accounts get delta rows."""

    def __init__(self, held: frozenset[Owner] = frozenset()) -> None:
        self._held = held
        self._accounts: list[Row] = []
        self._saves: dict[tuple[Scope, str], tuple[int, Scope, Aggregate, int, EventId]] = {}
        self._moves: dict[Owner, dict[AccountId, list[int]]] = {}
        self._scopes: set[Scope] = set()
        self._claims: list[Row] = []
        self._answers: list[Row] = []
        self._movements: list[Row] = []
        self._resolutions: list[Row] = []
        self._events: list[Row] = []

    def __bool__(self) -> bool:
        return bool(self._events or self._accounts)

    def saves(self, scope: Scope, id: str) -> bool:
        """Whether an aggregate is among what is written."""
        return (scope, id) in self._saves

    def add(self, scope: Scope, changes: Changeset) -> None:
        """Gather an accepted changeset."""
        self._add_claim(scope, changes)
        actor = _actor_text(changes.actor)
        merchant, livemode = scope.merchant, scope.livemode
        for position, change in enumerate(changes.changes):
            aggregate = change.aggregate
            version = aggregate.version + 1
            document = encode(aggregate, version)
            key = (scope, aggregate.id)
            before = self._saves.get(key)
            expected = before[0] if before else aggregate.version
            event = EventId.of(changes.id, position) if position else changes.first_event
            self._saves[key] = (expected, scope, aggregate, version, event)
            self._events.append(
                (merchant, livemode, event, change.event, aggregate.id, version, changes.at, actor, document)
            )
        if changes.transfers:
            self._scopes.add(scope)
            self._add_movements(scope, changes.transfers)
            self._add_moves(changes.moves, livemode)

    def set_balances(self, livemode: bool, account: AccountId, balances: Balances) -> None:
        """What a held account has from now on."""
        sums = (
            balances.debits_pending,
            balances.debits_posted,
            balances.credits_pending,
            balances.credits_posted,
        )
        self._accounts.append((account.owner, livemode, account.code, account.currency, *sums))

    @property
    def delta_owners(self) -> Iterable[Owner]:
        """Whose accounts get delta rows."""
        return self._moves

    def _add_moves(self, moves: Mapping[AccountId, Balances], livemode: bool) -> None:
        book: dict[AccountId, list[int]] | None = None
        last: MerchantId | None = None
        for account, move in moves.items():
            if account.owner is not last:
                last = account.owner
                owner = (last, livemode)
                book = None if owner in self._held else self._moves.setdefault(owner, {})
            if book is None:
                continue
            sums = book.get(account)
            if sums is None:
                sums = book[account] = [0, 0, 0, 0]
            sums[0] += move.debits_pending
            sums[1] += move.debits_posted
            sums[2] += move.credits_pending
            sums[3] += move.credits_posted

    def parts(self) -> tuple[tuple[Part, ...], list[object]]:
        """The parts that have rows, and the argument for every column of each, in the statement's order."""
        used = {part: rows for part, rows in self.rows().items() if rows}
        columns = [
            pack(column)
            for part, rows in used.items()
            for pack, column in zip(encoders(part), zip(*rows, strict=True), strict=True)
        ]
        return tuple(used), columns

    def rows(self) -> dict[Part, list[Row]]:
        """The rows of every part, in the order in which they are written."""
        return {
            **self._aggregates(),
            (INSERT, "claims"): sorted(self._claims),
            (UPDATE, "claims"): self._answers,
            (INSERT, "scopes"): [(scope.merchant, scope.livemode) for scope in self._scopes],
            (INSERT, "movements"): self._movements,
            (INSERT, "resolutions"): sorted(self._resolutions),
            (INSERT, "book_deltas"): self._deltas(),
            (UPDATE, "accounts"): sorted(self._accounts),
            (INSERT, "events"): self._events,
        }

    def _add_movements(self, scope: Scope, transfers: tuple[Transfer, ...]) -> None:
        merchant, livemode = scope.merchant, scope.livemode
        for legs in _movements(transfers):
            first = legs[0]
            line = touches_balance(legs)
            self._movements.append(
                (
                    merchant,
                    livemode,
                    first.id.movement_id,
                    line,
                    first.debit.currency,
                    first.source,
                    first.at,
                    encode_legs(scope, legs),
                    sum([change_of(leg) for leg in legs]) if line else None,
                )
            )
            for leg in legs:
                if leg.resolves is not None:
                    self._resolutions.append((merchant, livemode, leg.resolves, leg.id))

    def _add_claim(self, scope: Scope, changes: Changeset) -> None:
        match changes.claim:
            case Claim() as claim:
                self._claims.append(_claim(scope, claim, None, None))
            case Answer(key=key, claim=None, refusal=refusal):
                self._answers.append((scope.merchant, scope.livemode, key, changes.first_event, refusal))
            case Answer(claim=Claim() as claim, refusal=refusal):
                self._claims.append(_claim(scope, claim, changes.first_event, refusal))
            case _:
                pass

    def _aggregates(self) -> dict[Part, list[Row]]:
        parts: dict[Part, list[Row]] = {(UPDATE, name): [] for name in _TABLE_ORDER}
        parts |= {(INSERT, name): [] for name in _TABLE_ORDER}
        for expected, scope, aggregate, version, event in sorted(
            self._saves.values(), key=lambda save: (save[1].merchant, save[1].livemode, save[2].id)
        ):
            mapping = MAPPINGS[type(aggregate)]
            row = (
                scope.merchant,
                scope.livemode,
                aggregate.id,
                version,
                *mapping.values(aggregate),
                event,
            )
            if expected:
                parts[UPDATE, mapping.table.name].append((expected, *row))
            else:
                parts[INSERT, mapping.table.name].append(row)
        return parts

    def _deltas(self) -> list[Row]:
        return [
            (merchant, livemode, _moves_text(moves)) for (merchant, livemode), moves in self._moves.items()
        ]


@lru_cache(maxsize=1024)
def _actor_text(actor: Actor) -> str:
    return encode(actor)


def _movements(transfers: tuple[Transfer, ...]) -> list[list[Transfer]]:
    """The legs of each movement; they follow one another."""
    movements: list[list[Transfer]] = []
    last = ""
    for transfer in transfers:
        movement = transfer.id[:-2]
        if movement != last:
            last = movement
            movements.append([])
        movements[-1].append(transfer)
    return movements


def _moves_text(moves: dict[AccountId, list[int]]) -> str:
    return orjson.dumps([[account.code, account.currency, *sums] for account, sums in moves.items()]).decode()


def _claim(scope: Scope, claim: Claim, answered_by: EventId | None, refusal: str | None) -> Row:
    return (
        scope.merchant,
        scope.livemode,
        claim.key,
        claim.operation,
        claim.fingerprint,
        claim.resource,
        claim.lease_until,
        answered_by,
        refusal,
    )
