"""Where sealed values are kept: card numbers and personal data, apart from the books, each under the place it was sealed
for. Nothing here can be read without the merchant's keys.

Values are put before the commit that speaks of them. What was put for a commit that failed is found by nobody; it is
removed with the retention run.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from fintech.domain.keys.places import Place
from fintech.domain.scope import Scope


@frozen(kw_only=True)
class SealedValue:
    """A sealed message in its place. ``index`` is its blind index, if it can be looked for; ``number`` the version of the
    merchant's key that both are of."""

    place: Place
    number: int
    message: bytes = field(repr=False)
    index: bytes | None = field(default=None, repr=False)
    put_at: datetime


@runtime_checkable
class ProtectedStore(Protocol):
    """Sealed values. Raises `StoreUnavailable`."""

    @abstractmethod
    async def put(self, scope: Scope, values: Sequence[SealedValue]) -> None:
        """Keep up to 100 values, all or none; one that is there already is replaced."""

    @abstractmethod
    async def get(self, scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        """Those of up to 1,000 places that there are."""

    @abstractmethod
    async def find(
        self, scope: Scope, table: str, column: str, indexes: Sequence[bytes], limit: int
    ) -> Sequence[str]:
        """The records with one of up to 16 indexes, in the order of their ids."""

    @abstractmethod
    async def remove(self, scope: Scope, table: str, record: str) -> int:
        """Remove a record's values; how many there were."""

    @abstractmethod
    async def older(self, scope: Scope, number: int, limit: int) -> Sequence[SealedValue]:
        """Values of versions before a number, to be sealed anew."""

    @abstractmethod
    async def replace(self, scope: Scope, before: SealedValue, after: SealedValue) -> bool:
        """Put one in another's place if it is still there as it was read; whether it was."""

    @abstractmethod
    async def counts(self, scope: Scope) -> Mapping[int, int]:
        """How many values there are of each version."""

    @abstractmethod
    async def quarantine(self, scope: Scope, place: Place, at: datetime) -> None:
        """Mark one that is not what was sealed there; `get` and `find` leave it out from then on."""
