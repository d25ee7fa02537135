"""Where a typed-in card becomes something that may be kept."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from fintech.domain.cards import Card, CardDetails, CardFault
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope


@runtime_checkable
class CardVault(Protocol):
    """Takes PAN and CVV, gives back what may be kept. PAN and CVV are in no exception, log or return value."""

    @abstractmethod
    def serves(self, scope: Scope) -> bool:
        """Whether it may be used in a mode: a simulator never serves live mode."""

    @abstractmethod
    async def admit(self, scope: Scope, details: CardDetails) -> Outcome[Card, CardFault]:
        """A card for typed-in details. The fingerprint is the same for the same PAN and merchant, and only then."""

    @abstractmethod
    def named(self, scope: Scope, name: str) -> Card | None:
        """A well-known test card by its name (``pm_card_visa``), in test mode only."""
