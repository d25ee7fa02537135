"""Files as answers: whole, or piece by piece as they are made."""

from collections.abc import AsyncIterator
from typing import Any, Final

from aiohttp import web
from attrs import define, field
from multidict import CIMultiDict

from fintech.entrypoints.http.errors import Refused, unavailable
from fintech.entrypoints.http.limits import Flights
from fintech.entrypoints.http.routes import Download


@define
class Downloads:
    """Sends files: those that are made as they are sent at most ``most`` at once, each for ``timeout_s`` at most."""

    most: int
    timeout_s: float
    flights: Flights
    _under_way: int = field(default=0, init=False)

    async def send(
        self, http: web.Request, download: Download, headers: CIMultiDict[str], task: Any
    ) -> web.StreamResponse:
        """The answer, which a file made piece by piece has been given by now. Raises `Refused` when there are too many.

        What breaks before the first piece can be told as any error; after it, the connection is cut, so that nobody
        takes half a file for a whole one. ``task`` is the flight that the request is.
        """
        headers["Content-Type"] = download.media_type
        headers["Content-Disposition"] = f'attachment; filename="{download.name}"'
        headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(download.content, bytes):
            return web.Response(body=download.content, headers=headers)
        if self._under_way >= self.most:
            raise Refused(_TOO_MANY)
        self._under_way += 1
        try:
            self.flights.extend(task, self.timeout_s)
            return await _piece_by_piece(http, download.content, headers)
        finally:
            self._under_way -= 1


async def _piece_by_piece(
    http: web.Request, pieces: AsyncIterator[bytes], headers: CIMultiDict[str]
) -> web.StreamResponse:
    piece: bytes | None = await anext(pieces, None)
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(http)
        while piece is not None:
            await response.write(piece)
            piece = await anext(pieces, None)
        await response.write_eof()
    except ConnectionError:
        return response  # the caller has gone, and there is nobody to tell
    except BaseException:
        if http.transport is not None:
            http.transport.abort()
        raise
    return response


_TOO_MANY: Final = unavailable("Too many files are being sent. Try again in a moment.", retry_after_s=5)
