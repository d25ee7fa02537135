"""Where merchants' wrapped keys are kept, with what the bank said about them: small, apart from the books, and backed up
apart, so that what is shredded is gone.

Every change is one transaction that also moves the epoch on. Processes look at the epoch to hear of changes within a
second or less; a process that cannot look must not trust what it has for long (`Lease`). Epochs grow in the order in which
changes become visible, so whoever has seen one has seen all before it.

What is shredded is emptied in place. A database's own leavings (row versions until VACUUM, the log, backups) are beyond a
port: they are the horizon that a certificate of destruction names.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from attrs import frozen

from fintech.domain.keys.custody import CmkName, CmkStatus, Custody, KeyRing
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope

#: How many rings, changes or orders are asked for at once, at most.
LISTED_MAX: Final = 1_000
#: How long a change is awaited, at most.
WAIT_MAX_S: Final = 60.0


@frozen
class StaleRing:
    """Somebody else changed the ring since it was read: read and decide again."""

    current_version: int


@frozen
class RingTaken:
    """The merchant has a ring in this mode already."""


@frozen
class OrderOutOfSequence:
    """The next order has another number."""

    expected: int


@frozen(kw_only=True)
class RootKey:
    """A root key as we know it. ``authorised_at`` is when the root last let us use it: the heartbeat that leases live by.

    ``custody_open`` is False while the bank has it suspended by order, whatever the root says.
    """

    cmk: CmkName
    status: CmkStatus
    custody_open: bool
    authorised_at: datetime | None


@frozen
class RingChange:
    """A ring, or a root key with all that hangs from it, has changed at an epoch. One of ``scope`` and ``cmk`` is None."""

    epoch: int
    scope: Scope | None
    cmk: CmkName | None


@frozen
class AppliedOrder:
    """An order that was carried out: what the bank signed, and the signature."""

    sequence: int
    document: bytes
    signature: bytes
    applied_at: datetime


@frozen(kw_only=True)
class KeyCount:
    """What hangs from a root key: rings with a version that is not retired, those versions by status, when the oldest that
    seals was made, how many that seal are ``due`` (made by a moment), and permissions ``left`` to be withdrawn there."""

    rings: int = 0
    active: int = 0
    decrypt_only: int = 0
    oldest: datetime | None = None
    due: int = 0
    left: int = 0


@frozen(kw_only=True)
class Census:
    """All rings by custody, each custody told; those ``opened`` that broken glass makes usable; those that are shredded and
    ``uncertified``; and what hangs from which root key, where anything does."""

    rings: Mapping[Custody, int]
    opened: int
    uncertified: int
    hanging: Mapping[CmkName, KeyCount]


@runtime_checkable
class KeyTable(Protocol):
    """Rings, root keys and orders. Raises `StoreUnavailable`; and ``ValueError`` for a limit that is not 1 to 1,000."""

    @abstractmethod
    async def ring(self, scope: Scope) -> KeyRing | None:
        """A merchant's ring."""

    @abstractmethod
    async def rings(self, cmk: CmkName | None, after: Scope | None, limit: int) -> Sequence[KeyRing]:
        """Rings in the order of their scopes, of one root key or of all: those with a version under it that is not
        retired."""

    @abstractmethod
    async def rings_by_use(
        self, at: datetime, *, in_use: bool, after: Scope | None, limit: int
    ) -> Sequence[KeyRing]:
        """Rings in the order of their scopes: those whose keys may be in use at a moment (`use`), or the others."""

    @abstractmethod
    async def use(self, scopes: Sequence[Scope], until: datetime) -> None:
        """Some process may have the keys of 1 to 1,000 merchants in use until a moment; what was said before of a later one
        stands. Durable when it returns; moves no epoch and no ring's version, and waits for no change."""

    @abstractmethod
    async def census(self, now: datetime, due: datetime) -> Census:
        """Count everything, as it is at one moment: ``now`` tells which broken glass has ended, ``due`` is when versions
        were made that are due."""

    @abstractmethod
    async def save(
        self, ring: KeyRing, order: AppliedOrder | None = None
    ) -> Outcome[KeyRing, StaleRing | RingTaken | OrderOutOfSequence]:
        """Keep a ring as it is to be; the ring as it is kept, one version on. A new one has version 0. With an order, both or
        neither, and an order out of sequence is what is told first. After `StoreUnavailable` read it again to learn its
        fate. A ring keeps every version that it ever had, if only its number: one that lost some is an ``AssertionError``.
        """

    @abstractmethod
    async def root_keys(self) -> Sequence[RootKey]:
        """Every root key that a ring hangs from, or that was ever spoken of."""

    @abstractmethod
    async def save_root_key(
        self, root_key: RootKey, order: AppliedOrder | None = None
    ) -> Outcome[None, OrderOutOfSequence]:
        """Keep what is known of a root key: without an order what the root says, its status and its heartbeat; with an
        order what the bank says, ``custody_open``; all of it where nothing was known. So neither undoes what the other has
        said meanwhile. A change of status and an order move the epoch on; a heartbeat alone does not, and never goes back.
        """

    @abstractmethod
    async def epoch(self) -> int:
        """The number of the last change, 0 before the first."""

    @abstractmethod
    async def await_change(self, since: int, timeout_s: float) -> int:
        """The epoch, as soon as it is past one that was seen, or after a time of up to 60 s: whichever comes first."""

    @abstractmethod
    async def changes(self, since: int, limit: int) -> Sequence[RingChange]:
        """What changed after an epoch, oldest first; what changed several times is told once, at its last epoch."""

    @abstractmethod
    async def last_order(self) -> int:
        """The number of the last order that was carried out, 0 before the first."""

    @abstractmethod
    async def orders(self, after: int, limit: int) -> Sequence[AppliedOrder]:
        """Orders that were carried out, by number."""

    @abstractmethod
    async def lead(self, name: str, now: datetime, until: datetime) -> bool:
        """Whether this process, by its name, leads the sweep from now until a moment: one at a time does. Whoever leads may
        do so again, for longer or to give it up (``until`` is ``now``)."""
