"""The simulated terminal keeps what a terminal has to keep."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fintech.adapters.simulator.terminal import STAN_MAX, SimulatedTerminal
from fintech.domain.payments.payment import PaymentStatus
from tests.unit.application.terminals.till import NO_FUNDS, NUMBER, QUESTION_LOST, VISA
from tests.unit.entrypoints.terminals.driving import Counter, open_counter


@pytest.fixture
async def at_counter() -> AsyncIterator[Counter]:
    async with open_counter() as opened:
        yield opened


async def test_a_day_at_the_till(at_counter: Counter) -> None:
    async with at_counter.terminal() as terminal:
        assert await terminal.sign_on() == "00"
        assert await terminal.echo() == "00"
        receipt = await terminal.purchase(2_000, VISA)
        assert receipt.approved
        assert receipt.reference is not None
        assert receipt.auth_code is not None
        assert (await terminal.refund(receipt.reference, 500)).approved
        assert (await terminal.purchase(2_000, NO_FUNDS)).code == "51"
        assert (await terminal.purchase(2_000, QUESTION_LOST)).code == "91"
        assert (await terminal.advise(1_000, VISA)).approved
        assert await terminal.sign_off() == "00"
    await at_counter.till.shop.sweep_until_quiet()
    await at_counter.till.shop.assert_proofs_hold()


async def test_it_signs_on_before_it_sells(at_counter: Counter) -> None:
    async with at_counter.terminal() as terminal:
        assert (await terminal.purchase(2_000, VISA)).approved
        terminal.hang_up()
        assert (await terminal.purchase(2_000, VISA)).approved


async def test_without_a_line_it_sells_nothing_and_gives_nothing_up() -> None:
    async with open_counter() as at_counter:
        terminal = at_counter.terminal()
    receipt = await terminal.purchase(2_000, VISA)
    assert (receipt.code, terminal.unsent) == (None, [])


async def test_a_reply_that_comes_late_is_not_believed(at_counter: Counter) -> None:
    """It has given the purchase up by then, on the same line."""

    async def slow() -> None:
        await asyncio.sleep(0.3)

    async with at_counter.terminal(reply_timeout_s=0.1, retry_delays_s=(0.05,)) as terminal:
        await terminal.sign_on()
        at_counter.till.shop.acquirer.meanwhile = slow
        receipt = await terminal.purchase(2_000, VISA)
        assert not receipt.approved
        assert await terminal.settle()
    (payment,) = await at_counter.till.shop.payments()
    assert payment.status is PaymentStatus.CANCELED


async def test_what_is_not_acknowledged_is_kept_and_sent_when_there_is_a_line() -> None:
    async with open_counter() as at_counter:
        host, port = at_counter.gateway.host, at_counter.gateway.port
    clock = at_counter.till.shop.clock
    terminal = SimulatedTerminal(host, port, NUMBER, clock, retry_delays_s=(0.0,))
    await terminal.advise(1_000, VISA)
    assert [message.mti for message in terminal.unsent] == ["0221"]
    async with open_counter() as again, again.terminal() as other:
        terminal.address = other.address
        assert await terminal.settle()
        terminal.hang_up()
        (payment,) = await again.till.shop.payments()
        assert payment.captured_minor == 1_000


async def test_trace_numbers_begin_again(at_counter: Counter) -> None:
    async with at_counter.terminal(first_stan=STAN_MAX - 1) as terminal:
        stans = [(await terminal.purchase(100, VISA)).stan for _ in range(3)]
    assert stans == ["999999", "000001", "000002"]
