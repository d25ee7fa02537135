"""Deciding and committing: again when overtaken, the same again when nobody knows, and never for ever."""

from typing import Any

import pytest

from fintech.adapters.memory.store import MemoryStore
from fintech.application.commits import (
    HAND_INS_MAX,
    LEASE,
    OUTCOME_TRIES_MAX,
    TRIES_MAX,
    Commits,
    Decision,
    saved,
)
from fintech.domain.changeset import (
    Answer,
    Changeset,
    KeyAnswered,
    KeyInFlight,
    KeyReused,
    LimitReached,
    StaleWrite,
    UniqueTaken,
)
from fintech.domain.events import EventType
from fintech.domain.ids import EventId
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.refusals import MethodMissing
from fintech.ports.errors import ConcurrencyExhausted, StoreUnavailable
from tests.unit.application.shop import ACTOR, PLAIN, Shop


class Desk:
    """Decides to touch the merchant; the store refuses or breaks as told before it does its work."""

    def __init__(self, shop: Shop, patch: pytest.MonkeyPatch) -> None:
        self.shop = shop
        self.told: list[Any] = []
        self.handed_in: list[Changeset] = []
        self.decided = 0
        commit = MemoryStore.commit

        async def told_first(store: MemoryStore, scope: Any, changes: Changeset) -> Any:
            self.handed_in.append(changes)
            told = self.told.pop(0) if self.told else None
            if isinstance(told, Exception):
                raise told
            return Failure(told) if told else await commit(store, scope, changes)

        patch.setattr(MemoryStore, "commit", told_first)
        patch.setattr("random.uniform", lambda low, high: 0)

    @property
    def commits(self) -> Commits:
        return self.shop.core.commits()

    async def land(self, **more: Any) -> Any:
        async def decide(_changeset: Any, _now: Any) -> Any:
            self.decided += 1
            merchant = await self.shop.core.store().merchant(self.shop.scope)
            assert merchant is not None
            return Success(Decision(value=saved(merchant), changes=((merchant, EventType.ACCOUNT_UPDATED),)))

        return await self.commits.land(self.shop.scope, ACTOR, decide, **more)


@pytest.fixture
def desk(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(shop, monkeypatch)


STALE = StaleWrite("acct", 3)


async def test_a_decision_lands(desk: Desk) -> None:
    landed = (await desk.land()).unwrap()
    assert landed == await desk.shop.core.store().merchant(desk.shop.scope)
    assert landed.version == 2
    (changes,) = desk.handed_in
    assert (changes.actor, changes.at) == (ACTOR, desk.shop.clock.now())


async def test_what_was_overtaken_is_decided_again_as_a_new_changeset(desk: Desk) -> None:
    desk.told = [STALE, STALE]
    assert isinstance(await desk.land(), Success)
    assert desk.decided == 3
    assert len({changes.id for changes in desk.handed_in}) == 3


async def test_a_request_that_loses_too_often_is_told_so(desk: Desk) -> None:
    desk.told = [STALE] * TRIES_MAX
    with pytest.raises(ConcurrencyExhausted):
        await desk.land()
    assert desk.decided == TRIES_MAX
    assert desk.told == []


async def test_an_outcome_is_decided_again_until_it_lands(desk: Desk) -> None:
    desk.told = [STALE] * (OUTCOME_TRIES_MAX - 1)
    assert isinstance(await desk.land(tries_max=OUTCOME_TRIES_MAX), Success)
    assert OUTCOME_TRIES_MAX > 10 * TRIES_MAX


async def test_a_limit_that_is_reached_twice_is_the_answer(desk: Desk) -> None:
    account = desk.shop.books.account("available")
    desk.told = [LimitReached(account, 5), LimitReached(account, 5)]
    assert await desk.land() == Failure(LimitReached(account, 5))
    assert desk.decided == 2


async def test_a_limit_that_was_reached_in_a_race_is_not(desk: Desk) -> None:
    account = desk.shop.books.account("available")
    desk.told = [LimitReached(account, 5), STALE, LimitReached(account, 4)]
    assert isinstance(await desk.land(), Success)
    assert desk.decided == 4


@pytest.mark.parametrize("refused", [UniqueTaken("x"), KeyReused("x")])
async def test_other_refusals_are_answers(desk: Desk, refused: Any) -> None:
    desk.told = [refused]
    assert await desk.land() == Failure(refused)
    assert desk.decided == 1


async def test_a_refused_decision_commits_nothing(desk: Desk) -> None:
    async def decide(_changeset: Any, _now: Any) -> Any:
        return Failure(MethodMissing())

    assert await desk.commits.land(desk.shop.scope, ACTOR, decide) == Failure(MethodMissing())
    assert desk.handed_in == []


async def test_when_nobody_knows_the_same_changeset_is_handed_in_again(desk: Desk) -> None:
    desk.told = [StoreUnavailable("cut at COMMIT")] * (HAND_INS_MAX - 1)
    assert isinstance(await desk.land(), Success)
    assert desk.decided == 1
    assert len({changes.id for changes in desk.handed_in}) == 1
    assert len(desk.handed_in) == HAND_INS_MAX


async def test_but_not_for_ever(desk: Desk) -> None:
    desk.told = [StoreUnavailable("down")] * HAND_INS_MAX
    with pytest.raises(StoreUnavailable):
        await desk.land()
    assert len(desk.handed_in) == HAND_INS_MAX


async def test_a_commit_whose_answer_was_lost_is_not_done_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = MemoryStore.commit, [True, True]

    async def losing(store: MemoryStore, scope: Any, changes: Changeset) -> Any:
        outcome = await commit(store, scope, changes)
        if lost:
            lost.pop()
            raise StoreUnavailable("the answer was lost")
        return outcome

    monkeypatch.setattr(MemoryStore, "commit", losing)
    await shop.pay(10_000)
    assert await shop.net("unsettled/2026-11-23") == 10_000 - 193
    assert len(shop.acquirer.calls) == 1
    await shop.assert_proofs_hold()


# -- keys


async def test_a_request_without_a_key_claims_nothing(shop: Shop) -> None:
    now = shop.clock.now()
    assert (PLAIN.claim("pi", now), PLAIN.answer(), PLAIN.claim_and_answer("pi", now)) == (None, None, None)


async def test_a_claim_says_what_was_asked_and_for_how_long(shop: Shop) -> None:
    request, now = shop.keyed("k", b"print", "capture"), shop.clock.now()
    claim = request.claim("pi_1", now)
    assert claim is not None
    assert (claim.key, claim.operation, claim.fingerprint, claim.resource, claim.lease_until) == (
        "k",
        "capture",
        b"print",
        "pi_1",
        now + LEASE,
    )
    assert request.claim_and_answer("pi_1", now) == Answer(key="k", claim=claim)
    assert request.answer("declined") == Answer(key="k", refusal="declined")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (UniqueTaken("x"), UniqueTaken("x")),  # the commit has looked at the key already
        (MethodMissing(), MethodMissing()),  # the key is free
    ],
)
async def test_a_refusal_stands_where_the_key_says_nothing(shop: Shop, said: Any, expected: Any) -> None:
    await shop.pay(request=shop.keyed("other"))
    assert await shop.core.commits().key_first(shop.scope, shop.keyed("k"), said) == expected
    assert await shop.core.commits().key_first(shop.scope, PLAIN, said) == expected


async def test_what_the_key_says_comes_first(shop: Shop) -> None:
    payment = await shop.pay(request=shop.keyed("k"))
    commits = shop.core.commits()
    refused = await commits.key_first(shop.scope, shop.keyed("k"), MethodMissing())
    assert isinstance(refused, KeyAnswered)
    assert await commits.answered(shop.scope, refused) == payment
    for other in (shop.keyed("k", b"other"), shop.keyed("k", operation="other")):
        assert await commits.key_first(shop.scope, other, MethodMissing()) == KeyReused("op")


async def test_a_key_that_is_not_answered_yet_is_in_flight(shop: Shop) -> None:
    heard = []

    async def ask() -> None:
        heard.append(await shop.core.commits().key_first(shop.scope, shop.keyed("k"), MethodMissing()))

    shop.acquirer.meanwhile = ask
    payment = await shop.pay(request=shop.keyed("k"))
    assert heard == [KeyInFlight(payment.id, shop.clock.now() + LEASE)]


async def test_an_answer_that_is_not_in_the_log_is_a_bug(shop: Shop) -> None:
    nowhere = KeyAnswered(EventId("evt_" + "z" * 26), None)
    with pytest.raises(AssertionError, match="not in the log"):
        await shop.core.commits().answered(shop.scope, nowhere)
