"""The door: what every request goes through, whatever it is about.

In this order, so that what costs least is refused first: the number of requests under way, the API key, its rate, the
body's size and form, the parameters. What officers have signed needs no key: the signature is looked at before anything
else is done, and limits that hold for whoever has signed nothing take nothing from who has (`custody`). Officers have places
of their own among the requests under way, so that neither merchants nor strangers keep them out. Whatever
happens, the answer is an object of the wire with a ``Request-Id``, it is counted, and one line is logged, in which
nothing is that the caller sent.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final, TypeAlias, TypeVar

import orjson
from aiohttp import web
from attrs import frozen
from multidict import CIMultiDict, istr

from fintech.application.commits import Request
from fintech.domain.api_keys import OFFICERS
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints.http import problems
from fintech.entrypoints.http.authentication import Authentication
from fintech.entrypoints.http.custody_refusals import SIGNATURE_INVALID
from fintech.entrypoints.http.downloads import Downloads
from fintech.entrypoints.http.errors import Problem, Refused, spoken
from fintech.entrypoints.http.expanding import EXPAND, Expander
from fintech.entrypoints.http.forms import Form, FormInvalid, parse_body, parse_form
from fintech.entrypoints.http.idempotency import Idempotency
from fintech.entrypoints.http.limits import Flights, RateLimit
from fintech.entrypoints.http.metrics import Meter
from fintech.entrypoints.http.parameters import reader_of
from fintech.entrypoints.http.protection import custody_problem
from fintech.entrypoints.http.request_log import Visit, log_answer, log_breakage
from fintech.entrypoints.http.routes import (
    REPLAYED,
    Answer,
    Call,
    Download,
    Method,
    RequestId,
    Role,
    Route,
)
from fintech.entrypoints.http.settings import API_VERSION, HttpSettings
from fintech.entrypoints.noting import Strangers
from fintech.ports.errors import ConcurrencyExhausted, LeaseEnded, PortError, StoreOverloaded
from fintech.ports.id_source import IdSource

P = TypeVar("P")

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Work: TypeAlias = Callable[[web.Request, Visit], Awaitable[Answer | Download]]

_VERSION: Final = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?(; ?\w+=\w+)*")


@frozen(kw_only=True)
class Door:
    """Lets requests in and answers out."""

    settings: HttpSettings
    ids: IdSource
    authentication: Authentication
    strangers: Strangers
    idempotency: Idempotency
    expander: Expander
    flights: Flights
    officers: Flights
    rates: RateLimit
    downloads: Downloads
    meter: Meter

    def operation(self, route: Route[P]) -> Handler:
        """The handler of a route."""
        reader, handle, name, variables = reader_of(route.params), route.handle, route.name, route.variables
        posting, role = route.method is Method.POST, route.role
        keyed = route.method is not Method.GET and role is not Role.SIGNER
        flights = self.flights if role is Role.MERCHANT else self.officers

        async def work(http: web.Request, visit: Visit) -> Answer | Download:
            scope, who = await self._admitted(http, visit, role)
            form = await self._form(http, posting=posting)
            tree = form.tree
            plan = None
            if "expand" in tree:
                paths = EXPAND.read(tree.pop("expand"), "expand")
                plan = self.expander.plan(route.answers, paths, lists=route.lists)
            params = reader.read(tree)
            key = http.headers.get("Idempotency-Key") if keyed else None
            request_key = None
            if key is not None:
                request_key = self.idempotency.key(key, name, http.path, form.pairs)
                visit.key = key
            actor = Actor(who, Face.HTTP, None, visit.id, key)
            flights.settle()
            call = Call(
                scope=scope,
                request=Request(actor=actor, key=request_key),
                params=params,
                target=http.match_info[variables[-1]] if variables else "",
                within=http.match_info[variables[0]] if len(variables) > 1 else "",
                origin=http.remote,
            )
            try:
                answer = await handle(call)
            except Refused as refused:
                if role is Role.SIGNER and refused.problem.code == SIGNATURE_INVALID:
                    self.strangers.note(SIGNATURE_INVALID, http.remote)
                raise
            if plan and isinstance(answer, Answer):
                await self.expander.expand(scope, answer.body, plan, answer.seen)
            return answer

        return self.guarded(route.method, route.path, work, flights)

    def guarded(self, method: str, route: str, work: Work, flights: Flights | None = None) -> Handler:
        """A handler that answers whatever becomes of the work. Counted and logged under ``method`` and ``route``, and one of
        ``flights``, which are those of merchants unless it is said."""
        flights, meter = flights or self.flights, self.meter
        series = meter.series(method, route)

        async def handler(http: web.Request) -> web.StreamResponse:
            started = perf_counter()
            visit = Visit(self.ids.new(RequestId))
            task = flights.enter()
            response: web.StreamResponse
            if task is None:
                meter.shed += 1
                response = self._told(visit, problems.SHED)
            else:
                try:
                    answer = await work(http, visit)
                    if isinstance(answer, Download):
                        response = await self.downloads.send(http, answer, _headers(visit), task)
                    else:
                        response = _response(visit, 200, answer.body, REPLAYED if answer.replayed else None)
                except Refused as refused:
                    response = self._told(visit, refused.problem)
                except asyncio.CancelledError:
                    if not flights.was_late(task):
                        raise
                    response = self._told(visit, problems.TOO_SLOW)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told and logged
                    response = self._told(visit, self._breakage(error, route, visit))
                finally:
                    flights.leave(task)
            if flights.draining:
                response.force_close()
            seconds = perf_counter() - started
            series.add(response.status, seconds)
            log_answer(method, route, response.status, seconds, visit)
            return response

        return handler

    async def _admitted(self, http: web.Request, visit: Visit, role: Role) -> tuple[Scope, str]:
        """Whose request it is and by which API key, once it may pass. Who signed something is told by the signature."""
        headers = http.headers
        version = headers.get("Stripe-Version")
        if version is not None and version != API_VERSION and not _VERSION.fullmatch(version):
            raise Refused(problems.BAD_VERSION)
        account = headers.get("Stripe-Account") or headers.get("Stripe-Context")
        if role is Role.SIGNER:
            return OFFICERS, f"from {http.remote}"
        try:
            scope, key = await self.authentication(headers.get("Authorization"), account, role)
        except Refused as refused:
            self.strangers.note(refused.problem.code, http.remote)
            raise
        visit.merchant, visit.api_key = scope.merchant, key.id
        wait_s = self.rates.take(key.id)
        if wait_s:
            self.meter.rate_limited += 1
            raise Refused(problems.rate_limited(wait_s))
        return scope, key.id

    async def _form(self, http: web.Request, *, posting: bool) -> Form:
        """The parameters: of a POST in the body, of any other in the query."""
        query = http.raw_path.partition("?")[2].partition("#")[0]
        try:
            if not posting:
                return parse_form(query)
            if query:
                raise Refused(problems.QUERY_OF_POST)
            body = await self._body(http)
            return parse_body(body)
        except FormInvalid as invalid:
            param = None if invalid.name is None else spoken(invalid.name)
            raise Refused(Problem(code="form_invalid", message=str(invalid), param=param)) from None

    async def _body(self, http: web.Request) -> bytes:
        if not http.body_exists:
            return b""
        size = http.content_length
        if size is not None and size > self.settings.body_max_bytes:
            raise Refused(problems.too_large(self.settings.body_max_bytes))
        if (
            http.headers.get("Content-Type", "").partition(";")[0].strip().lower() != problems.FORM
            and size != 0
        ):
            raise Refused(problems.NO_FORM)
        if "Content-Encoding" in http.headers:
            raise Refused(problems.ENCODED)
        try:
            if http.content.is_eof():
                body = http.content.read_nowait()
                if len(body) <= self.settings.body_max_bytes:
                    return body
                raise Refused(problems.too_large(self.settings.body_max_bytes))
            return await _unhurried(http, self.settings.body_timeout_s)
        except web.HTTPRequestEntityTooLarge:
            raise Refused(problems.too_large(self.settings.body_max_bytes)) from None
        except (ConnectionError, web.RequestPayloadError):
            raise Refused(problems.CUT_OFF) from None

    def _told(self, visit: Visit, problem: Problem) -> web.Response:
        headers = dict(problem.headers)
        if problem.retry is not None:
            headers["Stripe-Should-Retry"] = "true" if problem.retry else "false"
        return _response(visit, problem.status, problem.body(self.settings.docs_url), headers)

    def _breakage(self, error: Exception, route: str, visit: Visit) -> Problem:
        """What to say of an exception: whether to try again, and nothing else."""
        if isinstance(error, ConcurrencyExhausted):
            return problems.BUSY
        if isinstance(error, StoreOverloaded):
            return problems.OVERLOADED
        if isinstance(error, LeaseEnded):
            return custody_problem(error.refused)
        log_breakage(error, route, visit)
        return problems.UNAVAILABLE if isinstance(error, PortError) else problems.UNEXPECTED


async def _unhurried(http: web.Request, timeout_s: float) -> bytes:
    try:
        async with asyncio.timeout(timeout_s):
            return await http.read()
    except TimeoutError:
        raise Refused(problems.BODY_TOO_SLOW) from None


#: What every answer says.
_HEADERS: Final = CIMultiDict(
    {
        istr("Stripe-Version"): API_VERSION,
        istr("Content-Type"): "application/json",
        istr("Cache-Control"): "no-store",
        istr("Server"): "fintech",
    }
)
_REQUEST_ID: Final = istr("Request-Id")
_IDEMPOTENCY_KEY: Final = istr("Idempotency-Key")


def _headers(visit: Visit) -> CIMultiDict[str]:
    headers = _HEADERS.copy()
    headers[_REQUEST_ID] = visit.id
    if visit.key is not None:
        headers[_IDEMPOTENCY_KEY] = visit.key
    return headers


def _response(
    visit: Visit, status: int, body: dict[str, Any], more: Mapping[str, str] | None = None
) -> web.Response:
    headers = _headers(visit)
    if more:
        headers.update(more)
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
