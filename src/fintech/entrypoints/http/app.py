"""The application: every operation of the core that merchants may ask for, behind one door."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import orjson
from aiohttp import web
from prometheus_client.registry import Collector

from fintech.entrypoints.container import Core
from fintech.entrypoints.http import (
    openapi,
)
from fintech.entrypoints.http.authentication import Authentication
from fintech.entrypoints.http.door import Door, Handler
from fintech.entrypoints.http.downloads import Downloads
from fintech.entrypoints.http.errors import Problem, Refused
from fintech.entrypoints.http.health import Health
from fintech.entrypoints.http.idempotency import Idempotency
from fintech.entrypoints.http.limits import Flights, RateLimit
from fintech.entrypoints.http.metrics import Meter
from fintech.entrypoints.http.operations import OBJECTS, operations_of
from fintech.entrypoints.http.request_log import Visit, protocol_log
from fintech.entrypoints.http.routes import Answer
from fintech.entrypoints.http.settings import HttpSettings
from fintech.entrypoints.noting import Strangers

#: The application's health, whose ``drain`` a server calls when it is told to stop.
HEALTH: Final = web.AppKey("health", Health)


def build_app(
    core: Core,
    settings: HttpSettings | None = None,
    *,
    also: Sequence[Collector] = (),
    strangers: Strangers | None = None,
) -> web.Application:
    """The HTTP API of a core. Use cases are taken from it once, here. ``also`` are figures of other doors to be told;
    ``strangers`` counts whoever is not let in."""
    settings = settings or HttpSettings()
    routes, expander = operations_of(core)
    meter = Meter()
    for collector in also:
        meter.also(collector)
    flights = Flights(settings.in_flight_max, settings.request_timeout_s)
    officers = Flights(settings.officers_in_flight_max, settings.request_timeout_s, makes_room=True)
    door = Door(
        settings=settings,
        ids=core.ids(),
        authentication=Authentication(core.authenticate()),
        strangers=strangers or Strangers(),
        idempotency=Idempotency(core.digests()),
        expander=expander,
        flights=flights,
        officers=officers,
        rates=RateLimit(settings.requests_per_s, settings.requests_burst),
        downloads=Downloads(settings.streams_max, settings.stream_timeout_s, flights),
        meter=meter,
    )
    health = Health(core.store(), meter, (flights, officers), settings.ready_timeout_s, core.key_vault())
    app = web.Application(client_max_size=settings.body_max_bytes)
    app[HEALTH] = health
    for route in routes:
        app.router.add_route(route.method, route.path, door.operation(route))
    for (method, path), handler in health.handlers().items():
        app.router.add_route(method, path, handler)
    app.router.add_route(
        "GET", openapi.PATH, _served(lambda: orjson.dumps(openapi.document(routes, OBJECTS, expander)))
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


def _served(make: Callable[[], bytes]) -> Handler:
    """A body that is made when it is first asked for: no start has to wait for it."""
    body = cache(make)

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body(), headers={"Content-Type": "application/json"})

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
