"""Who knows cards: what a number says of its card, and which cards have a name."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from fintech.domain.cards import Card, CardDetails, CardFault
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Scope


@runtime_checkable
class CardDirectory(Protocol):
    """Takes PAN and CVV, gives back what may be kept in the books. It keeps nothing itself, has no merchant's keys, and PAN
    and CVV are in no exception, log or return value."""

    @abstractmethod
    def serves(self, scope: Scope) -> bool:
        """Whether it may be used in a mode: a simulator never serves live mode."""

    @abstractmethod
    async def recognise(self, scope: Scope, details: CardDetails) -> Outcome[Card, CardFault]:
        """The card of typed-in details, without a fingerprint: that takes the merchant's keys."""

    @abstractmethod
    def named(self, scope: Scope, name: str) -> Card | None:
        """A well-known test card by its name (``pm_card_visa``), in test mode only. It has a fingerprint, of its name: the
        same for the same name and merchant, and only then. No key is asked for, since there is no cardholder."""
