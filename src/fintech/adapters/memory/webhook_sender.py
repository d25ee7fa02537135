"""A sender that sends nothing: it remembers what it was given and answers as it is told."""

from collections import deque
from collections.abc import Iterable
from urllib.parse import urlsplit

from fintech.domain.webhooks.addresses import may_reach
from fintech.domain.webhooks.delivery import TryFault
from fintech.ports.webhook_sender import Parcel, Sent, WebhookSender


class MemoryWebhookSender(WebhookSender):
    """``script`` has the answers to the next parcels: a status or a fault each; then it is 200. ``sent`` collects all
    that got as far as a receiver. ``down`` are URLs where nobody is."""

    def __init__(self, *, script: Iterable[int | TryFault] = ()) -> None:
        self.script = deque(script)
        self.sent: list[Parcel] = []
        self.down: set[str] = set()

    async def post(self, parcel: Parcel) -> Sent:
        if not _reachable(parcel):
            return Sent(duration_ms=0, fault=TryFault.FORBIDDEN_ADDRESS)
        if parcel.url in self.down:
            return Sent(duration_ms=0, fault=TryFault.CONNECTION)
        self.sent.append(parcel)
        told = self.script.popleft() if self.script else 200
        if isinstance(told, TryFault):
            return Sent(duration_ms=0, fault=told)
        return Sent(duration_ms=0, status=told)


def _reachable(parcel: Parcel) -> bool:
    """Names stand for public addresses here, but for this machine's own."""
    host = urlsplit(parcel.url).hostname or ""
    address = "127.0.0.1" if host == "localhost" else host
    literal = ":" in address or address.replace(".", "").isdigit()
    return not literal or may_reach(address, loopback=parcel.loopback)
