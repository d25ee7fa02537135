"""The acquirer: asks issuers for money and gives it back.

Every call is bounded in time and answers a value; a time-out, a cut line or garbage is `Unknown`, never an exception.
The same request made again (same ``request`` id) is answered as the first time and done once.
"""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from attrs import field, frozen

from fintech.domain.cards import AuthorisationReply, EnquiryReply
from fintech.domain.money import Currency
from fintech.domain.refunds.refund import RefundFailure
from fintech.domain.scope import Scope


@frozen(kw_only=True)
class Authorisation:
    """Ask an issuer for an amount. ``request`` names this question for ever: a charge's id."""

    request: str
    card_token: str = field(repr=False)
    amount_minor: int
    currency: Currency
    capture: bool


@frozen(kw_only=True)
class FollowUp:
    """A question about what was authorised before: the acquirer's ``reference`` and the original data are enough."""

    request: str
    reference: str
    amount_minor: int
    currency: Currency


@frozen(kw_only=True)
class Reversal:
    """Tells that an amount is not wanted. ``reference`` is None when the original was never answered."""

    request: str
    original_request: str
    reference: str | None
    amount_minor: int
    currency: Currency


@frozen
class RefundReturned:
    """The acquirer's own notice: a refund that had succeeded came back."""

    notice: str
    scope: Scope
    refund_request: str
    failure: RefundFailure


@runtime_checkable
class CardAcquirer(Protocol):
    """One connection to an acquirer."""

    @abstractmethod
    def serves(self, scope: Scope) -> bool:
        """Whether it may be used in a mode: a simulator never serves live mode."""

    @abstractmethod
    async def authorise(self, scope: Scope, authorisation: Authorisation) -> AuthorisationReply:
        """Ask for an amount."""

    @abstractmethod
    async def increment(self, scope: Scope, increment: FollowUp) -> AuthorisationReply:
        """Ask for ``amount_minor`` more on an open authorisation."""

    @abstractmethod
    async def refund(self, scope: Scope, refund: FollowUp) -> AuthorisationReply:
        """Give an amount back."""

    @abstractmethod
    async def reverse(self, scope: Scope, reversal: Reversal) -> bool:
        """Whether the acquirer acknowledged that the amount is not wanted; send again until it does.

        An original that it has not seen is acknowledged too, and declined if it arrives later.
        """

    @abstractmethod
    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        """What became of an authorisation, an increment or a refund, by its request id."""

    @abstractmethod
    async def notices(self, limit: int) -> tuple[RefundReturned, ...]:
        """What the acquirer has to say of its own accord, oldest first, again until it is acknowledged."""

    @abstractmethod
    async def acknowledge(self, notice: str) -> None:
        """The notice has been dealt with."""
