"""Terminals and locations: what they may become, and when a terminal passes for on line."""

from datetime import timedelta
from typing import Any

import pytest

from fintech.domain.addresses import AddressChanges, AddressFault
from fintech.domain.evolving import evolve
from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.metadata import METADATA_KEYS_MAX, TooManyKeys
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.terminals import (
    ONLINE_FOR,
    SERIAL_MAX,
    SIGN_ON_RESOLUTION,
    TRANSITIONS,
    Location,
    LocationInUse,
    LocationRemoved,
    Placing,
    SimulatedInLiveMode,
    Terminal,
    TerminalFault,
    TerminalMayNot,
    TerminalStatus,
    new_location,
    new_terminal,
)
from tests.unit.domain.desk import NOON
from tests.unit.domain.test_addresses import SHOP

HERE, THERE = LocationId("tml_" + "0" * 23 + "1"), LocationId("tml_" + "0" * 23 + "2")
TICK = timedelta(microseconds=1)
FULL = tuple((str(n), "x") for n in range(METADATA_KEYS_MAX))


def registering(**more: Any) -> Outcome[Terminal, TerminalFault | SimulatedInLiveMode]:
    terms: dict[str, Any] = {"serial": "SN-1", "location": HERE, "at": NOON, "livemode": False} | more
    return new_terminal(id=TerminalId("tmr_" + "0" * 16 + "abcdef12"), **terms)


def terminal(status: TerminalStatus = TerminalStatus.ACTIVE, **more: Any) -> Terminal:
    signed_on_at = None if status is TerminalStatus.REGISTERED else NOON
    return evolve(registering().unwrap(), status=status, **{"signed_on_at": signed_on_at} | more)


def location(**more: Any) -> Location:
    return evolve(new_location(id=HERE, name="Kiosk", address=SHOP, at=NOON).unwrap(), **more)


def test_the_table_knows_every_status() -> None:
    assert set(TRANSITIONS) == set(TerminalStatus)


def test_a_terminal_that_is_given_no_number_gets_one_that_can_be_read_aloud() -> None:
    made = registering().unwrap()
    assert (made.number, made.label, made.status) == ("ABCDEF12", "SN-1", TerminalStatus.REGISTERED)
    assert registering(number="T0000001", label="bar").unwrap() == evolve(
        made, number="T0000001", label="bar"
    )


@pytest.mark.parametrize("number", ["T000001", "T00000001", "t0000001", "T-000001", "T000000 ", "Ｔ0000001"])
def test_a_number_is_eight_digits_and_capitals(number: str) -> None:
    assert registering(number=number) == Failure(TerminalFault.NUMBER)


@pytest.mark.parametrize("serial", ["", "-1", "a b", "a" * (SERIAL_MAX + 1), "é", "a\n"])
def test_a_serial_number_is_what_a_maker_prints(serial: str) -> None:
    assert registering(serial=serial) == Failure(TerminalFault.SERIAL)


def test_no_program_is_a_terminal_in_live_mode() -> None:
    assert registering(serial="simulated-1", livemode=True) == Failure(SimulatedInLiveMode())
    assert registering(serial="simulated-1").unwrap().simulated
    assert not registering(livemode=True).unwrap().simulated


PLACED = {
    (TerminalStatus.REGISTERED, Placing.SUSPEND): TerminalStatus.SUSPENDED,
    (TerminalStatus.REGISTERED, Placing.RETIRE): TerminalStatus.RETIRED,
    (TerminalStatus.ACTIVE, Placing.SUSPEND): TerminalStatus.SUSPENDED,
    (TerminalStatus.ACTIVE, Placing.RETIRE): TerminalStatus.RETIRED,
    (TerminalStatus.SUSPENDED, Placing.RESTORE): TerminalStatus.ACTIVE,
    (TerminalStatus.SUSPENDED, Placing.RETIRE): TerminalStatus.RETIRED,
}


@pytest.mark.parametrize("current", TerminalStatus)
@pytest.mark.parametrize("placing", Placing)
def test_what_may_be_done_about_a_terminal(current: TerminalStatus, placing: Placing) -> None:
    before = terminal(current)
    outcome = before.placed(placing)
    if (current, placing) in PLACED:
        assert outcome == Success(evolve(before, status=PLACED[current, placing]))
    else:
        assert outcome == Failure(TerminalMayNot(current, placing))


def test_one_that_never_signed_on_is_restored_to_that() -> None:
    suspended = terminal(TerminalStatus.REGISTERED).placed(Placing.SUSPEND).unwrap()
    assert suspended.placed(Placing.RESTORE) == Success(terminal(TerminalStatus.REGISTERED))


def test_the_first_sign_on_makes_a_terminal_active() -> None:
    assert terminal(TerminalStatus.REGISTERED).signed_on(NOON) == Success(terminal(TerminalStatus.ACTIVE))


def test_a_later_one_is_new_once_in_a_while_only() -> None:
    active = terminal()
    assert active.signed_on(NOON + SIGN_ON_RESOLUTION - TICK).unwrap() is active
    later = NOON + SIGN_ON_RESOLUTION
    assert active.signed_on(later) == Success(evolve(active, signed_on_at=later))
    assert active.signed_on(NOON - TICK).unwrap() is active  # by a clock that is behind


@pytest.mark.parametrize("status", [TerminalStatus.SUSPENDED, TerminalStatus.RETIRED])
def test_a_terminal_that_may_not_be_used_does_not_sign_on(status: TerminalStatus) -> None:
    assert terminal(status).signed_on(NOON) == Failure(TerminalMayNot(status, "sign on"))


@pytest.mark.parametrize("status", TerminalStatus)
def test_on_line_is_what_is_used_and_has_reported_lately(status: TerminalStatus) -> None:
    used = status is TerminalStatus.ACTIVE
    assert terminal(status).online(NOON) is used
    assert terminal(status).online(NOON + ONLINE_FOR - TICK) is used
    assert not terminal(status).online(NOON + ONLINE_FOR)
    assert not terminal(status, signed_on_at=None).online(NOON)


def test_one_that_reports_all_the_time_is_on_line_all_the_time() -> None:
    reporting, now = terminal(), NOON
    for _ in range(200):
        now += timedelta(minutes=7)
        reporting = reporting.signed_on(now).unwrap()
        assert reporting.online(now)


def test_a_terminal_changes_what_may_change() -> None:
    after = terminal().updated(label="bar", location=THERE, metadata=(("floor", "2"),)).unwrap()
    assert after == terminal(label="bar", location=THERE, metadata=(("floor", "2"),))
    assert after.updated() == Success(after)
    assert after.updated(metadata=FULL) == Failure(TooManyKeys(METADATA_KEYS_MAX))
    retired = terminal(TerminalStatus.RETIRED)
    assert retired.updated(label="bar") == Failure(TerminalMayNot(TerminalStatus.RETIRED, "update"))


def test_a_location_changes_what_may_change() -> None:
    after = location().updated(name="Stall", address=AddressChanges(line2=""), metadata=(("a", "b"),))
    assert after == Success(location(name="Stall", address=evolve(SHOP, line2=None), metadata=(("a", "b"),)))
    assert location().updated() == Success(location())
    assert location().updated(address=AddressChanges(state="")) == Failure(AddressFault.STATE)
    full = location(metadata=FULL)
    assert full.updated(metadata=(("one", "more"),)) == Failure(TooManyKeys(METADATA_KEYS_MAX))


def test_a_location_of_no_address_is_none() -> None:
    wrong = evolve(SHOP, postcode="20")
    outcome = new_location(id=HERE, name="Kiosk", address=wrong, at=NOON)
    assert outcome == Failure(AddressFault.POSTCODE)


def test_a_location_is_removed_when_no_terminal_stands_there_any_more() -> None:
    used = location().joined().unwrap().joined().unwrap()
    assert used.removed(NOON) == Failure(LocationInUse(2))
    removed = used.left().left().removed(NOON).unwrap()
    assert removed == location(removed_at=NOON)
    assert removed.removed(NOON) == Failure(LocationRemoved())
    assert removed.joined() == Failure(LocationRemoved())
    assert removed.updated(name="Stall") == Failure(LocationRemoved())


def test_nobody_leaves_where_nobody_stands() -> None:
    with pytest.raises(AssertionError, match="where none stands"):
        location().left()
