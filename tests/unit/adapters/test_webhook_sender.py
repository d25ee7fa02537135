"""What the sender does with receivers that lie, dawdle, swell, or are not where they say."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fintech.adapters.webhooks import sender as module
from fintech.adapters.webhooks.sender import AiohttpSender
from fintech.domain.webhooks.delivery import TryFault
from fintech.ports.contracts.webhook_sender import parcel_to
from fintech.ports.webhook_sender import Sent
from tests.receivers import Inbox, certified, hangs, receiving, request_of, rude

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Names:
    """A name server: ``answers`` are the addresses of each name, ``then`` what it says when asked again."""

    def __init__(self, answers: dict[str, list[str]], then: dict[str, list[str]] | None = None) -> None:
        self.answers = answers
        self.then = then
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        told = self.then if self.then and self.asked.count(host) > 1 else self.answers
        if host not in told:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        families = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in told[host]]
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in families]


@pytest.fixture
async def senders() -> AsyncIterator[Callable[..., AiohttpSender]]:
    made: list[AiohttpSender] = []

    def make(**options: Any) -> AiohttpSender:
        made.append(AiohttpSender(**options))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with receiving() as inbox:
        yield inbox


def named(url: str, name: str) -> str:
    return url.replace("127.0.0.1", name)


def outcome(sent: Sent) -> tuple[int | None, TryFault | None]:
    return sent.status, sent.fault


async def test_a_name_is_resolved_once_and_its_address_connected_to(
    senders: Callable[..., AiohttpSender], inbox: Inbox
) -> None:
    names = Names({"shop.example": ["127.0.0.1"]}, then={"shop.example": ["10.0.0.1"]})
    sender = senders(resolve=names)
    for _ in range(3):
        assert outcome(await sender.post(parcel_to(named(inbox.url, "shop.example")))) == (200, None)
    assert names.asked == ["shop.example"]
    assert {headers["Host"].partition(":")[0] for _, headers in inbox.posts} == {"shop.example"}
    assert len(inbox.connections) == 1


async def test_a_name_that_changes_its_mind_is_looked_at_anew(
    senders: Callable[..., AiohttpSender], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what is connected to is what was looked at, each time."""
    names = Names({"shop.example": ["93.184.215.14"]}, then={"shop.example": ["127.0.0.1"]})
    sender = senders(resolve=names, timeout_s=0.3)
    connected: list[Any] = []
    loop = asyncio.get_running_loop()

    async def connect(sock: socket.socket, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(loop, "sock_connect", connect)
    url = named(inbox.url, "shop.example")
    assert outcome(await sender.post(parcel_to(url, loopback=False))) == (None, TryFault.CONNECTION)
    assert [address[0] for address in connected] == ["93.184.215.14"]
    (session,) = sender._sessions.values()
    session.connector.clear_dns_cache()  # type: ignore[union-attr] # it has one
    assert outcome(await sender.post(parcel_to(url, loopback=False))) == (None, TryFault.FORBIDDEN_ADDRESS)
    assert len(connected) == 1
    assert not inbox.posts


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "10.0.0.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["::ffff:10.0.0.1"],
        ["0.0.0.0"],
    ],
)
async def test_a_name_with_one_address_that_is_ours_is_refused_whole(
    senders: Callable[..., AiohttpSender], inbox: Inbox, addresses: list[str]
) -> None:
    sender = senders(resolve=Names({"shop.example": addresses}))
    sent = await sender.post(parcel_to(named(inbox.url, "shop.example"), loopback=False))
    assert outcome(sent) == (None, TryFault.FORBIDDEN_ADDRESS)
    assert not inbox.posts


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "[::1]",
        "[::ffff:7f00:1]",
    ],
)
async def test_this_machine_is_not_reached_in_live_mode_however_it_is_spelt(
    senders: Callable[..., AiohttpSender], inbox: Inbox, host: str
) -> None:
    sent = await senders().post(parcel_to(named(inbox.url, host), loopback=False))
    assert sent.status is None
    assert sent.fault in (TryFault.FORBIDDEN_ADDRESS, TryFault.UNRESOLVED, TryFault.PROTOCOL)
    assert not inbox.posts


async def test_what_may_be_reached_in_test_mode_is_no_connection_of_live_mode(
    senders: Callable[..., AiohttpSender], inbox: Inbox
) -> None:
    sender = senders(resolve=Names({"shop.example": ["127.0.0.1"]}))
    url = named(inbox.url, "shop.example")
    assert outcome(await sender.post(parcel_to(url, loopback=True))) == (200, None)
    assert outcome(await sender.post(parcel_to(url, loopback=False))) == (None, TryFault.FORBIDDEN_ADDRESS)
    assert len(inbox.posts) == 1


async def test_a_port_of_the_system_is_not_connected_to(senders: Callable[..., AiohttpSender]) -> None:
    for port in (22, 25, 53, 1023):
        sent = await senders().post(parcel_to(f"http://127.0.0.1:{port}/"))
        assert outcome(sent) == (None, TryFault.FORBIDDEN_ADDRESS)


async def test_proxies_of_the_environment_are_not_asked(
    senders: Callable[..., AiohttpSender], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert outcome(await senders().post(parcel_to(inbox.url))) == (200, None)
        assert not proxy.posts


async def test_a_name_that_nobody_knows(senders: Callable[..., AiohttpSender]) -> None:
    sent = await senders(resolve=Names({})).post(parcel_to("https://shop.example/"))
    assert outcome(sent) == (None, TryFault.UNRESOLVED)


async def test_a_redirect_is_not_followed(senders: Callable[..., AiohttpSender], inbox: Inbox) -> None:
    async with receiving() as other:

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_of(reader)
            writer.write(f"HTTP/1.1 307 Go\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

        async with rude(redirect) as url:
            assert outcome(await senders().post(parcel_to(url))) == (307, None)
        assert not other.posts


async def test_whoever_hangs_is_given_up(senders: Callable[..., AiohttpSender]) -> None:
    async with rude(hangs) as url:
        sent = await senders(timeout_s=0.2).post(parcel_to(url))
    assert outcome(sent) == (None, TryFault.TIMEOUT)
    assert sent.duration_ms >= 200


async def test_whoever_dawdles_is_given_up(senders: Callable[..., AiohttpSender]) -> None:
    async def dawdles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    async with rude(dawdles) as url:
        assert outcome(await senders(timeout_s=0.3).post(parcel_to(url))) == (None, TryFault.TIMEOUT)


async def test_a_body_of_ten_megabytes_is_not_read(senders: Callable[..., AiohttpSender]) -> None:
    written = 0

    async def swells(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"x" * 1_000)
            await writer.drain()
            written += 1_000

    async with rude(swells) as url:
        assert outcome(await senders().post(parcel_to(url))) == (200, None)
        await asyncio.sleep(0.05)
    assert written < 9_000_000


async def test_a_body_that_never_ends_keeps_nobody_waiting(
    senders: Callable[..., AiohttpSender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BODY_TIMEOUT_S", 0.05)

    async def trickles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await hangs(reader, writer)

    async with rude(trickles) as url:
        assert outcome(await senders().post(parcel_to(url))) == (200, None)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_whoever_closes_before_it_has_answered_has_not_got_it(
    senders: Callable[..., AiohttpSender], said: bytes
) -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(said)
        await writer.drain()

    async with rude(closes) as url:
        assert outcome(await senders().post(parcel_to(url))) == (None, TryFault.CONNECTION)


async def test_whoever_closes_in_the_middle_of_the_body_has_said_that_it_has_it(
    senders: Callable[..., AiohttpSender],
) -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()

    async with rude(closes) as url:
        assert outcome(await senders().post(parcel_to(url))) == (200, None)


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.7\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000,
    ],
)
async def test_what_is_not_http_is_no_answer(senders: Callable[..., AiohttpSender], said: bytes) -> None:
    async def speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(said)
        await writer.drain()
        await reader.read()

    async with rude(speaks) as url:
        assert outcome(await senders(timeout_s=2).post(parcel_to(url))) == (None, TryFault.PROTOCOL)


async def test_a_connection_that_was_closed_meanwhile_costs_one_try_at_most(
    senders: Callable[..., AiohttpSender],
) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK)
        await writer.drain()

    async with rude(once) as url:
        sender = senders()
        outcomes = []
        for _ in range(5):
            outcomes.append(outcome(await sender.post(parcel_to(url))))
            await asyncio.sleep(0.01)  # for the news that it was closed
        assert outcomes == [(200, None)] * 5


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
async def test_a_certificate_is_the_names_and_not_the_addresss(
    senders: Callable[..., AiohttpSender], tmp_path: Path
) -> None:
    server, client = certified(tmp_path, "shop.example")
    names = Names({"shop.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    async with receiving(server) as inbox:
        sender = senders(trust=client, resolve=names)
        assert outcome(await sender.post(parcel_to(named(inbox.url, "shop.example")))) == (200, None)
        assert outcome(await sender.post(parcel_to(named(inbox.url, "other.example")))) == (
            None,
            TryFault.TLS,
        )
        stranger = senders(resolve=names)
        assert outcome(await stranger.post(parcel_to(named(inbox.url, "shop.example")))) == (
            None,
            TryFault.TLS,
        )
        assert len(inbox.posts) == 1


async def test_whoever_forwards_may_send_anywhere(
    senders: Callable[..., AiohttpSender], inbox: Inbox
) -> None:
    assert outcome(await senders(anywhere=True).post(parcel_to(inbox.url, loopback=False))) == (200, None)
