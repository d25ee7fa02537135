"""Merchants: whether they may trade, what they pay for it, and how much they may do."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.abn import Abn
from fintech.domain.business_days import MIDNIGHT, ends_a_day
from fintech.domain.cards import Scheme
from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency, portion_minor
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.tax import TaxCode, tax_minor

NAME_MAX: Final = 100
RATE_MAX_BPS: Final = 1_000
FIXED_MAX_MINOR: Final = 1_000
DISPUTE_FEE_MAX_MINOR: Final = 50_000


class Standing(StrEnum):
    """Whether a merchant may take payments."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  #: takes no payments; captures, refunds and its books go on
    CLOSED = "closed"  #: nothing is booked any more


TRANSITIONS: Final[dict[Standing, frozenset[Standing]]] = {
    Standing.ACTIVE: frozenset({Standing.SUSPENDED, Standing.CLOSED}),
    Standing.SUSPENDED: frozenset({Standing.ACTIVE, Standing.CLOSED}),
    Standing.CLOSED: frozenset(),
}


def _rate(_instance: object, _attribute: object, value: int) -> None:
    if not 0 <= value <= RATE_MAX_BPS:
        message = f"a rate is 0 to {RATE_MAX_BPS} basis points"
        raise ValueError(message)


def _fixed(_instance: object, _attribute: object, value: int) -> None:
    if not 0 <= value <= FIXED_MAX_MINOR:
        message = f"the fixed part of a fee is 0 to {FIXED_MAX_MINOR} minor units"
        raise ValueError(message)


def _dispute_fee(_instance: object, _attribute: object, value: int) -> None:
    if not 0 <= value <= DISPUTE_FEE_MAX_MINOR:
        message = f"the fee of a dispute is 0 to {DISPUTE_FEE_MAX_MINOR} minor units"
        raise ValueError(message)


def _ends(_instance: object, _attribute: object, value: time) -> None:
    if not ends_a_day(value):
        message = "a trading day ends in the afternoon, in the evening, or by nine the next morning, on a full minute"
        raise ValueError(message)


@frozen(kw_only=True)
class SchemeFee:
    """What a captured payment costs its merchant, tax not included: a share in basis points and a fixed part."""

    rate_bps: int = field(validator=_rate)
    fixed_minor: int = field(validator=_fixed)


@frozen
class Fee:
    """A fee and the tax on it, in minor units."""

    fee_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        """What the merchant pays in all."""
        return self.fee_minor + self.tax_minor

    def plus(self, other: "Fee") -> "Fee":
        """Both together."""
        return Fee(self.fee_minor + other.fee_minor, self.tax_minor + other.tax_minor)

    def less(self, other: "Fee") -> "Fee":
        """What is left of it."""
        return Fee(self.fee_minor - other.fee_minor, self.tax_minor - other.tax_minor)


NO_FEE: Final = Fee(0, 0)


@frozen(kw_only=True)
class FeePlan:
    """Fees by scheme; ``standard`` is for every scheme that is not listed.

    ``dispute_fee_minor`` is what a chargeback costs, in minor units, tax not included; inquiries are free. Plans that
    were made before there were disputes cost nothing for them.
    """

    standard: SchemeFee
    by_scheme: tuple[tuple[Scheme, SchemeFee], ...] = ()
    tax_code: TaxCode = TaxCode.GST
    #: Whether a refund gives the acquiring fee back, in proportion.
    returned_on_refund: bool = False
    dispute_fee_minor: int = field(default=0, validator=_dispute_fee)
    #: Whether a dispute that the merchant wins gives its fee back.
    dispute_fee_returned_on_win: bool = False

    def of(self, scheme: Scheme) -> SchemeFee:
        """The fee that a scheme's payments cost."""
        for listed, fee in self.by_scheme:
            if listed is scheme:
                return fee
        return self.standard

    def fee(self, scheme: Scheme, amount_minor: int, on: date) -> Fee:
        """The fee and its tax on an amount captured in all, never more than that amount.

        Captures in parts pay the difference between the fee on all that is captured and what was paid before, so
        the parts add up to the cent and the fixed part is paid once.
        """
        rule = self.of(scheme)
        fee = portion_minor(amount_minor, rule.rate_bps) + rule.fixed_minor
        tax = tax_minor(fee, self.tax_code, on)
        if fee + tax > amount_minor:
            tax = portion_minor(amount_minor, 10_000 * tax // (fee + tax))
            fee = amount_minor - tax
        return Fee(fee, tax)

    def dispute_fee(self, on: date) -> Fee:
        """What a chargeback costs, and the tax on it on a Sydney day."""
        return Fee(self.dispute_fee_minor, tax_minor(self.dispute_fee_minor, self.tax_code, on))


@frozen(kw_only=True)
class Limits:
    """What one merchant may do. Amounts in minor units of its currency."""

    payment_min_minor: int = 50
    payment_max_minor: int = 99_999_999
    #: How far refunds may take a merchant into debt when neither bucket has the money; 0 forbids it.
    refund_debt_max_minor: int = 0


#: 1.75 % for everything but American Express, nothing fixed, and 25.00 for a dispute, given back when it is won: an
#: ordinary price list for a small shop.
DEFAULT_FEES: Final = FeePlan(
    standard=SchemeFee(rate_bps=175, fixed_minor=0),
    by_scheme=((Scheme.AMEX, SchemeFee(rate_bps=220, fixed_minor=0)),),
    dispute_fee_minor=2_500,
    dispute_fee_returned_on_win=True,
)


DEFAULT_LIMITS: Final = Limits()


@frozen
class StandingRefused:
    """A merchant cannot go from one standing to the other."""

    current: Standing
    wanted: Standing


@frozen(kw_only=True, slots=False)
class Merchant:
    """A merchant in one mode: its test books are another merchant's as far as this system is concerned.

    ``cut_off`` is when its days end in Sydney, as its bank counts captures (`business_days.trading_day`).
    """

    id: MerchantId
    version: int
    name: str
    standing: Standing
    currency: Currency
    fees: FeePlan
    limits: Limits
    created_at: datetime
    cut_off: time = field(default=MIDNIGHT, validator=_ends)
    abn: Abn | None = None

    def placed(self, standing: Standing) -> "Outcome[Merchant, StandingRefused]":
        """Change the standing."""
        if standing not in TRANSITIONS[self.standing]:
            return Failure(StandingRefused(self.standing, standing))
        return Success(evolve(self, standing=standing))
