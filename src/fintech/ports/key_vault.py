"""The key vault: lends a merchant's keys for a while, as long as the bank lets it."""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol, runtime_checkable

from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope


@runtime_checkable
class Lease(Protocol):
    """A merchant's keys, lent to this process until an absolute moment, which use never puts off.

    Its methods are quick and wait for nothing. A lease that was taken before a revocation is good for the request that took
    it, which is seconds; nobody keeps one.
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
    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        """A sealed message (format v1: 104 bytes longer). The same plaintext is sealed differently every time. Raises
        ``ValueError`` for a purpose that does not seal, or more than 1 MiB."""

    @abstractmethod
    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        """What was sealed, here and for this purpose, with any version of the keys that still opens; refused with INTEGRITY
        otherwise. Whoever is refused so must not try again."""

    @abstractmethod
    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        """A blind index: 32 bytes that are the same for the same column, value and version of the keys, and unlike those of
        every other merchant. ``number``: by an older version."""

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
    async def evict(self, scope: Scope | None = None) -> None:
        """Wipe what is lent, of one merchant or of all; the next who asks goes to the root."""
