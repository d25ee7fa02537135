"""Identifiers and secrets, as an argument."""

from abc import abstractmethod
from typing import Protocol, TypeVar, runtime_checkable

from fintech.domain.ids import Id

AnyId = TypeVar("AnyId", bound=Id)


@runtime_checkable
class IdSource(Protocol):
    """Makes identifiers that nobody has had and that sort by the time of their making."""

    @abstractmethod
    def new(self, kind: type[AnyId]) -> AnyId:
        """A new id of a kind. Ids of one process made one after the other sort in that order, to the millisecond."""

    @abstractmethod
    def secret(self) -> str:
        """At least 128 bits of randomness in letters and digits, for an API key."""
