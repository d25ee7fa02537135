"""What is lent, for how long, and what ends it."""

import asyncio
import gc
from collections import Counter
from datetime import timedelta

import pytest

from fintech.adapters.crypto import refusing, watching
from fintech.adapters.crypto.roots import FAILURES_MAX
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import CmkStatus, Custody, Derivation, KeyRingId, new_ring
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.outcome import Success
from fintech.ports.errors import AuditUnavailable, LeaseEnded, StoreUnavailable
from fintech.ports.key_root import RootFault
from tests.unit.adapters.crypto.desk import CMK, NAME, OTHER_CMK, Desk, lent, refused, works


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ------------------------------------------------------------------------------------------- single flight


async def test_two_hundred_who_ask_at_once_cost_one_call_to_the_root(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    other = desk.vault()
    desk.root.calls.clear()
    desk.root.latency_s = 0.01
    outcomes = await asyncio.gather(*(other.lease(scope) for _ in range(200)))
    assert all(lent(outcome) for outcome in outcomes)
    assert desk.root.calls == {"unwrap": 1}
    for _ in range(50):
        assert lent(await other.lease(scope))
    assert desk.root.calls == {"unwrap": 1}


async def test_every_version_of_a_key_is_one_call(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    await desk.rotate(scope)
    await desk.rotate(scope, OTHER_CMK)
    desk.root.calls.clear()
    desk.root.latency_s = 0.01
    leases = [
        each.unwrap() for each in await asyncio.gather(*(desk.vaults[0].lease(scope) for _ in range(50)))
    ]
    assert len({id(lease) for lease in leases}) == 1
    assert (leases[0].number, leases[0].numbers) == (1, (1,))  # it has not looked yet
    desk.pass_(2)
    lease = (await vault.lease(scope)).unwrap()
    assert (lease.number, lease.numbers) == (3, (3, 2, 1))
    assert desk.root.calls == {"unwrap": 3}


async def test_a_derived_key_takes_two_calls_and_both_of_them(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(derivation=Derivation.DERIVED)
    first = (await vault.lease(scope)).unwrap()
    assert desk.root.calls == {"create": 1, "unwrap": 1, "mac": 1}
    message = first.seal(KeyPurpose.PII, NAME, b"Ada")
    again = (await desk.vault().lease(scope)).unwrap()
    assert again.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")


async def test_whoever_goes_away_does_not_stop_it_for_the_others(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    desk.root.latency_s = 0.02
    waiting = [asyncio.create_task(vault.lease(scope)) for _ in range(10)]
    await asyncio.sleep(0.005)
    for task in waiting[:9]:
        task.cancel()
    await asyncio.wait(waiting[:9])
    assert all(task.cancelled() for task in waiting[:9])
    assert lent(await waiting[9])
    assert desk.root.calls == {"create": 1, "unwrap": 1}


async def test_what_everybody_who_waited_for_has_left_is_there_for_the_next(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    desk.root.latency_s = 0.01
    task = asyncio.create_task(vault.lease(scope))
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0.05)
    assert lent(await vault.lease(scope))
    assert desk.root.calls == {"create": 1, "unwrap": 1}


async def test_calls_to_the_root_and_those_who_wait_are_bounded(desk: Desk) -> None:
    scopes, maker = [desk.merchant() for _ in range(30)], desk.vault()
    for scope in scopes:
        await maker.lease(scope)
    vault = desk.vault(root_calls_max=4, loads_max=20)
    under_way = most = 0
    unwrap = desk.root.unwrap

    async def counted(*args):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        try:
            return await unwrap(*args)
        finally:
            under_way -= 1

    desk.root.unwrap = counted  # type: ignore[method-assign] # to count them
    outcomes = await asyncio.gather(*(vault.lease(scope) for scope in scopes))
    assert most == 4
    assert sum(map(lent, outcomes)) == 20
    assert outcomes.count(refused(CustodyReason.UNREACHABLE)) == vault.figures.shed == 10


async def test_the_longest_unused_makes_room_and_its_keys_are_wiped(desk: Desk) -> None:
    scopes, vault = [desk.merchant() for _ in range(3)], desk.vault(leases_max=2)
    for scope in scopes[:2]:
        await vault.lease(scope)
    first = vault._shelf.get(scopes[0])
    second = vault._shelf.get(scopes[1])
    assert first is not None
    assert second is not None
    material = second._keys._keys
    await vault.lease(scopes[0])
    await vault.lease(scopes[2])
    assert vault.health().leases == 2
    assert vault.figures.pushed_out == 1
    assert works(second)  # whoever uses it goes on
    assert any(material)
    del second
    gc.collect()
    assert not any(material)
    desk.root.calls.clear()
    await vault.lease(scopes[0])
    assert not desk.root.calls
    await vault.lease(scopes[1])
    assert desk.root.calls == {"unwrap": 1}


# ------------------------------------------------------------------------------------------- how long


async def test_use_never_puts_off_the_end(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    ends_at = (await vault.lease(scope)).unwrap().ends_at
    assert ends_at == desk.clock.now() + timedelta(seconds=300)
    for _ in range(190):
        desk.pass_(1)
        await desk.heartbeat()
        assert (await vault.lease(scope)).unwrap().ends_at == ends_at


async def test_what_is_in_use_is_lent_anew_in_the_background_before_its_end(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    first = (await vault.lease(scope)).unwrap()
    at: list[int] = []
    for second in range(1, 270):
        desk.pass_(1)
        await desk.heartbeat()
        lease = (await vault.lease(scope)).unwrap()
        await asyncio.sleep(0.001 if vault._loads._loads else 0)
        if lease is not first and not at:
            at.append(second)
    assert 200 <= at[0] <= 252
    assert works((await vault.lease(scope)).unwrap())
    assert (vault.figures.loads, vault.figures.renewals) == (1, 1)
    assert works(first)  # its keys are wiped with the last who uses it


async def test_a_version_that_is_past_its_period_opens_and_does_not_seal(desk: Desk) -> None:
    """PCI DSS 3.7.4."""
    policy = KeyPolicy(period=timedelta(days=1), margin=timedelta(0))
    scope, vault = desk.merchant(), desk.vault(policy=policy)
    lease = (await vault.lease(scope)).unwrap()
    message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
    desk.pass_(86_400 - 10)
    last = (await vault.lease(scope)).unwrap()
    assert works(last)
    desk.pass_(10)
    for lease in (last, (await vault.lease(scope)).unwrap()):
        assert lease.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")
        with pytest.raises(LeaseEnded):
            lease.seal(KeyPurpose.PII, NAME, b"Ada")
    await desk.rotate(scope)
    desk.pass_(1)
    assert works((await vault.lease(scope)).unwrap())


async def test_renewals_are_spread(desk: Desk) -> None:
    vault, scopes = desk.vault(), [desk.merchant() for _ in range(40)]
    for scope in scopes:
        await vault.lease(scope)
    dues = {lease.due_at - desk.clock.now() for lease in vault._shelf.all()}
    assert len(dues) == 40
    assert timedelta(seconds=200) <= min(dues) < max(dues) <= timedelta(seconds=250)


async def test_what_is_not_in_use_is_wiped_when_it_is_over(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(attended=True)
    await vault.lease(scope)
    held = vault._shelf.get(scope)
    assert held is not None
    material = held._keys._keys
    desk.pass_(301)
    await asyncio.wait_for(_until(lambda: vault.health().leases == 0), 5)
    assert not any(material)
    await vault.close()


# ------------------------------------------------------------------------------------------- the bank's word


@pytest.mark.parametrize(
    ("custody", "reason"),
    [
        (Custody.SUSPENDED, CustodyReason.REVOKED),
        (Custody.REVOKED, CustodyReason.REVOKED),
        (Custody.SHREDDED, CustodyReason.DESTROYED),
    ],
)
async def test_an_order_ends_what_is_lent_within_two_seconds_and_in_all_processes(
    desk: Desk, custody: Custody, reason: CustodyReason
) -> None:
    scope, vaults = desk.merchant(), [desk.vault() for _ in range(3)]
    leases = [(await vault.lease(scope)).unwrap() for vault in vaults]
    message = leases[0].seal(KeyPurpose.PII, NAME, b"Ada")
    materials = [vault._shelf.get(scope)._keys._keys for vault in vaults]  # type: ignore[union-attr] # it is there
    await desk.order(scope, custody)
    desk.pass_(1.5)
    desk.root.calls.clear()
    for vault, lease, material in zip(vaults, leases, materials, strict=True):
        assert await vault.lease(scope) == refused(reason)
        assert lease.open(KeyPurpose.PII, NAME, message) == refused(reason)
        with pytest.raises(LeaseEnded) as ended:
            lease.seal(KeyPurpose.PII, NAME, b"Ada")
        assert ended.value.refused.reason is reason
        assert not any(material)
    assert not desk.root.calls  # there is nothing to ask it
    assert desk.trail.actions()[AuditAction.LEASE_REFUSED] == 3
    entry = desk.trail.entries[-1]
    assert (entry.merchant, entry.result) == (scope.merchant, AuditResult.REFUSED)
    assert entry.details == {"reason": reason.value, "code": custody.value}


async def test_what_was_renewed_rotated_or_pushed_out_is_taken_back_with_the_rest(desk: Desk) -> None:
    """Whoever still has an older lease in hand has nothing more of it than the others."""
    scope, vault = desk.merchant(), desk.vault(leases_max=1)
    leases = [(await vault.lease(scope)).unwrap()]
    await desk.rotate(scope)
    desk.pass_(1)
    leases.append((await vault.lease(scope)).unwrap())
    await vault.lease(desk.merchant())
    leases.append((await vault.lease(scope)).unwrap())
    desk.pass_(251)
    await vault.lease(scope)
    await asyncio.sleep(0.01)
    leases.append((await vault.lease(scope)).unwrap())
    assert len({id(lease) for lease in leases}) == 4
    assert all(map(works, leases[1:]))
    await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    await vault.lease(scope)
    for lease in leases:
        with pytest.raises(LeaseEnded):
            works(lease)


async def test_what_is_restored_is_lent_again(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    await desk.order(scope, Custody.ACTIVE)
    desk.pass_(1)
    assert lent(await vault.lease(scope))


async def test_broken_glass_is_good_until_its_end(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    await desk.order(scope, Custody.REVOKED)
    await desk.break_glass(scope, 100)
    desk.pass_(1)
    lease = (await vault.lease(scope)).unwrap()
    assert lease.ends_at == desk.clock.now() + timedelta(seconds=99)
    desk.pass_(98)
    assert lent(await vault.lease(scope))
    desk.pass_(1)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    with pytest.raises(LeaseEnded):
        works(lease)


async def test_a_root_key_that_is_shut_by_order_shuts_all_that_hang_from_it(desk: Desk) -> None:
    scopes, vault = [desk.merchant() for _ in range(3)], desk.vault()
    elsewhere, far = desk.merchant(), desk.vault(cmks=(OTHER_CMK,))
    leases = [(await vault.lease(scope)).unwrap() for scope in scopes]
    await far.lease(elsewhere)
    await vault.lease(elsewhere)
    await desk.close_all()
    desk.pass_(1)
    desk.root.calls.clear()
    for scope, lease in zip(scopes, leases, strict=True):
        assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
        with pytest.raises(LeaseEnded):
            works(lease)
    assert await vault.lease(desk.merchant()) == refused(CustodyReason.SUSPENDED)
    assert not desk.root.calls
    assert vault.health().reason is CustodyReason.SUSPENDED
    assert lent(await vault.lease(elsewhere))
    await desk.close_all(open_=True)
    await desk.heartbeat()
    desk.pass_(1.5)
    assert [lent(await vault.lease(scope)) for scope in scopes] == [True] * 3
    assert vault.health().reason is None


@pytest.mark.parametrize("status", [CmkStatus.DISABLED, CmkStatus.PENDING_DELETION])
async def test_what_the_sweep_finds_disabled_is_shut_in_every_process(desk: Desk, status: CmkStatus) -> None:
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    await desk.heartbeat(status=status)
    desk.pass_(6)
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
    with pytest.raises(LeaseEnded):
        works(lease)


async def test_a_rotation_is_seen_and_fails_nobody(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    before = (await vault.lease(scope)).unwrap()
    old = before.seal(KeyPurpose.PII, NAME, b"Ada")
    await desk.rotate(scope)
    desk.pass_(1)
    after = (await vault.lease(scope)).unwrap()
    assert (after.number, after.numbers) == (2, (2, 1))
    assert after.open(KeyPurpose.PII, NAME, old) == Success(b"Ada")
    assert works(before)  # its keys open what they sealed, and the bank has not said no


async def test_a_message_of_a_newer_version_is_not_damaged_but_early(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    behind = (await vault.lease(scope)).unwrap()
    desk.pass_(0.9)
    await vault.lease(scope)
    desk.pass_(0.2)
    await desk.rotate(scope)
    ahead = (await desk.vault().lease(scope)).unwrap()
    message = ahead.seal(KeyPurpose.PII, NAME, b"Ada")
    vault._watch.due_at = desk.clock.now() + timedelta(hours=1)  # its next look is yet to come
    desk.pass_(1)
    assert (await vault.lease(scope)).unwrap() is behind
    assert behind.open(KeyPurpose.PII, NAME, message) == refused(CustodyReason.UNREACHABLE)
    assert (await vault.lease(scope)).unwrap().open(KeyPurpose.PII, NAME, message) == Success(b"Ada")
    assert vault.figures.damaged == 0


async def test_a_message_of_a_version_that_never_was_is_damaged(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    message = bytearray(lease.seal(KeyPurpose.PII, NAME, b"Ada"))
    message[7] = 9
    assert lease.open(KeyPurpose.PII, NAME, bytes(message)) == refused(CustodyReason.INTEGRITY)
    desk.pass_(3)
    assert (await vault.lease(scope)).unwrap() is lease
    assert lease.open(KeyPurpose.PII, NAME, bytes(message)) == refused(CustodyReason.UNREACHABLE)
    again = (await vault.lease(scope)).unwrap()
    assert again.open(KeyPurpose.PII, NAME, bytes(message)) == refused(CustodyReason.INTEGRITY)


# ------------------------------------------------------------------------------------------- the root's word


async def test_a_permission_that_is_revoked_silently_ends_with_the_next_renewal(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    await desk.settled(scope)
    desk.pass_(1)
    lease = (await vault.lease(scope)).unwrap()
    await desk.revoke_silently(scope)
    desk.pass_(251)
    await desk.heartbeat()
    await vault.lease(scope)  # begins the renewal
    await asyncio.sleep(0.02)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    with pytest.raises(LeaseEnded):
        works(lease)
    assert desk.trail.entries[-1].details["code"] == "AccessDeniedException"


async def test_a_permission_that_may_not_have_got_about_yet_is_one_to_come_back_for(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    await desk.revoke_silently(scope)
    other = desk.vault()
    assert await other.lease(scope) == refused(CustodyReason.UNREACHABLE)
    desk.pass_(301)
    assert await other.lease(scope) == refused(CustodyReason.REVOKED)


async def test_a_disabled_root_key_that_one_merchant_hears_of_ends_all_leases_of_the_process(
    desk: Desk,
) -> None:
    scopes, vault = [desk.merchant() for _ in range(4)], desk.vault()
    leases = [(await vault.lease(scope)).unwrap() for scope in scopes[:3]]
    await desk.vault().lease(scopes[3])
    desk.root.disable(CMK)
    assert await vault.lease(scopes[3]) == refused(CustodyReason.SUSPENDED)
    desk.root.calls.clear()
    for scope, lease in zip(scopes, leases, strict=False):
        assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
        with pytest.raises(LeaseEnded):
            works(lease)
    assert desk.root.calls == {}  # it has said no a moment ago
    await asyncio.sleep(0)
    alarm = [entry for entry in desk.trail.entries if entry.subject == CMK]
    assert [entry.action for entry in alarm] == [AuditAction.LEASE_REFUSED]
    desk.root.enable(CMK)
    desk.pass_(1.1)
    assert lent(await vault.lease(scopes[0]))


async def test_without_a_sweep_a_process_asks_for_itself_every_thirty_seconds(desk: Desk) -> None:
    scopes, vault = [desk.merchant() for _ in range(50)], desk.vault()
    for scope in scopes:
        await vault.lease(scope)
    desk.root.calls.clear()
    desk.root.latency_s = 0.005
    for _ in range(3):
        desk.pass_(30)
        outcomes = await asyncio.gather(*(vault.lease(scope) for scope in scopes))
        assert all(map(lent, outcomes))
    assert desk.root.calls == {"authorise": 3}


async def test_with_a_sweep_it_need_not_ask(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    desk.root.calls.clear()
    for _ in range(19):
        desk.pass_(10)
        await desk.heartbeat()
        assert lent(await vault.lease(scope))
    assert not desk.root.calls


async def test_a_heartbeat_of_a_clock_that_is_ahead_is_no_younger_for_it(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    desk.pass_(100)
    await desk.heartbeat()
    for root_key in await desk.table.root_keys():
        ahead = desk.clock.now() + timedelta(hours=1)
        (await desk.table.save_root_key(type(root_key)(cmk=CMK, status=root_key.status, custody_open=True, authorised_at=ahead))).unwrap()  # fmt: skip
    assert lent(await vault.lease(scope))
    desk.root.calls.clear()
    desk.pass_(31)
    assert lent(await vault.lease(scope))
    assert desk.root.calls == {"authorise": 1}


async def test_a_silent_disable_ends_it_within_the_heartbeat_without_any_sweep(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    desk.root.disable(CMK)
    desk.pass_(30)
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)


async def test_one_merchants_denial_is_not_the_others(desk: Desk) -> None:
    """The first who asks for the process may be the one who is cut."""
    cut, other, vault = desk.merchant(), desk.merchant(), desk.vault()
    for scope in (cut, other):
        await vault.lease(scope)
        await desk.settled(scope)
    desk.pass_(1)
    for scope in (cut, other):
        await vault.lease(scope)
    await desk.revoke_silently(cut)
    desk.pass_(30)
    outcomes = await asyncio.gather(vault.lease(cut), vault.lease(other), vault.lease(cut))
    assert outcomes[0] == outcomes[2] == refused(CustodyReason.REVOKED)
    assert lent(outcomes[1])


async def test_an_outage_fails_nobody_who_has_a_lease_and_everybody_after_it(desk: Desk) -> None:
    scope, late, vault = desk.merchant(), desk.merchant(), desk.vault()
    ends_at = (await vault.lease(scope)).unwrap().ends_at
    await desk.vault().lease(late)
    desk.root.reachable = False
    while desk.clock.now() < ends_at:
        assert lent(await vault.lease(scope)), desk.clock.now()
        assert await vault.lease(late) == refused(CustodyReason.UNREACHABLE)
        await asyncio.sleep(0)
        desk.pass_(1)
    for _ in range(3):
        assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)
    assert vault.health().reason is CustodyReason.UNREACHABLE
    assert desk.trail.actions()[AuditAction.LEASE_REFUSED] == 0  # nobody has refused anything
    desk.root.reachable = True
    desk.pass_(16)
    assert lent(await vault.lease(scope))
    assert lent(await vault.lease(late))
    assert vault.health().reason is None


async def test_a_root_that_does_not_answer_is_left_alone(desk: Desk) -> None:
    vault, scopes = desk.vault(), [desk.merchant() for _ in range(20)]
    await vault.lease(scopes[0])
    desk.root.reachable = False
    desk.root.calls.clear()
    for _ in range(120):
        for scope in scopes:
            await vault.lease(scope)
        desk.pass_(1)
    assert FAILURES_MAX <= desk.root.calls.total() <= 40
    assert vault.figures.root_faults[RootFault.UNREACHABLE] == desk.root.calls.total()


async def test_an_attended_vault_finds_out_by_itself_that_the_root_answers_again(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(attended=True, timing=desk.timing.scaled(0.02))
    desk.root.reachable = False
    for _ in range(FAILURES_MAX):
        assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)
        desk.pass_(0.4)
    assert vault.health().reason is CustodyReason.UNREACHABLE
    desk.root.reachable = True
    desk.pass_(0.4)
    await asyncio.wait_for(_until(lambda: vault.health().reason is None), 5)
    assert desk.root.calls["unwrap"] == 0
    await vault.close()


async def test_nobody_with_a_lease_waits_for_a_root_that_does_not_answer(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    desk.root.reachable = False
    desk.pass_(30)
    assert lent(await vault.lease(scope))
    desk.root.latency_s = 30
    desk.pass_(20)
    async with asyncio.timeout(1):
        assert lent(await vault.lease(scope))
    await vault.close()


async def test_a_root_that_hangs_is_one_that_does_not_answer(desk: Desk) -> None:
    desk = Desk(timing=desk.timing.scaled(0.001))
    scope, vault = desk.merchant(), desk.vault()
    desk.root.latency_s = 30
    assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)


async def test_a_keeper_of_root_keys_that_breaks_is_one_that_does_not_answer(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()

    async def breaks(*_args):
        raise RuntimeError("a bug")

    desk.root.create = breaks  # type: ignore[method-assign] # breaks its promise
    assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)


async def test_a_key_that_is_not_what_was_wrapped_is_not_tried_again_and_sounds_the_alarm(
    desk: Desk,
) -> None:
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    await desk.damage(scope)
    desk.pass_(1)
    desk.root.calls.clear()
    for _ in range(20):
        assert await vault.lease(scope) == refused(CustodyReason.INTEGRITY)
        desk.pass_(5)
    assert desk.root.calls == {"unwrap": 1}
    alarms = [entry for entry in desk.trail.entries if entry.action is AuditAction.INTEGRITY_FAILED]
    assert [entry.details["code"] for entry in alarms] == ["InvalidCiphertextException"]
    assert alarms[0].result is AuditResult.FAILED
    del lease


async def test_what_does_not_open_is_counted_and_sounds_the_alarm(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    message = bytearray(lease.seal(KeyPurpose.PII, NAME, b"Ada"))
    message[-1] ^= 1
    assert lease.open(KeyPurpose.PII, NAME, bytes(message)) == refused(CustodyReason.INTEGRITY)
    await asyncio.sleep(0.001)
    assert vault.figures.damaged == 1
    entry = desk.trail.entries[-1]
    assert (entry.action, entry.subject) == (AuditAction.INTEGRITY_FAILED, "customers.name cus_1")
    assert entry.details == {"purpose": "pii", "fault": "changed"}


async def test_alarms_that_wait_to_be_written_down_are_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusing, "ALARMS_MAX", 3)
    scope, vault = desk.merchant(), desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    message = bytearray(lease.seal(KeyPurpose.PII, NAME, b"Ada"))
    message[-1] ^= 1
    for _ in range(2):
        for _ in range(10):
            assert lease.open(KeyPurpose.PII, NAME, bytes(message)) == refused(CustodyReason.INTEGRITY)
        await asyncio.sleep(0.001)
    assert vault.figures.damaged == 20
    assert desk.trail.actions()[AuditAction.INTEGRITY_FAILED] == 6


async def test_of_those_who_were_refused_so_many_are_remembered_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusing, "REFUSALS_MAX", 3)
    scopes, vault = [desk.merchant() for _ in range(5)], desk.vault()
    for scope in scopes:
        await vault.lease(scope)
        await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    for scope in scopes:
        assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    assert list(vault._refusals._until) == scopes[-3:]


async def test_a_renewal_that_could_not_be_had_is_tried_again_before_the_end(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    first = (await vault.lease(scope)).unwrap()
    desk.pass_(desk.timing.lease.total_seconds() * desk.timing.renew_to + 1)
    desk.root.reachable = False
    for _ in range(3):
        assert (await vault.lease(scope)).unwrap() is first
        await asyncio.sleep(0.001)
        desk.pass_(1)
    desk.root.reachable = True
    desk.pass_(desk.timing.retry_most.total_seconds())
    assert (await vault.lease(scope)).unwrap() is first
    await asyncio.sleep(0.001)
    assert (await vault.lease(scope)).unwrap().ends_at > first.ends_at


# ------------------------------------------------------------------------------------------- a new merchant


async def test_a_merchants_first_key_is_made_and_written_down(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    assert lent(await vault.lease(scope))
    ring = await desk.table.ring(scope)
    assert ring is not None
    assert [(key.number, key.cmk, key.grant is not None) for key in ring.keys] == [(1, CMK, True)]
    begun, created, granted = desk.trail.entries
    assert (begun.action, begun.subject) == (created.action, created.subject)
    assert (created.action, created.subject) == (AuditAction.KEY_CREATED, ring.id)
    assert (begun.result, created.result) == (AuditResult.BEGUN, AuditResult.DONE)
    assert (granted.action, granted.merchant) == (AuditAction.LEASE_GRANTED, scope.merchant)


async def test_that_a_key_is_made_is_written_down_before_the_root_is_asked(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    desk.trail.down = True
    with pytest.raises(AuditUnavailable):
        await vault.lease(scope)
    assert desk.root.calls["create"] == 0
    desk.trail.down = False
    assert lent(await vault.lease(scope))


async def test_two_processes_make_one_ring(desk: Desk) -> None:
    scope, vaults = desk.merchant(), [desk.vault() for _ in range(4)]
    desk.root.latency_s = 0.005
    outcomes = await asyncio.gather(*(vault.lease(scope) for vault in vaults))
    assert all(map(lent, outcomes))
    assert len({outcome.unwrap().index("name", b"Ada") for outcome in outcomes}) == 1
    results = Counter(entry.result for entry in desk.trail.entries if entry.action is AuditAction.KEY_CREATED)
    assert results == {AuditResult.BEGUN: 4, AuditResult.DONE: 1, AuditResult.FAILED: 3}


async def test_a_merchant_of_whom_the_bank_spoke_first_gets_its_key_when_the_bank_lets_it(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    empty = new_ring(id=desk.ids.new(KeyRingId), scope=scope, key=None, at=desk.clock.now())
    suspended = await desk.keep(empty.placed(Custody.SUSPENDED).unwrap())
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    assert not desk.root.calls
    await desk.keep(suspended.placed(Custody.ACTIVE).unwrap())
    desk.pass_(1)
    outcomes = await asyncio.gather(*(each.lease(scope) for each in (vault, desk.vault(), desk.vault())))
    assert all(map(lent, outcomes))
    ring = await desk.table.ring(scope)
    assert ring is not None
    assert ring.id == empty.id
    assert [key.number for key in ring.keys] == [1]


async def test_new_rings_are_spread_over_the_root_keys_of_the_bank(desk: Desk) -> None:
    vault = desk.vault(cmks=(CMK, OTHER_CMK))
    scopes = [desk.merchant() for _ in range(64)]
    for scope in scopes:
        await vault.lease(scope)
    under = [len(await desk.table.rings(cmk, None, 100)) for cmk in (CMK, OTHER_CMK)]
    assert sum(under) == 64
    assert min(under) > 12


async def test_a_disabled_root_key_makes_no_ring(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    desk.root.disable(CMK)
    assert await vault.lease(scope) == refused(CustodyReason.SUSPENDED)
    assert await desk.table.ring(scope) is None


# ------------------------------------------------------------------------------------------- what we depend on


async def test_nothing_new_is_lent_while_nothing_can_be_written_down(desk: Desk) -> None:
    scope, known, vault = desk.merchant(), desk.merchant(), desk.vault()
    await vault.lease(known)
    desk.trail.down = True
    with pytest.raises(AuditUnavailable):
        await vault.lease(scope)
    assert await desk.table.ring(scope) is None
    assert lent(await vault.lease(known))  # what it is for is written down by whoever uses it
    other = desk.vault()
    with pytest.raises(AuditUnavailable):
        await other.lease(known)
    assert other.health().leases == 0
    desk.trail.down = False
    assert lent(await vault.lease(scope))
    assert lent(await other.lease(known))


async def test_a_process_that_cannot_read_the_key_table_stops_within_thirty_seconds(desk: Desk) -> None:
    """Even where the root would let it: an order that is in the key table only must be heeded, too."""
    scope, table = desk.merchant(), desk.table
    vault = desk.vault()
    lease = (await vault.lease(scope)).unwrap()
    looked_at = desk.clock.now()
    table.away = True
    for _ in range(29):
        desk.pass_(1)
        assert lent(await vault.lease(scope))
    assert works(lease)
    desk.pass_(1)
    assert desk.clock.now() == looked_at + timedelta(seconds=30)
    assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)
    with pytest.raises(LeaseEnded):
        works(lease)
    with pytest.raises(StoreUnavailable):
        await vault.lease(desk.merchant())
    assert vault.health().reason is CustodyReason.UNREACHABLE
    table.away = False
    desk.pass_(1)
    assert lent(await vault.lease(scope))
    assert vault.health().reason is None


async def test_an_order_that_came_while_it_could_not_look_is_heeded_with_the_first_look(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault()
    await vault.lease(scope)
    desk.table.away = True
    desk.pass_(10)
    assert lent(await vault.lease(scope))
    desk.table.away = False
    await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    assert await vault.lease(scope) == refused(CustodyReason.REVOKED)


async def test_nobody_waits_for_a_key_table_that_hangs_where_somebody_looks_all_the_time(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(attended=True, timing=desk.timing.scaled(0.1))
    await vault.lease(scope)
    hanging = asyncio.Event()

    async def hangs(*_args):
        await hanging.wait()

    desk.table.changes = desk.table.await_change = hangs  # type: ignore[method-assign] # it is cut off
    desk.pass_(0.2)
    await vault.lease(scope)  # waits for the first look that comes to nothing
    desk.pass_(0.2)
    async with asyncio.timeout(0.05):
        assert lent(await vault.lease(scope))
    desk.pass_(3)
    assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)
    await vault.close()


async def test_an_attended_vault_hears_of_an_order_by_itself(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(attended=True, timing=desk.timing.scaled(0.1))
    lease = (await vault.lease(scope)).unwrap()
    message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
    await desk.order(scope, Custody.SUSPENDED)
    await asyncio.wait_for(
        _until(lambda: lease.open(KeyPurpose.PII, NAME, message) == refused(CustodyReason.REVOKED)), 5
    )
    await vault.close()


async def test_more_changes_than_are_listed_end_everything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LISTED_MAX", 3)
    scopes, vault = [desk.merchant() for _ in range(5)], desk.vault()
    for scope in scopes:
        await vault.lease(scope)
    for scope in scopes[1:]:
        await desk.order(scope, Custody.SUSPENDED)
    desk.pass_(1)
    desk.root.calls.clear()
    for scope in scopes[1:]:
        assert await vault.lease(scope) == refused(CustodyReason.REVOKED)
    assert lent(await vault.lease(scopes[0]))
    assert not desk.root.calls


async def test_a_vault_that_is_closed_has_nothing_in_memory(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(attended=True)
    lease = (await vault.lease(scope)).unwrap()
    held = vault._shelf.get(scope)
    assert held is not None
    await vault.close()
    assert not any(held._keys._keys)
    with pytest.raises(LeaseEnded):
        works(lease)
    assert not vault._background._tasks


async def test_a_root_key_that_is_shut_behind_more_changes_than_are_listed_is_shut_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LISTED_MAX", 3)
    scopes, vault = [desk.merchant() for _ in range(5)], desk.vault()
    for scope in scopes:
        await vault.lease(scope)
    desk.pass_(1)
    assert lent(await vault.lease(scopes[0]))
    for scope in scopes[1:]:
        await desk.order(scope, Custody.SUSPENDED)
    await desk.close_all()
    desk.pass_(1)
    assert await vault.lease(scopes[0]) == refused(CustodyReason.SUSPENDED)


async def test_a_vault_that_is_closed_looks_at_nothing_and_lends_nothing_more(desk: Desk) -> None:
    scope, vault = desk.merchant(), desk.vault(attended=True)
    assert lent(await vault.lease(scope))
    hanging = asyncio.Event()

    async def hangs(*_args):
        await hanging.wait()

    desk.table.epoch = desk.table.changes = hangs  # type: ignore[method-assign] # a line that is cut
    desk.pass_(10)
    asking = asyncio.create_task(vault.lease(scope))
    for _ in range(5):
        await asyncio.sleep(0)
    await vault.close()
    assert await asking == refused(CustodyReason.UNREACHABLE)
    assert await vault.lease(scope) == refused(CustodyReason.UNREACHABLE)
    assert not len(vault._shelf)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def _until(true) -> None:
    while not true():
        await asyncio.sleep(0.005)
