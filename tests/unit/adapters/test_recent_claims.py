"""What a process remembers of idempotency keys."""

import pytest

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


def test_an_answered_key_is_told_to_everybody(recent: RecentClaims, ids: IdSource) -> None:
    answered = ClaimState(CLAIM, EventId.of(ids.new(ChangesetId), 0), None)
    recent.remember({(SCOPE, "key"): answered})
    for claim in (CLAIM, Answer(key="key", claim=CLAIM), Answer(key="key")):
        assert recent.seen_by(SCOPE, changes(ids, claim)) == ((SCOPE, "key"), answered)


def test_a_key_in_flight_is_told_only_to_who_answers_it(recent: RecentClaims, ids: IdSource) -> None:
    in_flight = ClaimState(CLAIM)
    recent.remember({(SCOPE, "key"): in_flight})
    assert recent.seen_by(SCOPE, changes(ids, CLAIM)) is None
    assert recent.seen_by(SCOPE, changes(ids, Answer(key="key", claim=CLAIM))) is None
    assert recent.seen_by(SCOPE, changes(ids, Answer(key="key"))) == ((SCOPE, "key"), in_flight)


def test_keys_of_others_and_no_keys_are_unknown(recent: RecentClaims, ids: IdSource) -> None:
    recent.remember({(SCOPE, "key"): ClaimState(CLAIM, EventId.of(ids.new(ChangesetId), 0), None)})
    assert recent.seen_by(Scope(OTHER.id, livemode=False), changes(ids, CLAIM)) is None
    assert recent.seen_by(Scope(SHOP.id, livemode=True), changes(ids, CLAIM)) is None
    assert recent.seen_by(SCOPE, changes(ids, None)) is None


def test_the_oldest_are_forgotten_first(recent: RecentClaims, ids: IdSource) -> None:
    answered = ClaimState(CLAIM, EventId.of(ids.new(ChangesetId), 0), None)
    for number in range(REMEMBERED_MAX + 1):
        recent.remember({(SCOPE, f"{number}"): answered})

    def known(key: str) -> bool:
        return recent.seen_by(SCOPE, changes(ids, Answer(key=key))) is not None

    assert not known("0")
    assert known(f"{REMEMBERED_MAX}")
    assert known(f"{REMEMBERED_MAX // 2 + 2}")
