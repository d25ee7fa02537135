"""Moving: no data change, both root keys can be read from meanwhile, and a ring that is refused stops no other."""

from contextlib import suppress

import pytest

from fintech.application.keys import moving
from fintech.application.keys.moving import Tied
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import Derivation
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.errors import StoreUnavailable
from fintech.ports.key_root import RootFault, RootRefused
from tests.unit.application.keys.world import ANN, NEW, OLD, OTHER, SHOP, Faulty, World, away, unreachable


def shops(count: int) -> list[Scope]:
    return [Scope(MerchantId(f"acct_{at:024d}"), livemode=True) for at in range(count)]


async def under(world: World, scope: Scope = SHOP) -> set[str]:
    return {key.cmk for key in (await world.ring(scope)).keys if key.wrapped}


async def test_every_version_is_moved_and_nothing_is_written_anew(world: World) -> None:
    await world.keep(2)
    await world.rotate(ANN, SHOP)
    await world.open_ring(OTHER)
    await world.keep(1, OTHER)
    before = await world.protected.older(SHOP, 9, 100)
    all_, told = await world.move()
    assert (all_.rings, all_.moved, all_.troubled, all_.stopped) == (2, 2, 0, False)
    assert sorted(moved.versions for moved in told) == [1, 2]
    assert await world.protected.older(SHOP, 9, 100) == before
    assert (await under(world), await under(world, OTHER)) == ({NEW}, {NEW})
    world.root.disable(OLD)
    assert await world.unreadable() == []
    assert (await world.ring()).left == ()
    results = world.trail.told(AuditAction.KEY_MOVED)
    assert sorted(results) == [AuditResult.BEGUN, AuditResult.BEGUN, AuditResult.DONE, AuditResult.DONE]


async def test_the_old_permission_is_worth_nothing_afterwards(world: World) -> None:
    """A blob from a backup does not unwrap any more."""
    before = (await world.ring()).keys[0]
    await world.move()
    saved = await world.ring()
    await world.table.save(saved.with_key(before))
    await world.vault.evict()
    assert isinstance(await world.vault.lease(SHOP), Failure)


async def test_one_that_is_denied_or_unreachable_is_told_and_the_others_are_moved(world: World) -> None:
    for scope in shops(5):
        await world.open_ring(scope)
        await world.keep(1, scope)
    cut = await world.ring(shops(5)[2])
    world.root.revoke(cut.keys[0].grant or "")
    calls = 0

    def third(method: str) -> str | None:
        nonlocal calls
        calls += method == "rewrap"
        return "before" if method == "rewrap" and calls == 2 else None

    root = world.root
    world.root = Faulty(root, third, unreachable)
    world.wire()
    all_, told = await world.move()
    assert (all_.rings, all_.moved, all_.troubled, all_.stopped) == (6, 4, 2, False)
    why = {moved.scope: moved.why for moved in told if moved.why}
    faults = {each.fault for each in why.values() if isinstance(each, RootRefused)}
    assert faults == {RootFault.DENIED, RootFault.UNREACHABLE}
    assert await world.unreadable([each for each in world.kept if each[0] != cut.scope]) == []
    world.root = root
    world.wire()
    again, told = await world.move()
    assert (again.rings, again.moved, again.troubled) == (2, 1, 1)


async def test_a_root_that_refuses_everybody_is_not_asked_for_all(world: World) -> None:
    for scope in shops(40):
        await world.open_ring(scope)
    world.root.disable(NEW)
    all_, told = await world.move()
    assert all_.stopped
    assert moving.REFUSED_MAX <= all_.rings < moving.REFUSED_MAX + moving.AT_ONCE
    assert all_.troubled == all_.rings == len(told)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("method", ["rewrap", "withdraw", "save", "rings", "ring", "write"])
async def test_a_run_that_was_ended_anywhere_is_gone_on_with(world: World, method: str, when: str) -> None:
    for scope in shops(3):
        await world.open_ring(scope)
        await world.keep(1, scope)
        await world.rotate(ANN, scope)
    root, table, trail, calls = world.root, world.table, world.trail, 0

    def second(name: str) -> str | None:
        nonlocal calls
        calls += name == method
        return when if name == method and calls == 2 else None

    world.root, world.table = Faulty(root, second, unreachable), Faulty(table, second, away)
    world.trail = Faulty(trail, second, away)
    world.wire()
    with suppress(StoreUnavailable):
        await world.move()
    world.root, world.table, world.trail = root, table, trail
    world.wire()
    assert await world.unreadable() == []
    all_, _ = await world.move()
    assert all_.troubled == 0
    for scope in [SHOP, *shops(3)]:
        assert await under(world, scope) == {NEW}
        assert (await world.ring(scope)).left == ()
    root.disable(OLD)
    assert await world.unreadable() == []
    assert (await world.move())[0].rings == 0


async def test_a_ring_that_moves_back_keeps_the_permission_that_it_needs(world: World) -> None:
    """What is still to be withdrawn there is withdrawn first, and never when it is needed again."""
    await world.keep(1)
    root = world.root
    world.root = Faulty(root, lambda method: "before" if method == "withdraw" else None, unreachable)
    world.wire()
    all_, _ = await world.move()
    assert (all_.moved, all_.troubled) == (1, 1)
    assert [grant.cmk for grant in (await world.ring()).left] == [OLD]
    world.root = root
    world.wire()
    back = await world.move_rings(ANN, NEW, OLD, lambda _: None)
    assert (back.moved, back.troubled) == (1, 0)
    assert (await world.ring()).left == ()
    assert await world.unreadable() == []
    await world.withdraw(SHOP)
    assert await world.unreadable() == []


async def test_what_is_derived_from_its_root_key_is_rotated_instead(world: World) -> None:
    await world.open_ring(OTHER, derivation=Derivation.DERIVED)
    all_, told = await world.move()
    assert (all_.moved, all_.troubled) == (1, 1)
    assert [moved.why for moved in told if moved.why] == [Tied((1,))]
    assert isinstance(await world.rotate(ANN, OTHER, NEW), Success)
    await world.settle()
    assert isinstance(await world.retire(ANN, OTHER, 1), Success)
    assert (await world.move())[0].rings == 0


async def test_a_move_leads_somewhere(world: World) -> None:
    with pytest.raises(ValueError, match="another"):
        await world.move_rings(ANN, OLD, OLD, lambda _: None)
