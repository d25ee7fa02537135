"""One connection's conversation, without the connection: bytes in, events and replies out.

It answers what is nobody else's business: echoes, sign-offs, messages that are malformed, that nobody serves, or that
come before the sign-on they need. What it asks itself it matches to its reply by what both say (the class of the
message type, the terminal, its trace number and the transmission time), never by the order on the line.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from attrs import define, evolve, field, frozen

from fintech.domain.outcome import Failure
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Malformed, Message, Value
from fintech.iso8583.framing import FRAME_MAX, Framer, framed
from fintech.iso8583.response_codes import ResponseCode

SIGN_ON: Final = "001"
SIGN_OFF: Final = "002"
ECHO: Final = "301"

#: What a reply repeats of its question.
ECHOED: Final = (3, 4, 7, 11, 12, 13, 24, 41, 42, 49, 70)
#: One connection may speak for a few terminals behind a concentrator, no more.
TERMINALS_MAX: Final = 64
#: How many own questions may be open at once.
OPEN_MAX: Final = 1_000

#: Requests that are served, and whether the terminal must have signed on. What may have happened already (a repeat, an
#: advice, a reversal) is heard in any case.
SERVED: Final = {
    "0200": True,
    "0201": False,
    "0220": False,
    "0221": False,
    "0420": False,
    "0421": False,
    "0800": False,
    "0801": False,
}

#: Function and origin of requests, their repeats, and advices; and of what answers them.
_REPLIES: Final = {"00": "10", "01": "10", "20": "30", "21": "30"}


@frozen
class Asked:
    """A request that somebody else has to answer, by `Session.answer`.

    ``signed_on``: whether its terminal has. A repeat may be answered all the same, but nothing may begin with it.
    """

    message: Message
    signed_on: bool = True


@frozen
class Answered:
    """The reply to a question of our own."""

    question: Message
    reply: Message


@frozen
class Settled:
    """A request that the session has dealt with: the ``reply`` to send, its response code, and why in words."""

    message: Message
    reply: bytes = field(repr=False)
    code: ResponseCode
    why: str


@frozen
class Unmatched:
    """A reply to nothing that we asked, or asked no more, and why that is thought."""

    message: Message
    why: str


@frozen
class Ended:
    """Nothing that comes now can be understood: close the connection."""

    why: str


Event: TypeAlias = Asked | Answered | Settled | Unmatched | Ended
Match: TypeAlias = tuple[str, Value | None, Value | None, Value | None]


def reply_mti(mti: str) -> str | None:
    """The type of the reply to a request, its repeat or an advice; None for what has none."""
    function = _REPLIES.get(mti[2:])
    return mti[:2] + function if function else None


def reply_to(asked: Message, code: ResponseCode, more: Mapping[int, Value] | None = None) -> Message:
    """A reply that repeats what has to be repeated, with a response code."""
    elements = {number: asked.elements[number] for number in ECHOED if number in asked.elements}
    elements[39] = code.value
    return Message(reply_mti(asked.mti) or asked.mti, {**elements, **(more or {})})


@define(eq=False)
class Session:
    """Both sides of a line use one: a host answers, a terminal asks."""

    codec: Codec
    frame_max: int = FRAME_MAX
    _framer: Framer = field(init=False)
    _signed_on: set[Value] = field(factory=set, init=False)
    _open: dict[Match, Message] = field(factory=dict, init=False)

    @_framer.default
    def _new_framer(self) -> Framer:
        return Framer(self.frame_max)

    @property
    def partial(self) -> bool:
        """Whether a frame has begun and has not ended yet."""
        return self._framer.partial

    def receive(self, data: bytes) -> list[Event]:
        """What the bytes bring about, in their order. After an `Ended` there is nothing more."""
        events = [self._heard(payload) for payload in self._framer.feed(data)]
        if self._framer.lost is not None:
            events.append(Ended(self._framer.lost))
        return events

    def answer(self, asked: Message, reply: Message) -> bytes:
        """The bytes of a reply. An approved sign-on lets the terminal's requests in."""
        signs_on = asked.mti[1] == "8" and asked.elements.get(70) == SIGN_ON
        if signs_on and reply.elements.get(39) == ResponseCode.APPROVED:
            if len(self._signed_on) >= TERMINALS_MAX:
                return self._written(
                    evolve(reply, elements={**reply.elements, 39: ResponseCode.NOT_PERMITTED_TO_TERMINAL})
                )
            self._signed_on.add(reply.elements[41])
        return self._written(reply)

    def ask(self, question: Message) -> bytes:
        """The bytes of a question of our own, whose reply will be told as `Answered`. Raises ``ValueError`` for one
        that cannot be written, and when too many are open."""
        if len(self._open) >= OPEN_MAX:
            message = f"there are {OPEN_MAX} questions without an answer"
            raise ValueError(message)
        written = self._written(question)
        self._open[_match(question)] = question
        return written

    def give_up(self, question: Message) -> None:
        """A reply that comes from now on is late: `Unmatched`."""
        self._open.pop(_match(question), None)

    def _heard(self, payload: bytes) -> Event:
        decoded = self.codec.decode(payload)
        if isinstance(decoded, Failure):
            return self._malformed(decoded.failure())
        message = decoded.unwrap()
        reply = reply_mti(message.mti)
        if reply is None:
            return self._matched(message)
        return self._requested(message)

    def _requested(self, message: Message) -> Event:
        needed, signed_on = SERVED.get(message.mti), message.elements.get(41) in self._signed_on
        if needed is None:
            return self._refused(message, ResponseCode.INVALID_TRANSACTION, "nobody serves this type")
        if needed and not signed_on:
            return self._refused(
                message, ResponseCode.NOT_PERMITTED_TO_TERMINAL, "the terminal has not signed on"
            )
        match message.elements.get(70):
            case str(code) if code == ECHO and message.mti[1] == "8":
                return self._refused(message, ResponseCode.APPROVED, "echo")
            case str(code) if code == SIGN_OFF and message.mti[1] == "8":
                self._signed_on.discard(message.elements.get(41, ""))
                return self._refused(message, ResponseCode.APPROVED, "sign-off")
            case _:
                return Asked(message, signed_on)

    def _matched(self, message: Message) -> Event:
        match = _match(message)
        question = self._open.pop(match, None)
        if question is not None:
            return Answered(question, message)
        missing = [number for number in (41, 11, 7) if number not in message.elements]
        why = f"it has no element {missing[0]}" if missing else "nothing like it was asked, or it is late"
        return Unmatched(message, why)

    def _malformed(self, malformed: Malformed) -> Event:
        header = malformed.header
        if header is None or reply_mti(header.mti) is None:
            return Ended(f"{_place(malformed)}: {malformed.problem}")
        return self._refused(header, ResponseCode.FORMAT_ERROR, f"{_place(malformed)}: {malformed.problem}")

    def _refused(self, message: Message, code: ResponseCode, why: str) -> Event:
        return Settled(message, self._written(reply_to(message, code)), code, why)

    def _written(self, message: Message) -> bytes:
        encoded = self.codec.encode(message)
        if isinstance(encoded, Failure):
            malformed = encoded.failure()
            message_ = f"element {malformed.element} cannot be written: {malformed.problem}"
            raise ValueError(message_)  # noqa: TRY004 - it is the value that is wrong
        return framed(encoded.unwrap())


def _match(message: Message) -> Match:
    elements = message.elements
    return message.mti[1], elements.get(41), elements.get(11), elements.get(7)


def _place(malformed: Malformed) -> str:
    named = {0: "message type", 1: "bitmap", None: "end"}
    return named.get(malformed.element, f"element {malformed.element}")
