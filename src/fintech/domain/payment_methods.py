"""Payment methods: a card as a payment knows it, without the number."""

from datetime import datetime

from attrs import field, frozen

from fintech.domain.billing import BILLING
from fintech.domain.cards import Card
from fintech.domain.ids import PaymentMethodId
from fintech.domain.keys.places import Place
from fintech.domain.metadata import Metadata


@frozen(kw_only=True, slots=False)
class PaymentMethod:
    """A card that a merchant has presented, ready to be paid with.

    ``sealed`` are the names of what is sealed of it, under its id: the card's number, and what its owner is called.
    """

    id: PaymentMethodId
    version: int
    card: Card
    created_at: datetime
    metadata: Metadata = field(default=())
    sealed: tuple[str, ...] = ()

    def billing_places(self) -> tuple[Place, ...]:
        """Where its billing details are sealed."""
        return tuple(column.at(self.id) for column in BILLING if column.name in self.sealed)


@frozen(cache_hash=True)
class Method:
    """What a payment is paid with: a payment method's id (or a test card's name) and its card."""

    id: str
    card: Card
