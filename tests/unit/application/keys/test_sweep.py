"""What the bank takes back without telling us is noticed, and told to all processes."""

import asyncio
from datetime import timedelta

import pytest

from fintech.application.keys import sweep as module
from fintech.application.keys.sweep import KeySweep
from fintech.application.keys.sweep_findings import SWEEP
from fintech.domain.audit import AuditAction
from fintech.domain.keys.custody import CmkStatus, Custody
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.keys.timing import USUAL
from fintech.domain.outcome import Failure
from fintech.ports.errors import AuditUnavailable, LeaseEnded
from fintech.ports.key_root import RootFault, RootRefused
from fintech.ports.key_table import RootKey
from tests.unit.adapters.crypto.desk import CMK, OTHER_CMK, Desk, faster, lent, refused, works
from tests.unit.application.keys.sweeping import known, sweep_of

EVERY_S = USUAL.merchants_every.total_seconds()


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def root_key(desk: Desk) -> RootKey:
    return next(each for each in await desk.table.root_keys() if each.cmk == CMK)


async def test_a_heartbeat_is_published_that_every_process_lives_by(desk: Desk) -> None:
    scope, vault, sweep = desk.merchant(), desk.vault(), sweep_of(desk)
    await known(desk, scope)
    await vault.lease(scope)
    assert await sweep.try_root_keys() == 1
    desk.root.calls.clear()
    for _ in range(30):
        desk.pass_(5)
        await sweep.try_root_keys()
        assert lent(await vault.lease(scope))
    assert desk.root.calls == {"authorise": 30}
    assert (await root_key(desk)).authorised_at == desk.clock.now()
    assert sweep.figures.asked == 31


async def test_a_root_key_that_hangs_nothing_from_it_is_left_alone(desk: Desk) -> None:
    assert await sweep_of(desk).try_root_keys() == 1
    assert not desk.root.calls
    assert await desk.table.root_keys() == []


async def test_a_silent_disable_is_noticed_by_every_process_within_seven_seconds(desk: Desk) -> None:
    scope, vaults, sweep = desk.merchant(), [desk.vault() for _ in range(3)], sweep_of(desk)
    await known(desk, scope)
    leases = [(await vault.lease(scope)).unwrap() for vault in vaults]
    await sweep.try_root_keys()
    desk.root.disable(CMK)
    desk.pass_(5)
    await sweep.try_root_keys()
    desk.pass_(1)
    desk.root.calls.clear()
    for vault, lease in zip(vaults, leases, strict=True):
        assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
        with pytest.raises(LeaseEnded):
            works(lease)
    assert not desk.root.calls
    assert (await root_key(desk)).status is CmkStatus.DISABLED
    entry = desk.trail.entries[-1]
    assert (entry.actor, entry.action, entry.subject) == (SWEEP.name, AuditAction.CUSTODY_CHANGED, CMK)
    assert entry.details == {"from": "enabled", "to": "disabled", "code": "DisabledException"}
    ring = await desk.table.ring(scope)
    assert ring is not None
    assert ring.custody is Custody.ACTIVE  # nothing is said of the merchant
    desk.root.enable(CMK)
    desk.pass_(5)
    await sweep.try_root_keys()
    desk.pass_(1)
    assert lent(await vaults[0].lease(scope))
    assert (sweep.figures.shut, sweep.figures.opened) == (1, 1)


async def test_a_root_key_that_was_destroyed_is_shut(desk: Desk) -> None:
    scope, sweep = desk.merchant(), sweep_of(desk)
    await known(desk, scope)
    desk.root.destroy(CMK)
    for _ in range(3):
        await sweep.try_root_keys()
    assert (await root_key(desk)).status is CmkStatus.DISABLED
    assert sweep.figures.shut == 1


async def test_a_silent_revocation_is_noticed_by_every_process_within_sixty_five_seconds(desk: Desk) -> None:
    scope, other, vaults, sweep = (
        desk.merchant(),
        desk.merchant(),
        [desk.vault(), desk.vault()],
        sweep_of(desk),
    )
    await known(desk, scope, other)
    leases = [(await vault.lease(scope)).unwrap() for vault in vaults]
    await vaults[0].lease(other)
    await swept(sweep)
    await desk.revoke_silently(scope)
    for _ in range(12):
        desk.pass_(5)
        await swept(sweep)
    desk.pass_(1)
    for vault, lease in zip(vaults, leases, strict=True):
        assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
        with pytest.raises(LeaseEnded):
            works(lease)
    assert lent(await vaults[0].lease(other))
    ring = await desk.table.ring(scope)
    assert ring is not None
    assert ring.custody is Custody.SUSPENDED
    found = [entry for entry in desk.trail.entries if entry.actor == SWEEP.name]
    assert [(entry.subject, entry.details["code"]) for entry in found] == [(ring.id, "AccessDeniedException")]
    await desk.order(scope, Custody.ACTIVE)
    desk.pass_(60)
    await swept(sweep)
    assert (await desk.table.ring(scope)).custody is Custody.SUSPENDED  # type: ignore[union-attr] # it is there


async def test_a_canary_is_found_behind_ever_so_many_who_are_suspended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "CANARY_PAGES_MAX", 2)
    scopes = sorted((desk.merchant() for _ in range(9)), key=lambda scope: scope.merchant)
    await known(desk, *scopes)
    for scope in scopes[:-1]:
        await desk.order(scope, Custody.SUSPENDED)
    sweep = sweep_of(desk)
    await sweep.try_root_keys()
    assert desk.root.calls["authorise"] == 0
    for _ in range(2):
        await sweep.try_root_keys()
    assert sweep._canaries[CMK] == scopes[-1]
    assert desk.root.calls["authorise"] == 1


async def test_a_canary_that_is_revoked_is_not_taken_for_the_root_key(desk: Desk) -> None:
    scopes, sweep = [desk.merchant() for _ in range(3)], sweep_of(desk)
    await known(desk, *scopes)
    await sweep.try_root_keys()
    canary = sweep._canaries[CMK]
    await desk.revoke_silently(canary)
    desk.pass_(5)
    await sweep.try_root_keys()
    assert (await root_key(desk)).authorised_at == desk.clock.now()
    assert sweep._canaries[CMK] != canary
    await sweep.try_merchants()
    assert (await desk.table.ring(canary)).custody is Custody.SUSPENDED  # type: ignore[union-attr] # it is there


async def test_when_all_are_refused_one_by_one_nobody_is_suspended(desk: Desk) -> None:
    """It may be that we are the ones who lack a permission: that must not take the bank's word to undo."""
    scopes, sweep = [desk.merchant() for _ in range(3)], sweep_of(desk)
    await known(desk, *scopes)
    for scope in scopes:
        await desk.revoke_silently(scope)
    await swept(sweep)
    assert sweep.figures.suspended == 0
    assert await desk.table.root_keys() == []  # and there is no heartbeat to live by


async def test_a_permission_that_may_not_have_got_about_is_left_alone(desk: Desk) -> None:
    new, other, sweep = desk.merchant(), desk.merchant(), sweep_of(desk)
    await known(desk, other)
    await desk.vault().lease(new)
    await desk.revoke_silently(new)
    await swept(sweep)
    assert sweep.figures.suspended == 0
    desk.pass_(300)
    await swept(sweep)
    assert sweep.figures.suspended == 1


async def test_an_outage_says_nothing_of_anybody(desk: Desk) -> None:
    scope, sweep = desk.merchant(), sweep_of(desk)
    await known(desk, scope)
    await swept(sweep)
    before = await root_key(desk)
    epoch = await desk.table.epoch()
    desk.root.reachable = False
    for _ in range(30):
        desk.pass_(5)
        await swept(sweep)
    assert await root_key(desk) == before
    assert await desk.table.epoch() == epoch
    assert sweep.figures.unanswered > 0


async def test_a_damaged_key_sounds_the_alarm_once(desk: Desk) -> None:
    scope, sweep = desk.merchant(), sweep_of(desk)
    await known(desk, scope)
    await desk.damage(scope)
    for _ in range(3):
        await swept(sweep)
        desk.pass_(60)
    alarms = [entry for entry in desk.trail.entries if entry.action is AuditAction.INTEGRITY_FAILED]
    assert [entry.merchant for entry in alarms] == [scope.merchant]
    assert (await desk.table.ring(scope)).custody is Custody.ACTIVE  # type: ignore[union-attr] # it is there


async def test_one_process_leads_and_another_one_takes_over(desk: Desk) -> None:
    scope, first, second = desk.merchant(), sweep_of(desk), sweep_of(desk, "two")
    await known(desk, scope)
    assert (await first.try_root_keys(), await second.try_root_keys()) == (1, 0)
    desk.pass_(10)
    assert (await first.try_root_keys(), await second.try_root_keys()) == (1, 0)
    desk.pass_(16)  # the first has died
    assert (await second.try_root_keys(), await first.try_root_keys()) == (1, 0)
    assert (first.figures.leading, second.figures.leading) == (False, True)
    await second.give_up()
    assert await first.try_root_keys() == 1


async def test_all_merchants_are_asked_for_page_by_page_and_once_in_a_round(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 4)
    scopes, sweep = [desk.merchant() for _ in range(10)], sweep_of(desk)
    await known(desk, *scopes)
    await desk.order(scopes[3], Custody.SUSPENDED)
    assert await sweep.try_merchants() == 0  # not before it knows of the root keys
    await sweep.try_root_keys()
    desk.root.calls.clear()
    assert [await sweep.try_merchants() for _ in range(4)] == [4, 4, 2, 0]
    assert desk.root.calls == {"authorise": 9}
    desk.pass_(EVERY_S - 1)
    assert await sweep.try_merchants() == 0
    desk.pass_(1)
    assert await sweep.try_merchants() == 4


async def test_only_those_in_use_are_asked_for_and_a_few_others_with_each_round(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_MAX", 3)
    idle, used, sweep = [desk.merchant() for _ in range(7)], desk.merchant(), sweep_of(desk)
    await known(desk, *idle)
    desk.pass_(601)  # a lease, twice
    await known(desk, used)
    counts = []
    for _ in range(5):
        await sweep.try_root_keys()
        desk.root.calls.clear()
        counts.append(await sweep.try_merchants())
        assert desk.root.calls == {"authorise": counts[-1]}
        desk.pass_(EVERY_S)
    assert counts == [4, 4, 2, 4, 4]
    await desk.damage(idle[6])
    await desk.revoke_silently(idle[0])
    for _ in range(3):
        await swept(sweep)
        desk.pass_(EVERY_S)
    assert (sweep.figures.suspended, sweep.figures.damaged) == (1, 1)


async def test_a_round_that_takes_long_begins_so_much_sooner(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is asked for last is not asked for later than the others."""
    monkeypatch.setattr(module, "PAGE", 4)
    sweep = sweep_of(desk)
    await known(desk, *[desk.merchant() for _ in range(6)])
    await sweep.try_root_keys()
    assert await sweep.try_merchants() == 4
    desk.pass_(6)
    assert await sweep.try_merchants() == 2
    desk.pass_(EVERY_S - 6 - 6 - 1)
    await sweep.try_root_keys()
    assert await sweep.try_merchants() == 0
    desk.pass_(1)
    assert await sweep.try_merchants() == 4


async def test_a_silent_revocation_is_noticed_in_time_though_the_leader_dies(desk: Desk) -> None:
    scope, other, vault, sweeps = desk.merchant(), desk.merchant(), desk.vault(), ("one", "two")
    first, second = (sweep_of(desk, name) for name in sweeps)
    await known(desk, scope, other)
    lease = (await vault.lease(scope)).unwrap()
    await swept(first)
    await desk.revoke_silently(scope)
    for second_ in range(1, 62):
        desk.pass_(1)
        if second_ < EVERY_S:
            await first.try_root_keys()  # dies just before it asks for merchants
        if second_ % 5 == 0:
            await second.try_root_keys()
        await second.try_merchants()
    desk.pass_(1)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    with pytest.raises(LeaseEnded):
        works(lease)


async def test_an_outage_in_the_middle_leaves_the_rest_for_later_and_costs_few_questions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 50)
    scopes, sweep = [desk.merchant() for _ in range(60)], sweep_of(desk)
    await known(desk, *scopes)
    await sweep.try_root_keys()
    assert await sweep.try_merchants() == 50
    last = max(scopes, key=lambda scope: scope.merchant)
    await desk.revoke_silently(last)
    desk.root.reachable = False
    desk.root.calls.clear()
    for _ in range(3):
        assert await sweep.try_merchants() == 0
    assert desk.root.calls.total() <= 3 * module.AT_ONCE_MAX
    desk.root.reachable = True
    assert await sweep.try_merchants() == 10
    assert sweep.figures.suspended == 1


async def test_of_a_whole_page_few_are_asked_for_while_the_root_does_not_answer(desk: Desk) -> None:
    scopes, sweep = [desk.merchant() for _ in range(100)], sweep_of(desk)
    await known(desk, *scopes)
    desk.root.reachable = False
    desk.root.calls.clear()
    assert await sweep.try_merchants() == 0
    assert desk.root.calls.total() <= module.AT_ONCE_MAX + module.UNANSWERED_MAX


async def test_a_root_key_that_does_not_answer_keeps_nobody_from_being_asked_for_at_another(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the bank's keys may be in a key store that is cut off, and the others well."""
    monkeypatch.setattr(module, "PAGE", 10)
    monkeypatch.setattr(module, "AT_ONCE_MAX", 1)
    scopes, sweep = [desk.merchant() for _ in range(20)], sweep_of(desk)
    scopes.sort(key=lambda scope: scope.merchant)
    await known(desk, scopes[0], scopes[-1])
    cut_off = desk.vault(cmks=(OTHER_CMK,))
    for scope in scopes[1:-1]:
        await cut_off.lease(scope)
        await desk.settled(scope)
    authorise = desk.root.authorise

    async def cut(cmk, *args):
        unreachable = RootRefused(RootFault.UNREACHABLE, "KeyUnavailableException")
        return Failure(unreachable) if cmk == OTHER_CMK else await authorise(cmk, *args)

    desk.root.authorise = cut  # type: ignore[method-assign] # one root key does not answer
    await desk.revoke_silently(scopes[-1])
    desk.root.calls.clear()
    for _ in range(12):
        desk.pass_(5)
        await sweep.try_root_keys()
        await sweep.try_merchants()
    assert sweep.figures.suspended == 1


async def test_questions_to_the_root_are_bounded(desk: Desk) -> None:
    scopes, sweep = [desk.merchant() for _ in range(40)], sweep_of(desk)
    await known(desk, *scopes)
    under_way = most = 0
    authorise = desk.root.authorise

    async def counted(*args):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        try:
            return await authorise(*args)
        finally:
            under_way -= 1

    desk.root.authorise = counted  # type: ignore[method-assign] # to count them
    await sweep.try_root_keys()
    assert await sweep.try_merchants() == 40
    assert most == module.AT_ONCE_MAX


async def test_a_merchant_under_two_root_keys_is_asked_for_at_both(desk: Desk) -> None:
    scope, sweep = desk.merchant(), sweep_of(desk)
    await known(desk, scope)
    await desk.rotate(scope, OTHER_CMK)
    await desk.rotate(scope, OTHER_CMK)
    await sweep.try_root_keys()
    desk.root.calls.clear()
    await sweep.try_merchants()
    assert desk.root.calls == {"authorise": 2}


async def test_what_shuts_is_told_without_an_audit_trail_and_what_opens_is_not(desk: Desk) -> None:
    scope, sweep = desk.merchant(), sweep_of(desk)
    await known(desk, scope)
    await sweep.try_root_keys()
    desk.trail.down = True
    desk.root.disable(CMK)
    await sweep.try_root_keys()
    assert (await root_key(desk)).status is CmkStatus.DISABLED
    desk.root.enable(CMK)
    with pytest.raises(AuditUnavailable):
        await sweep.try_root_keys()
    assert (await root_key(desk)).status is CmkStatus.DISABLED
    desk.trail.down = False
    await sweep.try_root_keys()
    assert (await root_key(desk)).status is CmkStatus.ENABLED


async def test_the_banks_order_comes_before_what_the_root_says(desk: Desk) -> None:
    scope, vault, sweep = desk.merchant(), desk.vault(), sweep_of(desk)
    await known(desk, scope)
    await vault.lease(scope)
    await swept(sweep)
    await desk.close_all()
    desk.pass_(5)
    await swept(sweep)
    assert not (await root_key(desk)).custody_open
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)


async def test_times_can_all_be_scaled() -> None:
    timing = faster(100)
    assert timing.lease == timedelta(seconds=3)
    assert timing.canary_every == timedelta(seconds=0.05)
    assert timing.renew_from == 2 / 3


async def swept(sweep: KeySweep) -> None:
    """Whatever is due."""
    await sweep.try_root_keys()
    await sweep.try_merchants()
