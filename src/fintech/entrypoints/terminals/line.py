"""One terminal's connection: its bytes go into a session, and what the session cannot answer goes to the messages."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final, cast

from attrs import define, field

from fintech.domain.scope import Face
from fintech.entrypoints.http.request_log import where_of
from fintech.entrypoints.noting import Strangers
from fintech.entrypoints.terminals.messages import Handled
from fintech.entrypoints.terminals.metrics import TerminalMeter
from fintech.entrypoints.terminals.settings import TerminalSettings
from fintech.iso8583.codec import Codec
from fintech.iso8583.elements import Message
from fintech.iso8583.response_codes import ResponseCode
from fintech.iso8583.session import Asked, Ended, Session, Settled, Unmatched, reply_to
from fintech.ports.errors import PortError

#: How many bytes of replies may wait for a terminal that does not read them.
WRITE_BUFFER_MAX: Final = 32 * 1024
#: Why a terminal is not let in, for the audit trail: it asks for something that takes a sign-on on its connection.
NOT_SIGNED_ON: Final = "terminal_not_signed_on"

_log: Final = logging.getLogger(__name__)


@define(eq=False)
class Traffic:
    """What all connections of a gateway share."""

    settings: TerminalSettings
    codec: Codec
    handle: Callable[[Asked], Awaitable[Handled]]
    meter: TerminalMeter
    strangers: Strangers
    lines: "set[Line]" = field(factory=set, init=False)
    tasks: "set[asyncio.Task[None]]" = field(factory=set, init=False)
    draining: bool = field(default=False, init=False)

    def took_off(self, task: "asyncio.Task[None]") -> None:
        """One more message is under way, until its task is done."""
        self.tasks.add(task)
        self.meter.in_flight = len(self.tasks)
        task.add_done_callback(self._landed)

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        self.meter.in_flight = len(self.tasks)


class Line(asyncio.Protocol):
    """One connection. What it has begun is finished even if the other end is gone: a purchase has its outcome, heard
    or not."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._session = Session(traffic.codec, traffic.settings.frame_max_bytes)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._origin: str | None = None
        self._waiting: deque[Asked] = deque()
        self._flying = 0
        self._reading = True
        self._stuck = False
        self._leaving = False
        self._heard_at = self._loop.time()
        self._idle_timer: asyncio.TimerHandle | None = None
        self._slow_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        traffic = self._traffic
        made = cast(asyncio.Transport, transport)  # uvloop's is none, and does all the same what one does
        if len(traffic.lines) >= traffic.settings.connections_max or traffic.draining:
            traffic.meter.turned_away += 1
            made.abort()
            return
        self._transport = made
        self._origin = str((made.get_extra_info("peername") or ("",))[0]) or None
        made.set_write_buffer_limits(high=WRITE_BUFFER_MAX)
        traffic.lines.add(self)
        traffic.meter.connections = len(traffic.lines)
        self._idle_timer = self._loop.call_later(traffic.settings.idle_timeout_s, self._look_whether_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        for timer in (self._idle_timer, self._slow_timer):
            if timer is not None:
                timer.cancel()
        self._transport = None
        self._waiting.clear()
        self._traffic.lines.discard(self)
        self._traffic.meter.connections = len(self._traffic.lines)

    def data_received(self, data: bytes) -> None:
        if self._transport is None or self._leaving:
            return
        started = perf_counter()
        self._heard_at = self._loop.time()
        for event in self._session.receive(data):
            match event:
                case Asked():
                    self._waiting.append(event)
                case Settled(message, reply, code, why):
                    self._told(message, code, why, started)
                    self._write(reply)
                    if code == ResponseCode.NOT_PERMITTED_TO_TERMINAL:
                        self._shut_out(NOT_SIGNED_ON)
                case Unmatched(message, why):
                    self._told(message, None, why, started)
                case Ended(why):
                    self._broken(why)
                case _:
                    pass  # a gateway asks nothing, so nothing is answered
        self._start()
        self._time_frame()

    def eof_received(self) -> bool:
        """The other end says no more, but may listen yet: what it has asked is answered first."""
        self._leaving = True
        return bool(self._flying or self._waiting)

    def pause_writing(self) -> None:
        self._stuck = True
        self._balance()
        self._time_frame()

    def resume_writing(self) -> None:
        self._stuck = False
        self._balance()
        self._time_frame()

    def leave(self) -> None:
        """Take nothing more, answer what is under way, and close."""
        self._leaving = True
        self._waiting.clear()
        self._leave_if_done()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def _start(self) -> None:
        """Begin with what waits, as far as the limits let it."""
        traffic = self._traffic
        while self._waiting and self._flying < traffic.settings.line_in_flight_max:
            asked = self._waiting.popleft()
            if len(traffic.tasks) >= traffic.settings.in_flight_max:
                self._shed(asked.message)
                continue
            self._flying += 1
            task = self._loop.create_task(self._answer(asked))
            traffic.took_off(task)
        self._balance()

    async def _answer(self, asked: Asked) -> None:
        started, message = perf_counter(), asked.message
        handled, code = Handled(None, "broken"), None
        try:
            handled = await self._traffic.handle(asked)
            if handled.reply is not None:
                code = handled.reply.text(39)
                self._write(self._session.answer(message, handled.reply))
            if handled.shut_out is not None:
                self._shut_out(handled.shut_out)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged; the terminal asks again or gives up
            _log_breakage(error, message)
        finally:
            self._flying -= 1
        self._told(message, code, handled.why, started, handled.merchant)
        self._heard_at = self._loop.time()
        self._start()
        self._leave_if_done()

    def _shut_out(self, why: str) -> None:
        self._traffic.strangers.note(why, self._origin, Face.TERMINAL)

    def _shed(self, message: Message) -> None:
        self._traffic.meter.shed += 1
        code = None
        if message.mti == "0200":  # its repeat may be of something that was done
            code = ResponseCode.ISSUER_INOPERATIVE
            self._write(self._session.answer(message, reply_to(message, code)))
        self._told(message, code, "too many messages are under way", perf_counter())

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _balance(self) -> None:
        """Read no more than can be answered, and nothing from who does not listen."""
        wanted = not (self._stuck or self._waiting)
        if self._transport is None or self._transport.is_closing() or wanted is self._reading:
            return
        self._reading = wanted
        (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def _time_frame(self) -> None:
        """A frame that has begun, or a reply that is not taken, has so much time and no more, however it trickles."""
        slow = self._session.partial or self._stuck
        if slow and self._slow_timer is None:
            self._slow_timer = self._loop.call_later(self._traffic.settings.frame_timeout_s, self._too_slow)
        elif not slow and self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None

    def _too_slow(self) -> None:
        self._timed_out("too slow")

    def _look_whether_idle(self) -> None:
        idle_s = self._traffic.settings.idle_timeout_s
        left_s = self._heard_at + idle_s - self._loop.time()
        if left_s <= 0 and not self._flying:
            self._timed_out("idle")
            return
        self._idle_timer = self._loop.call_later(left_s if left_s > 0 else idle_s, self._look_whether_idle)

    def _timed_out(self, why: str) -> None:
        self._traffic.meter.timed_out += 1
        _log.info("a terminal's connection is closed", extra={"why": why})
        self.abort()

    def _broken(self, why: str) -> None:
        self._traffic.meter.broken += 1
        _log.warning("a terminal's connection is closed", extra={"why": why})
        self._leaving = True
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._leaving and not self._flying and not self._waiting and self._transport is not None:
            self._transport.close()

    def _told(
        self, message: Message, code: str | None, why: str, started: float, merchant: str | None = None
    ) -> None:
        self._traffic.meter.count(message.mti, code)
        if _log.isEnabledFor(logging.INFO):
            extra = {
                "type": message.mti,
                "code": code,
                "why": why,
                "stan": message.text(11),
                "merchant": merchant,
                "duration_ms": round((perf_counter() - started) * 1000, 3),
            }
            if merchant is not None:
                extra["terminal"] = message.text(
                    41
                )  # somebody's, so it is a number and not whatever was sent
            _log.info("terminal message", extra=extra)


def _log_breakage(error: Exception, message: Message) -> None:
    extra = {"type": message.mti, "exception": type(error).__name__, "where": where_of(error)}
    if isinstance(error, PortError):
        _log.warning("the store failed a message", extra=extra)
    else:
        _log.error("unexpected", extra=extra)
