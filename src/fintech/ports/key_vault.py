"""The key vault: lends a merchant's keys for a while, as long as the bank lets it."""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import define, field, frozen

from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope
from fintech.ports.key_root import RootFault


@define
class VaultFigures:
    """What a vault has come to so far, in plain numbers.

    ``hits`` were answered from memory, ``loads`` and ``renewals`` lent by the root; ``pushed_out`` had to make room;
    ``damaged`` are messages that did not open; ``shed`` were refused because too many waited; ``looks`` and
    ``failed_looks`` are at the key table.
    """

    hits: int = 0
    loads: int = 0
    renewals: int = 0
    evictions: int = 0
    pushed_out: int = 0
    damaged: int = 0
    shed: int = 0
    looks: int = 0
    failed_looks: int = 0
    root_calls: int = 0
    root_faults: dict[RootFault, int] = field(factory=lambda: dict.fromkeys(RootFault, 0))
    refusals: dict[CustodyReason, int] = field(factory=lambda: dict.fromkeys(CustodyReason, 0))


@frozen(kw_only=True)
class VaultHealth:
    """How a vault is now. ``reason`` is why it could not lend a merchant's keys, None where it could; ``heartbeats_s`` is how
    long ago, in seconds, the root last let us use each root key."""

    reason: CustodyReason | None
    leases: int
    look_age_s: float | None
    heartbeats_s: Mapping[CmkName, float]


@runtime_checkable
class Lease(Protocol):
    """A merchant's keys, lent to this process until an absolute moment, which use never puts off.

    Its methods are quick and wait for nothing. It is for the request that took it, which is seconds; nobody keeps one.
    It outlives its renewal, but not what the bank takes back: from then on, as from ``ends_at`` on, `open` refuses, and
    `seal`, `index` and `numbers` raise `LeaseEnded`, with the reason. Recording what became of a payment needs no keys.
    """

    @property
    @abstractmethod
    def scope(self) -> Scope:
        """Whose keys."""

    @property
    @abstractmethod
    def number(self) -> int:
        """The version that seals."""

    @property
    @abstractmethod
    def ends_at(self) -> datetime:
        """When it ends, whatever happens."""

    @abstractmethod
    def refused(self) -> CustodyRefused | None:
        """Why it cannot be used any more; None while it can. Whoever has put away what it sealed asks this before he
        speaks of it: what was put later may be of a version that has been destroyed meanwhile, and nobody would know."""

    @abstractmethod
    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        """A sealed message (format v1: 104 bytes longer). The same plaintext is sealed differently every time. Raises
        `LeaseEnded`, also where the version is past its crypto-period, and ``ValueError`` for a purpose that does not seal, or more than 1 MiB."""

    @abstractmethod
    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        """What was sealed, here and for this purpose, with any version of the keys that still opens; refused with INTEGRITY
        otherwise. Whoever is refused so must not try again. A message of a version that is newer than the lease is
        refused with UNREACHABLE: the next lease has it."""

    @abstractmethod
    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        """A blind index: 32 bytes that are the same for the same column, value and version of the keys, and unlike those of
        every other merchant. ``number``: by an older version. Raises `LeaseEnded`, and ``ValueError`` for a version
        that is not in `numbers`."""

    @property
    @abstractmethod
    def numbers(self) -> tuple[int, ...]:
        """The versions that open, newest first: what is looked for by index is looked for by each."""


@runtime_checkable
class KeyVault(Protocol):
    """Leases of this process."""

    @abstractmethod
    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        """A merchant's keys, made at first use. A hundred callers cause one call to the root; one that has them lent causes
        none. Raises `StoreUnavailable` where there is no lease and the key table cannot be reached, and `AuditUnavailable`
        where nothing can be written down."""

    @abstractmethod
    async def newer(self, scope: Scope, number: int) -> Outcome[Lease, CustodyRefused]:
        """`lease`, for whoever has met a version of the keys that his lease does not know: one that was lent since, if what is
        lent is of a version before ``number``. What others have in hand goes on. Whether it is there by then, the lease
        says."""

    @abstractmethod
    async def evict(self, scope: Scope | None = None) -> None:
        """Wipe what is lent, of one merchant or of all; the next who asks goes to the root."""

    @property
    @abstractmethod
    def figures(self) -> VaultFigures:
        """What it has come to so far."""

    @abstractmethod
    def health(self) -> VaultHealth:
        """How it is now. Asks nobody."""
