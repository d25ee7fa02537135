"""What signs is opened once for the deliveries of a moment, under a lease that each of them takes."""

import asyncio

import pytest

from fintech.application.webhooks import secrets
from fintech.application.webhooks.secrets import SigningSecrets, WebhookSecrets
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from tests.unit.application.shop import Shop

RECORD = "we_1/1"


@pytest.fixture
async def made(shop: Shop) -> str:
    protection = shop.core.protection()
    lease = (await protection.lease(shop.scope)).unwrap()
    return await WebhookSecrets(protection=protection).make(lease, RECORD)


@pytest.fixture
def signing(shop: Shop) -> SigningSecrets:
    return SigningSecrets(shop.core.protection())


async def test_an_open_secret_is_nobodys_any_more_who_has_no_lease(
    shop: Shop, signing: SigningSecrets, made: str
) -> None:
    assert await signing.of(shop.scope, (RECORD,)) == Success([made])
    shop.vault.refusing[shop.scope] = CustodyReason.REVOKED
    assert await signing.of(shop.scope, (RECORD,)) == Failure(CustodyRefused(CustodyReason.REVOKED))


async def test_it_is_open_for_a_moment_and_not_for_longer(
    shop: Shop, signing: SigningSecrets, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "OPEN_S", 0.01)
    for _ in range(2):
        await signing.of(shop.scope, (RECORD,))
        assert made in repr(signing._open)
        assert made not in repr(signing)
        async with asyncio.timeout(10):
            while signing._open:
                await asyncio.sleep(0.005)


async def test_a_new_lease_opens_it_anew(shop: Shop, signing: SigningSecrets, made: str) -> None:
    await signing.of(shop.scope, (RECORD,))
    (key,) = signing._open
    signing._open[key] = signing._open[key]._replace(secret="another's")
    assert await signing.of(shop.scope, (RECORD,)) == Success(["another's"])
    await shop.vault.rotate(shop.scope, 1, 2)
    assert await signing.of(shop.scope, (RECORD,)) == Success([made])


async def test_more_than_can_be_at_hand_sign_all_the_same(
    shop: Shop, signing: SigningSecrets, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "REMEMBERED_MAX", 0)
    assert await signing.of(shop.scope, (RECORD,)) == Success([made])
    assert not signing._open
