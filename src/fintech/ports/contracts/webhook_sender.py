"""The promise of `WebhookSender`, for every adapter's tests."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import pytest

from fintech.domain.webhooks.delivery import TryFault
from fintech.ports.webhook_sender import Parcel, WebhookSender


class Receiver(Protocol):
    """Somebody on this machine who takes what is posted. ``url`` is where, ``nowhere`` where nobody listens."""

    url: str
    nowhere: str

    @abstractmethod
    def answers(self, *statuses: int) -> None:
        """Answer what comes next with these; what comes after that with 200."""

    @abstractmethod
    def got(self) -> Sequence[tuple[bytes, dict[str, str]]]:
        """The bodies and headers that have come, in their order."""


class WebhookSenderContract:
    """Subclass it and provide the fixtures ``sender`` and ``receiver`` (a `Receiver`)."""

    async def test_what_is_posted_comes_as_it_was(self, sender: WebhookSender, receiver: Receiver) -> None:
        parcel = parcel_to(receiver.url, body='{"é": "\\u0000"}'.encode(), headers={"X-Told": "a,b=c"})
        sent = await sender.post(parcel)
        assert (sent.status, sent.fault) == (200, None)
        assert sent.duration_ms >= 0
        ((body, headers),) = receiver.got()
        assert body == parcel.body
        assert headers["X-Told"] == "a,b=c"

    @pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 400, 404, 410, 429, 500, 503])
    async def test_the_answer_is_told_and_nothing_is_followed_or_repeated(
        self, sender: WebhookSender, receiver: Receiver, status: int
    ) -> None:
        receiver.answers(status)
        assert (await sender.post(parcel_to(receiver.url))).status == status
        assert len(receiver.got()) == 1

    async def test_many_are_posted_one_after_the_other(
        self, sender: WebhookSender, receiver: Receiver
    ) -> None:
        for number in range(20):
            assert (await sender.post(parcel_to(receiver.url, body=b"%d" % number))).status == 200
        assert [body for body, _ in receiver.got()] == [b"%d" % number for number in range(20)]

    async def test_nobody_there_is_an_answer(self, sender: WebhookSender, receiver: Receiver) -> None:
        sent = await sender.post(parcel_to(receiver.nowhere))
        assert (sent.status, sent.fault) == (None, TryFault.CONNECTION)

    async def test_this_machine_is_reached_only_where_it_is_allowed(
        self, sender: WebhookSender, receiver: Receiver
    ) -> None:
        sent = await sender.post(parcel_to(receiver.url, loopback=False))
        assert (sent.status, sent.fault) == (None, TryFault.FORBIDDEN_ADDRESS)
        assert not receiver.got()

    @pytest.mark.parametrize(
        "host",
        ["10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "[fd00::1]", "[::ffff:127.0.0.1]"],
    )
    async def test_nothing_is_sent_to_where_only_we_can_reach(self, sender: WebhookSender, host: str) -> None:
        for scheme in ("http", "https"):
            sent = await sender.post(parcel_to(f"{scheme}://{host}/hooks"))
            assert (sent.status, sent.fault) == (None, TryFault.FORBIDDEN_ADDRESS)


def parcel_to(
    url: str, *, body: bytes = b"{}", headers: dict[str, str] | None = None, loopback: bool = True
) -> Parcel:
    """Something to post."""
    return Parcel(
        url=url, body=body, headers=headers or {"Content-Type": "application/json"}, loopback=loopback
    )
