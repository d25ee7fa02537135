"""Every operation, what it answers, and what can be expanded in what: put together noun by noun from a core."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fintech.domain.ids import ChargeId, DisputeId, PayoutId, RefundId
from fintech.domain.scope import Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.http import (
    balance,
    balance_settings,
    balance_transaction_rendering,
    bank_accounts,
    charge_rendering,
    custody_rendering,
    dispute_rendering,
    events,
    locations,
    merchants,
    payment_methods,
    payment_rendering,
    payout_rendering,
    refunds,
    statement_rendering,
    tax_invoices,
    terminals,
    webhook_rendering,
)
from fintech.entrypoints.http.balance import Balance
from fintech.entrypoints.http.balance_settings import PayoutSettings
from fintech.entrypoints.http.balance_transactions import BalanceTransactions
from fintech.entrypoints.http.bank_accounts import BankAccounts
from fintech.entrypoints.http.charges import Charges
from fintech.entrypoints.http.custody import Custody
from fintech.entrypoints.http.disputes import Disputes
from fintech.entrypoints.http.events import Events
from fintech.entrypoints.http.expanding import Expandable, Expander
from fintech.entrypoints.http.locations import Locations
from fintech.entrypoints.http.merchants import Merchants
from fintech.entrypoints.http.payment_methods import PaymentMethods
from fintech.entrypoints.http.payments import Payments
from fintech.entrypoints.http.payouts import Payouts
from fintech.entrypoints.http.refunds import Refunds
from fintech.entrypoints.http.routes import Route, Seen
from fintech.entrypoints.http.schema import Schema
from fintech.entrypoints.http.statements import Statements
from fintech.entrypoints.http.tax_invoices import TaxInvoices
from fintech.entrypoints.http.terminals import Readers
from fintech.entrypoints.http.webhook_endpoints import WebhookEndpoints

#: What operations answer, by the name that the wire has for it.
OBJECTS: Final[Mapping[str, Schema]] = {
    "account": merchants.SCHEMA,
    "balance": balance.SCHEMA,
    "balance_settings": balance_settings.SCHEMA,
    "balance_transaction": balance_transaction_rendering.SCHEMA,
    "bank_account": bank_accounts.SCHEMA,
    "charge": charge_rendering.SCHEMA,
    custody_rendering.KEY: custody_rendering.KEY_SCHEMA,
    custody_rendering.ORDER: custody_rendering.ORDER_SCHEMA,
    custody_rendering.ROOT_KEY: custody_rendering.ROOT_KEY_SCHEMA,
    "dispute": dispute_rendering.SCHEMA,
    "event": events.SCHEMA,
    "payment_intent": payment_rendering.SCHEMA,
    "payment_method": payment_methods.SCHEMA,
    "payout": payout_rendering.SCHEMA,
    "refund": refunds.SCHEMA,
    locations.KIND: locations.SCHEMA,
    terminals.KIND: terminals.SCHEMA,
    "statement": statement_rendering.SCHEMA,
    "statement_period": statement_rendering.PERIOD_SCHEMA,
    "tax_invoice": tax_invoices.SCHEMA,
    "webhook_delivery": webhook_rendering.DELIVERY_SCHEMA,
    "webhook_endpoint": webhook_rendering.SCHEMA,
}


def operations_of(core: Core) -> tuple[Sequence[Route[Any]], Expander]:
    """The operations on a core, and what expands their answers."""
    store, queries = core.store(), core.queries()
    methods = _methods(core)
    payments = Payments(
        create_payment=core.create_payment(),
        update_payment=core.update_payment(),
        confirm_payment=core.confirm_payment(),
        capture_payment=core.capture_payment(),
        cancel_payment=core.cancel_payment(),
        increment_authorisation=core.increment_authorisation(),
        methods=methods,
        store=store,
        queries=queries,
    )
    charges = Charges(store=store, queries=queries)
    refunds = Refunds(
        create_refund=core.create_refund(), update_refund=core.update_refund(), store=store, queries=queries
    )
    disputes = Disputes(
        update_dispute=core.update_dispute(),
        close_dispute=core.close_dispute(),
        evidence=core.keep_evidence(),
        store=store,
        queries=queries,
    )
    transactions = BalanceTransactions(store=store, queries=queries)
    payouts, accounts = _at_the_bank(core)
    others = (
        Balance(store=store, clock=core.clock()),
        PayoutSettings(change=core.change_balance_settings(), store=store, clock=core.clock()),
        _events(core),
        Merchants(store=store),
        _statements(core),
        TaxInvoices(make_tax_invoice=core.make_tax_invoice()),
        _webhook_endpoints(core),
        _custody(core),
    )
    places, readers = _at_the_till(core)
    tills = (places, readers)
    nouns = (payments, methods, charges, refunds, disputes, transactions, payouts, accounts, *tills, *others)
    routes = tuple(route for noun in nouns for route in noun.routes())
    expander = _expander(
        payments, methods, charges, refunds, disputes, transactions, payouts, accounts, places
    )
    return routes, expander


def _methods(core: Core) -> PaymentMethods:
    return PaymentMethods(
        create_method=core.create_payment_method(),
        find_method=core.find_method(),
        read_billing=core.read_billing(),
        look_up_methods=core.look_up_methods(),
        store=core.store(),
        queries=core.queries(),
    )


def _at_the_bank(core: Core) -> tuple[Payouts, BankAccounts]:
    store, queries = core.store(), core.queries()
    payouts = Payouts(
        create_payout=core.create_payout(),
        update_payout=core.update_payout(),
        cancel_payout=core.cancel_payout(),
        reverse_payout=core.reverse_payout(),
        store=store,
        queries=queries,
    )
    accounts = BankAccounts(
        add_bank_account=core.add_bank_account(),
        update_bank_account=core.update_bank_account(),
        remove_bank_account=core.remove_bank_account(),
        read_holders=core.read_holders(),
        store=store,
        queries=queries,
    )
    return payouts, accounts


def _at_the_till(core: Core) -> tuple[Locations, Readers]:
    store, queries = core.store(), core.queries()
    places = Locations(
        create_location=core.create_location(),
        update_location=core.update_location(),
        remove_location=core.remove_location(),
        store=store,
        queries=queries,
    )
    readers = Readers(
        register_terminal=core.register_terminal(),
        update_terminal=core.update_terminal(),
        place_terminal=core.place_terminal(),
        store=store,
        queries=queries,
        clock=core.clock(),
    )
    return places, readers


def _expander(
    payments: Payments,
    methods: PaymentMethods,
    charges: Charges,
    refunds: Refunds,
    disputes: Disputes,
    transactions: BalanceTransactions,
    payouts: Payouts,
    accounts: BankAccounts,
    places: Locations,
) -> Expander:
    """What can be expanded in what, and into what."""
    payment = Expandable(("payment_intent",), payments.load)
    charge = Expandable(("charge",), charges.load)
    transaction = Expandable(("balance_transaction",), transactions.load)
    dispute = Expandable(("dispute",), disputes.load)
    payout = Expandable(("payout",), payouts.load)
    source = _source(charges, disputes, payouts, refunds)
    return Expander(
        {
            "payment_intent": {
                "latest_charge": charge,
                "payment_method": Expandable(("payment_method",), methods.load),
            },
            "charge": {
                "balance_transaction": transaction,
                "dispute": dispute,
                "payment_intent": payment,
                "refunds": Expandable(("refund",), refunds.of_charge, of_owner=True, lists=True),
            },
            "dispute": {"charge": charge, "payment_intent": payment},
            "refund": {
                "balance_transaction": transaction,
                "charge": charge,
                "failure_balance_transaction": transaction,
                "payment_intent": payment,
            },
            "payout": {
                "balance_transaction": transaction,
                "destination": Expandable(("bank_account",), accounts.load),
                "failure_balance_transaction": transaction,
                "original_payout": payout,
                "reversed_by": payout,
            },
            "balance_transaction": {"source": source},
            terminals.KIND: {"location": Expandable((locations.KIND,), places.load)},
        }
    )


def _source(charges: Charges, disputes: Disputes, payouts: Payouts, refunds: Refunds) -> Expandable:
    """What a line of the balance comes from: one of several kinds, told by its id."""
    loads = {
        ChargeId.PREFIX: charges.load,
        DisputeId.PREFIX: disputes.load,
        PayoutId.PREFIX: payouts.load,
        RefundId.PREFIX: refunds.load,
    }

    async def load(scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        return await loads[id[: id.index("_") + 1]](scope, id, seen)

    return Expandable(("charge", "dispute", "payout", "refund"), load)


def _statements(core: Core) -> Statements:
    return Statements(
        open_statement=core.open_statement(),
        make_statement=core.make_statement(),
        list_periods=core.list_periods(),
    )


def _events(core: Core) -> Events:
    return Events(
        store=core.store(), queries=core.queries(), outbox=core.outbox(), resend_event=core.resend_event()
    )


def _webhook_endpoints(core: Core) -> WebhookEndpoints:
    return WebhookEndpoints(
        create_endpoint=core.create_webhook_endpoint(),
        update_endpoint=core.update_webhook_endpoint(),
        rotate_endpoint_secret=core.rotate_webhook_secret(),
        remove_endpoint=core.remove_webhook_endpoint(),
        outbox=core.outbox(),
        store=core.store(),
        queries=core.queries(),
    )


def _custody(core: Core) -> Custody:
    return Custody(
        apply_order=core.apply_order(),
        break_glass=core.break_glass(),
        list_orders=core.list_orders(),
        table=core.key_table(),
        clock=core.clock(),
        audited=core.audited(),
        checker=core.officers(),
    )
