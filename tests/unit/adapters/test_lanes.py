"""The queues before the commit path: who travels with whom."""

import asyncio

import pytest

from fintech.adapters.postgres.lanes import GROUP_MAX, Care, Lane, Member, release, touched_by
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.changeset import Answer, Change, Changeset, Claim
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from tests.benchmarks.payments import ACTOR, merchants

SHOP = merchants(1)[0]
SCOPE = Scope(SHOP.id, livemode=False)


@pytest.fixture
def ids() -> IdSource:
    """Fresh ids."""
    return RandomIdSource()


@pytest.fixture
def lanes() -> tuple[Lane, Lane]:
    """A lane for changesets that reach no limit and one for those that may, as a process has them."""
    under_way: set[object] = set()
    return Lane(Care.SUPPOSED, under_way), Lane(Care.HELD, under_way)


def member(ids: IdSource, *touches: object) -> Member:
    changes = Changeset(
        id=ids.new(ChangesetId),
        at=SHOP.created_at,
        actor=ACTOR,
        changes=(Change(SHOP, EventType.ACCOUNT_UPDATED),),
    )
    return Member(SCOPE, changes, asyncio.get_running_loop().create_future(), 0.0, touches)


async def test_a_group_is_everybody_of_one_turn(lanes: tuple[Lane, Lane], ids: IdSource) -> None:
    lane, _ = lanes
    taking = asyncio.ensure_future(lane.take())
    await asyncio.sleep(0)
    mine = [member(ids, number) for number in range(5)]
    for each in mine:
        lane.put(each)
    assert await taking == mine


async def test_a_group_has_a_most(lanes: tuple[Lane, Lane], ids: IdSource) -> None:
    lane, _ = lanes
    for number in range(GROUP_MAX + 1):
        lane.put(member(ids, number))
    assert len(await lane.take()) == GROUP_MAX
    assert len(await lane.take()) == 1


async def test_writers_that_are_free_share(lanes: tuple[Lane, Lane], ids: IdSource) -> None:
    lane, _ = lanes
    free = [asyncio.ensure_future(lane.take()) for _ in range(2)]
    await asyncio.sleep(0.01)
    for number in range(9):
        lane.put(member(ids, number))
    assert sorted([len(await taking) for taking in free]) == [4, 5]


async def test_who_touches_the_same_waits_for_the_group_under_way(
    lanes: tuple[Lane, Lane], ids: IdSource
) -> None:
    lane, _ = lanes
    first, second, other = member(ids, "pi_1"), member(ids, "key", "pi_1"), member(ids, "pi_2")
    lane.put(first)
    group = await lane.take()
    lane.put(second)
    lane.put(other)
    assert await lane.take() == [other]
    waiting = asyncio.ensure_future(lane.take())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    release(group, lanes)
    assert await waiting == [second]


async def test_what_is_under_way_in_one_lane_is_so_in_the_other(
    lanes: tuple[Lane, Lane], ids: IdSource
) -> None:
    free, limited = lanes
    free.put(member(ids, "pi_1"))
    group = await free.take()
    refund = member(ids, "pi_1")
    limited.put(refund)
    waiting = asyncio.ensure_future(limited.take())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    release(group, lanes)
    assert await waiting == [refund]


async def test_nobody_overtakes_who_waits_for_the_same(lanes: tuple[Lane, Lane], ids: IdSource) -> None:
    lane, _ = lanes
    lane.put(member(ids, "pi_1"))
    first = await lane.take()
    both, later = member(ids, "pi_1", "pi_2"), member(ids, "pi_2")
    lane.put(both)
    lane.put(later)
    waiting = asyncio.ensure_future(lane.take())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    release(first, lanes)
    assert await waiting == [both, later]


async def test_what_one_writer_leaves_another_takes(lanes: tuple[Lane, Lane], ids: IdSource) -> None:
    free, limited = lanes
    limited.put(member(ids, "pi_1"))
    group = await limited.take()
    takings = [asyncio.ensure_future(free.take()) for _ in range(2)]
    await asyncio.sleep(0.01)
    for _ in range(10):
        free.put(member(ids, "pi_1"))
    release(group, lanes)
    first = await asyncio.wait_for(takings[0], 5)
    release(first, lanes)
    assert len(first) + len(await asyncio.wait_for(takings[1], 5)) == 10


async def test_two_that_touch_the_same_may_share_a_group(lanes: tuple[Lane, Lane], ids: IdSource) -> None:
    lane, _ = lanes
    both = [member(ids, "pi_1"), member(ids, "pi_1")]
    for each in both:
        lane.put(each)
    assert await lane.take() == both


async def test_a_caller_that_goes_away_takes_no_writer_with_it(
    lanes: tuple[Lane, Lane], ids: IdSource
) -> None:
    lane, _ = lanes
    gone, stays = (asyncio.ensure_future(lane.take()) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    mine = member(ids)
    lane.put(mine)
    assert await asyncio.wait_for(stays, 5) == [mine]


@pytest.mark.parametrize(
    ("version", "claim", "touches"),
    [
        (0, None, ()),
        (3, None, (SHOP.id,)),
        (0, "claim", ((SCOPE, "key"),)),
        (0, "claim and answer", ((SCOPE, "key"),)),
        (3, "answer", (SHOP.id,)),
    ],
)
def test_a_changeset_touches_its_key_and_what_was_there(
    ids: IdSource, version: int, claim: str | None, touches: tuple[object, ...]
) -> None:
    taken = Claim(key="key", operation="o", fingerprint=b"f", resource="r", lease_until=SHOP.created_at)
    claims = {
        None: None,
        "claim": taken,
        "claim and answer": Answer(key="key", claim=taken),
        "answer": Answer(key="key"),
    }
    changes = Changeset(
        id=ids.new(ChangesetId),
        at=SHOP.created_at,
        actor=ACTOR,
        changes=(Change(evolve(SHOP, version=version), EventType.ACCOUNT_UPDATED),),
        claim=claims[claim],
    )
    assert touched_by(SCOPE, changes) == touches
