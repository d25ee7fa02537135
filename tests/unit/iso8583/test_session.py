"""A conversation without a connection."""

from typing import Any

import pytest
from attrs import evolve

from fintech.iso8583.elements import Message
from fintech.iso8583.framing import framed
from fintech.iso8583.response_codes import ResponseCode
from fintech.iso8583.session import (
    OPEN_MAX,
    TERMINALS_MAX,
    Answered,
    Asked,
    Ended,
    Session,
    Settled,
    Unmatched,
    reply_mti,
    reply_to,
)
from tests.unit.iso8583.samples import CODEC, PAN, PURCHASE, encoded


def network(code: str, number: str = "T0000001", stan: str = "000009") -> Message:
    return Message("0800", {7: "1123204139", 11: stan, 41: number, 70: code})


def sent(message: Message) -> bytes:
    return framed(encoded(message))


def with_(message: Message, mti: str | None = None, **elements: Any) -> Message:
    changes = {int(name[1:]): value for name, value in elements.items()}
    return Message(mti or message.mti, {**message.elements, **changes})


@pytest.fixture
def host() -> Session:
    return Session(CODEC)


@pytest.fixture
def signed_on(host: Session) -> Session:
    question = network("001")
    host.receive(sent(question))
    host.answer(question, reply_to(question, ResponseCode.APPROVED))
    return host


def settled(events: list[Any]) -> tuple[ResponseCode, Message]:
    (event,) = events
    assert isinstance(event, Settled)
    reply = CODEC.decode(event.reply[2:]).unwrap()
    assert reply.elements[39] == event.code
    return event.code, reply


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("0200", "0210"),
        ("0201", "0210"),
        ("0220", "0230"),
        ("0221", "0230"),
        ("0420", "0430"),
        ("0421", "0430"),
        ("0800", "0810"),
        ("0820", "0830"),
        ("0210", None),
        ("0202", None),
        ("0240", None),
    ],
)
def test_the_type_of_a_reply(asked: str, reply: str | None) -> None:
    assert reply_mti(asked) == reply


def test_a_purchase_needs_a_sign_on(host: Session) -> None:
    code, reply = settled(host.receive(sent(PURCHASE)))
    assert code == ResponseCode.NOT_PERMITTED_TO_TERMINAL
    assert reply.mti == "0210"
    assert reply.elements[11] == "000001"
    assert 2 not in reply.elements


def test_a_sign_on_is_somebody_elses_to_answer(host: Session) -> None:
    assert host.receive(sent(network("001"))) == [Asked(network("001"), signed_on=False)]


def test_after_an_approved_sign_on_purchases_are_let_in(signed_on: Session) -> None:
    assert signed_on.receive(sent(PURCHASE)) == [Asked(PURCHASE)]
    repeat = with_(PURCHASE, "0201")
    assert signed_on.receive(sent(repeat)) == [Asked(repeat)]


def test_another_terminal_on_the_same_connection_signs_on_itself(signed_on: Session) -> None:
    code, _ = settled(signed_on.receive(sent(with_(PURCHASE, e41="T0000002"))))
    assert code == ResponseCode.NOT_PERMITTED_TO_TERMINAL


def test_a_refused_sign_on_lets_nobody_in(host: Session) -> None:
    question = network("001")
    host.answer(question, reply_to(question, ResponseCode.INVALID_MERCHANT))
    code, _ = settled(host.receive(sent(PURCHASE)))
    assert code == ResponseCode.NOT_PERMITTED_TO_TERMINAL


def test_no_other_message_signs_on(host: Session) -> None:
    advice = with_(PURCHASE, "0220", e70="001")
    host.answer(advice, reply_to(advice, ResponseCode.APPROVED))
    code, _ = settled(host.receive(sent(PURCHASE)))
    assert code == ResponseCode.NOT_PERMITTED_TO_TERMINAL


def test_after_a_sign_off_nobody_is_let_in(signed_on: Session) -> None:
    assert settled(signed_on.receive(sent(network("002"))))[0] == ResponseCode.APPROVED
    assert settled(signed_on.receive(sent(PURCHASE)))[0] == ResponseCode.NOT_PERMITTED_TO_TERMINAL


def test_a_connection_speaks_for_a_few_terminals_only(host: Session) -> None:
    for place in range(TERMINALS_MAX + 1):
        question = network("001", number=f"T{place:07d}")
        data = host.answer(question, reply_to(question, ResponseCode.APPROVED))
        code = CODEC.decode(data[2:]).unwrap().elements[39]
        assert code == ("00" if place < TERMINALS_MAX else "58")


def test_an_echo_is_answered_by_the_session(host: Session) -> None:
    code, reply = settled(host.receive(sent(network("301"))))
    assert code == ResponseCode.APPROVED
    assert reply == Message("0810", {7: "1123204139", 11: "000009", 39: "00", 41: "T0000001", 70: "301"})


@pytest.mark.parametrize("mti", ["0201", "0220", "0221", "0420", "0421"])
def test_what_may_have_happened_is_heard_without_a_sign_on(host: Session, mti: str) -> None:
    message = with_(PURCHASE, mti)
    assert host.receive(sent(message)) == [Asked(message, signed_on=False)]


@pytest.mark.parametrize("mti", ["0100", "0120", "0520", "0820"])
def test_types_that_nobody_serves_are_told_so(signed_on: Session, mti: str) -> None:
    code, reply = settled(signed_on.receive(sent(with_(PURCHASE, mti))))
    assert code == ResponseCode.INVALID_TRANSACTION
    assert reply.mti == reply_mti(mti)


def test_a_malformed_request_is_answered_where_its_header_can_be_read(signed_on: Session) -> None:
    data = encoded(PURCHASE)[:-1]
    code, reply = settled(signed_on.receive(framed(data)))
    assert code == ResponseCode.FORMAT_ERROR
    assert (reply.mti, reply.elements[11], reply.elements[41]) == ("0210", "000001", "T0000001")
    assert signed_on.receive(sent(PURCHASE)) == [Asked(PURCHASE)], "the line goes on"


@pytest.mark.parametrize("data", [b"\xff" * 12, b"\x02", b"\x02\x10\x20", b"HTTP/1.1 200 OK"])
def test_what_has_no_header_ends_the_conversation(host: Session, data: bytes) -> None:
    (event,) = host.receive(framed(data))
    assert isinstance(event, Ended)


def test_a_length_that_cannot_be_ends_the_conversation(signed_on: Session) -> None:
    events = signed_on.receive(sent(PURCHASE) + b"\0\0")
    assert events[0] == Asked(PURCHASE)
    assert isinstance(events[1], Ended)


def test_several_messages_at_once_are_heard_in_their_order(signed_on: Session) -> None:
    other = with_(PURCHASE, e11="000002")
    assert signed_on.receive(sent(PURCHASE) + sent(other)) == [Asked(PURCHASE), Asked(other)]


def test_replies_are_matched_by_what_they_say_and_not_by_their_order() -> None:
    terminal = Session(CODEC)
    one, two = PURCHASE, with_(PURCHASE, e11="000002")
    terminal.ask(one)
    terminal.ask(two)
    first, second = (reply_to(each, ResponseCode.APPROVED) for each in (one, two))
    assert terminal.receive(sent(second) + sent(first)) == [Answered(two, second), Answered(one, first)]
    assert terminal.receive(sent(first)) == [Unmatched(first, "nothing like it was asked, or it is late")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({7: "1123204140"}, "nothing like it was asked, or it is late"),
        ({11: "000003"}, "nothing like it was asked, or it is late"),
        ({41: "T0000002"}, "nothing like it was asked, or it is late"),
        ({41: None}, "it has no element 41"),
        ({11: None}, "it has no element 11"),
    ],
)
def test_why_a_reply_does_not_match_is_said(change: dict[int, str | None], why: str) -> None:
    terminal = Session(CODEC)
    terminal.ask(PURCHASE)
    reply = reply_to(PURCHASE, ResponseCode.APPROVED)
    elements = {number: value for number, value in {**reply.elements, **change}.items() if value is not None}
    assert terminal.receive(sent(Message("0210", elements))) == [Unmatched(Message("0210", elements), why)]


def test_a_reversals_reply_is_not_its_originals() -> None:
    terminal = Session(CODEC)
    terminal.ask(PURCHASE)
    reply = with_(reply_to(PURCHASE, ResponseCode.APPROVED), "0430")
    (event,) = terminal.receive(sent(reply))
    assert isinstance(event, Unmatched)


def test_what_was_given_up_is_not_believed_any_more() -> None:
    terminal = Session(CODEC)
    terminal.ask(PURCHASE)
    terminal.give_up(PURCHASE)
    (event,) = terminal.receive(sent(reply_to(PURCHASE, ResponseCode.APPROVED)))
    assert isinstance(event, Unmatched)


def test_open_questions_are_limited() -> None:
    terminal = Session(CODEC)
    for stan in range(OPEN_MAX):
        terminal.ask(with_(PURCHASE, e11=f"{stan:06d}"))
    with pytest.raises(ValueError, match="without an answer"):
        terminal.ask(with_(PURCHASE, e11="999999"))


def test_what_cannot_be_written_is_a_programmers_error() -> None:
    with pytest.raises(ValueError, match="element 3 cannot be written"):
        Session(CODEC).ask(with_(PURCHASE, e3="nothing"))


def test_no_event_shows_a_card(signed_on: Session) -> None:
    events = signed_on.receive(sent(PURCHASE) + framed(encoded(PURCHASE)[:-1]))
    assert PAN not in repr(events)
    assert PAN[:6] not in repr(evolve(signed_on))
