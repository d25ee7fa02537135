"""The tax invoice of a merchant's month: what our services cost it, and the GST on them.

A New Tax System (Goods and Services Tax) Act 1999, s 29-70(1): a tax invoice tells the supplier's identity and ABN, the
recipient's identity or ABN (from 1,000.00 on; here always), what is supplied and its price, the extent to which each
supply is taxable, the date of issue, the GST, and that it is meant to be a tax invoice. Fees that were given back are
adjustments of what this month's invoice or an earlier one says (s 29-75): the reason, and by how much price and GST
fall. A month in which more is given back than charged is an adjustment note.

It is reckoned from the lines of the statement, fee by fee as they were booked, each with its GST rounded when it was
booked (s 9-90), so that its totals are the books' to the cent.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from attrs import frozen

from fintech.domain.abn import Abn
from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.disputes import booking as disputes
from fintech.domain.ids import MerchantId
from fintech.domain.ledger import Transfer, TransferKind
from fintech.domain.lines import FEE_KINDS, TAX_KINDS, line_amounts
from fintech.domain.money import Currency
from fintech.domain.payments import booking as payments
from fintech.domain.payouts import booking as payouts
from fintech.domain.periods import Period
from fintech.domain.tax import TaxCode

#: What the accounts of fees are kept by.
ACQUIRING: Final = payments.FEES_CODE.partition("/")[2]
DISPUTE: Final = disputes.FEES_CODE.partition("/")[2]
INSTANT_PAYOUT: Final = payouts.FEES_CODE.partition("/")[2]


class InvoiceKind(StrEnum):
    """What a document is before the law."""

    TAX_INVOICE = "tax_invoice"
    ADJUSTMENT_NOTE = "adjustment_note"  #: more was given back than charged
    INVOICE = "invoice"  #: nothing in it is a taxable supply


@frozen(kw_only=True)
class Supplier:
    """Who supplies the services: us. ``specimen``: made up, for tests; no document of it is worth anything."""

    legal_name: str
    abn: Abn
    address: str
    specimen: bool = False


#: The Australian Taxation Office's own number, which its examples use.
SPECIMEN: Final = Supplier(
    legal_name="Specimen Payments Pty Ltd",
    abn=Abn("51824753556"),
    address="1 Specimen Street, Sydney NSW 2000",
    specimen=True,
)


@frozen(kw_only=True)
class Recipient:
    """Whom the services were supplied to."""

    merchant: MerchantId
    name: str
    abn: Abn | None


@frozen(kw_only=True)
class InvoiceLine:
    """Fees of one service under one tax code, in minor units and without the GST, which is beside them.

    ``service`` is what the fee's account is kept by. Of an adjustment, both amounts are what was given back, negative.
    """

    service: str
    tax_code: TaxCode
    count: int
    fee_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        """The price with GST."""
        return self.fee_minor + self.tax_minor


@frozen(kw_only=True)
class TaxInvoice:
    """One for each merchant and month. ``livemode`` False: of the test books, where nothing was really supplied."""

    number: str
    month: Period
    issued_on: date
    supplier: Supplier
    recipient: Recipient
    livemode: bool
    currency: Currency
    supplies: tuple[InvoiceLine, ...]
    adjustments: tuple[InvoiceLine, ...]

    @property
    def kind(self) -> InvoiceKind:
        """What it is before the law."""
        if self.total_minor < 0:
            return InvoiceKind.ADJUSTMENT_NOTE
        taxable = any(line.tax_code is TaxCode.GST for line in self.supplies)
        return InvoiceKind.TAX_INVOICE if taxable else InvoiceKind.INVOICE

    @property
    def fee_minor(self) -> int:
        """All fees, less what was given back of them, without GST."""
        return sum(line.fee_minor for line in (*self.supplies, *self.adjustments))

    @property
    def tax_minor(self) -> int:
        """The GST on them."""
        return sum(line.tax_minor for line in (*self.supplies, *self.adjustments))

    @property
    def total_minor(self) -> int:
        """Both together. It has been paid: fees are taken out of what they are charged for."""
        return self.fee_minor + self.tax_minor


@frozen(order=True)
class _Item:
    """What fees are summed by."""

    service: str
    tax_code: TaxCode
    returned: bool


class FeeTally:
    """Adds up the fees of movements, however many: it holds one sum for each service and tax code.

    ``codes`` are the tax codes of services, for fees without a tax leg, whose code the books do not tell.
    """

    def __init__(self, codes: Mapping[str, TaxCode]) -> None:
        self._codes = codes
        self._sums: dict[_Item, list[int]] = {}

    def add(self, legs: Sequence[Transfer]) -> None:
        """A movement; one without a fee adds nothing."""
        amounts = line_amounts(legs)
        if not amounts.fee_minor and not amounts.tax_minor:
            return
        service = _detail(legs, FEE_KINDS, Bucket.FEES)
        code = _detail(legs, TAX_KINDS, Bucket.GST_PAYABLE)
        tax_code = TaxCode(code) if code else self._codes.get(service, TaxCode.GST)
        item = _Item(service, tax_code, amounts.fee_minor + amounts.tax_minor > 0)
        sums = self._sums.setdefault(item, [0, 0, 0])
        sums[0] += 1
        sums[1] -= amounts.fee_minor
        sums[2] -= amounts.tax_minor

    def lines(self, *, returned: bool) -> tuple[InvoiceLine, ...]:
        """What was charged, or what was given back."""
        return tuple(
            InvoiceLine(
                service=item.service, tax_code=item.tax_code, count=count, fee_minor=fee, tax_minor=tax
            )
            for item, (count, fee, tax) in sorted(self._sums.items())
            if item.returned is returned
        )


def tax_invoice(
    tally: FeeTally,
    *,
    month: Period,
    supplier: Supplier,
    recipient: Recipient,
    livemode: bool,
    currency: Currency,
) -> TaxInvoice | None:
    """The invoice of a month's fees, issued on the day after it; None when there were none.

    Its number is made of the month and the merchant, so that there is one however often it is asked for.
    """
    supplies, adjustments = tally.lines(returned=False), tally.lines(returned=True)
    if not supplies and not adjustments:
        return None
    return TaxInvoice(
        number=f"{'' if livemode else 'TEST-'}{month.name}-{recipient.merchant.body}",
        month=month,
        issued_on=month.last_day + timedelta(days=1),
        supplier=supplier,
        recipient=recipient,
        livemode=livemode,
        currency=currency,
        supplies=supplies,
        adjustments=adjustments,
    )


def _detail(legs: Sequence[Transfer], kinds: frozenset[TransferKind], bucket: Bucket) -> str:
    """What the account of a bucket is kept by, in the first leg of one of some kinds; an empty text without one."""
    for leg in legs:
        if leg.kind in kinds:
            for account in (leg.credit, leg.debit):
                if bucket_of(account.code) is bucket:
                    return account.code.partition("/")[2]
    return ""
