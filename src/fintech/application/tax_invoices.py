"""Tax invoices: a merchant's month of fees and GST, reckoned from its lines whenever it is asked for."""

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from fintech.application.commits import NotFound
from fintech.application.statements import NoSuchPeriod, movements_in
from fintech.domain.business_days import sydney_day
from fintech.domain.merchants import Merchant
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.periods import LANDS_WITHIN, Period
from fintech.domain.scope import Scope
from fintech.domain.tax import TaxCode
from fintech.domain.tax_invoices import (
    ACQUIRING,
    DISPUTE,
    INSTANT_PAYOUT,
    FeeTally,
    Recipient,
    Supplier,
    TaxInvoice,
    tax_invoice,
)
from fintech.ports.clock import Clock
from fintech.ports.queries import Queries
from fintech.ports.store import Store


@frozen
class MonthNotOver:
    """A tax invoice is final, and fees may still come into the month until ``until``."""

    until: datetime


@frozen
class NothingSupplied:
    """The month has no fees, so there is nothing to invoice."""

    month: Period


@frozen
class SupplierNotSet:
    """Nobody has said who we are: a specimen is no supplier of a merchant in live mode."""


@frozen
class InvoiceCurrency:
    """A tax invoice tells its GST in Australian dollars, and this merchant's books are in another currency."""

    currency: Currency


@frozen(kw_only=True)
class MakeTaxInvoice:
    """The tax invoice of a merchant's month; the same one however often it is made."""

    store: Store
    queries: Queries
    clock: Clock
    supplier: Supplier

    async def __call__(
        self, scope: Scope, month: Period
    ) -> Outcome[
        TaxInvoice,
        NotFound | NoSuchPeriod | MonthNotOver | NothingSupplied | SupplierNotSet | InvoiceCurrency,
    ]:
        """Of a whole month. Memory does not grow with its lines, time does."""
        merchant = await self.store.merchant(scope)
        if merchant is None:
            return Failure(NotFound("merchant", scope.merchant))
        refused = self._refused(merchant, month, livemode=scope.livemode)
        if refused is not None:
            return Failure(refused)
        tally = FeeTally(await self._codes_of(scope, merchant))
        async for movement in movements_in(self.queries, scope, month):
            tally.add(movement.legs)
        made = tax_invoice(
            tally,
            month=month,
            supplier=self.supplier,
            recipient=Recipient(merchant=merchant.id, name=merchant.name, abn=merchant.abn),
            livemode=scope.livemode,
            currency=merchant.currency,
        )
        return Failure(NothingSupplied(month)) if made is None else Success(made)

    def _refused(
        self, merchant: Merchant, month: Period, *, livemode: bool
    ) -> NoSuchPeriod | MonthNotOver | SupplierNotSet | InvoiceCurrency | None:
        now = self.clock.now()
        first, today = sydney_day(merchant.created_at), sydney_day(now)
        if not month.is_month or not month.overlaps(first, today):
            return NoSuchPeriod(first, today)
        if not month.over(now):
            return MonthNotOver(month.end + LANDS_WITHIN)
        if merchant.currency is not Currency.AUD:
            return InvoiceCurrency(merchant.currency)
        return SupplierNotSet() if livemode and self.supplier.specimen else None

    async def _codes_of(self, scope: Scope, merchant: Merchant) -> Mapping[str, TaxCode]:
        """The tax codes of fees whose GST came to nothing, so that the books do not tell them: those of today's plans."""
        settings = await self.store.balance_settings(scope)
        codes = {ACQUIRING: merchant.fees.tax_code, DISPUTE: merchant.fees.tax_code}
        return codes if settings is None else codes | {INSTANT_PAYOUT: settings.instant.tax_code}
