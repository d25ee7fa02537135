"""Terminals: one number each whoever races for it, counted where they stand, written down when they report."""

import asyncio
from datetime import timedelta

import pytest

from fintech.application.commits import NotFound, Reply
from fintech.application.terminals.terminals import NUMBERS_TRIED_MAX
from fintech.domain.changeset import UniqueTaken
from fintech.domain.evolving import evolve
from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.domain.terminals import (
    ONLINE_FOR,
    SIGN_ON_RESOLUTION,
    Placing,
    TerminalFault,
    TerminalMayNot,
    TerminalStatus,
)
from fintech.ports.queries import Page, Presence, Wanted
from tests.unit.application.terminals.estate import TERMINAL, Estate

NOBODY = TerminalId("tmr_" + "9" * 24)
TAKEN = Failure(UniqueTaken("terminal_number"))


async def test_a_terminal_is_there_once_it_was_registered(estate: Estate) -> None:
    place = await estate.place()
    made = await estate.register(place.id, number="T0000001", metadata=(("till", "3"),))
    assert made == await estate.terminal(made.id)
    assert (made.version, made.status, made.label) == (1, TerminalStatus.REGISTERED, "SN-1")
    assert await estate.core.store().terminal_by_number("T0000001") == (estate.scope, made)
    assert (await estate.location(place.id)).terminals == 1
    assert await estate.events() == [
        "terminal.location.created",
        "terminal.reader.created",
        "terminal.location.updated",
    ]


async def test_what_cannot_be_is_refused(estate: Estate) -> None:
    place = await estate.place()
    assert await estate.try_register(place.id, number="T1") == Failure(TerminalFault.NUMBER)
    nowhere = LocationId("tml_" + "9" * 24)
    assert await estate.try_register(nowhere) == Failure(NotFound("location", nowhere))
    missing = Failure(NotFound("terminal", NOBODY))
    assert await estate.update(NOBODY, label="x") == missing
    assert await estate.put(NOBODY, Placing.SUSPEND) == missing
    assert await estate.sign_on("T9999999") == Failure(NotFound("terminal", "T9999999"))
    made = await estate.register(place.id)
    assert await estate.update(made.id, location=nowhere) == Failure(NotFound("location", nowhere))
    assert (await estate.location(place.id)).terminals == 1


async def test_a_number_is_one_terminals_of_one_merchant_in_one_mode_for_ever(estate: Estate) -> None:
    made = await estate.register((await estate.place()).id, number="T0000001")
    await estate.put(made.id, Placing.RETIRE)
    strangers = [await estate.others(), await estate.others(livemode=True), estate]
    for stranger in strangers:
        place = await stranger.place()
        assert await stranger.try_register(place.id, number="T0000001") == TAKEN
        assert (await stranger.location(place.id)).terminals == 0


async def test_of_racers_for_a_number_one_gets_it(estate: Estate) -> None:
    rivals = [estate, await estate.others(), await estate.others(livemode=True)]
    places = [await rival.place() for rival in rivals]
    outcomes = await asyncio.gather(
        *(
            rival.try_register(place.id, f"SN-{n}", number="T0000001")
            for n in range(10)
            for rival, place in zip(rivals, places, strict=True)
        )
    )
    won = [outcome.unwrap().value for outcome in outcomes if isinstance(outcome, Success)]
    assert len(won) == 1
    assert [outcome for outcome in outcomes if isinstance(outcome, Failure)] == [TAKEN] * 29
    found = await estate.core.store().terminal_by_number("T0000001")
    assert found is not None
    assert found[1] == won[0]
    counted = [
        (await rival.location(place.id)).terminals for rival, place in zip(rivals, places, strict=True)
    ]
    assert sum(counted) == 1


async def test_an_assigned_number_that_is_taken_is_assigned_anew(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await estate.place()
    ids, made = estate.core.ids(), await estate.register(place.id)
    new, left = ids.new, NUMBERS_TRIED_MAX - 1

    def unlucky(kind):
        nonlocal left
        if kind is not TerminalId or not left:
            return new(kind)
        left -= 1
        return TerminalId(f"tmr_{new(kind)[-16:]}{made.number.lower()}")

    monkeypatch.setattr(ids, "new", unlucky)
    second = await estate.register(place.id)
    assert second.number != made.number
    left = NUMBERS_TRIED_MAX
    assert await estate.try_register(place.id) == TAKEN


async def test_many_arrive_at_one_place_at_once(estate: Estate) -> None:
    place = await estate.place()
    outcomes = await asyncio.gather(*(estate.try_register(place.id, f"SN-{n}") for n in range(12)))
    made = [outcome.unwrap().value for outcome in outcomes]
    assert len({each.number for each in made}) == 12
    assert (await estate.location(place.id)).terminals == await estate.standing_at(place.id) == 12


async def test_a_terminal_moves_and_both_places_know(estate: Estate) -> None:
    here, there = await estate.place(), await estate.place()
    made = await estate.register(here.id)
    moved = (await estate.update(made.id, location=there.id, label="bar")).unwrap().value
    assert moved == evolve(made, version=2, location=there.id, label="bar")
    assert moved == await estate.terminal(made.id)
    assert [(await estate.location(each.id)).terminals for each in (here, there)] == [0, 1]
    assert isinstance(await estate.remove(here.id), Success)
    assert await estate.update(made.id, location=here.id) == Failure(NotFound("location", here.id))
    same = (await estate.update(made.id, location=there.id)).unwrap().value
    assert (same.version, (await estate.location(there.id)).terminals) == (3, 1)


async def test_a_terminal_is_suspended_restored_and_retired(estate: Estate) -> None:
    place = await estate.place()
    made = await estate.register(place.id)
    assert (await estate.put(made.id, Placing.SUSPEND)).unwrap().value.status is TerminalStatus.SUSPENDED
    assert (await estate.put(made.id, Placing.RESTORE)).unwrap().value.status is TerminalStatus.REGISTERED
    assert (await estate.location(place.id)).terminals == 1
    retired = (await estate.put(made.id, Placing.RETIRE)).unwrap().value
    assert retired == await estate.terminal(made.id)
    assert (await estate.location(place.id)).terminals == 0
    over = Failure(TerminalMayNot(TerminalStatus.RETIRED, "retire"))
    assert await estate.put(made.id, Placing.RETIRE) == over
    assert await estate.update(made.id, label="x") == Failure(
        TerminalMayNot(TerminalStatus.RETIRED, "update")
    )
    assert (await estate.events())[3:] == [
        "terminal.reader.updated",
        "terminal.reader.updated",
        "terminal.reader.deleted",
        "terminal.location.updated",
    ]


async def test_a_repeat_is_answered_as_the_first_time(estate: Estate) -> None:
    place = await estate.place()
    first = (await estate.try_register(place.id, request=estate.keyed("in"))).unwrap().value
    again = await estate.try_register(place.id, request=estate.keyed("in"))
    assert again == Success(Reply(first, replayed=True))
    gone = (await estate.put(first.id, Placing.RETIRE, estate.keyed("out"))).unwrap().value
    assert await estate.put(first.id, Placing.RETIRE, estate.keyed("out")) == Success(
        Reply(gone, replayed=True)
    )
    assert (await estate.location(place.id)).terminals == 0


async def test_repeats_at_once_of_a_given_number_make_one(estate: Estate) -> None:
    place = await estate.place()
    outcomes = await asyncio.gather(
        *(estate.try_register(place.id, number="T0000001", request=estate.keyed("in")) for _ in range(10))
    )
    assert len({outcome.unwrap().value.id for outcome in outcomes}) == 1
    assert (await estate.location(place.id)).terminals == 1


async def test_signing_on_makes_a_terminal_active_and_is_told_once(estate: Estate) -> None:
    made = await estate.register((await estate.place()).id, number="T0000001")
    outcomes = await asyncio.gather(*(estate.sign_on("T0000001") for _ in range(10)))
    now = estate.core.clock().now()
    active = evolve(made, version=2, status=TerminalStatus.ACTIVE, signed_on_at=now)
    assert outcomes == [Success((estate.scope, active))] * 10
    assert await estate.terminal(made.id) == active
    assert (await estate.events())[3:] == ["terminal.reader.updated"]
    events = (await estate.core.queries().events(estate.scope, Page(limit=1))).items
    assert events[0].actor == TERMINAL


async def test_a_terminal_that_reports_all_day_is_written_down_once_an_hour(estate: Estate) -> None:
    made = await estate.register((await estate.place()).id, number="T0000001")
    for _ in range(24 * 12):
        assert isinstance(await estate.sign_on("T0000001"), Success)
        estate.shop.advance(minutes=5)
    assert (await estate.terminal(made.id)).version == 1 + 24
    assert timedelta(hours=1) == SIGN_ON_RESOLUTION


async def test_a_suspended_terminal_does_not_sign_on(estate: Estate) -> None:
    made = await estate.register((await estate.place()).id, number="T0000001")
    await estate.put(made.id, Placing.SUSPEND)
    refused = Failure(TerminalMayNot(TerminalStatus.SUSPENDED, "sign on"))
    assert await estate.sign_on("T0000001") == refused
    await estate.put(made.id, Placing.RESTORE)
    assert isinstance(await estate.sign_on("T0000001"), Success)


async def test_a_suspension_is_never_undone_by_a_sign_on_in_between(estate: Estate) -> None:
    made = await estate.register((await estate.place()).id, number="T0000001")
    await asyncio.gather(
        *(estate.sign_on("T0000001") for _ in range(5)), estate.put(made.id, Placing.SUSPEND)
    )
    assert (await estate.terminal(made.id)).status is TerminalStatus.SUSPENDED


async def test_terminals_are_found_by_what_is_known_of_them(estate: Estate) -> None:
    here, there = await estate.place(), await estate.place()
    made = [await estate.register(each.id, serial=f"SN-{n}") for n, each in enumerate((here, here, there))]
    await estate.sign_on(made[0].number)
    await estate.put(made[2].id, Placing.RETIRE)
    now = estate.core.clock().now()

    async def found(scope: Scope = estate.scope, **wanted) -> list[TerminalId]:
        return [
            each.id for each in (await estate.core.queries().terminals(scope, Page(), Wanted(**wanted))).items
        ]

    assert await found() == [each.id for each in made[::-1]]
    assert await found(location=here.id) == [made[1].id, made[0].id]
    assert await found(serial="SN-2") == [made[2].id]
    assert await found(statuses=(TerminalStatus.RETIRED, TerminalStatus.ACTIVE)) == [made[2].id, made[0].id]
    assert await found(presence=Presence(online=True, at=now)) == [made[0].id]
    assert await found(presence=Presence(online=False, at=now)) == [made[2].id, made[1].id]
    assert await found(presence=Presence(online=True, at=now + ONLINE_FOR)) == []
    assert await found(location=here.id, presence=Presence(online=False, at=now)) == [made[1].id]
    assert await found((await estate.others()).scope) == []
