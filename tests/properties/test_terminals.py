"""Whatever happens to a terminal's line and to the acquirer's, what the terminal holds to be true is true."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import count
from typing import Final

from attrs import define, field, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fintech.adapters.simulator.card_acquirer import Fault
from fintech.adapters.simulator.terminal import Receipt, SimulatedTerminal
from fintech.domain.payments.at_terminal import reversed_at_terminal
from fintech.domain.payments.payment import Payment
from fintech.domain.refunds.refund import RefundReason, RefundStatus
from fintech.ports.queries import Page
from tests.unit.application.terminals.till import (
    ANSWER_LOST,
    NO_FUNDS,
    NUMBER,
    QUESTION_LOST,
    VISA,
    Till,
    open_till,
)
from tests.unit.entrypoints.terminals.driving import PATIENCE_S, counter

CARDS: Final = (VISA, VISA, VISA, NO_FUNDS, ANSWER_LOST, QUESTION_LOST)
FAULTS: Final = (Fault.QUESTION_LOST, Fault.ANSWER_LOST, Fault.ANSWER_LATE, Fault.QUESTION_DOUBLED)


@frozen
class Cut:
    """A connection passes so many bytes of one direction, and is gone."""

    upwards: bool
    after_bytes: int


@frozen
class Step:
    """Something that the terminal does, what becomes of the next connections, and of the acquirer's next answers."""

    deed: str
    card: str
    amount_minor: int
    repeats: int
    cuts: tuple[Cut, ...]
    faults: tuple[Fault | None, ...]


#: A sign-on and its reply are 30 bytes or so each, a purchase and its reply some 60.
CUTS = st.builds(Cut, st.booleans(), st.integers(0, 150))
STEPS = st.builds(
    Step,
    deed=st.sampled_from(["buy", "buy", "buy", "advise", "refund"]),
    card=st.sampled_from(CARDS),
    amount_minor=st.integers(50, 5_000),
    repeats=st.integers(0, 2),
    cuts=st.lists(CUTS, max_size=3).map(tuple),
    faults=st.lists(st.none() | st.sampled_from(FAULTS), max_size=2).map(tuple),
)


@define
class TornLine:
    """Passes bytes on between a terminal and a gateway; each connection meets the next cut of the plan."""

    host: str
    port: int
    plan: deque[Cut] = field(factory=deque)
    _ends: set[asyncio.StreamWriter] = field(factory=set)
    _serving: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until an end leaves or it is cut."""
        self._serving += 1
        cut = self.plan.popleft() if self.plan else None
        upstream, downstream = await asyncio.open_connection(self.host, self.port)
        self._ends |= {writer, downstream}
        sides = {
            asyncio.ensure_future(
                _pass(reader, downstream, cut.after_bytes if cut and cut.upwards else None)
            ),
            asyncio.ensure_future(
                _pass(upstream, writer, cut.after_bytes if cut and not cut.upwards else None)
            ),
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

    async def close(self) -> None:
        """Let every connection go."""
        while self._serving:
            for end in self._ends:
                end.transport.abort()
            await asyncio.sleep(0)
        await asyncio.sleep(0)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None) -> None:
    passed = 0
    while data := await reader.read(4096):
        if most is not None and passed + len(data) > most:
            writer.write(data[: most - passed])
            await writer.drain()
            return
        passed += len(data)
        writer.write(data)
        await writer.drain()


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_what_a_terminal_holds_to_be_true_is_true(steps: list[Step]) -> None:
    asyncio.run(_told(steps))


async def _told(steps: Sequence[Step]) -> None:
    async with open_till() as till, counter(till) as at_counter:
        line = TornLine(at_counter.gateway.host, at_counter.gateway.port)
        server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        clock = till.shop.clock
        terminal = SimulatedTerminal(
            host, port, NUMBER, clock, reply_timeout_s=PATIENCE_S, retry_delays_s=(0.0,)
        )
        try:
            async with terminal:
                receipts = await _lived(till, terminal, line, steps)
                assert await terminal.settle()
        finally:
            server.close()
            await line.close()
            while at_counter.gateway.flying():
                await asyncio.sleep(0)
        till.shop.acquirer.script.clear()
        await till.shop.sweep_until_quiet()
        await _agree(till, receipts)
        await till.shop.assert_proofs_hold()


async def _lived(
    till: Till, terminal: SimulatedTerminal, line: TornLine, steps: Sequence[Step]
) -> list[tuple[Step, Receipt]]:
    receipts: list[tuple[Step, Receipt]] = []
    for number, step in zip(count(), steps, strict=False):
        line.plan.extend(step.cuts)
        till.shop.acquirer.script.extend(step.faults)
        if number % 2:
            terminal.hang_up()
        bought = [each.reference for done, each in receipts if done.deed == "buy" and each.approved]
        if step.deed == "buy":
            receipt = await terminal.purchase(step.amount_minor, step.card, repeats=step.repeats)
        elif step.deed == "advise":
            receipt = await terminal.advise(step.amount_minor, step.card)
        elif bought and bought[-1] is not None:
            receipt = await terminal.refund(bought[-1], 50, repeats=step.repeats)
        else:
            continue
        receipts.append((step, receipt))
    return receipts


async def _agree(till: Till, receipts: Sequence[tuple[Step, Receipt]]) -> None:
    payments = {
        payment.presented.stan: payment for payment in await till.shop.payments() if payment.presented
    }
    for step, receipt in receipts:
        payment = payments.get(receipt.stan or "")
        if step.deed == "buy":
            assert (payment is not None and _sold(payment)) is receipt.approved
        elif step.deed == "advise":
            assert payment is not None, "what was sold off line is on record"
            assert _sold(payment) or payment.attempts[0].decline or not payment.captured_minor
    refunds = [
        each for each in await till.shop.refunds() if each.reason is not RefundReason.TERMINAL_REVERSAL
    ]
    approved = sum(step.deed == "refund" and receipt.approved for step, receipt in receipts)
    given_up = await till.core.queries().events(
        till.shop.scope, Page(limit=100), ("refund.reversal_requested",)
    )
    succeeded = sum(refund.status is RefundStatus.SUCCEEDED for refund in refunds)
    assert approved <= succeeded <= approved + len(given_up.items), "people know of every other one"


def _sold(payment: Payment) -> bool:
    """Whether the books hold it to be sold; a refund of it later does not change that."""
    return payment.captured_minor > 0 and not reversed_at_terminal(payment)
