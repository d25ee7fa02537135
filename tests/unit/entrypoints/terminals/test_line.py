"""Lines that misbehave: each gets the right answer or is closed, and leaves no trace in the books."""

import asyncio
import json
import logging
import socket
from typing import Any

import pytest

from fintech.entrypoints.logs import JsonFormatter
from fintech.entrypoints.terminal_gateway import LoopbackOnly, terminal_gateway
from fintech.entrypoints.terminals.settings import TerminalSettings
from fintech.iso8583.elements import Message
from fintech.iso8583.framing import framed
from tests.unit.application.terminals.till import VISA, open_till
from tests.unit.entrypoints.terminals.driving import (
    CODEC,
    PATIENCE_S,
    Counter,
    Hand,
    code,
    counter,
    financial,
    network,
    open_counter,
    reversal,
)

PURCHASE = CODEC.encode(financial()).unwrap()


# -- what is no message


@pytest.mark.parametrize("cut", [2, 9, 10, 11, 20, len(PURCHASE) - 1])
async def test_a_message_that_is_cut_short_is_told_so_and_the_line_goes_on(
    at_counter: Counter, hand: Hand, cut: int
) -> None:
    await hand.send(framed(PURCHASE[:cut]))
    reply = await hand.hear()
    assert reply is not None
    assert (reply.mti, code(reply)) == ("0210", "30")
    assert await at_counter.left_no_trace()
    assert code(await hand.ask(network("301"))) == "00"


@pytest.mark.parametrize(
    "payload",
    [
        PURCHASE + b"\0",
        PURCHASE[:2] + b"\xff" + PURCHASE[3:],
        PURCHASE[:2] + b"\x80" + PURCHASE[3:],
        PURCHASE[:10] + b"\x99" + PURCHASE[11:],
        PURCHASE[:10] + b"\xaa" + PURCHASE[11:],
    ],
    ids=["longer", "bitmap", "second bitmap", "length", "length that is none"],
)
async def test_a_message_that_is_wrong_is_told_so_and_the_line_goes_on(
    at_counter: Counter, hand: Hand, payload: bytes
) -> None:
    await hand.send(framed(payload))
    assert code(await hand.hear()) == "30"
    assert await at_counter.left_no_trace()
    assert code(await hand.ask(network("301"))) == "00"


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0",
        b"\xff\xff",
        framed(b"\x02"),
        framed(b"\xff" * 20),
        framed(b"GET / HTTP/1.1"),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    ],
    ids=["nothing", "too long", "no type", "garbage", "framed HTTP", "HTTP", "TLS"],
)
async def test_what_cannot_be_told_apart_closes_the_line(
    at_counter: Counter, hand: Hand, data: bytes
) -> None:
    await hand.send(data)
    assert await hand.hear() is None
    assert await at_counter.left_no_trace()
    assert at_counter.gateway.meter.broken == 1


async def test_what_was_asked_before_the_garbage_is_answered_first(at_counter: Counter, hand: Hand) -> None:
    await hand.send(framed(PURCHASE) + b"\0\0")
    assert code(await hand.hear()) == "00"
    assert await hand.hear() is None


async def test_a_reply_to_nothing_is_not_answered(hand: Hand) -> None:
    await hand.send(financial("0210", e39="00"))
    assert code(await hand.ask(network("301"))) == "00"


# -- how it arrives


async def test_a_byte_at_a_time_is_a_message_in_the_end(hand: Hand) -> None:
    for byte in framed(PURCHASE):
        await hand.send(bytes([byte]))
        await asyncio.sleep(0)
    assert code(await hand.hear()) == "00"


async def test_many_at_once_are_answered_each(at_counter: Counter, hand: Hand) -> None:
    stans = range(1, 41)
    await hand.send(b"".join(framed(CODEC.encode(financial(stan=stan)).unwrap()) for stan in stans))
    replies = [await hand.hear() for _ in stans]
    assert {code(reply) for reply in replies} == {"00"}
    assert {int(reply.text(11) or 0) for reply in replies if reply} == set(stans)
    assert len(await at_counter.till.shop.payments()) == 40


async def test_an_end_that_says_no_more_but_listens_hears_its_answer(hand: Hand) -> None:
    await hand.send(framed(PURCHASE))
    hand.writer.write_eof()
    assert code(await hand.hear()) == "00"
    assert await hand.hear() is None


async def test_an_end_that_goes_away_has_bought_all_the_same(at_counter: Counter) -> None:
    """It will reverse what it has not heard of; nothing is left in between."""
    async with at_counter.line() as hand:
        await hand.send(framed(PURCHASE))
        while not await at_counter.till.shop.payments():
            await asyncio.sleep(0)
    while at_counter.gateway.flying():
        await asyncio.sleep(0)
    (payment,) = await at_counter.till.shop.payments()
    assert payment.captured_minor == 10_000


async def test_a_frame_that_is_not_complete_in_time_closes_the_line() -> None:
    async with open_counter(frame_timeout_s=0.05) as at_counter, at_counter.line() as hand:
        await hand.send(framed(PURCHASE)[:-1])
        assert await hand.hear() is None
        assert await at_counter.left_no_trace()
        assert at_counter.gateway.meter.timed_out == 1


async def test_a_frame_that_trickles_has_no_more_time_than_any() -> None:
    async with open_counter(frame_timeout_s=0.1) as at_counter, at_counter.line() as hand:
        closed = asyncio.ensure_future(hand.hear())
        for byte in framed(PURCHASE)[:-1] * 100:
            if closed.done():
                break
            hand.writer.write(bytes([byte]))
            await asyncio.sleep(0.005)
        assert await closed is None
        assert await at_counter.left_no_trace()


async def test_a_line_that_says_nothing_is_closed() -> None:
    async with open_counter(idle_timeout_s=0.05) as at_counter, at_counter.line(signed_on=False) as hand:
        assert await hand.hear() is None
        assert at_counter.gateway.meter.timed_out == 1


async def test_a_line_that_does_not_listen_is_not_read_any_more() -> None:
    async with open_counter(frame_timeout_s=0.2) as at_counter:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(listener, (at_counter.gateway.host, at_counter.gateway.port))
        echo = framed(CODEC.encode(network("301")).unwrap()) * 1000

        async def flood() -> None:
            while True:
                await loop.sock_sendall(listener, echo)

        with listener, pytest.raises(ConnectionError):
            await asyncio.wait_for(flood(), PATIENCE_S)
        assert at_counter.gateway.meter.timed_out == 1


# -- limits


async def test_too_many_lines_are_turned_away() -> None:
    async with open_counter(connections_max=1) as at_counter, at_counter.line() as hand:
        async with at_counter.line(signed_on=False) as other:
            assert await other.hear() is None
        assert code(await hand.ask(financial())) == "00"
        assert at_counter.gateway.meter.turned_away == 1
        assert at_counter.gateway.meter.connections == 1


async def test_beyond_the_limit_a_purchase_is_refused_and_a_fact_comes_again() -> None:
    async with open_counter(in_flight_max=1) as at_counter, at_counter.line() as hand:

        async def meanwhile() -> None:
            await hand.send(financial(stan=2))
            await hand.send(reversal(3))
            while at_counter.gateway.meter.shed < 2:
                await asyncio.sleep(0)

        at_counter.till.shop.acquirer.meanwhile = meanwhile
        await hand.send(financial())
        assert [code(await hand.hear()) for _ in range(2)] == ["91", "00"]
        assert len(await at_counter.till.shop.payments()) == 1
        assert code(await hand.ask(reversal(3))) == "00"


async def test_a_line_has_so_many_under_way_and_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_counter(line_in_flight_max=2) as at_counter, at_counter.line() as hand:
        most = 0
        take = at_counter.till.shop.acquirer.authorise

        async def counting(*question: Any) -> Any:
            nonlocal most
            most = max(most, at_counter.gateway.flying())
            await asyncio.sleep(0)
            return await take(*question)

        monkeypatch.setattr(at_counter.till.shop.acquirer, "authorise", counting)
        for stan in range(1, 9):
            await hand.send(financial(stan=stan))
        assert {code(await hand.hear()) for _ in range(8)} == {"00"}
        assert most == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_only_this_machine_is_listened_to(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        async with open_till() as till:
            with pytest.raises(LoopbackOnly, match="they have no TLS yet"):
                async with terminal_gateway(till.core, listener, TerminalSettings()):
                    pass


# -- draining


async def test_a_gateway_that_stops_answers_what_it_has_and_closes() -> None:
    async with open_till() as till, counter(till) as at_counter, at_counter.line() as hand:
        draining: list[asyncio.Task[None]] = []

        async def meanwhile() -> None:
            draining.append(asyncio.create_task(at_counter.gateway.drain(10)))
            await asyncio.sleep(0.01)

        till.shop.acquirer.meanwhile = meanwhile
        assert code(await hand.ask(financial())) == "00"
        assert await hand.hear() is None
        await draining[0]
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(at_counter.gateway.host, at_counter.gateway.port)


async def test_when_the_time_is_over_what_is_left_is_cut_off() -> None:
    async with open_till() as till:
        async with counter(till) as at_counter, at_counter.line() as hand:
            stuck = asyncio.Event()

            async def meanwhile() -> None:
                stuck.set()
                await asyncio.sleep(60)

            till.shop.acquirer.meanwhile = meanwhile
            await hand.send(financial())
            await stuck.wait()
            await at_counter.gateway.drain(0.01)
        assert at_counter.gateway.flying() == 0


# -- what is told about it


async def test_figures_count_messages_by_type_and_answer(at_counter: Counter, hand: Hand) -> None:
    await hand.ask(financial())
    await hand.ask(financial(stan=2, e2="4000000000009995"))
    await hand.ask(Message("0520", {7: "1123010000", 11: "000001"}))
    assert at_counter.gateway.meter.messages == {
        ("0800", "00"): 1,
        ("0200", "00"): 1,
        ("0200", "51"): 1,
        ("other", "12"): 1,
    }
    names = {metric.name for metric in at_counter.gateway.meter.collect()}
    assert {"fintech_terminal_messages", "fintech_terminal_connections"} <= names


async def test_each_message_is_one_line_of_the_log_without_the_card(
    at_counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "fintech.entrypoints.terminals")
    track = f"{VISA}D34122010000000000000"
    async with at_counter.line() as hand:
        await hand.ask(financial(e35=track, e52=bytes(8)))
        await hand.send(framed(PURCHASE[:-1]))
        await hand.hear()
        await hand.ask(financial(stan=3, e41=VISA[:8]))
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    told = [
        (line["type"], line["code"], line["why"]) for line in lines if line["message"] == "terminal message"
    ]
    assert told == [
        ("0800", "00", "sign-on"),
        ("0200", "00", "purchase succeeded"),
        ("0200", "30", "element 49: it is cut short"),
        ("0200", "58", "the terminal has not signed on"),
    ]
    assert VISA[:8] not in caplog.text + json.dumps(lines)


async def test_breakage_is_logged_without_its_words(
    at_counter: Counter, hand: Hand, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> object:
        raise RuntimeError(VISA)

    monkeypatch.setattr(at_counter.till.core.store(), "commit", broken)
    await hand.send(financial())
    await hand.ask(network("301"))
    while at_counter.gateway.flying():
        await asyncio.sleep(0)
    assert VISA not in caplog.text
    assert "unexpected" in caplog.text
