"""What a movement did to a merchant's balance: the amount itself, our fee, and the tax on it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from attrs import frozen

from fintech.domain.chart import BALANCE_BUCKETS, bucket_of
from fintech.domain.ledger import Phase, Transfer, TransferKind

#: Legs that are our fee, or give it back.
FEE_KINDS: Final = frozenset(
    {
        TransferKind.ACQUIRING_FEE,
        TransferKind.FEE_RETURN,
        TransferKind.INSTANT_PAYOUT_FEE,
        TransferKind.DISPUTE_FEE,
        TransferKind.DISPUTE_FEE_RETURN,
    }
)
#: Legs that are the tax on our fee, or give it back.
TAX_KINDS: Final = frozenset({TransferKind.FEE_TAX, TransferKind.FEE_TAX_RETURN})
#: A movement whose first leg is of one of these is a line of the merchant's balance.
LINE_KINDS: Final = frozenset(
    {
        TransferKind.CAPTURE,
        TransferKind.REFUND,
        TransferKind.REFUND_FAILURE,
        TransferKind.PAYOUT,
        TransferKind.PAYOUT_FAILURE,
        TransferKind.PAYOUT_CANCEL,
        TransferKind.PAYOUT_REVERSAL,
        TransferKind.DISPUTE,
        TransferKind.DISPUTE_REVERSAL,
        TransferKind.WRITE_OFF,
    }
)


@frozen
class LineAmounts:
    """Minor units; plus is for the merchant, minus against it."""

    gross_minor: int
    fee_minor: int
    tax_minor: int

    @property
    def net_minor(self) -> int:
        """What the movement did to the balance in all."""
        return self.gross_minor + self.fee_minor + self.tax_minor

    def plus(self, other: "LineAmounts") -> "LineAmounts":
        """Both together."""
        return LineAmounts(
            self.gross_minor + other.gross_minor,
            self.fee_minor + other.fee_minor,
            self.tax_minor + other.tax_minor,
        )


def line_amounts(legs: Sequence[Transfer]) -> LineAmounts:
    """What the legs of one movement did to the balance (`BALANCE_BUCKETS`), apart for amount, fee and tax."""
    gross = fee = tax = 0
    for leg in legs:
        change = change_of(leg)
        if leg.kind in FEE_KINDS:
            fee += change
        elif leg.kind in TAX_KINDS:
            tax += change
        else:
            gross += change
    return LineAmounts(gross, fee, tax)


def change_of(leg: Transfer) -> int:
    """What one leg did to the balance: nothing while it is pending, or when it moves between two of its buckets."""
    if leg.phase is not Phase.POST and leg.phase is not Phase.POST_PENDING:  # looked at with each commit
        return 0
    return _sign(leg.credit.code, leg.debit.code) * leg.amount_minor


@lru_cache(maxsize=16_384)
def _sign(came_to: str, went_from: str) -> int:
    return (bucket_of(came_to) in BALANCE_BUCKETS) - (bucket_of(went_from) in BALANCE_BUCKETS)


def touches_balance(legs: Sequence[Transfer]) -> bool:
    """Whether a movement is a line of the merchant's balance: money came or went, and not just between its buckets."""
    return legs[0].kind in LINE_KINDS and legs[0].phase in (Phase.POST, Phase.POST_PENDING)
