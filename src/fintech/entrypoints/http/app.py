"""The application: every operation of the core that merchants may ask for, behind one door."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import web

from fintech.domain.ids import ChargeId, DisputeId, PayoutId, RefundId
from fintech.domain.scope import Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.http import (
    balance,
    balance_settings,
    balance_transaction_rendering,
    bank_accounts,
    charge_rendering,
    dispute_rendering,
    events,
    merchants,
    openapi,
    payment_methods,
    payment_rendering,
    payout_rendering,
    refunds,
    statement_rendering,
    tax_invoices,
)
from fintech.entrypoints.http.authentication import Authentication
from fintech.entrypoints.http.balance import Balance
from fintech.entrypoints.http.balance_settings import PayoutSettings
from fintech.entrypoints.http.balance_transactions import BalanceTransactions
from fintech.entrypoints.http.bank_accounts import BankAccounts
from fintech.entrypoints.http.charges import Charges
from fintech.entrypoints.http.disputes import Disputes
from fintech.entrypoints.http.door import Door, Handler
from fintech.entrypoints.http.downloads import Downloads
from fintech.entrypoints.http.errors import Problem, Refused
from fintech.entrypoints.http.events import Events
from fintech.entrypoints.http.expanding import Expandable, Expander
from fintech.entrypoints.http.health import Health
from fintech.entrypoints.http.idempotency import Idempotency
from fintech.entrypoints.http.limits import Flights, RateLimit
from fintech.entrypoints.http.merchants import Merchants
from fintech.entrypoints.http.metrics import Meter
from fintech.entrypoints.http.payment_methods import PaymentMethods
from fintech.entrypoints.http.payments import Payments
from fintech.entrypoints.http.payouts import Payouts
from fintech.entrypoints.http.refunds import Refunds
from fintech.entrypoints.http.request_log import Visit, protocol_log
from fintech.entrypoints.http.routes import Answer, Route, Seen
from fintech.entrypoints.http.schema import Schema
from fintech.entrypoints.http.settings import HttpSettings
from fintech.entrypoints.http.statements import Statements
from fintech.entrypoints.http.tax_invoices import TaxInvoices

#: The application's health, whose ``drain`` a server calls when it is told to stop.
HEALTH: Final = web.AppKey("health", Health)

#: What operations answer, by the name that the wire has for it.
OBJECTS: Final[Mapping[str, Schema]] = {
    "account": merchants.SCHEMA,
    "balance": balance.SCHEMA,
    "balance_settings": balance_settings.SCHEMA,
    "balance_transaction": balance_transaction_rendering.SCHEMA,
    "bank_account": bank_accounts.SCHEMA,
    "charge": charge_rendering.SCHEMA,
    "dispute": dispute_rendering.SCHEMA,
    "event": events.SCHEMA,
    "payment_intent": payment_rendering.SCHEMA,
    "payment_method": payment_methods.SCHEMA,
    "payout": payout_rendering.SCHEMA,
    "refund": refunds.SCHEMA,
    "statement": statement_rendering.SCHEMA,
    "statement_period": statement_rendering.PERIOD_SCHEMA,
    "tax_invoice": tax_invoices.SCHEMA,
}


def build_app(core: Core, settings: HttpSettings | None = None) -> web.Application:
    """The HTTP API of a core. Use cases are taken from it once, here."""
    settings = settings or HttpSettings()
    routes, expander = _operations(core)
    meter = Meter()
    flights = Flights(settings.in_flight_max, settings.request_timeout_s)
    door = Door(
        settings=settings,
        ids=core.ids(),
        authentication=Authentication(core.authenticate()),
        idempotency=Idempotency(core.digests()),
        expander=expander,
        flights=flights,
        rates=RateLimit(settings.requests_per_s, settings.requests_burst),
        downloads=Downloads(settings.streams_max, settings.stream_timeout_s, flights),
        meter=meter,
    )
    health = Health(core.store(), meter, flights, settings.ready_timeout_s)
    app = web.Application(client_max_size=settings.body_max_bytes)
    app[HEALTH] = health
    for route in routes:
        app.router.add_route(route.method, route.path, door.operation(route))
    for (method, path), handler in health.handlers().items():
        app.router.add_route(method, path, handler)
    app.router.add_route(
        "GET", openapi.PATH, _served(orjson.dumps(openapi.document(routes, OBJECTS, expander)))
    )
    app.router.add_route("*", "/{rest:.*}", door.guarded("ANY", "unknown", _nowhere))

    async def drain(_app: web.Application) -> None:
        health.drain()

    app.on_shutdown.append(drain)
    return app


def server_options(settings: HttpSettings | None = None) -> dict[str, Any]:
    """What a runner of the application is made with beside it: limits that hold before any handler is reached.

    There is no access log: the door logs each request, without what the caller sent.
    """
    settings = settings or HttpSettings()
    return {
        "access_log": None,
        "logger": protocol_log(),
        "max_line_size": settings.header_max_bytes,
        "max_field_size": settings.header_max_bytes,
        "max_headers": settings.headers_max,
        "keepalive_timeout": 75.0,
    }


def _operations(core: Core) -> tuple[Sequence[Route[Any]], Expander]:
    store, queries = core.store(), core.queries()
    methods = PaymentMethods(
        create_method=core.create_payment_method(),
        find_method=core.find_method(),
        store=store,
        queries=queries,
    )
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
        update_dispute=core.update_dispute(), close_dispute=core.close_dispute(), store=store, queries=queries
    )
    transactions = BalanceTransactions(store=store, queries=queries)
    payouts, accounts = _paying_out(core)
    statements = Statements(
        open_statement=core.open_statement(),
        make_statement=core.make_statement(),
        list_periods=core.list_periods(),
    )
    others = (
        Balance(store=store, clock=core.clock()),
        PayoutSettings(change=core.change_balance_settings(), store=store, clock=core.clock()),
        Events(store=store, queries=queries),
        Merchants(store=store),
        statements,
        TaxInvoices(make_tax_invoice=core.make_tax_invoice()),
    )
    nouns = (payments, methods, charges, refunds, disputes, transactions, payouts, accounts, *others)
    routes = tuple(route for noun in nouns for route in noun.routes())
    return routes, _expander(payments, methods, charges, refunds, disputes, transactions, payouts, accounts)


def _paying_out(core: Core) -> tuple[Payouts, BankAccounts]:
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
        store=store,
        queries=queries,
    )
    return payouts, accounts


def _expander(
    payments: Payments,
    methods: PaymentMethods,
    charges: Charges,
    refunds: Refunds,
    disputes: Disputes,
    transactions: BalanceTransactions,
    payouts: Payouts,
    accounts: BankAccounts,
) -> Expander:
    """What can be expanded in what, and into what."""
    payment = Expandable(("payment_intent",), payments.load)
    charge = Expandable(("charge",), charges.load)
    transaction = Expandable(("balance_transaction",), transactions.load)
    dispute = Expandable(("dispute",), disputes.load)
    payout = Expandable(("payout",), payouts.load)
    sources = {
        ChargeId.PREFIX: charges.load,
        DisputeId.PREFIX: disputes.load,
        PayoutId.PREFIX: payouts.load,
        RefundId.PREFIX: refunds.load,
    }

    async def load_source(scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        return await sources[id[: id.index("_") + 1]](scope, id, seen)

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
            "balance_transaction": {
                "source": Expandable(("charge", "dispute", "payout", "refund"), load_source)
            },
        }
    )


def _served(body: bytes) -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    return handler


async def _nowhere(http: web.Request, _visit: Visit) -> Answer:
    """Nothing is served here; where another method would be, it is named."""
    allowed: set[str] = set()
    for resource in http.app.router.resources():
        if resource.canonical != "/{rest}":
            _, methods = await resource.resolve(http)
            allowed |= methods
    if allowed:
        raise Refused(
            Problem(
                status=405,
                code="method_not_allowed",
                message="This URL does not take this method.",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
        )
    raise Refused(
        Problem(status=404, code="url_unknown", message="Unrecognized request URL. See the documentation.")
    )
