"""Files as answers: how many at once, for how long, and what becomes of one that nobody reads."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from fintech.entrypoints.http.downloads import Downloads
from fintech.entrypoints.http.errors import Refused
from fintech.entrypoints.http.limits import Flights
from fintech.entrypoints.http.routes import Download
from tests.unit.entrypoints.http.driving import serving

BIG = bytes(1_000_000)


class Source:
    """Pieces that a test lets through, and how many were taken."""

    def __init__(self, *, most: int = 1_000_000) -> None:
        self.taken, self.most, self.go_on = 0, most, asyncio.Event()

    async def pieces(self, piece: bytes = b"piece\n") -> AsyncIterator[bytes]:
        while self.taken < self.most:
            self.taken += 1
            yield piece
            await self.go_on.wait()


def app_of(downloads: Downloads, source: Source, piece: bytes = b"piece\n") -> web.Application:
    async def handler(http: web.Request) -> web.StreamResponse:
        task = downloads.flights.enter()
        assert task is not None
        try:
            content = Download(name="a.csv", media_type="text/csv", content=source.pieces(piece))
            return await downloads.send(http, content, CIMultiDict(), task)
        except Refused as refused:
            return web.Response(status=refused.problem.status)
        except asyncio.CancelledError:
            if not downloads.flights.was_late(task):
                raise
            return web.Response(status=504)
        finally:
            downloads.flights.leave(task)

    app = web.Application()
    app.router.add_get("/", handler)
    return app


async def read(session: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    async with session.get(url) as response:
        return response.status, await response.read()


async def test_so_many_at_once_and_no_more() -> None:
    source = Source(most=2)
    downloads = Downloads(2, 60.0, Flights(100, 60.0))
    async with serving(app_of(downloads, source)) as url, aiohttp.ClientSession() as session:
        first, second = (asyncio.create_task(read(session, url)) for _ in range(2))
        async with asyncio.timeout(10):
            while source.taken < 2:
                await asyncio.sleep(0.001)
        assert (await read(session, url))[0] == 503
        source.go_on.set()
        assert [status for status, _ in (await first, await second)] == [200, 200]
        assert (await read(session, url))[0] == 200


async def test_it_may_take_longer_than_a_request() -> None:
    source = Source(most=2)
    downloads = Downloads(1, 60.0, Flights(100, 0.05))
    async with serving(app_of(downloads, source)) as url, aiohttp.ClientSession() as session:
        slow = asyncio.create_task(read(session, url))
        await asyncio.sleep(0.2)
        source.go_on.set()
        assert await slow == (200, b"piece\npiece\n")


async def test_one_that_takes_too_long_is_cut() -> None:
    source = Source()
    downloads = Downloads(1, 0.05, Flights(100, 0.05))
    async with serving(app_of(downloads, source)) as url, aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
            await read(session, url)
        assert len(downloads.flights) == 0


async def test_nothing_is_made_that_nobody_reads() -> None:
    source = Source()
    source.go_on.set()
    downloads = Downloads(1, 60.0, Flights(100, 60.0))
    async with serving(app_of(downloads, source, BIG)) as url, aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            assert response.status == 200
            before = -1
            while source.taken != before:  # until the buffers are full
                before = source.taken
                await asyncio.sleep(0.2)
            assert source.taken < 100
        async with asyncio.timeout(10):
            while len(downloads.flights):
                await asyncio.sleep(0.001)
        source.most = 0
        assert (await read(session, url))[0] == 200


class Failing:
    """Has no first piece."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise LookupError


async def test_what_fails_before_the_first_piece_is_the_callers_to_tell() -> None:
    downloads = Downloads(1, 60.0, Flights(100, 60.0))
    task = downloads.flights.enter()
    never_touched: Any = None
    for _ in range(2):
        download = Download(name="a", media_type="text/csv", content=Failing())
        with pytest.raises(LookupError):
            await downloads.send(never_touched, download, CIMultiDict(), task)
