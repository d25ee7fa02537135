"""What changes while a merchant's keys are on their way, or while the root is being asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fintech.adapters.crypto.leasing import LeasingVault
from fintech.domain.keys.custody import Custody, Derivation
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.key_root import Wrapped
from tests.unit.adapters.crypto.desk import CMK, NAME, OTHER_CMK, Desk, lent, refused


class Gate:
    """Holds one answer back: the first that comes through ``holds``."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    def holds(self, answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def held(*args: Any) -> Any:
            answered = await answer(*args)
            if not self.reached.is_set():
                self.reached.set()
                await self.opened.wait()
            return answered

        return held


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def on_its_way(desk: Desk, vault: LeasingVault, scope: Scope) -> tuple[Gate, asyncio.Task]:
    """A load that the root has answered, and the answer not arrived."""
    await desk.vault().lease(scope)
    await vault.lease(desk.merchant())  # it has looked
    gate = Gate()
    desk.root.unwrap = gate.holds(desk.root.unwrap)  # type: ignore[method-assign,assignment] # holds one back
    task = asyncio.create_task(vault.lease(scope))
    await gate.reached.wait()
    return gate, task


async def test_an_order_that_overtakes_a_load_ends_it(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    gate, task = await on_its_way(desk, vault, scope)
    await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    await vault._watch.look()
    gate.opened.set()
    assert await task == refused(CustodyReason.REVOKED)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)


async def test_an_order_on_the_root_key_that_overtakes_a_load_ends_it(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    gate, task = await on_its_way(desk, vault, scope)
    await desk.close_all()
    desk.pass_(1)
    await vault._watch.look()
    gate.opened.set()
    assert await task == refused(CustodyReason.SUSPENDED)


@pytest.mark.parametrize("later_s", [0.0, 0.1])
async def test_a_yes_that_was_said_before_a_no_to_all_is_worth_nothing(desk: Desk, later_s: float) -> None:
    scope, other, vault = desk.merchant(), desk.merchant(), desk.vault()
    await desk.vault().lease(other)
    gate, task = await on_its_way(desk, vault, scope)
    desk.pass_(later_s)
    desk.root.disable(CMK)
    assert await vault.lease(other) == refused(CustodyReason.SUSPENDED)
    gate.opened.set()
    assert await task == refused(CustodyReason.SUSPENDED)
    assert vault.health().leases == 0
    desk.root.calls.clear()
    desk.pass_(2)
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
    assert desk.root.calls.total() == 1  # it was asked, and not believed for the yes of before


async def test_a_change_that_is_nothing_to_it_does_not_cost_a_second_call(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    gate, task = await on_its_way(desk, vault, scope)
    for loading in vault._loads._loads.values():
        loading.void = True
    calls = desk.root.calls.copy()
    gate.opened.set()
    assert lent(await task)
    assert desk.root.calls == calls


async def test_a_rotation_that_overtakes_a_load_is_in_the_lease(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    gate, task = await on_its_way(desk, vault, scope)
    await desk.rotate(scope)
    desk.pass_(1)
    await vault._watch.look()
    gate.opened.set()
    assert (await task).unwrap().numbers == (2, 1)


async def test_a_ring_that_keeps_changing_is_lent_later(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await desk.vault().lease(scope)
    await vault.lease(desk.merchant())
    unwrap = desk.root.unwrap

    async def changing(*args: Any) -> Any:
        answered = await unwrap(*args)
        await desk.close_and_restore(scope)
        desk.pass_(1)
        await vault._watch.look()
        return answered

    desk.root.unwrap = changing  # type: ignore[method-assign,assignment] # somebody else is busy
    assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)
    desk.root.unwrap = unwrap  # type: ignore[method-assign] # and now is not
    assert lent(await vault.lease(scope))


async def test_the_permission_of_a_ring_that_lost_its_race_is_given_back(desk: Desk) -> None:
    """Otherwise the bank would revoke one permission, and the merchant's keys hang from another one, too."""
    scope, vaults, withdrawn = desk.merchant(), [desk.vault() for _ in range(3)], []
    create, count = desk.root.create, 0

    async def granting(*args: Any) -> Any:
        nonlocal count
        count += 1
        number = count
        await asyncio.sleep(0)
        made = (await create(*args)).unwrap()
        return Success(Wrapped(made.blob, f"grant {number}"))

    async def withdrawing(_cmk: str, grant: str) -> Success[None]:
        withdrawn.append(grant)
        return Success(None)

    desk.root.create, desk.root.withdraw = granting, withdrawing  # type: ignore[method-assign,assignment] # one for each of them
    assert all(map(lent, await asyncio.gather(*(vault.lease(scope) for vault in vaults))))
    ring = await desk.table.ring(scope)
    assert ring is not None
    assert sorted([*withdrawn, ring.keys[0].grant or ""]) == ["grant 1", "grant 2", "grant 3"]


async def test_hundreds_of_merchants_in_four_processes_while_the_bank_takes_some_back(desk: Desk) -> None:
    """Whoever is suspended is refused from the first look on, in every process, and nobody else ever is."""
    scopes, vaults = [desk.merchant() for _ in range(60)], [desk.vault() for _ in range(4)]
    await asyncio.gather(*(vaults[0].lease(scope) for scope in scopes))
    desk.root.latency_s = 0.001
    closed: dict[Scope, float] = {}
    clock = 0.0
    outcomes: list[tuple[Scope, float, bool]] = []

    async def using(vault: LeasingVault, offset: int) -> None:
        for number in range(150):
            scope = scopes[(offset + number * 7) % len(scopes)]
            at = clock
            outcomes.append((scope, at, lent(await vault.lease(scope))))
            await asyncio.sleep(0)

    async def ordering() -> None:
        nonlocal clock
        for scope in scopes[::5]:
            await desk.order(scope, Custody.SUSPENDED)
            closed[scope] = clock
            for _ in range(5):
                desk.pass_(0.3)
                clock += 0.3
                await asyncio.sleep(0.001)

    await asyncio.gather(
        ordering(), *(using(vault, 13 * place) for place, vault in enumerate(vaults) for _ in range(3))
    )
    late = [at for scope, at, used in outcomes if used and scope in closed and at > closed[scope] + 2]
    assert not late
    assert all(used for scope, _, used in outcomes if scope not in scopes[::5])
    for vault in vaults:
        for scope in closed:
            assert await vault.lease(scope) == refused(CustodyReason.REVOKED)


async def test_one_of_several_root_keys_that_says_no_is_a_no(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await desk.vault().lease(scope)
    await desk.rotate(scope, OTHER_CMK)
    assert lent(await vault.lease(scope))
    desk.root.disable(OTHER_CMK)
    desk.pass_(30)
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
    assert isinstance(await desk.vault().lease(scope), Failure)


async def test_a_lease_counts_from_before_the_root_was_asked(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    begun = desk.clock.now()
    gate, task = await on_its_way(desk, vault, scope)
    desk.pass_(9)
    gate.opened.set()
    lease = (await task).unwrap()
    assert lease.ends_at == begun + desk.timing.lease


async def test_what_can_be_used_after_a_look_counts_from_before_it(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    assert lent(await vault.lease(scope))
    desk.pass_(5)
    looked_at = desk.clock.now()
    gate = Gate()
    desk.table.changes = gate.holds(desk.table.changes)  # type: ignore[method-assign,assignment] # holds one back
    looking = asyncio.create_task(vault._watch.look())
    await gate.reached.wait()
    desk.pass_(0.9)
    gate.opened.set()
    await looking
    assert vault._lending.until == looked_at + desk.timing.blind


async def test_what_is_evicted_while_a_load_is_on_its_way_is_decided_again(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    gate, task = await on_its_way(desk, vault, scope)
    await desk.rotate(scope)
    await vault.evict(scope)
    gate.opened.set()
    assert (await task).unwrap().numbers == (2, 1)


async def test_whoever_met_a_newer_version_is_lent_it_and_others_go_on(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    before = (await vault.lease(scope)).unwrap()
    sealed = before.seal(KeyPurpose.PII, NAME, b"Ada")
    await desk.rotate(scope)
    many = await asyncio.gather(*(vault.newer(scope, 2) for _ in range(20)))
    assert {each.unwrap().numbers for each in many} == {(2, 1)}
    assert (vault.figures.renewals, vault.figures.evictions) == (1, 0)
    assert before.open(KeyPurpose.PII, NAME, sealed) == Success(b"Ada")
    assert (await vault.newer(scope, 2)).unwrap().numbers == (2, 1)
    assert vault.figures.renewals == 1


async def test_what_was_on_its_way_before_there_was_a_newer_version_is_decided_again(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    assert lent(await vault.lease(scope))
    gate = Gate()
    desk.root.unwrap = gate.holds(desk.root.unwrap)  # type: ignore[method-assign,assignment] # holds one back
    first = asyncio.create_task(vault.newer(scope, 2))
    await gate.reached.wait()
    await desk.rotate(scope)
    second = asyncio.create_task(vault.newer(scope, 2))
    await asyncio.sleep(0)
    gate.opened.set()
    assert (await second).unwrap().numbers == (2, 1)
    assert (await first).unwrap().numbers == (2, 1)


async def test_whoever_waits_when_the_vault_is_closed_is_refused_and_not_cancelled(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    _, task = await on_its_way(desk, vault, scope)
    await vault.close()
    assert await task == refused(CustodyReason.UNREACHABLE)


async def test_whoever_waits_for_a_question_when_the_vault_is_closed_is_refused(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    assert lent(await vault.lease(scope))
    desk.pass_(31)
    gate = Gate()
    desk.root.authorise = gate.holds(desk.root.authorise)  # type: ignore[method-assign,assignment] # holds one back
    task = asyncio.create_task(vault.lease(scope))
    await gate.reached.wait()
    await vault.close()
    assert await task == refused(CustodyReason.UNREACHABLE)


async def test_whoever_goes_away_does_not_stop_the_question_that_others_wait_for(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    assert lent(await vault.lease(scope))
    desk.pass_(31)
    gate = Gate()
    desk.root.authorise = gate.holds(desk.root.authorise)  # type: ignore[method-assign,assignment] # holds one back
    first = asyncio.create_task(vault.lease(scope))
    await gate.reached.wait()
    second = asyncio.create_task(vault.lease(scope))
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    assert lent(await second)
    assert desk.root.calls["authorise"] == 1


async def test_a_change_ends_what_is_remembered_of_a_no(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    assert lent(await vault.lease(scope))
    await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    await desk.order(scope, Custody.ACTIVE)
    await vault._watch.look()
    assert lent(await vault.lease(scope))


@pytest.mark.parametrize("derivation", Derivation)
async def test_what_the_root_gave_is_wiped_once_it_is_derived_from(
    desk: Desk, derivation: Derivation
) -> None:
    given: list[bytearray] = []

    def noting(answer: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def noted(*args: Any) -> Any:
            answered = await answer(*args)
            given.append(answered.unwrap())
            return answered

        return noted

    desk.root.unwrap, desk.root.mac = noting(desk.root.unwrap), noting(desk.root.mac)  # type: ignore[method-assign,assignment] # to see it
    assert lent(await desk.vault(derivation=derivation).lease(desk.merchant()))
    assert len(given) == (1 if derivation is Derivation.WRAPPED else 2)
    assert not any(map(any, given))


async def test_a_lease_says_why_it_ended_first(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    await desk.order(scope, Custody.REVOKED)
    desk.pass_(1)
    await vault._watch.look()
    await vault.evict(scope)
    assert lease.open(KeyPurpose.PII, NAME, b"") == refused(CustodyReason.REVOKED)
