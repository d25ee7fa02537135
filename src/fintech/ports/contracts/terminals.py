"""The promise of `Store` and `Queries` about terminals and the places where they stand."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from attrs import define, field

from fintech.domain.addresses import COUNTRY, Address
from fintech.domain.changeset import Changeset, StaleWrite, UniqueTaken
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import LocationId, TerminalId
from fintech.domain.outcome import Failure, Success
from fintech.domain.terminals import (
    ONLINE_FOR,
    Location,
    Placing,
    Terminal,
    TerminalStatus,
    new_location,
    new_terminal,
)
from fintech.ports.clock import Clock
from fintech.ports.contracts.histories import Story, stored
from fintech.ports.contracts.paging import Expected, check
from fintech.ports.id_source import IdSource
from fintech.ports.queries import Page, Presence, Queries, Wanted
from fintech.ports.store import Store

NUMBER = "T0000001"
ADDRESS = Address(
    line1="1 George Street", line2="Level 2", city="Sydney", state="NSW", postcode="2000", country=COUNTRY
)


@define
class Fleet:
    """A merchant's places and terminals, as they were committed."""

    story: Story
    locations: list[Location] = field(factory=list)
    terminals: list[Terminal] = field(factory=list)

    def placing(self) -> Changeset:
        """A new location."""
        story = self.story
        made = new_location(
            id=story.ids.new(LocationId), name="Kiosk", address=ADDRESS, at=story.clock.now()
        ).unwrap()
        return story.changes((made, EventType.LOCATION_CREATED))

    def registering(self, location: Location, number: str | None = None, serial: str = "SN-1") -> Changeset:
        """A new terminal, counted where it stands."""
        story = self.story
        made = new_terminal(
            id=story.ids.new(TerminalId),
            serial=serial,
            location=location.id,
            at=story.clock.now(),
            livemode=story.scope.livemode,
            number=number,
            metadata=(("till", "3"),),
        ).unwrap()
        return story.changes(
            (made, EventType.TERMINAL_CREATED), (location.joined().unwrap(), EventType.LOCATION_UPDATED)
        )

    async def place(self) -> Location:
        """A location that is stored."""
        made: Location = stored(await self.story.committed(self.placing()))
        self.locations.append(made)
        return made

    async def register(self, number: str | None = None, serial: str = "SN-1") -> Terminal:
        """A terminal that is stored, in the latest of the locations."""
        changes = await self.story.committed(self.registering(self.locations[-1], number, serial))
        made: Terminal = stored(changes)
        self.terminals.append(made)
        joined = changes.changes[1].aggregate
        assert isinstance(joined, Location)
        self.locations[-1] = evolve(joined, version=joined.version + 1)
        return made

    async def change(self, place: int, after: Terminal) -> Terminal:
        """A terminal becomes another."""
        changed: Terminal = stored(
            await self.story.committed(self.story.changes((after, EventType.TERMINAL_UPDATED)))
        )
        self.terminals[place] = changed
        return changed


class TerminalStoreContract:
    """The part of `StoreContract` about terminals; the same fixtures."""

    @pytest.fixture
    async def fleet(self, store: Store, ids: IdSource, clock: Clock) -> Fleet:
        return Fleet(await Story.begin(store, ids, clock))

    async def test_locations_and_terminals_read_back_equal(self, store: Store, fleet: Fleet) -> None:
        await fleet.place()
        made = await fleet.register(NUMBER)
        (place,) = fleet.locations
        scope = fleet.story.scope
        assert await store.location(scope, place.id) == place
        assert await store.terminal(scope, made.id) == made
        active = await fleet.change(0, made.signed_on(fleet.story.clock.now()).unwrap())
        assert await store.terminal(scope, made.id) == active
        assert (active.version, place.terminals, place.address) == (2, 1, ADDRESS)

    async def test_a_number_says_whose_a_terminal_is(
        self, store: Store, fleet: Fleet, ids: IdSource, clock: Clock
    ) -> None:
        assert await store.terminal_by_number(NUMBER) is None
        neighbours = [
            Fleet(await Story.begin(store, ids, clock, livemode=livemode)) for livemode in (True, False)
        ]
        for fleet_, number in zip([fleet, *neighbours], (NUMBER, "T0000002", "T0000003"), strict=True):
            await fleet_.place()
            made = await fleet_.register(number)
            assert await store.terminal_by_number(number) == (fleet_.story.scope, made)
        after = await fleet.change(0, fleet.terminals[0].updated(label="bar").unwrap())
        assert await store.terminal_by_number(NUMBER) == (fleet.story.scope, after)
        assert await store.terminal(neighbours[0].story.scope, after.id) is None

    async def test_a_number_that_was_ever_given_is_taken(
        self, store: Store, fleet: Fleet, ids: IdSource, clock: Clock
    ) -> None:
        place = await fleet.place()
        made = await fleet.register(NUMBER)
        await fleet.change(0, made.placed(Placing.RETIRE).unwrap())
        other = Fleet(await Story.begin(store, ids, clock, livemode=True))
        theirs = await other.place()
        taken = Failure(UniqueTaken("terminal_number"))
        rival = other.registering(theirs, NUMBER)
        assert await store.commit(other.story.scope, rival) == taken
        assert await store.location(other.story.scope, theirs.id) == theirs
        again = fleet.registering(fleet.locations[-1], NUMBER)
        assert await store.commit(fleet.story.scope, again) == taken
        stale = fleet.registering(place, "T0000002")
        assert await store.commit(fleet.story.scope, stale) == Failure(StaleWrite(place.id, 2))
        assert await store.terminal_by_number("T0000002") is None

    async def test_of_racers_for_a_number_one_gets_it(
        self, store: Store, ids: IdSource, clock: Clock
    ) -> None:
        fleets = [
            Fleet(await Story.begin(store, ids, clock, livemode=number % 2 == 0)) for number in range(12)
        ]
        places = [await fleet.place() for fleet in fleets]
        for round_ in range(3):
            rivals = [
                fleet.registering(place, f"R000000{round_}")
                for fleet, place in zip(fleets, places, strict=True)
            ]
            outcomes = await asyncio.gather(
                *(store.commit(fleet.story.scope, rival) for fleet, rival in zip(fleets, rivals, strict=True))
            )
            (won,) = [n for n, outcome in enumerate(outcomes) if isinstance(outcome, Success)]
            lost = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
            assert lost == [Failure(UniqueTaken("terminal_number"))] * 11
            places[won] = await self._latest(store, fleets[won], places[won])
            found = await store.terminal_by_number(f"R000000{round_}")
            assert found == (fleets[won].story.scope, stored(rivals[won]))

    async def test_the_same_changeset_again_does_not_take_its_own_number(
        self, store: Store, fleet: Fleet
    ) -> None:
        place = await fleet.place()
        changes = fleet.registering(place, NUMBER)
        outcomes = await asyncio.gather(*(store.commit(fleet.story.scope, changes) for _ in range(5)))
        assert all(isinstance(outcome, Success) for outcome in outcomes)
        assert isinstance(await store.commit(fleet.story.scope, changes), Success)

    async def _latest(self, store: Store, fleet: Fleet, place: Location) -> Location:
        latest = await store.location(fleet.story.scope, place.id)
        assert latest is not None
        return latest


class TerminalQueriesContract:
    """The part of `QueriesContract` about terminals; the same fixtures."""

    @pytest.fixture
    async def fleet(
        self, store: Store, ids: IdSource, clock: Clock, advance: Callable[[timedelta], None]
    ) -> Fleet:
        """A fleet, and a neighbour's that must never be seen."""
        fleet = Fleet(await Story.begin(store, ids, clock))
        for one in (fleet, Fleet(await Story.begin(store, ids, clock))):
            for number in range(12):
                advance(timedelta(hours=1))
                if number % 4 == 0:
                    await one.place()
                await one.register(serial=f"SN-{number % 5}")
        return fleet

    async def test_terminals_of_all_kinds(self, queries: Queries, fleet: Fleet) -> None:
        chance, scope, now = Random(3), fleet.story.scope, fleet.story.clock.now()  # noqa: S311 - chance, not secrecy
        for place, terminal in enumerate(fleet.terminals):
            if place % 3:
                reported = now - timedelta(hours=place / 4)
                await fleet.change(place, terminal.signed_on(reported).unwrap())
            if place % 4 == 1:
                await fleet.change(place, fleet.terminals[place].placed(Placing.SUSPEND).unwrap())
        silent = evolve(fleet.terminals[-1], status=TerminalStatus.ACTIVE, signed_on_at=None)
        await fleet.change(len(fleet.terminals) - 1, silent)
        some = fleet.locations[1].id
        wishes: dict[Wanted, Callable[[Terminal], bool]] = {
            Wanted(): lambda _: True,
            Wanted(location=some): lambda each: each.location == some,
            Wanted(serial="SN-2"): lambda each: each.serial == "SN-2",
            Wanted(serial="SN"): lambda _: False,
            Wanted(statuses=(TerminalStatus.ACTIVE, TerminalStatus.RETIRED)): lambda each: (
                each.status is TerminalStatus.ACTIVE
            ),
            Wanted(presence=Presence(online=True, at=now)): lambda each: each.online(now),
            Wanted(presence=Presence(online=False, at=now)): lambda each: not each.online(now),
            Wanted(presence=Presence(online=True, at=now + ONLINE_FOR)): lambda _: False,
        }
        newest_first = sorted(fleet.terminals, key=_id, reverse=True)
        for wanted, is_wanted in wishes.items():
            listed = await queries.terminals(scope, Page(limit=100), wanted)
            assert list(listed.items) == [each for each in newest_first if is_wanted(each)], wanted
        expected: Expected = [(each.id, each.created_at) for each in newest_first]
        await check(chance, lambda page: queries.terminals(scope, page), _id, expected)
        away = Wanted(presence=Presence(online=False, at=now))
        expected = [(each.id, each.created_at) for each in newest_first if not each.online(now)]
        await check(chance, lambda page: queries.terminals(scope, page, away), _id, expected)

    async def test_locations_that_have_not_been_removed(self, queries: Queries, fleet: Fleet) -> None:
        story, chance = fleet.story, Random(5)  # noqa: S311 - chance, not secrecy
        empty = [await fleet.place() for _ in range(6)]
        for gone in empty[::2]:
            fleet.locations.remove(gone)
            removed = gone.removed(story.clock.now()).unwrap()
            await story.committed(story.changes((removed, EventType.LOCATION_DELETED)))
        newest_first = sorted(fleet.locations, key=_id, reverse=True)
        expected: Expected = [(each.id, each.created_at) for each in newest_first]
        await check(chance, lambda page: queries.locations(story.scope, page), _id, expected)
        listed = await queries.locations(story.scope, Page(limit=100))
        assert list(listed.items) == newest_first


def _id(item: Location | Terminal) -> str:
    return item.id
