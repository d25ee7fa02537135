"""The acquirer: asks issuers for money and gives it back, and carries disputes between cardholder and merchant.

Every call is bounded in time and answers a value; a time-out, a cut line or garbage is `Unknown`, never an exception.
The same request made again (same ``request`` id) is answered as the first time and done once.
"""

from abc import abstractmethod
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from fintech.domain.cards import AuthorisationReply, EnquiryReply
from fintech.domain.disputes.news import CaseNews, CaseReply
from fintech.domain.metadata import Metadata
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


@frozen
class DisputeNotice:
    """The acquirer's own notice: a stage of a case about a charge, which is named by its authorisation's request.

    Stages are told in any order, and some acquirers leave one out.
    """

    notice: str
    scope: Scope
    charge_request: str
    news: CaseNews


#: What an acquirer says of its own accord.
Notice: TypeAlias = RefundReturned | DisputeNotice


@frozen(kw_only=True)
class CaseEvidence:
    """What a merchant has to say to a case: texts by the names of `EVIDENCE_NAMES`. They may name customers."""

    request: str
    case: str
    texts: Metadata = field(repr=False)


@frozen(kw_only=True)
class CaseAcceptance:
    """A merchant accepts that a case is lost."""

    request: str
    case: str


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
    async def submit_evidence(self, scope: Scope, evidence: CaseEvidence) -> CaseReply:
        """Pass on what a merchant has to say. What became of one that is `Unknown` is told by sending it again."""

    @abstractmethod
    async def accept_dispute(self, scope: Scope, acceptance: CaseAcceptance) -> CaseReply:
        """Say that a merchant accepts the loss; sent again as evidence is."""

    @abstractmethod
    async def notices(self, limit: int) -> tuple[Notice, ...]:
        """What the acquirer has to say of its own accord, oldest first, again until it is acknowledged."""

    @abstractmethod
    async def acknowledge(self, notice: str) -> None:
        """The notice has been dealt with."""
