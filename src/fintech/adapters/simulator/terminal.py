"""A terminal, as a shop has it: it sells, gives back, sells off line, and gives up what it hears nothing of.

It keeps what a terminal has to keep: what was not answered in time is reversed until that is acknowledged, and a reply
that comes after that is not believed. It does one thing at a time.
"""

import asyncio
from types import TracebackType
from typing import Final, Self

from attrs import frozen

from fintech.iso8583.as2805 import AS2805
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Message, Value
from fintech.iso8583.response_codes import ResponseCode
from fintech.iso8583.session import ECHO, SIGN_OFF, SIGN_ON, Answered, Ended, Session
from fintech.ports.clock import Clock

REPLY_TIMEOUT_S: Final = 30.0
#: Pauses before an advice or a reversal is sent again; the last one repeats.
RETRY_DELAYS_S: Final = (0.0, 0.5, 2.0, 10.0)
#: How often it is sent again before somebody has to press a button.
TRIES_MAX: Final = 20
CHUNK: Final = 4096
STAN_MAX: Final = 999_999
AUD: Final = "036"
#: The chip was read, and a PIN can be entered (data element 22).
CHIP: Final = "051"

_CODEC: Final = Codec(AS2805)


@frozen(kw_only=True)
class Receipt:
    """What the terminal holds to be true of a transaction. ``code`` is None where nobody has answered: it counts as not
    done, and was given up if it had been asked for, under the trace number ``stan``. ``reference`` is the host's."""

    amount_minor: int
    code: str | None
    stan: str | None = None
    reference: str | None = None
    auth_code: str | None = None

    @property
    def approved(self) -> bool:
        """Whether the goods may be handed over."""
        return self.code == ResponseCode.APPROVED


class SimulatedTerminal:
    """``unsent`` are advices and reversals that have not been acknowledged yet; `settle` sends them again."""

    def __init__(
        self,
        host: str,
        port: int,
        number: str,
        clock: Clock,
        *,
        reply_timeout_s: float = REPLY_TIMEOUT_S,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
        first_stan: int = 1,
    ) -> None:
        self.number = number
        self.unsent: list[Message] = []
        self.address = (host, port)
        self._clock = clock
        self._reply_timeout_s = reply_timeout_s
        self._retry_delays_s = retry_delays_s
        self._stan = first_stan - 1
        self._session = Session(_CODEC)
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._signed_on = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """Let the line go; the next message opens another."""
        if self._line is not None:
            self._line[1].transport.abort()
        self._line, self._signed_on, self._session = None, False, Session(_CODEC)

    async def sign_on(self) -> str | None:
        """The response code of a sign-on."""
        return await self._network(SIGN_ON)

    async def sign_off(self) -> str | None:
        """The response code of a sign-off."""
        return await self._network(SIGN_OFF)

    async def echo(self) -> str | None:
        """The response code of an echo."""
        return await self._network(ECHO)

    async def purchase(
        self, amount_minor: int, card: str, expiry: str = "3012", *, repeats: int = 0
    ) -> Receipt:
        """Sell something to a card (its number, and YYMM). What is not answered, not even after ``repeats``, is given
        up: `settle` was called before this returns, as far as it goes."""
        return await self._sell("0200", {3: "000000", **_card(card, expiry)}, amount_minor, repeats)

    async def refund(self, reference: str, amount_minor: int, *, repeats: int = 0) -> Receipt:
        """Give something back of the purchase that has a reference."""
        return await self._sell("0200", {3: "200000", 37: reference}, amount_minor, repeats)

    async def advise(self, amount_minor: int, card: str, expiry: str = "3012") -> Receipt:
        """Sell something off line, and tell it when there is a line. It is approved here and now."""
        advice = self._message("0220", {3: "000000", **_card(card, expiry)}, amount_minor)
        self.unsent.append(advice)
        await self.settle()
        return Receipt(amount_minor=amount_minor, code=ResponseCode.APPROVED.value, stan=_stan(advice))

    async def reverse(self, question: Message) -> None:
        """Give up what a message asked for, until that is acknowledged."""
        original = f"{question.mti[:3]}0{question.elements[11]!s}{question.elements[7]!s}{'0' * 22}"
        said = {number: question.elements[number] for number in (3, 4, 22, 49)}
        self.unsent.append(Message("0420", {**self._header(), **said, 90: original}))
        await self.settle()

    async def settle(self) -> bool:
        """Send what was not acknowledged, again and again; whether all of it is now."""
        for tries in range(TRIES_MAX):
            while self.unsent:
                message = self.unsent[0]
                if await self._exchange(message) is None:
                    self.unsent[0] = Message(f"{message.mti[:3]}1", message.elements)
                    break
                self.unsent.pop(0)
            if not self.unsent:
                return True
            await asyncio.sleep(self._retry_delays_s[min(tries, len(self._retry_delays_s) - 1)])
        return False

    async def _sell(self, mti: str, elements: dict[int, Value], amount_minor: int, repeats: int) -> Receipt:
        await self.settle()
        if not self._signed_on and await self.sign_on() != ResponseCode.APPROVED:
            return Receipt(amount_minor=amount_minor, code=None)
        question = self._message(mti, elements, amount_minor)
        reply = await self._exchange(question)
        for _ in range(repeats):
            if reply is not None:
                break
            if await self.sign_on() != ResponseCode.APPROVED:
                continue
            reply = await self._exchange(Message(f"{mti[:3]}1", question.elements))
        if reply is None:
            await self.reverse(question)
            return Receipt(amount_minor=amount_minor, code=None, stan=_stan(question))
        return Receipt(
            reference=reply.text(37),
            amount_minor=amount_minor,
            code=reply.text(39),
            stan=_stan(question),
            auth_code=reply.text(38),
        )

    async def _network(self, code: str) -> str | None:
        reply = await self._exchange(Message("0800", {**self._header(), 70: code}))
        answered = reply.text(39) if reply is not None else None
        if code != ECHO and answered == ResponseCode.APPROVED:
            self._signed_on = code == SIGN_ON
        return answered

    def _message(self, mti: str, elements: dict[int, Value], amount_minor: int) -> Message:
        said = {4: f"{amount_minor:012d}", 22: CHIP, 49: AUD, **elements}
        return Message(mti, {**self._header(), **said})

    def _header(self) -> dict[int, Value]:
        self._stan = self._stan % STAN_MAX + 1
        return {7: f"{self._clock.now():%m%d%H%M%S}", 11: f"{self._stan:06d}", 41: self.number}

    async def _exchange(self, question: Message) -> Message | None:
        """The reply, or None when none came in time, whatever is wrong."""
        try:
            async with asyncio.timeout(self._reply_timeout_s):
                reply = await self._asked(question)
        except TimeoutError:
            self._session.give_up(question)  # the line stays: what comes now is late, and matches nothing
            return None
        except OSError:
            reply = None
        if reply is None:
            self.hang_up()
        return reply

    async def _asked(self, question: Message) -> Message | None:
        if self._line is None:
            self._line = await asyncio.open_connection(*self.address)
        reader, writer = self._line
        writer.write(self._session.ask(question))
        await writer.drain()
        while data := await reader.read(CHUNK):
            for event in self._session.receive(data):
                if isinstance(event, Answered) and event.question is question:
                    return event.reply
                if isinstance(event, Ended):
                    return None
        return None


def _card(number: str, expiry: str) -> dict[int, Value]:
    return {2: number, 14: expiry}


def _stan(message: Message) -> str | None:
    return message.text(11)
