"""The bank that pays merchants out.

Every call is bounded in time and answers a value; a time-out, a cut line or garbage is `Unknown`, never an exception.
The same request made again (same ``request`` id) is answered as the first time and done once.
"""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from attrs import field, frozen

from fintech.domain.money import Currency
from fintech.domain.payouts.payout import PayoutFailure, PayoutMethod
from fintech.domain.payouts.replies import EnquiryReply, PayReply
from fintech.domain.scope import Scope


@frozen(kw_only=True)
class PayoutOrder:
    """Pay an amount to an account. ``request`` names this question for ever: a payout's id.

    ``remark`` is what the account holder reads on the statement.
    """

    request: str
    method: PayoutMethod
    holder: str = field(repr=False)
    bsb: str = field(repr=False)
    number: str = field(repr=False)
    amount_minor: int
    currency: Currency
    remark: str | None = None


@frozen(kw_only=True)
class RecallOrder:
    """Bring an amount back that was paid: ``original_request`` and the bank's ``reference`` of it."""

    request: str
    original_request: str
    reference: str | None
    amount_minor: int
    currency: Currency


@frozen
class ArrivalNotice:
    """The bank's own notice: what it had accepted has arrived; a recalled amount is back."""

    notice: str
    scope: Scope
    request: str
    reference: str


@frozen
class ReturnNotice:
    """The bank's own notice: the money came back, as a rule after it had arrived."""

    notice: str
    scope: Scope
    request: str
    failure: PayoutFailure


PayoutNotice: TypeAlias = ArrivalNotice | ReturnNotice


@runtime_checkable
class PayoutBank(Protocol):
    """One connection to a bank."""

    @abstractmethod
    def serves(self, scope: Scope) -> bool:
        """Whether it may be used in a mode: a simulator never serves live mode."""

    @abstractmethod
    def next_window(self, method: PayoutMethod, at: datetime) -> datetime:
        """When it next takes orders of a method, as UTC: ``at`` itself when it takes them now, never earlier."""

    @abstractmethod
    async def pay(self, scope: Scope, order: PayoutOrder) -> PayReply:
        """Pay. An order that it has taken is told of later, in an `ArrivalNotice` or a `ReturnNotice`."""

    @abstractmethod
    async def recall(self, scope: Scope, order: RecallOrder) -> PayReply:
        """Ask for a paid amount back; `Paid` says that it is here."""

    @abstractmethod
    async def enquire(self, scope: Scope, request: str) -> EnquiryReply:
        """What became of an order or a recall, by its request id."""

    @abstractmethod
    async def notices(self, limit: int) -> tuple[PayoutNotice, ...]:
        """What the bank has to say of its own accord, oldest first, again until it is acknowledged."""

    @abstractmethod
    async def acknowledge(self, notice: str) -> None:
        """The notice has been dealt with."""
