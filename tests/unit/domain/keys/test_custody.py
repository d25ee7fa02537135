"""Custody of a merchant's keys: every step, and what can be done with a key meanwhile."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.domain.evolving import evolve
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import (
    CUSTODY_TRANSITIONS,
    KEY_TRANSITIONS,
    PLATFORM,
    VERSIONS_MAX,
    Custody,
    CustodyStepRefused,
    KeyRing,
    KeyRingId,
    KeyStatus,
    RetirementRefused,
    RotationRefused,
    new_ring,
)
from fintech.domain.outcome import Failure, Success
from tests.unit.domain.desk import NOON
from tests.unit.domain.keys.samples import HOUR, SHOP, ring, version

TICK = timedelta(microseconds=1)
STEPS = {
    ("active", "suspended"),
    ("active", "revoked"),
    ("suspended", "active"),
    ("suspended", "revoked"),
}
SHREDDABLE = {Custody.ACTIVE, Custody.SUSPENDED, Custody.REVOKED}


@pytest.mark.parametrize("current", Custody)
@pytest.mark.parametrize("wanted", Custody)
def test_every_step_of_custody_is_allowed_or_refused(current: Custody, wanted: Custody) -> None:
    outcome = ring(current).placed(wanted)
    if (current, wanted) in STEPS:
        assert outcome == Success(evolve(ring(current), custody=wanted))
    else:
        assert outcome == Failure(CustodyStepRefused(current, wanted))


@pytest.mark.parametrize("current", Custody)
def test_whatever_is_not_shredded_can_be_and_has_no_key_then(current: Custody) -> None:
    before = evolve(ring(current, version(1, KeyStatus.DECRYPT_ONLY), version(2)), opened_until=NOON + HOUR)
    outcome = before.shredded(NOON)
    if current not in SHREDDABLE:
        assert outcome == Failure(CustodyStepRefused(current, Custody.SHREDDED))
        return
    after = outcome.unwrap()
    assert after.custody is Custody.SHREDDED
    assert {key.status for key in after.keys} == {KeyStatus.RETIRED}
    assert not any(key.wrapped for key in after.keys)
    assert after.active is None
    assert not after.usable(NOON)


def test_the_tables_know_every_status() -> None:
    assert set(CUSTODY_TRANSITIONS) == set(Custody)
    assert set(KEY_TRANSITIONS) == set(KeyStatus)


@given(st.lists(st.sampled_from(Custody), max_size=12))
def test_what_was_revoked_never_comes_back(steps: list[Custody]) -> None:
    now, seen = ring(), [Custody.ACTIVE]
    for step in steps:
        outcome = now.shredded(NOON) if step is Custody.SHREDDED else now.placed(step)
        now = outcome.value_or(now)
        seen.append(now.custody)
    if Custody.REVOKED in seen:
        assert set(seen[seen.index(Custody.REVOKED) :]) <= {Custody.REVOKED, Custody.SHREDDED}
    if Custody.SHREDDED in seen:
        assert set(seen[seen.index(Custody.SHREDDED) :]) == {Custody.SHREDDED}


@pytest.mark.parametrize("current", [Custody.SUSPENDED, Custody.REVOKED])
def test_broken_glass_ends_by_itself(current: Custody) -> None:
    opened = ring(current).opened(NOON + HOUR).unwrap()
    assert opened.usable(NOON + HOUR - TICK)
    assert not opened.usable(NOON + HOUR)
    assert opened.custody is current


def test_there_is_no_glass_before_keys_that_can_be_used_or_that_are_gone() -> None:
    for current in (Custody.ACTIVE, Custody.SHREDDED):
        assert ring(current).opened(NOON + HOUR) == Failure(CustodyStepRefused(current, current))


@pytest.mark.parametrize(
    ("current", "wanted"), [(Custody.SUSPENDED, Custody.ACTIVE), (Custody.SUSPENDED, Custody.REVOKED)]
)
def test_the_banks_next_word_ends_broken_glass(current: Custody, wanted: Custody) -> None:
    opened = ring(current).opened(NOON + HOUR).unwrap()
    assert opened.placed(wanted).unwrap().opened_until is None


@given(st.sampled_from(Custody), st.none() | st.integers(-5, 5))
def test_only_an_active_ring_is_usable_without_broken_glass(current: Custody, minutes: int | None) -> None:
    until = None if minutes is None else NOON + timedelta(minutes=minutes)
    usable = evolve(ring(current), opened_until=until).usable(NOON)
    if current is Custody.SHREDDED:
        assert not usable
    else:
        assert usable is (current is Custody.ACTIVE or (minutes or 0) > 0)


@pytest.mark.parametrize("current", KeyStatus)
@pytest.mark.parametrize("wanted", KeyStatus)
def test_every_step_of_a_key_is_the_tables_or_a_bug(current: KeyStatus, wanted: KeyStatus) -> None:
    if (current, wanted) in {("active", "decrypt_only"), ("decrypt_only", "retired")}:
        assert version(1, current).moved_to(wanted).status is wanted
    else:
        with pytest.raises(AssertionError, match="not a step of a key"):
            version(1, current).moved_to(wanted)


@given(st.lists(st.booleans(), max_size=40))
def test_of_a_ring_in_use_one_version_seals_and_few_open(rotations: list[bool]) -> None:
    """Rotate, or retire the oldest that still opens."""
    now = ring()
    for rotate in rotations:
        oldest = next((key.number for key in now.keys if key.status is KeyStatus.DECRYPT_ONLY), 1)
        now = (
            now.rotated(version(now.keys[-1].number + 1)) if rotate else now.retired(oldest, NOON)
        ).value_or(now)
        statuses = [key.status for key in now.keys]
        assert statuses.count(KeyStatus.ACTIVE) == 1
        assert statuses[-1] is KeyStatus.ACTIVE
        assert len(statuses) - statuses.count(KeyStatus.RETIRED) <= VERSIONS_MAX
        assert all(bool(key.wrapped) is (key.status is not KeyStatus.RETIRED) for key in now.keys)
        assert [key.number for key in now.keys] == list(range(1, len(now.keys) + 1))


@pytest.mark.parametrize("current", [Custody.SUSPENDED, Custody.REVOKED, Custody.SHREDDED])
def test_what_is_not_active_gets_no_new_key(current: Custody) -> None:
    assert ring(current).rotated(version(2)) == Failure(RotationRefused(current, 1))


def test_a_ring_has_so_many_versions_that_open_and_no_more() -> None:
    full = ring(
        Custody.ACTIVE,
        *(version(number, KeyStatus.DECRYPT_ONLY) for number in range(1, VERSIONS_MAX)),
        version(VERSIONS_MAX),
    )
    assert full.rotated(version(VERSIONS_MAX + 1)) == Failure(RotationRefused(Custody.ACTIVE, VERSIONS_MAX))
    room = full.retired(1, NOON).unwrap()
    assert room.rotated(version(VERSIONS_MAX + 1)).unwrap().active == version(VERSIONS_MAX + 1)


def test_a_version_follows_the_one_before() -> None:
    with pytest.raises(AssertionError, match="version 3 does not follow 1"):
        ring().rotated(version(3))


def test_what_seals_or_is_not_there_is_not_retired() -> None:
    assert ring().retired(1, NOON) == Failure(RetirementRefused(1, KeyStatus.ACTIVE))
    assert ring().retired(2, NOON) == Failure(RetirementRefused(2, None))


def test_a_merchant_without_keys_can_be_suspended_and_has_its_first_key_when_it_is_restored() -> None:
    empty = new_ring(id=KeyRingId("kr_" + "r" * 24), scope=SHOP, key=None, at=NOON)
    assert empty.active is None
    suspended = empty.placed(Custody.SUSPENDED).unwrap()
    assert isinstance(suspended.rotated(version(1)), Failure)
    restored = suspended.placed(Custody.ACTIVE).unwrap()
    assert restored.rotated(version(1)).unwrap().active == version(1)
    with pytest.raises(AssertionError, match="version 2 does not follow 0"):
        restored.rotated(version(2))


def test_a_new_ring_has_its_key() -> None:
    made = new_ring(id=KeyRingId("kr_" + "r" * 24), scope=SHOP, key=version(1), at=NOON)
    assert (made.version, made.custody, made.active, made.key(1)) == (
        0,
        Custody.ACTIVE,
        version(1),
        version(1),
    )


def test_another_state_of_a_version_takes_its_place() -> None:
    two = ring(Custody.ACTIVE, version(1, KeyStatus.DECRYPT_ONLY), version(2))
    moved = evolve(version(1, KeyStatus.DECRYPT_ONLY), wrapped=b"elsewhere")
    assert two.with_key(moved).keys == (moved, version(2))


def test_the_platforms_own_keys_are_named_as_a_merchants_are() -> None:
    assert MerchantId.parse(PLATFORM) == PLATFORM


def test_no_repr_shows_what_is_wrapped() -> None:
    shown: KeyRing = ring()
    assert "wrapped-1" not in repr(shown)


@pytest.mark.parametrize("current", [Custody.SUSPENDED, Custody.REVOKED])
def test_the_bank_can_say_the_same_again_to_end_broken_glass(current: Custody) -> None:
    broken = evolve(ring(current), opened_until=NOON + HOUR)
    assert broken.placed(current) == Success(ring(current))
