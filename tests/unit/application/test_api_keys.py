"""API keys: made once, believed for a second, worth nothing once revoked."""

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from fintech.adapters.memory.store import MemoryStore
from fintech.application import api_keys as module
from fintech.application.api_keys import BELIEF, SECRET_LENGTH_MAX
from fintech.application.commits import NotFound
from fintech.domain.api_keys import KeyRevoked
from fintech.domain.changeset import Changeset, UniqueTaken
from fintech.domain.events import EventType
from fintech.domain.ids import ApiKeyId, MerchantId
from fintech.domain.outcome import Failure
from fintech.domain.scope import Scope
from tests.unit.application.shop import ACTOR, Shop

LIVE = Scope(MerchantId("acct_" + "m" * 24), livemode=True)


async def make(shop: Shop, **more):
    return (await shop.core.create_api_key()(ACTOR, shop.scope, "till", **more)).unwrap()


async def knows(shop: Shop, secret: str) -> bool:
    return await shop.core.authenticate()(secret) is not None


async def test_a_key_opens_its_own_scope(shop: Shop) -> None:
    made = await make(shop)
    assert made.secret.startswith("sk_test_")
    assert await shop.core.authenticate()(made.secret) == (shop.scope, made.key)
    assert (made.key.version, made.key.hint, made.key.name) == (1, made.secret[-4:], "till")
    assert list(await shop.core.queries().api_keys(shop.scope)) == [made.key]


async def test_a_live_key_says_so(shop: Shop) -> None:
    await shop.core.onboard_merchant()(ACTOR, LIVE.merchant, livemode=True, name="Kiosk")
    made = (await shop.core.create_api_key()(ACTOR, LIVE, "till")).unwrap()
    assert made.secret.startswith("sk_live_")
    authenticated = await shop.core.authenticate()(made.secret)
    assert authenticated is not None
    assert authenticated[0] == LIVE


async def test_the_secret_is_nowhere(shop: Shop) -> None:
    made = await make(shop)
    assert made.secret not in repr(made)
    assert made.secret[8:] not in repr(shop.store.memory)
    assert (await make(shop)).secret != made.secret


async def test_a_given_secret_is_used_and_only_once(shop: Shop) -> None:
    made = await make(shop, secret="sk_test_sandbox")
    assert made.secret == "sk_test_sandbox"
    again = await shop.core.create_api_key()(ACTOR, shop.scope, "other", secret="sk_test_sandbox")
    assert again == Failure(UniqueTaken("api_key_digest"))


async def test_nobody_gets_no_key(shop: Shop) -> None:
    nobody = Scope(MerchantId("acct_" + "z" * 24), livemode=False)
    made = await shop.core.create_api_key()(ACTOR, nobody, "till")
    assert made == Failure(NotFound("merchant", nobody.merchant))


@pytest.mark.parametrize("secret", ["", "sk_test_wrong", "sk_test_\u00e4", "x" * (SECRET_LENGTH_MAX + 1)])
async def test_what_opens_nothing(shop: Shop, secret: str) -> None:
    await make(shop)
    assert not await knows(shop, secret)


async def test_garbage_is_not_even_looked_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(MemoryStore, "key_by_digest")
    assert not await knows(shop, "\u00e4")
    assert not await knows(shop, "x" * (SECRET_LENGTH_MAX + 1))


async def test_the_longest_secret_is_looked_up(shop: Shop) -> None:
    assert await knows(shop, (await make(shop, secret="x" * SECRET_LENGTH_MAX)).secret)


async def test_a_revoked_key_is_believed_for_a_second_at_most(shop: Shop) -> None:
    made = await make(shop)
    assert await knows(shop, made.secret)
    revoked = (await shop.core.end_api_key()(ACTOR, shop.scope, made.key.id)).unwrap()
    assert revoked.ends_at == shop.clock.now()
    shop.clock.advance(BELIEF - timedelta(microseconds=1))
    assert await knows(shop, made.secret)
    shop.clock.advance(timedelta(microseconds=1))
    assert not await knows(shop, made.secret)
    assert timedelta(seconds=1) >= BELIEF


async def test_a_new_key_opens_after_a_second_at_most(shop: Shop) -> None:
    assert not await knows(shop, "sk_test_sandbox")
    await make(shop, secret="sk_test_sandbox")
    shop.clock.advance(BELIEF)
    assert await knows(shop, "sk_test_sandbox")


async def test_a_rolled_key_lives_on_for_a_while(shop: Shop) -> None:
    made = await make(shop)
    rolled = await shop.core.end_api_key()(ACTOR, shop.scope, made.key.id, timedelta(hours=1))
    assert rolled.unwrap().ends_at == shop.clock.now() + timedelta(hours=1)
    shop.advance(minutes=59)
    assert await knows(shop, made.secret)
    shop.advance(minutes=1)
    assert not await knows(shop, made.secret)


async def test_a_believed_key_still_ends_on_time(shop: Shop) -> None:
    made = await make(shop)
    await shop.core.end_api_key()(ACTOR, shop.scope, made.key.id, BELIEF / 2)
    assert await knows(shop, made.secret)
    shop.clock.advance(BELIEF / 2)
    assert not await knows(shop, made.secret)


async def test_ending_what_has_ended_or_is_not_there(shop: Shop) -> None:
    made = await make(shop)
    end = shop.core.end_api_key()
    await end(ACTOR, shop.scope, made.key.id)
    assert await end(ACTOR, shop.scope, made.key.id) == Failure(KeyRevoked())
    nothing = ApiKeyId("key_" + "z" * 24)
    assert await end(ACTOR, shop.scope, nothing) == Failure(NotFound("key", nothing))
    elsewhere = await end(ACTOR, LIVE, made.key.id)
    assert elsewhere == Failure(NotFound("key", made.key.id))


async def test_beliefs_are_bounded_and_spare_the_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, looked_up = MemoryStore.key_by_digest, []

    async def counting(store: MemoryStore, digest: bytes):
        looked_up.append(digest)
        return await look_up(store, digest)

    monkeypatch.setattr(MemoryStore, "key_by_digest", counting)
    monkeypatch.setattr(module, "BELIEFS_MAX", 3)
    for secret in ("a", "a", "b", "c", "a"):
        await knows(shop, secret)
    assert len(looked_up) == 3
    for secret in ("d", "a"):  # one too many: all are forgotten
        await knows(shop, secret)
    assert len(looked_up) == 5
    assert len(shop.core.authenticate()._beliefs) == 2


async def test_rolling_makes_a_key_and_ends_the_old_one(shop: Shop) -> None:
    old = await make(shop)
    new = (await shop.core.roll_api_key()(ACTOR, shop.scope, old.key.id, timedelta(hours=1))).unwrap()
    assert (new.key.version, new.key.name, new.key.hint) == (1, "till", new.secret[-4:])
    assert new.secret.startswith("sk_test_")
    ended = await shop.core.store().api_key(shop.scope, old.key.id)
    assert ended == evolve(old.key, version=2, ends_at=shop.clock.now() + timedelta(hours=1))
    assert await shop.core.authenticate()(new.secret) == (shop.scope, new.key)
    assert list(await shop.core.queries().api_keys(shop.scope)) == [ended, new.key]


async def test_rolling_is_one_commit_so_that_no_crash_comes_in_between(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await make(shop)
    commit, commits = MemoryStore.commit, []

    async def dies_after_one(store: MemoryStore, scope: Scope, changes: Changeset):
        commits.append(changes)
        if len(commits) > 1:
            raise RuntimeError
        return await commit(store, scope, changes)

    monkeypatch.setattr(MemoryStore, "commit", dies_after_one)
    new = (await shop.core.roll_api_key()(ACTOR, shop.scope, old.key.id, timedelta())).unwrap()
    (changes,) = commits
    assert [change.event for change in changes.changes] == [
        EventType.API_KEY_CREATED,
        EventType.API_KEY_UPDATED,
    ]
    assert not await knows(shop, old.secret)
    assert await knows(shop, new.secret)


async def test_what_cannot_be_ended_is_not_rolled(shop: Shop) -> None:
    roll, hour = shop.core.roll_api_key(), timedelta(hours=1)
    nothing = ApiKeyId("key_" + "z" * 24)
    assert await roll(ACTOR, shop.scope, nothing, hour) == Failure(NotFound("key", nothing))
    made = await make(shop)
    assert await roll(ACTOR, LIVE, made.key.id, hour) == Failure(NotFound("key", made.key.id))
    (await roll(ACTOR, shop.scope, made.key.id, hour)).unwrap()
    keys = list(await shop.core.queries().api_keys(shop.scope))
    assert await roll(ACTOR, shop.scope, made.key.id, hour) == Failure(KeyRevoked())
    assert list(await shop.core.queries().api_keys(shop.scope)) == keys


async def test_a_key_rolled_by_two_at_once_is_rolled_once(shop: Shop) -> None:
    made = await make(shop)
    roll = shop.core.roll_api_key()
    outcomes = await asyncio.gather(*(roll(ACTOR, shop.scope, made.key.id, timedelta()) for _ in range(2)))
    assert sorted(isinstance(outcome, Failure) for outcome in outcomes) == [False, True]
    assert Failure(KeyRevoked()) in outcomes
    assert len(list(await shop.core.queries().api_keys(shop.scope))) == 2
