"""Where sealed values are kept: card numbers and personal data, apart from the books, each under the place it was sealed
for. Nothing here can be read without the merchant's keys.

Values are put before the commit that speaks of them. What was put for a commit that failed is found by nobody; it is
removed with the retention run.

One field of one record has one value. The version of what is inside (``Place.schema``) travels with it.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from attrs import field, frozen

from fintech.domain.keys.places import Place
from fintech.domain.scope import Scope

PUT_MAX: Final = 100
GOT_MAX: Final = 1_000
INDEXES_MAX: Final = 16
#: How many records or values are asked for at once, at most.
LISTED_MAX: Final = 1_000


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
    """Sealed values. Raises `StoreUnavailable`; and ``ValueError`` for more at once than a method takes.

    What is quarantined is left out by everything but `remove`, `listed`, `discard` and `quarantined`, until it is released or
    something else is put in its place.
    """

    @abstractmethod
    async def put(self, scope: Scope, values: Sequence[SealedValue]) -> None:
        """Keep up to 100 values, all or none; one that is there already is replaced. Raises ``ValueError`` for two of the
        same field."""

    @abstractmethod
    async def get(self, scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        """Those of up to 1,000 places that there are, whatever schema they are of: each is opened at its own ``place``."""

    @abstractmethod
    async def find(
        self, scope: Scope, table: str, column: str, indexes: Sequence[bytes], limit: int
    ) -> Sequence[str]:
        """The records with one of up to 16 indexes, in the order of their ids; up to 1,000."""

    @abstractmethod
    async def remove(self, scope: Scope, table: str, record: str) -> int:
        """Remove a record's values; how many there were."""

    @abstractmethod
    async def discard(self, scope: Scope, values: Sequence[SealedValue]) -> int:
        """Remove up to 1,000 values, each if it is still there as it was listed; how many were."""

    @abstractmethod
    async def listed(
        self, scope: Scope, put_before: datetime, after: Place | None, limit: int
    ) -> Sequence[SealedValue]:
        """Up to 1,000 values that were put before a moment, what is quarantined among them, in the order of table, record
        and column, from the one after a place on: for whoever removes what nobody needs any more."""

    @abstractmethod
    async def older(self, scope: Scope, number: int, limit: int) -> Sequence[SealedValue]:
        """Up to 1,000 values of versions before a number, oldest version first, to be sealed anew."""

    @abstractmethod
    async def replace(self, scope: Scope, before: SealedValue, after: SealedValue) -> bool:
        """Put one in another's place if it is still there as it was read; whether it was. Raises ``ValueError`` for another
        field."""

    @abstractmethod
    async def counts(self, scope: Scope) -> Mapping[int, int]:
        """How many values there are of each version."""

    @abstractmethod
    async def quarantine(self, scope: Scope, value: SealedValue, at: datetime) -> bool:
        """Set one apart that is not what was sealed there, if it is still there as it was read; whether it was. (One that
        was sealed anew meanwhile could not be opened by whoever read it before, and nothing is wrong with it.)"""

    @abstractmethod
    async def quarantined(self, scope: Scope, after: Place | None, limit: int) -> Sequence[SealedValue]:
        """Up to 1,000 values that are set apart, in the order of table, record and column, from the one after a place on."""

    @abstractmethod
    async def release(self, scope: Scope, value: SealedValue) -> bool:
        """Let one be found again that was set apart, if it is still as it was listed, and still set apart; whether it was."""
