"""The proofs of the books: what must be true of what is stored, whoever wrote it."""

from abc import abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from attrs import frozen


class Proof(StrEnum):
    """One statement about the books of a mode. A proof fails on a single planted row that contradicts it."""

    BALANCED = "balanced"  #: all debits equal all credits, pending and posted apart, per currency
    REBUILT = "rebuilt"  #: every account's balances are the sum of its transfers
    HOLDS = "holds"  #: what is held is what payments have open
    PAYMENTS = "payments"  #: each payment's captured, fee and refunded totals are its transfers'
    SAFEGUARDED = "safeguarded"  #: cash at the bank covers what is owed to merchants
    #: each dispute's money, fee and reserve are its transfers', payments know their disputes, write-offs are booked
    DISPUTES = "disputes"
    #: each payout's money, fee, tax and advance are its transfers', and open payouts, what is still advanced and the
    #: day's instant payouts are what is in transit, owed and counted
    PAYOUTS = "payouts"
    REMITTED = (
        "remitted"  #: each payout is the lines that it paid, and no line is paid for twice or forgotten
    )
    STATEMENTS = "statements"  #: the lines of a merchant's statements add up to its balance
    INVOICES = (
        "invoices"  #: a month's fees and GST as invoiced are the books', the GST by the rate of its day
    )
    EVENTS = "events"  #: the last event of each aggregate has its version


@frozen
class Discrepancy:
    """A subject for which a proof does not hold."""

    proof: Proof
    subject: str
    expected: str
    found: str


@runtime_checkable
class Proofs(Protocol):
    """Checks the books of one mode as they are at one moment."""

    @abstractmethod
    async def check(self, proof: Proof, livemode: bool, limit: int = 20) -> Sequence[Discrepancy]:
        """The first discrepancies; none means that the proof holds."""
