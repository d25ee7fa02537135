"""The floor of a read: a bare aiohttp handler that answers the same bytes."""

import sys

import uvloop
from aiohttp import web


def main() -> None:
    """Serve the bytes of a file on a free port and print it."""
    body = sys.stdin.buffer.read()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/v1/payment_intents/{id}", answer)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
