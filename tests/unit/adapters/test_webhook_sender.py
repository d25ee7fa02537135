"""What the sender does with receivers that lie, dawdle, swell, or are not where they say."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from fintech.adapters.webhooks import connection as module
from fintech.adapters.webhooks import sender as sender_module
from fintech.adapters.webhooks.sender import HttpSender
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

    def __call__(self, host: str, port: int | None, **_: Any) -> list[Any]:
        self.asked.append(host)
        told = self.then if self.then and self.asked.count(host) > 1 else self.answers
        if host not in told:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        families = [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in told[host]]
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in families]


@pytest.fixture
async def senders() -> AsyncIterator[Callable[..., HttpSender]]:
    made: list[HttpSender] = []

    def make(**options: Any) -> HttpSender:
        made.append(HttpSender(**options))
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
    senders: Callable[..., HttpSender], inbox: Inbox
) -> None:
    names = Names({"shop.example": ["127.0.0.1"]}, then={"shop.example": ["10.0.0.1"]})
    sender = senders(resolve=names)
    for _ in range(3):
        assert outcome(await sender.post(parcel_to(named(inbox.url, "shop.example")))) == (200, None)
    assert names.asked == ["shop.example"]
    assert {headers["Host"].partition(":")[0] for _, headers in inbox.posts} == {"shop.example"}
    assert len(inbox.connections) == 1


async def test_a_name_that_changes_its_mind_is_looked_at_anew(
    senders: Callable[..., HttpSender], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
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
    sender._reaching[False]._beliefs.clear()
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
    senders: Callable[..., HttpSender], inbox: Inbox, addresses: list[str]
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
    senders: Callable[..., HttpSender], inbox: Inbox, host: str
) -> None:
    sent = await senders().post(parcel_to(named(inbox.url, host), loopback=False))
    assert sent.status is None
    assert sent.fault in (TryFault.FORBIDDEN_ADDRESS, TryFault.UNRESOLVED, TryFault.PROTOCOL)
    assert not inbox.posts


async def test_what_may_be_reached_in_test_mode_is_no_connection_of_live_mode(
    senders: Callable[..., HttpSender], inbox: Inbox
) -> None:
    sender = senders(resolve=Names({"shop.example": ["127.0.0.1"]}))
    url = named(inbox.url, "shop.example")
    assert outcome(await sender.post(parcel_to(url, loopback=True))) == (200, None)
    assert outcome(await sender.post(parcel_to(url, loopback=False))) == (None, TryFault.FORBIDDEN_ADDRESS)
    assert len(inbox.posts) == 1


async def test_a_port_of_the_system_is_not_connected_to(senders: Callable[..., HttpSender]) -> None:
    for port in (22, 25, 53, 1023):
        sent = await senders().post(parcel_to(f"http://127.0.0.1:{port}/"))
        assert outcome(sent) == (None, TryFault.FORBIDDEN_ADDRESS)


async def test_proxies_of_the_environment_are_not_asked(
    senders: Callable[..., HttpSender], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert outcome(await senders().post(parcel_to(inbox.url))) == (200, None)
        assert not proxy.posts


async def test_a_name_that_nobody_knows(senders: Callable[..., HttpSender]) -> None:
    sent = await senders(resolve=Names({})).post(parcel_to("https://shop.example/"))
    assert outcome(sent) == (None, TryFault.UNRESOLVED)


async def test_a_redirect_is_not_followed(senders: Callable[..., HttpSender], inbox: Inbox) -> None:
    async with receiving() as other:

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_of(reader)
            writer.write(f"HTTP/1.1 307 Go\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

        async with rude(redirect) as url:
            assert outcome(await senders().post(parcel_to(url))) == (307, None)
        assert not other.posts


async def test_whoever_hangs_is_given_up(senders: Callable[..., HttpSender]) -> None:
    async with rude(hangs) as url:
        sent = await senders(timeout_s=0.2).post(parcel_to(url))
    assert outcome(sent) == (None, TryFault.TIMEOUT)
    assert sent.duration_ms >= 200


async def test_whoever_dawdles_is_given_up(senders: Callable[..., HttpSender]) -> None:
    async def dawdles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    async with rude(dawdles) as url:
        assert outcome(await senders(timeout_s=0.3).post(parcel_to(url))) == (None, TryFault.TIMEOUT)


async def test_a_body_of_ten_megabytes_is_not_read(senders: Callable[..., HttpSender]) -> None:
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
    senders: Callable[..., HttpSender], monkeypatch: pytest.MonkeyPatch
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
    senders: Callable[..., HttpSender], said: bytes
) -> None:
    async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(said)
        await writer.drain()

    async with rude(closes) as url:
        assert outcome(await senders().post(parcel_to(url))) == (None, TryFault.CONNECTION)


async def test_whoever_closes_in_the_middle_of_the_body_has_said_that_it_has_it(
    senders: Callable[..., HttpSender],
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
async def test_what_is_not_http_is_no_answer(senders: Callable[..., HttpSender], said: bytes) -> None:
    async def speaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(said)
        await writer.drain()
        await reader.read()

    async with rude(speaks) as url:
        assert outcome(await senders(timeout_s=2).post(parcel_to(url))) == (None, TryFault.PROTOCOL)


async def test_a_connection_that_was_closed_meanwhile_costs_one_try_at_most(
    senders: Callable[..., HttpSender],
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
    senders: Callable[..., HttpSender], tmp_path: Path
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


async def test_whoever_forwards_may_send_anywhere(senders: Callable[..., HttpSender], inbox: Inbox) -> None:
    assert outcome(await senders(anywhere=True).post(parcel_to(inbox.url, loopback=False))) == (200, None)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_it_is_the_same_on_the_loop_that_services_run_on(tmp_path: Path) -> None:
    async def post() -> list[tuple[int | None, TryFault | None]]:
        server, client = certified(tmp_path, "shop.example")
        names = Names({"shop.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
        sender = HttpSender(trust=client, resolve=names, timeout_s=10)
        hasty = HttpSender(trust=client, resolve=names, timeout_s=0.3)
        async with receiving(server) as secure, receiving() as plain, rude(hangs) as silent:
            urls = [named(secure.url, "shop.example")] * 3 + [plain.url] * 3
            urls += [named(secure.url, "other.example"), plain.nowhere]
            outcomes = [outcome(await sender.post(parcel_to(url))) for url in urls]
            assert len(secure.connections) == len(plain.connections) == 1
            silence = (silent, silent.replace("http", "https"))
            outcomes += [outcome(await hasty.post(parcel_to(url))) for url in silence]
            await sender.close()
            await hasty.close()
        return outcomes

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(post())
    faults = [TryFault.TLS, TryFault.CONNECTION, TryFault.TIMEOUT, TryFault.TIMEOUT]
    assert outcomes == [(200, None)] * 6 + [(None, fault) for fault in faults]


ANSWERS = {
    b"HTTP/1.1 204 No Content\r\n\r\n": True,
    b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n": True,
    b"HTTP/1.1 200\r\nContent-Length:2\r\n\r\nok": True,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\n\r\n": True,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok": True,
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok": False,
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok": False,
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end": False,
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n": False,
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok": False,
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": False,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n": False,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n": False,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n": False,
}


@pytest.mark.parametrize("byte_by_byte", [False, True])
@pytest.mark.parametrize(("said", "again"), ANSWERS.items())
async def test_a_connection_is_used_again_only_after_an_answer_whose_end_is_beyond_doubt(
    senders: Callable[..., HttpSender], said: bytes, again: bool, byte_by_byte: bool
) -> None:
    connections = 0

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await request_of(reader)
            for piece in [said[n : n + 1] for n in range(len(said))] if byte_by_byte else [said]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    async with rude(answers) as url:
        sender = senders()
        for _ in range(3):
            assert outcome(await sender.post(parcel_to(url))) == ((204 if b"204" in said else 200), None)
            await asyncio.sleep(0.02)  # for the rest of the answer
    assert (connections == 1) is again


async def test_an_idle_connection_is_closed_after_a_while(
    senders: Callable[..., HttpSender], inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_module, "KEEP_ALIVE_S", 0.03)
    sender = senders()
    for _ in range(3):
        assert outcome(await sender.post(parcel_to(inbox.url))) == (200, None)
        async with asyncio.timeout(5):
            while sender._open:
                await asyncio.sleep(0.005)
    assert len(inbox.connections) == 3
    assert not sender._idle


async def test_an_idle_connection_that_says_something_is_closed(senders: Callable[..., HttpSender]) -> None:
    async def chatters(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        )  # to a question that nobody has asked yet
        await reader.read()

    async with rude(chatters) as url:
        sender = senders()
        assert outcome(await sender.post(parcel_to(url))) == (200, None)
        async with asyncio.timeout(5):
            while sender._open:
                await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3000/a b", "http://127.0.0.1:3000/\r\nX: y", "ftp://127.0.0.1/", "http:///x"]
)
async def test_what_cannot_be_asked_for_as_it_is_is_not_asked_for(
    senders: Callable[..., HttpSender], url: str
) -> None:
    assert outcome(await senders().post(parcel_to(url))) == (None, TryFault.PROTOCOL)
