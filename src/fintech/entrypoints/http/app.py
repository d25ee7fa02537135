"""The application: every operation of the core that merchants may ask for, behind one door."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from aiohttp import web

from fintech.application.webhooks.figures import Figures
from fintech.domain.ids import ChargeId
from fintech.domain.scope import Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.http import (
    balance,
    balance_transaction_rendering,
    charge_rendering,
    events,
    merchants,
    openapi,
    payment_methods,
    payment_rendering,
    refunds,
    webhook_rendering,
)
from fintech.entrypoints.http.authentication import Authentication
from fintech.entrypoints.http.balance import Balance
from fintech.entrypoints.http.balance_transactions import BalanceTransactions
from fintech.entrypoints.http.charges import Charges
from fintech.entrypoints.http.door import Door, Handler
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
from fintech.entrypoints.http.refunds import Refunds
from fintech.entrypoints.http.request_log import Visit, protocol_log
from fintech.entrypoints.http.routes import Answer, Route, Seen
from fintech.entrypoints.http.schema import Schema
from fintech.entrypoints.http.settings import HttpSettings
from fintech.entrypoints.http.webhook_endpoints import WebhookEndpoints
from fintech.entrypoints.http.webhook_metrics import DeliveryFigures

#: The application's health, whose ``drain`` a server calls when it is told to stop.
HEALTH: Final = web.AppKey("health", Health)

#: What operations answer, by the name that the wire has for it.
OBJECTS: Final[Mapping[str, Schema]] = {
    "account": merchants.SCHEMA,
    "balance": balance.SCHEMA,
    "balance_transaction": balance_transaction_rendering.SCHEMA,
    "charge": charge_rendering.SCHEMA,
    "event": events.SCHEMA,
    "payment_intent": payment_rendering.SCHEMA,
    "payment_method": payment_methods.SCHEMA,
    "refund": refunds.SCHEMA,
    "webhook_delivery": webhook_rendering.DELIVERY_SCHEMA,
    "webhook_endpoint": webhook_rendering.SCHEMA,
}


def build_app(
    core: Core, settings: HttpSettings | None = None, deliveries: Figures | None = None
) -> web.Application:
    """The HTTP API of a core. Use cases are taken from it once, here. ``deliveries``: a dispatcher's figures, which are
    told beside its own."""
    settings = settings or HttpSettings()
    routes, expander = _operations(core)
    meter = Meter()
    if deliveries is not None:
        meter.beside(DeliveryFigures(deliveries))
    flights = Flights(settings.in_flight_max, settings.request_timeout_s)
    door = Door(
        settings=settings,
        ids=core.ids(),
        authentication=Authentication(core.authenticate()),
        idempotency=Idempotency(core.digests()),
        expander=expander,
        flights=flights,
        rates=RateLimit(settings.requests_per_s, settings.requests_burst),
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
    transactions = BalanceTransactions(store=store, queries=queries)
    others = (Balance(store=store), _events(core), Merchants(store=store), _webhook_endpoints(core))
    nouns = (payments, methods, charges, refunds, transactions, *others)
    routes = tuple(route for noun in nouns for route in noun.routes())
    return routes, _expander(payments, methods, charges, refunds, transactions)


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


def _expander(
    payments: Payments,
    methods: PaymentMethods,
    charges: Charges,
    refunds: Refunds,
    transactions: BalanceTransactions,
) -> Expander:
    """What can be expanded in what, and into what."""
    payment = Expandable(("payment_intent",), payments.load)
    charge = Expandable(("charge",), charges.load)
    transaction = Expandable(("balance_transaction",), transactions.load)

    async def load_source(scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        return await (charges if id.startswith(ChargeId.PREFIX) else refunds).load(scope, id, seen)

    return Expander(
        {
            "payment_intent": {
                "latest_charge": charge,
                "payment_method": Expandable(("payment_method",), methods.load),
            },
            "charge": {
                "balance_transaction": transaction,
                "payment_intent": payment,
                "refunds": Expandable(("refund",), refunds.of_charge, of_owner=True, lists=True),
            },
            "refund": {
                "balance_transaction": transaction,
                "charge": charge,
                "failure_balance_transaction": transaction,
                "payment_intent": payment,
            },
            "balance_transaction": {"source": Expandable(("charge", "refund"), load_source)},
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
