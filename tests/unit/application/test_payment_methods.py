"""Payment methods: a typed-in card becomes something to pay with, and its number is nowhere."""

import pytest

from fintech.application.commits import Reply
from fintech.application.payments.asking import AcquirerMissing
from fintech.domain.cards import CardDetails, CardFault, Scheme
from fintech.domain.changeset import KeyReused
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.outcome import Failure
from fintech.domain.payment_methods import Method
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.unit.application.shop import ACTOR, PLAIN, Shop, value

DETAILS = CardDetails(number="4242424242424242", exp_month=12, exp_year=2030, cvc="987")


async def test_a_card_is_kept_without_its_number(shop: Shop) -> None:
    method = value(await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS, (("a", "b"),)))
    assert (method.card.scheme, method.card.bin, method.card.last4) == (Scheme.VISA, "424242", "4242")
    assert (method.version, method.metadata) == (1, (("a", "b"),))
    stored = repr(shop.store.memory)
    assert DETAILS.number not in stored
    assert "987" not in stored
    assert (await shop.core.queries().payment_methods(shop.scope, Page())).items == (method,)


async def test_a_kept_card_pays(shop: Shop) -> None:
    method = value(await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS))
    found = await shop.core.find_method()(shop.scope, method.id)
    assert found == Method(method.id, method.card)
    named = await shop.core.find_method()(shop.scope, "pm_card_visa")
    assert named is not None
    assert named.card.fingerprint == method.card.fingerprint


@pytest.mark.parametrize(
    "name", ["", "pm_card_nothing", "pm_" + "z" * 24, "acct_" + "m" * 24, "4242424242424242"]
)
async def test_what_is_no_method(shop: Shop, name: str) -> None:
    assert await shop.core.find_method()(shop.scope, name) is None


async def test_a_faulty_card_is_refused_and_burns_no_key(shop: Shop) -> None:
    create = shop.core.create_payment_method()
    wrong = CardDetails(number="4242424242424241", exp_month=12, exp_year=2030)
    assert await create(shop.keyed("k"), shop.scope, wrong) == Failure(CardFault.INCORRECT_NUMBER)
    unknown = CardDetails(number="4000000000000077", exp_month=12, exp_year=2030)
    assert await create(shop.keyed("k"), shop.scope, unknown) == Failure(CardFault.TEST_CARD_NEEDED)
    assert not (await create(shop.keyed("k"), shop.scope, DETAILS)).unwrap().replayed


async def test_a_repeat_keeps_one_card(shop: Shop) -> None:
    create = shop.core.create_payment_method()
    first = value(await create(shop.keyed("k"), shop.scope, DETAILS))
    again = await create(shop.keyed("k"), shop.scope, DETAILS)
    assert again.unwrap() == Reply(first, replayed=True)
    assert await create(shop.keyed("k", b"other"), shop.scope, DETAILS) == Failure(KeyReused("op"))


async def test_no_card_is_kept_in_live_mode_by_a_simulator(shop: Shop) -> None:
    live = Scope(MerchantId("acct_" + "m" * 24), livemode=True)
    await shop.core.onboard_merchant()(ACTOR, live.merchant, livemode=True, name="Kiosk")
    refused = Failure(AcquirerMissing(livemode=True))
    assert await shop.core.create_payment_method()(PLAIN, live, DETAILS) == refused
    assert await shop.core.find_method()(live, "pm_card_visa") is None


async def test_another_merchants_card_is_not_there(shop: Shop) -> None:
    method = value(await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS))
    other = Scope(MerchantId("acct_" + "n" * 24), livemode=False)
    assert await shop.core.find_method()(other, method.id) is None
    assert PaymentMethodId.parse(method.id) == method.id
