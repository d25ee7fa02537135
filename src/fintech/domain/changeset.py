"""A commit is a value: everything that shall become true, at once or not at all."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from attrs import field, frozen

from fintech.domain.chart import Limit
from fintech.domain.events import Aggregate, EventType
from fintech.domain.ids import ChangesetId, EventId, TransferId
from fintech.domain.ledger import AccountId, Balances, Transfer
from fintech.domain.money import BASIS_POINTS
from fintech.domain.moves import may_reach_limit, net_moves
from fintech.domain.scope import Actor, Scope

CHANGES_MAX: Final = 16
TRANSFERS_MAX: Final = 100
#: Longest idempotency key, in characters (what merchants' SDKs expect).
KEY_MAX: Final = 255


@frozen(kw_only=True)
class Claim:
    """Takes an idempotency key for a request whose outcome will follow.

    ``fingerprint`` is a keyed digest of what was asked: the same key with another one is refused. ``resource`` is the
    id of what the request works on: when the lease has run out unanswered, its state says how far the work came, and
    the work is continued from there, never run again.
    """

    key: str
    operation: str
    fingerprint: bytes
    resource: str
    lease_until: datetime


@frozen(kw_only=True)
class Answer:
    """Ends a claim: the first change of this changeset is what the request came to.

    ``claim`` is there when claiming and answering are one step. ``refusal`` names the no, for a request that ends in
    one (a decline); what exactly was refused is in the change's snapshot.
    """

    key: str
    claim: Claim | None = None
    refusal: str | None = None


@frozen
class Change:
    """An aggregate as it shall be, still carrying the version at which it was read (0: it is new), and what happened."""

    aggregate: Aggregate
    event: EventType


@frozen
class Ceiling:
    """What a merchant's policy lets an asset account come to (`Balances.owed`), judged in the commit."""

    account: AccountId
    most_minor: int


@frozen(kw_only=True)
class Backing:
    """What has to stand behind money that was paid out ahead of settlement, judged in the commit.

    What is on ``owed`` (asset accounts, `Balances.owed`) may come to no more than what can be spent of ``cash``, and
    ``share_bps`` (basis points) of what can be spent of ``pledged`` less ``reserved`` (liability accounts). An account
    that is not named counts for nothing; so money that came since the accounts were named only makes it stricter than
    it need be.
    """

    owed: tuple[AccountId, ...]
    cash: tuple[AccountId, ...] = ()
    pledged: tuple[AccountId, ...] = ()
    reserved: tuple[AccountId, ...] = ()
    share_bps: int = 0

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        """Every account whose balance it is judged by."""
        return self.owed + self.cash + self.pledged + self.reserved

    def room_minor(self, balance_of: Callable[[AccountId], Balances]) -> int:
        """How much more may be owed; less than nothing where what is owed is not covered. Rounded down."""
        owed = sum(balance_of(account).owed for account in self.owed)
        cash, pledged, reserved = (
            sum(balance_of(account).spendable(Limit.DEBITS_WITHIN_CREDITS) for account in accounts)
            for accounts in (self.cash, self.pledged, self.reserved)
        )
        return cash + (pledged - reserved) * self.share_bps // BASIS_POINTS - owed


def _some(_instance: object, _attribute: object, changes: tuple[Change, ...]) -> None:
    if not 1 <= len(changes) <= CHANGES_MAX:
        message = f"a changeset has 1 to {CHANGES_MAX} changes"
        raise ValueError(message)
    if len(changes) > 1 and len({change.aggregate.id for change in changes}) < len(changes):
        message = "a changeset saves an aggregate once"
        raise ValueError(message)


def _bounded(_instance: object, _attribute: object, transfers: tuple[Transfer, ...]) -> None:
    if len(transfers) > TRANSFERS_MAX:
        message = f"a changeset has at most {TRANSFERS_MAX} transfers"
        raise ValueError(message)


@frozen(kw_only=True)
class Changeset:
    """One commit in one scope. Handed in again, it is answered as committed and not done twice.

    Nothing is saved without an event and no event exists without a save, so log and aggregates cannot disagree.
    The id of the event at position n is derived from the changeset's id.
    """

    id: ChangesetId
    at: datetime
    actor: Actor
    changes: tuple[Change, ...] = field(validator=_some)
    transfers: tuple[Transfer, ...] = field(default=(), validator=_bounded)
    ceilings: tuple[Ceiling, ...] = ()
    backing: Backing | None = None
    claim: Claim | Answer | None = None
    #: What the transfers add to each account, reckoned once.
    moves: Mapping[AccountId, Balances] = field(init=False, eq=False, repr=False)
    #: Whether it may take an account past its limit, so that the balance has to be known and held.
    limited: bool = field(init=False, eq=False, repr=False)
    #: The event that answers a claim, and the mark by which a commit is recognised when it is handed in again.
    first_event: EventId = field(init=False, eq=False, repr=False)

    @moves.default
    def _net(self) -> Mapping[AccountId, Balances]:
        return net_moves(self.transfers)

    @limited.default
    def _may_reach_a_limit(self) -> bool:
        if self.ceilings or self.backing is not None:
            return True
        for account, move in self.moves.items():  # noqa: SIM110 - on every payment's way; any() takes twice as long
            if may_reach_limit(account.code, move):
                return True
        return False

    @first_event.default
    def _first_event(self) -> EventId:
        return EventId.of(self.id, 0)

    def judged(self) -> set[AccountId]:
        """Every account whose balance has to be known where it is limited: what it moves, and what it is judged by."""
        accounts = set(self.moves)
        accounts.update(ceiling.account for ceiling in self.ceilings)
        if self.backing is not None:
            accounts.update(self.backing.accounts)
        return accounts


@frozen
class Committed:
    """Everything in the changeset is true and durable."""

    changeset: ChangesetId


@frozen
class StaleWrite:
    """Somebody else saved the aggregate since it was read: load and decide again."""

    resource: str
    current_version: int


@frozen
class LimitReached:
    """An account would pass its limit; ``spendable_minor`` is what its limited side could still take."""

    account: AccountId
    spendable_minor: int


@frozen
class KeyInFlight:
    """Another request holds the key. After ``lease_until`` its work may be continued from ``resource``."""

    resource: str
    lease_until: datetime


@frozen
class KeyReused:
    """The key was used for another request."""

    operation: str


@frozen
class KeyAnswered:
    """The request was answered before: its outcome is the snapshot of ``event``, and ``refusal`` if it was a no."""

    event: EventId
    refusal: str | None


@frozen
class UniqueTaken:
    """Another aggregate has the value already."""

    name: str


@frozen
class AlreadyResolved:
    """The pending transfer was posted or voided before."""

    transfer: TransferId


@frozen
class Expired:
    """The pending transfer may only be voided by now."""

    transfer: TransferId


@frozen
class AccountClosed:
    """The merchant's books are closed: nothing is booked any more."""

    scope: Scope


CommitRefused: TypeAlias = (
    StaleWrite
    | LimitReached
    | KeyInFlight
    | KeyReused
    | KeyAnswered
    | UniqueTaken
    | AlreadyResolved
    | Expired
    | AccountClosed
)
