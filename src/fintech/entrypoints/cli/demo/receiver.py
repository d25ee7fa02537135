"""The shop's own system: a small web server that hears of events and believes only what the SDK verifies."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

BODY_MAX: Final = 1024 * 1024


class Receiver:
    """Use it as a context. ``types`` are those of the events that it was told of and has verified, by id; what it could
    not verify is in ``refused``. Until it knows its ``secret``, it refuses everything, and is told again later."""

    def __init__(self, sdk: Any) -> None:
        self.secret: str | None = None
        self.types: dict[str, str] = {}
        self.refused = 0
        self._sdk = sdk
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/events"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _hear(self, body: bytes, signature: str) -> bool:
        try:
            event = self._sdk.Webhook.construct_event(body, signature, self.secret)
        except (ValueError, TypeError, self._sdk.SignatureVerificationError):
            self.refused += self.secret is not None
            return False
        self.types[event.id] = event.type
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", "0"))
                heard = 0 < size <= BODY_MAX and receiver._hear(
                    self.rfile.read(size), self.headers.get("Stripe-Signature", "")
                )
                self.send_response(200 if heard else 400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler
