"""What a process remembers of idempotency keys."""

import pytest
from attrs import evolve

from fintech.adapters.postgres.recent_claims import REMEMBERED_MAX, RecentClaims
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.apply import ClaimState
from fintech.domain.changeset import Answer, Change, Changeset, Claim
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, EventId
from fintech.domain.scope import Scope
from fintech.ports.id_source import IdSource
from tests.benchmarks.payments import ACTOR, merchants

SHOP, OTHER = merchants(2)
SCOPE = Scope(SHOP.id, livemode=False)
CLAIM = Claim(key="key", operation="o", fingerprint=b"f", resource="r", lease_until=SHOP.created_at)


def changes(ids: IdSource, claim: Claim | Answer | None) -> Changeset:
    return Changeset(
        id=ids.new(ChangesetId),
        at=SHOP.created_at,
        actor=ACTOR,
        changes=(Change(SHOP, EventType.ACCOUNT_UPDATED),),
        claim=claim,
    )


@pytest.fixture
def ids() -> IdSource:
    """Fresh ids."""
    return RandomIdSource()


@pytest.fixture
def recent() -> RecentClaims:
    """Nothing is known yet."""
    return RecentClaims()


def test_an_answered_key_is_told_to_who_claims_and_answers_in_one(
    recent: RecentClaims, ids: IdSource
) -> None:
    answered = ClaimState(CLAIM, EventId.of(ids.new(ChangesetId), 0), None)
    recent.remember({(SCOPE, "key"): answered})
    at_once = changes(ids, Answer(key="key", claim=CLAIM))
    assert recent.answered(SCOPE, at_once) == ((SCOPE, "key"), answered)
    assert not recent.doubtful(SCOPE, at_once)
    assert recent.answered(SCOPE, changes(ids, CLAIM)) is None
    assert recent.doubtful(SCOPE, changes(ids, CLAIM))


def test_a_key_without_its_answer_is_a_warning(recent: RecentClaims, ids: IdSource) -> None:
    recent.remember({(SCOPE, "key"): None})
    for claim in (CLAIM, Answer(key="key", claim=CLAIM)):
        assert recent.answered(SCOPE, changes(ids, claim)) is None
        assert recent.doubtful(SCOPE, changes(ids, claim))
    assert not recent.doubtful(SCOPE, changes(ids, Answer(key="key")))


def test_keys_of_others_and_no_keys_are_unknown(recent: RecentClaims, ids: IdSource) -> None:
    recent.remember({(SCOPE, "key"): None})
    assert not recent.doubtful(Scope(OTHER.id, livemode=False), changes(ids, CLAIM))
    assert not recent.doubtful(Scope(SHOP.id, livemode=True), changes(ids, CLAIM))
    assert not recent.doubtful(SCOPE, changes(ids, None))


def test_the_oldest_are_forgotten_first(recent: RecentClaims, ids: IdSource) -> None:
    for number in range(REMEMBERED_MAX + 1):
        recent.remember({(SCOPE, f"{number}"): None})

    def known(key: str) -> bool:
        return recent.doubtful(SCOPE, changes(ids, evolve(CLAIM, key=key)))

    assert not known("0")
    assert known(f"{REMEMBERED_MAX}")
    assert known(f"{REMEMBERED_MAX // 2 + 2}")
