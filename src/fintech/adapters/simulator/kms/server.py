"""The simulated KMS behind its two doors: AWS's JSON protocol, and a door for whoever runs the simulator."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from aiohttp import web
from attrs import asdict, frozen

from fintech.adapters.simulator.kms.memory import KmsMemory
from fintech.adapters.simulator.kms.operations import answered
from fintech.adapters.simulator.kms.permissions import BANK, FINTECH, principal_of
from fintech.adapters.simulator.kms.refusals import KmsRefused
from fintech.adapters.simulator.kms.requests import KmsRequest
from fintech.adapters.simulator.kms.weather import CallLog, Outage, Quota, Weather

JSON_TYPE: Final = "application/x-amz-json-1.1"
BODY_BYTES_MAX: Final = 65_536
#: A call is let go after so long, however long the outage.
HANG_S_MAX: Final = 120.0
#: What a new simulator has: root keys of the bank's, each with a MAC key, and the notary's signing key, by alias.
ROOT_KEYS: Final = 2
_TARGET: Final = "TrentService."


@frozen(kw_only=True)
class RootKeyPair:
    """A root key and the MAC key that belongs to it, by their ARNs."""

    cmk: str
    mac: str


class SimulatedKms:
    """What is behind the doors. In a test's own process its parts may be looked at and changed; ``outage`` by `change`."""

    def __init__(
        self, *, state: Path | None = None, grant_delay_s: float = 0.0, now: Callable[[], float] = time.time
    ) -> None:
        self.memory = KmsMemory(now, state)
        self.weather = Weather()
        self.weather.change({"grant_delay_s": grant_delay_s})
        self.log = CallLog(now)
        self.url = self.control_url = ""
        self.hanging = 0  #: how many calls wait for an outage to end
        self._quota = Quota()
        self._changed = asyncio.Event()
        self._door: _Door | None = None
        for number in range(1, ROOT_KEYS + 1):
            self._ensure(f"alias/root-{number}", "SYMMETRIC_DEFAULT")
            self._ensure(f"alias/root-{number}-mac", "HMAC_256")
        self._ensure("alias/notary", "ECC_NIST_EDWARDS25519")

    @property
    def roots(self) -> tuple[RootKeyPair, ...]:
        """The root keys that were there from the first."""
        return tuple(
            RootKeyPair(
                cmk=self.memory.key(f"alias/root-{number}").arn,
                mac=self.memory.key(f"alias/root-{number}-mac").arn,
            )
            for number in range(1, ROOT_KEYS + 1)
        )

    @property
    def notary(self) -> str:
        """The ARN of the notary's key (Ed25519)."""
        return self.memory.key("alias/notary").arn

    def told(self) -> dict[str, Any]:
        """Where it is and what it has: the line that it says when it is ready."""
        return {
            "kms": self.url,
            "control": self.control_url,
            "roots": [asdict(pair) for pair in self.roots],
            "notary": self.notary,
            "grantee": FINTECH,
        }

    def as_bank(self, operation: str, **body: Any) -> dict[str, Any]:
        """What the bank does, whatever the weather. Bytes are in base 64, as on the wire. Raises `KmsRefused`."""
        return self._answered(BANK, operation, body)

    async def change(self, **weather: Any) -> None:
        """Other weather (`Weather`), from now on. Raises `KmsRefused` for what it cannot be."""
        self.weather.change(weather)
        self._let_go()
        if self._door is not None:
            await self._door.place(is_open=self.weather.outage is not Outage.REFUSE)

    @asynccontextmanager
    async def running(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator["SimulatedKms"]:
        """Serve meanwhile. Port 0 is any free one; the door of whoever runs it is at another. Raises ``OSError``."""
        async with AsyncExitStack() as closing:
            closing.callback(self.memory.close)
            kms, control = _Door(host, port, self._front()), _Door(host, 0, self._control())
            for door in (kms, control):
                closing.push_async_callback(door.close)
                await door.place(is_open=True)
            closing.callback(self._let_go)
            self._door = kms
            self.url, self.control_url = kms.url, control.url
            yield self

    def _let_go(self) -> None:
        """Of whoever hangs."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _ensure(self, alias: str, spec: str) -> None:
        if alias not in self.memory.aliases:
            made = self.as_bank("CreateKey", KeySpec=spec, Description=alias.removeprefix("alias/"))
            self.as_bank("CreateAlias", AliasName=alias, TargetKeyId=made["KeyMetadata"]["KeyId"])

    def _answered(self, principal: str, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        request = KmsRequest(
            memory=self.memory,
            principal=principal,
            operation=operation,
            body=body,
            grant_delay_s=self.weather.grant_delay_s,
        )
        return answered(request)

    # ------------------------------------------------------------------------------------- AWS's door

    def _front(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_post("/", self._call)
        return app

    async def _call(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET)
        raw, caller, body = await request.read(), "", {}
        try:
            if self.weather.outage is Outage.ERROR:
                raise KmsRefused("KMSInternalException", "an outage")
            body = _body(raw)
            caller = principal_of(request.headers.get("Authorization", ""))
            if self.weather.outage is Outage.HANG:
                await self._hang()
                raise KmsRefused("ServiceUnavailable", "an outage")
            await asyncio.sleep(self.weather.latency_s)
            self._quota.take(caller, self.weather.requests_per_s, time.monotonic())
            answer, status, result = self._answered(caller, operation, body), 200, "ok"
        except KmsRefused as refused:
            answer = {"__type": refused.code, "message": refused.message}
            status, result = refused.status, refused.code
        self.log.note(caller, operation, body, result)
        if self.weather.outage is Outage.CUT:
            return await _cut(request, status, answer)
        headers = {"x-amzn-RequestId": str(uuid4())}
        return web.Response(
            status=status, body=json.dumps(answer).encode(), content_type=JSON_TYPE, headers=headers
        )

    async def _hang(self) -> None:
        self.hanging += 1
        try:
            await asyncio.wait_for(self._changed.wait(), HANG_S_MAX)
        except TimeoutError:
            return
        finally:
            self.hanging -= 1

    # ------------------------------------------------------------------------------------- the other door

    def _control(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/", self._tell)
        app.router.add_get("/weather", self._tell_weather)
        app.router.add_put("/weather", self._change_weather)
        app.router.add_get("/calls", self._tell_calls)
        app.router.add_delete("/calls", self._forget_calls)
        app.router.add_post("/bank/{operation}", self._do_as_bank)
        return app

    async def _tell(self, _: web.Request) -> web.Response:
        return web.json_response(self.told())

    async def _tell_weather(self, _: web.Request) -> web.Response:
        return web.json_response(self.weather.told())

    async def _change_weather(self, request: web.Request) -> web.Response:
        try:
            await self.change(**_body(await request.read()))
        except KmsRefused as refused:
            return _refused(refused)
        return web.json_response(self.weather.told())

    async def _tell_calls(self, _: web.Request) -> web.Response:
        calls = [asdict(call) for call in self.log.calls]
        return web.json_response({"counts": self.log.counts, "calls": calls})

    async def _forget_calls(self, _: web.Request) -> web.Response:
        self.log.clear()
        return web.json_response({})

    async def _do_as_bank(self, request: web.Request) -> web.Response:
        try:
            body = _body(await request.read())
            return web.json_response(self._answered(BANK, request.match_info["operation"], body))
        except KmsRefused as refused:
            return _refused(refused)


class _Door:
    """A place to listen at that can be closed, and opened again where it was."""

    def __init__(self, host: str, port: int, app: web.Application) -> None:
        self._host, self._port = host, port
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.1, handle_signals=False, keepalive_timeout=30.0
        )
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        """Where."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def place(self, *, is_open: bool) -> None:
        """Listen, or do not, and cut off whoever is connected."""
        if self._runner.server is None:
            await self._runner.setup()
        if is_open and self._site is None:
            site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
            await site.start()
            self._site = site
            self._port = self._runner.addresses[0][1]
        elif not is_open and self._site is not None:
            await self._site.stop()
            self._site = None
            assert self._runner.server is not None
            for connection in list(self._runner.server.connections):
                if connection.transport is not None:
                    connection.transport.abort()

    async def close(self) -> None:
        """For good."""
        await self._runner.cleanup()


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise KmsRefused("SerializationException", "the body is a JSON object")
    return body


async def _cut(request: web.Request, status: int, answer: Mapping[str, Any]) -> web.StreamResponse:
    """Half an answer, and the line is gone."""
    whole = json.dumps(answer).encode()
    headers = {"Content-Type": JSON_TYPE, "Content-Length": str(len(whole))}
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    await asyncio.sleep(0)
    if request.transport is not None:
        request.transport.abort()
    return response


def _refused(refused: KmsRefused) -> web.Response:
    return web.json_response({"code": refused.code, "message": refused.message}, status=400)
