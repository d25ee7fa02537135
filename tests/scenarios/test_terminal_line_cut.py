"""The line between a terminal and us is cut at every byte of a purchase and of its reply: both sides agree in the end.

The terminal gives up what it does not hear of until that is acknowledged. Then what its receipt says and what the
payment says are the same: approved and captured, or neither, and never one without the other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from attrs import define, field

from fintech.adapters.simulator.terminal import Receipt, SimulatedTerminal
from fintech.domain.payments.at_terminal import reversed_at_terminal
from fintech.domain.payments.payment import Payment, PaymentStatus
from fintech.iso8583.framing import framed
from tests.unit.application.terminals.till import NO_FUNDS, NUMBER, VISA, Till, open_till
from tests.unit.entrypoints.terminals.driving import CODEC, PATIENCE_S, counter, financial

#: A purchase in its frame; the simulated terminal's is as long.
REQUEST_BYTES: Final = len(framed(CODEC.encode(financial()).unwrap()))
#: The longest reply to one.
REPLY_BYTES: Final = REQUEST_BYTES + 40
#: A sign-on and its reply come first on every line.
SIGN_ON: Final = 1


@define
class CutLine:
    """Passes bytes on between a terminal and a gateway, and cuts the line after so many bytes of one direction.

    ``messages`` are let through whole before the bytes are counted. After that one cut every line is sound.
    """

    host: str
    port: int
    upwards: bool
    after_bytes: int
    messages: int = SIGN_ON
    cut: bool = False
    _ends: set[asyncio.StreamWriter] = field(factory=set)
    _serving: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line, until an end leaves or it is cut."""
        self._serving += 1
        upstream, downstream = await asyncio.open_connection(self.host, self.port)
        self._ends |= {writer, downstream}
        sides = {
            asyncio.ensure_future(self._pass(reader, downstream, counted=self.upwards)),
            asyncio.ensure_future(self._pass(upstream, writer, counted=not self.upwards)),
        }
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in sides:
                side.cancel()
            for end in (writer, downstream):
                end.transport.abort()
            self._ends -= {writer, downstream}
            self._serving -= 1

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        """Message by message, so that it is known where in one the line is cut."""
        passed = 0
        while len(length := await reader.read(2)) == 2:
            data = length + await reader.readexactly(int.from_bytes(length))
            if counted and not self.cut and passed == self.messages:
                self.cut = True
                writer.write(data[: self.after_bytes])
                await writer.drain()
                return
            passed += 1
            writer.write(data)
            await writer.drain()

    async def close(self) -> None:
        """Let every line go."""
        while self._serving:
            for end in self._ends:
                end.transport.abort()
            await asyncio.sleep(0)
        await asyncio.sleep(0)


@asynccontextmanager
async def cut_line(till: Till, *, upwards: bool, after_bytes: int) -> AsyncIterator[SimulatedTerminal]:
    """A terminal on a line that will be cut."""
    async with counter(till) as at_counter:
        line = CutLine(at_counter.gateway.host, at_counter.gateway.port, upwards, after_bytes)
        server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        terminal = SimulatedTerminal(
            host, port, NUMBER, till.shop.clock, reply_timeout_s=PATIENCE_S, retry_delays_s=(0.0,)
        )
        try:
            async with terminal:
                yield terminal
            assert line.cut, "the line was never cut"
        finally:
            server.close()
            await line.close()
            while at_counter.gateway.flying():
                await asyncio.sleep(0)


def agree(receipt: Receipt, payments: tuple[Payment, ...]) -> bool:
    """Whether a receipt and the books say the same."""
    captured = [
        payment
        for payment in payments
        if payment.captured_minor > payment.refunded_minor and not reversed_at_terminal(payment)
    ]
    return len(captured) == receipt.approved


async def sell(*, upwards: bool, after_bytes: int, card: str = VISA, repeats: int = 0) -> Receipt:
    """Sell something on a line that is cut, and see that both sides agree."""
    async with open_till() as till:
        async with cut_line(till, upwards=upwards, after_bytes=after_bytes) as terminal:
            receipt = await terminal.purchase(10_000, card, repeats=repeats)
            assert not terminal.unsent
        assert agree(receipt, await till.shop.payments())
        await till.shop.sweep_until_quiet()
        payments = await till.shop.payments()
        assert agree(receipt, payments)
        assert all(payment.status is not PaymentStatus.PROCESSING for payment in payments)
        await till.shop.assert_proofs_hold()
        return receipt


@pytest.mark.parametrize("after_bytes", range(REQUEST_BYTES + 1))
async def test_cut_at_every_byte_of_a_purchase(after_bytes: int) -> None:
    receipt = await sell(upwards=True, after_bytes=after_bytes)
    assert not receipt.approved


@pytest.mark.parametrize("after_bytes", range(REPLY_BYTES + 1))
async def test_cut_at_every_byte_of_its_reply(after_bytes: int) -> None:
    await sell(upwards=False, after_bytes=after_bytes)


@pytest.mark.parametrize("after_bytes", range(0, REPLY_BYTES + 1, 7))
@pytest.mark.parametrize("upwards", [True, False])
async def test_a_terminal_that_asks_again_first_gets_its_answer(upwards: bool, after_bytes: int) -> None:
    receipt = await sell(upwards=upwards, after_bytes=after_bytes, repeats=1)
    assert receipt.approved


@pytest.mark.parametrize("after_bytes", [0, 1, REQUEST_BYTES // 2, REPLY_BYTES])
@pytest.mark.parametrize("upwards", [True, False])
async def test_a_decline_stays_one_wherever_the_line_is_cut(upwards: bool, after_bytes: int) -> None:
    receipt = await sell(upwards=upwards, after_bytes=after_bytes, card=NO_FUNDS)
    assert not receipt.approved


@pytest.mark.postgres
@pytest.mark.parametrize("after_bytes", [0, REQUEST_BYTES - 1, REQUEST_BYTES])
@pytest.mark.parametrize("upwards", [True, False])
async def test_on_postgres_too(upwards: bool, after_bytes: int, postgres_server: object) -> None:
    from tests.cores import on_postgres  # noqa: PLC0415 - the driver is for this one only

    async with open_till(on_postgres(postgres_server)) as till:  # type: ignore[arg-type] # the fixture's
        async with cut_line(till, upwards=upwards, after_bytes=after_bytes) as terminal:
            receipt = await terminal.purchase(10_000, VISA)
        await till.shop.sweep_until_quiet()
        assert agree(receipt, await till.shop.payments())
        await till.shop.assert_proofs_hold()


async def test_an_advice_and_a_reversal_are_sent_until_they_are_acknowledged() -> None:
    async with open_till() as till:
        async with cut_line(till, upwards=False, after_bytes=0) as terminal:
            await terminal.sign_on()
            receipt = await terminal.advise(5_000, VISA)
            assert receipt.approved
            assert not terminal.unsent
        (payment,) = await till.shop.payments()
        assert payment.captured_minor == 5_000
