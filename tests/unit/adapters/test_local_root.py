"""What the contract of `KeyRoot` does not say of the local root: its scripts, and what a secret makes of it."""

import logging

import pytest

from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.adapters.crypto.wrapping import BLOB_BYTES, bound_to
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName, CmkStatus
from fintech.domain.scope import Scope
from fintech.ports.key_root import RootFault, WrapContext

OTHER_CMK = CmkName("local/2")
SHOP = WrapContext("test", Scope(MerchantId("acct_" + "1" * 24), livemode=False), 1)
RIVAL = WrapContext("test", Scope(MerchantId("acct_" + "2" * 24), livemode=False), 1)
SECRET = bytes(range(32))


@pytest.fixture
def root() -> LocalRoot:
    return LocalRoot(cmks=(LOCAL_CMK, OTHER_CMK))


async def test_the_same_secret_opens_in_every_process() -> None:
    wrapped = (await LocalRoot(SECRET).create(LOCAL_CMK, SHOP)).unwrap()
    key = (await LocalRoot(SECRET).unwrap(LOCAL_CMK, SHOP, wrapped)).unwrap()
    assert len(key) == 32
    assert len(wrapped.blob) == BLOB_BYTES
    assert bytes(key) not in wrapped.blob
    assert (await LocalRoot().unwrap(LOCAL_CMK, SHOP, wrapped)).failure().fault is RootFault.CORRUPT


async def test_a_secret_makes_it_warn_and_nothing_else_does(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        LocalRoot()
        assert not caplog.records
        root = LocalRoot(SECRET)
        for _ in range(3):
            (await root.create(LOCAL_CMK, SHOP)).unwrap()
    (warned,) = caplog.records
    assert "held locally" in warned.getMessage()
    assert SECRET.hex() not in caplog.text


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        LocalRoot(bytes(31))


async def test_a_root_key_is_disabled_for_all_and_enabled_again(root: LocalRoot) -> None:
    wrapped = (await root.create(LOCAL_CMK, SHOP)).unwrap()
    root.disable(LOCAL_CMK)
    refusal = (await root.unwrap(LOCAL_CMK, SHOP, wrapped)).failure()
    assert (refusal.fault, refusal.whole) == (RootFault.DENIED, True)
    assert (await root.status(LOCAL_CMK)).unwrap() is CmkStatus.DISABLED
    assert (await root.status(OTHER_CMK)).unwrap() is CmkStatus.ENABLED
    root.enable(LOCAL_CMK)
    (await root.unwrap(LOCAL_CMK, SHOP, wrapped)).unwrap()


async def test_what_is_destroyed_is_not_there(root: LocalRoot) -> None:
    wrapped = (await root.create(LOCAL_CMK, SHOP)).unwrap()
    root.destroy(LOCAL_CMK)
    for outcome in (await root.unwrap(LOCAL_CMK, SHOP, wrapped), await root.status(LOCAL_CMK)):
        assert (outcome.failure().fault, outcome.failure().whole) == (RootFault.DENIED, True)


async def test_one_merchant_is_cut_in_every_version_and_nobody_else(root: LocalRoot) -> None:
    wrapped = (await root.create(LOCAL_CMK, SHOP)).unwrap()
    second = WrapContext(SHOP.environment, SHOP.scope, 2)
    also = (await root.create(LOCAL_CMK, second)).unwrap()
    rival = (await root.create(LOCAL_CMK, RIVAL)).unwrap()
    assert wrapped.grant == also.grant != rival.grant
    root.revoke(wrapped.grant or "")
    for outcome in (
        await root.unwrap(LOCAL_CMK, SHOP, wrapped),
        await root.unwrap(LOCAL_CMK, second, also),
        await root.authorise(LOCAL_CMK, SHOP, wrapped),
        await root.rewrap(LOCAL_CMK, SHOP, wrapped, OTHER_CMK),
    ):
        assert (outcome.failure().fault, outcome.failure().whole) == (RootFault.DENIED, False)
    (await root.unwrap(LOCAL_CMK, RIVAL, rival)).unwrap()


async def test_a_grant_given_anew_is_another_one(root: LocalRoot) -> None:
    wrapped = (await root.create(LOCAL_CMK, SHOP)).unwrap()
    root.revoke(wrapped.grant or "")
    anew = (await root.create(LOCAL_CMK, SHOP)).unwrap()
    assert anew.grant != wrapped.grant
    root.revoke(wrapped.grant or "")
    (await root.unwrap(LOCAL_CMK, SHOP, anew)).unwrap()
    (await root.withdraw(OTHER_CMK, anew.grant or "")).unwrap()
    (await root.unwrap(LOCAL_CMK, SHOP, anew)).unwrap()
    (await root.withdraw(LOCAL_CMK, anew.grant or "")).unwrap()
    assert (await root.unwrap(LOCAL_CMK, SHOP, anew)).failure().fault is RootFault.DENIED


async def test_it_can_be_out_of_reach_and_says_so_and_never_that_it_denies(root: LocalRoot) -> None:
    wrapped = (await root.create(LOCAL_CMK, SHOP)).unwrap()
    root.destroy(OTHER_CMK)
    root.reachable = False
    for outcome in (
        await root.create(OTHER_CMK, SHOP),
        await root.unwrap(LOCAL_CMK, SHOP, wrapped),
        await root.authorise(LOCAL_CMK, SHOP, wrapped),
        await root.rewrap(LOCAL_CMK, SHOP, wrapped, OTHER_CMK),
        await root.withdraw(LOCAL_CMK, wrapped.grant or ""),
        await root.mac(LOCAL_CMK, b"x"),
        await root.status(OTHER_CMK),
    ):
        assert outcome.failure().fault is RootFault.UNREACHABLE
    methods = ("unwrap", "authorise", "rewrap", "withdraw", "mac", "status")
    assert root.calls == {**dict.fromkeys(methods, 1), "create": 2}
    root.reachable = True
    (await root.unwrap(LOCAL_CMK, SHOP, wrapped)).unwrap()
    await root.close()
    assert (await root.unwrap(LOCAL_CMK, SHOP, wrapped)).failure().fault is RootFault.UNREACHABLE


def test_no_two_contexts_are_bound_the_same() -> None:
    merchant = SHOP.scope.merchant
    contexts = [
        SHOP,
        RIVAL,
        WrapContext("test", Scope(merchant, livemode=True), 1),
        WrapContext("test", Scope(merchant, livemode=False), 11),
        WrapContext("tes", Scope(MerchantId("t" + merchant), livemode=False), 1),
        WrapContext("", Scope(merchant, livemode=False), 1),
    ]
    assert len({bound_to(each) for each in contexts}) == len(contexts)
    assert bound_to(SHOP) == (
        b"\x01\x00\x03app\x00\x07fintech\x00\x03env\x00\x04test\x00\x02kv\x00\x011"
        b"\x00\x08merchant\x00\x1d" + merchant.encode() + b"\x00\x04mode\x00\x04test"
    )
