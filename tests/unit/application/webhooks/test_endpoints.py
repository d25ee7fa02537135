"""Endpoints as merchants ask for them."""

import asyncio
from datetime import timedelta

import pytest

from fintech.adapters.memory.store import MemoryStore
from fintech.application.commits import NotFound
from fintech.application.webhooks.endpoints import Keyed, TooManyEndpoints, UnknownType
from fintech.domain.changeset import KeyReused
from fintech.domain.events import EventType
from fintech.domain.ids import MerchantId, WebhookEndpointId
from fintech.domain.keys.columns import WEBHOOK_SECRET
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.domain.webhooks.endpoint import ALL_TYPES, ENDPOINTS_MAX, EndpointStatus, TooManySecrets
from fintech.domain.webhooks.urls import UrlFault, UrlRefused
from fintech.ports.queries import Page
from tests.unit.application.shop import ACTOR, PLAIN, Shop

URL = "https://example.com/hooks"
HOUR = timedelta(hours=1)
NOWHERE = WebhookEndpointId("we_" + "9" * 24)


async def make(shop: Shop, types: tuple[str, ...] = ALL_TYPES, request=PLAIN, **more) -> Keyed:
    made = await shop.core.create_webhook_endpoint()(request, shop.scope, URL, types, **more)
    return made.unwrap().value


async def latest(shop: Shop):
    return (await shop.core.queries().events(shop.scope, Page(limit=1))).items[0]


async def test_an_endpoint_is_made_and_its_secret_told(shop: Shop) -> None:
    made = await make(
        shop, ("refund.created", "refund.created"), description="orders", metadata=(("a", "b"),)
    )
    endpoint = made.endpoint
    assert endpoint == await shop.core.store().webhook_endpoint(shop.scope, endpoint.id)
    assert (endpoint.types, endpoint.description, endpoint.status) == (
        ("refund.created",),
        "orders",
        "enabled",
    )
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert len(made.secret) == len("whsec_") + 64
    place = WEBHOOK_SECRET.at(endpoint.sealed_under)
    sealed = await shop.core.protection().read_one(shop.scope, place)
    assert sealed == Success(bytes.fromhex(made.secret[6:]))
    assert place.record.startswith(f"{endpoint.id}.1.")
    assert (await latest(shop)).type is EventType.WEBHOOK_ENDPOINT_CREATED


async def test_the_secret_is_nowhere(shop: Shop) -> None:
    made = await make(shop)
    store = shop.core.store()
    assert isinstance(store, MemoryStore)
    assert made.secret is not None
    assert made.secret not in repr(made)
    assert made.secret[6:] not in repr(store.memory)


async def test_no_two_secrets_are_the_same(shop: Shop) -> None:
    one, other = await make(shop), await make(shop)
    rotated = (
        (await shop.core.rotate_webhook_secret()(PLAIN, shop.scope, one.endpoint.id, HOUR)).unwrap().value
    )
    assert len({one.secret, other.secret, rotated.secret}) == 3


async def test_asked_again_under_its_key_it_is_answered_as_the_first_time(shop: Shop) -> None:
    create = shop.core.create_webhook_endpoint()
    first = (await create(shop.keyed("k"), shop.scope, URL, ALL_TYPES)).unwrap()
    again = (await create(shop.keyed("k"), shop.scope, URL, ALL_TYPES)).unwrap()
    assert (again.value, again.replayed) == (first.value, True)
    rotate = shop.core.rotate_webhook_secret()
    id = first.value.endpoint.id
    rotations = [(await rotate(shop.keyed("r"), shop.scope, id, HOUR)).unwrap() for _ in range(2)]
    assert rotations[0].value == rotations[1].value
    assert rotations[1].value.endpoint.secret_number == 2
    remove = shop.core.remove_webhook_endpoint()
    removals = [(await remove(shop.keyed("d"), shop.scope, id)).unwrap() for _ in range(2)]
    assert [each.replayed for each in removals] == [False, True]
    other = await create(shop.keyed("k", operation="other"), shop.scope, URL, ALL_TYPES)
    assert isinstance(other.failure(), KeyReused)


async def test_what_is_wrong_is_refused_before_anything_is_claimed(shop: Shop) -> None:
    create = shop.core.create_webhook_endpoint()
    request = shop.keyed("k")
    assert await create(request, shop.scope, "http://example.com", ALL_TYPES) == Failure(
        UrlRefused(UrlFault.NOT_HTTPS)
    )
    assert await create(request, shop.scope, URL, ()) == Failure(UnknownType())
    assert await create(request, shop.scope, URL, ("refund.created", "refund.*")) == Failure(
        UnknownType("refund.*")
    )
    nobody = Scope(MerchantId("acct_" + "9" * 24), livemode=False)
    assert await create(request, nobody, URL, ALL_TYPES) == Failure(NotFound("merchant", nobody.merchant))
    assert (
        await create(request, shop.scope, URL, ("refund.created", "*"))
    ).unwrap().value.endpoint.types == ALL_TYPES


async def test_a_merchant_has_few(shop: Shop) -> None:
    made = [await make(shop) for _ in range(ENDPOINTS_MAX)]
    create = shop.core.create_webhook_endpoint()
    assert await create(PLAIN, shop.scope, URL, ALL_TYPES) == Failure(TooManyEndpoints(ENDPOINTS_MAX))
    await shop.core.remove_webhook_endpoint()(PLAIN, shop.scope, made[3].endpoint.id)
    await make(shop)


async def test_it_is_changed(shop: Shop) -> None:
    id = (await make(shop)).endpoint.id
    update = shop.core.update_webhook_endpoint()
    after = (
        (await update(PLAIN, shop.scope, id, url=URL + "2", types=("payout.paid",), disabled=True))
        .unwrap()
        .value
    )
    assert (after.url, after.types, after.status) == (URL + "2", ("payout.paid",), EndpointStatus.DISABLED)
    assert (await latest(shop)).snapshot == after
    assert await update(PLAIN, shop.scope, id, url="nonsense") == Failure(UrlRefused(UrlFault.NOT_A_URL))
    assert await update(PLAIN, shop.scope, id, types=("x",)) == Failure(UnknownType("x"))


async def test_what_is_not_there_is_not_found(shop: Shop) -> None:
    removed = (await make(shop)).endpoint.id
    await shop.core.remove_webhook_endpoint()(PLAIN, shop.scope, removed)
    live = Scope(shop.scope.merchant, livemode=True)
    there = (await make(shop)).endpoint.id
    for scope, id in ((shop.scope, NOWHERE), (shop.scope, removed), (live, there)):
        missing = Failure(NotFound("webhook_endpoint", id))
        assert await shop.core.update_webhook_endpoint()(PLAIN, scope, id, disabled=True) == missing
        assert await shop.core.rotate_webhook_secret()(PLAIN, scope, id, HOUR) == missing
        if id != removed:
            assert await shop.core.remove_webhook_endpoint()(PLAIN, scope, id) == missing
        assert await shop.core.give_up_webhook_endpoint()(ACTOR, scope, id, shop.clock.now()) == missing
    assert [each.id for each in (await shop.core.queries().webhook_endpoints(shop.scope, Page())).items] == [
        there
    ]


async def test_what_is_gone_already_is_answered_as_gone(shop: Shop) -> None:
    id = (await make(shop)).endpoint.id
    remove = shop.core.remove_webhook_endpoint()
    both = await asyncio.gather(*(remove(PLAIN, shop.scope, id) for _ in range(3)))
    assert {each.unwrap().value.status for each in both} == {EndpointStatus.REMOVED}
    assert sorted(each.unwrap().replayed for each in both) == [False, True, True]
    assert (
        len((await shop.core.queries().events(shop.scope, Page(), ("webhook_endpoint.deleted",))).items) == 1
    )


async def test_racing_rotations_each_have_a_secret_of_their_own(shop: Shop) -> None:
    id = (await make(shop)).endpoint.id
    rotate = shop.core.rotate_webhook_secret()
    rotated = await asyncio.gather(*(rotate(PLAIN, shop.scope, id, HOUR) for _ in range(4)))
    assert len({each.unwrap().value.secret for each in rotated}) == 4
    for each in rotated:  # none has overwritten what another has sealed
        keyed = each.unwrap().value
        told = await shop.core.webhook_secrets().told(shop.scope, keyed.endpoint.sealed_under)
        assert told == Success(keyed.secret)
    assert await shop.core.protected().counts(shop.scope) == {1: 5}
    assert isinstance((await rotate(PLAIN, shop.scope, id, HOUR)).failure(), TooManySecrets)


@pytest.mark.parametrize("secret", ["", "secret", "whsec"])
async def test_an_event_of_an_endpoint_has_no_secret(shop: Shop, secret: str) -> None:
    await make(shop)
    members = vars((await latest(shop)).snapshot)
    assert not [name for name in members if name == secret]


async def test_without_the_keys_no_secret_is_made_and_the_endpoint_can_be_dealt_with(shop: Shop) -> None:
    create, rotate = shop.core.create_webhook_endpoint(), shop.core.rotate_webhook_secret()
    made = (await create(shop.keyed("k"), shop.scope, URL, ALL_TYPES)).unwrap().value
    id = made.endpoint.id
    shop.vault.refusing[shop.scope] = CustodyReason.REVOKED
    refused = Failure(CustodyRefused(CustodyReason.REVOKED))
    assert await create(PLAIN, shop.scope, URL, ALL_TYPES) == refused
    assert await create(shop.keyed("k"), shop.scope, URL, ALL_TYPES) == refused  # it would tell the secret
    assert await rotate(PLAIN, shop.scope, id, HOUR) == refused
    assert isinstance(
        await shop.core.update_webhook_endpoint()(PLAIN, shop.scope, id, disabled=True), Success
    )
    assert isinstance(await shop.core.remove_webhook_endpoint()(PLAIN, shop.scope, id), Success)


async def test_the_secret_of_what_is_gone_is_not_told_again(shop: Shop) -> None:
    create = shop.core.create_webhook_endpoint()
    made = (await create(shop.keyed("k"), shop.scope, URL, ALL_TYPES)).unwrap().value
    await shop.core.remove_webhook_endpoint()(PLAIN, shop.scope, made.endpoint.id)
    await shop.core.webhook_secrets().forget(
        shop.scope, made.endpoint.sealed_under
    )  # as the retention run does
    again = (await create(shop.keyed("k"), shop.scope, URL, ALL_TYPES)).unwrap()
    assert (again.value.endpoint, again.value.secret, again.replayed) == (made.endpoint, None, True)
