"""Payment methods: a typed-in card becomes something to pay with, and its number is nowhere but sealed."""

import json
import pickle
from typing import Any

import pytest
from attrs import asdict, evolve

from fintech.application.commits import Reply
from fintech.application.payment_methods import SoughtMethod
from fintech.application.payments.asking import AcquirerMissing
from fintech.domain.billing import NO_BILLING, BillingAddress, BillingDetails, BillingFault
from fintech.domain.cards import CardDetails, CardFault, Scheme, fingerprint_of
from fintech.domain.changeset import KeyReused
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.keys.columns import CARD_NUMBER
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.domain.payment_methods import Method
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.leaks import shows_code
from tests.unit.application.shop import ACTOR, PLAIN, Shop, value

DETAILS = CardDetails(number="4242424242424242", exp_month=12, exp_year=2030, cvc="987")


async def test_a_card_is_kept_without_its_number(shop: Shop) -> None:
    method = value(await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS, (("a", "b"),)))
    assert (method.card.scheme, method.card.bin, method.card.last4) == (Scheme.VISA, "424242", "4242")
    assert (method.version, method.metadata) == (1, (("a", "b"),))
    stored = repr(shop.store.memory)
    assert DETAILS.number not in stored
    assert not shows_code("987", stored)
    assert (await shop.core.queries().payment_methods(shop.scope, Page())).items == (method,)


async def test_a_kept_card_pays(shop: Shop) -> None:
    method = value(await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS))
    found = await shop.core.find_method()(shop.scope, method.id)
    assert found == Method(method.id, method.card)


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


BILLING = BillingDetails(
    name="Ada Lovelace",
    email="Ada@Example.com",
    phone="+61 2 5550 1234",
    address=BillingAddress(line1="1 George St", city="Sydney", country="AU"),
)
REVOKED = Failure(CustodyRefused(CustodyReason.REVOKED))


async def kept(shop: Shop, number: str = DETAILS.number, billing: BillingDetails = NO_BILLING) -> Any:
    create = shop.core.create_payment_method()
    return value(await create(PLAIN, shop.scope, evolve(DETAILS, number=number), (), billing))


async def test_the_number_is_sealed_under_the_methods_id(shop: Shop) -> None:
    method = await kept(shop)
    assert method.sealed == ("number",)
    place = CARD_NUMBER.at(method.id)
    assert await shop.core.protection().read_one(shop.scope, place) == Success(DETAILS.number.encode())


async def test_a_fingerprint_is_one_cards_and_one_merchants(shop: Shop) -> None:
    first, again = await kept(shop), await kept(shop)
    other = await kept(shop, "5555555555554444")
    elsewhere = Scope(MerchantId("acct_" + "n" * 24), livemode=False)
    await shop.core.onboard_merchant()(ACTOR, elsewhere.merchant, livemode=False, name="Kiosk")
    theirs = value(await shop.core.create_payment_method()(PLAIN, elsewhere, DETAILS))
    assert first.card.fingerprint == again.card.fingerprint
    assert len({each.card.fingerprint for each in (first, other, theirs)}) == 3
    index = shop.vault.lent(shop.scope).index("payment_methods.number", DETAILS.number.encode())
    assert first.card.fingerprint == fingerprint_of(index)


async def test_a_card_that_is_kept_has_its_fingerprint_for_good(shop: Shop) -> None:
    first = await kept(shop)
    await shop.vault.rotate(shop.scope, 1, 2)
    again, new = await kept(shop), await kept(shop, "5555555555554444")
    assert again.card.fingerprint == first.card.fingerprint
    await shop.vault.rotate(shop.scope, 2, 3)
    assert (await kept(shop, "5555555555554444")).card.fingerprint == new.card.fingerprint
    assert (await kept(shop)).card.fingerprint == first.card.fingerprint  # found by what was sealed since


async def test_whose_card_it_is_is_sealed_and_in_no_event(shop: Shop) -> None:
    method, plain = await kept(shop, billing=BILLING), await kept(shop)
    assert method.sealed == ("number", "name", "email", "phone", "address")
    assert not any(text in repr(shop.store.memory) for text in ("Ada", "5550", "George"))
    assert "Ada" not in repr(BILLING)
    billings = await shop.core.read_billing()(shop.scope, (method, plain))
    assert billings == {method.id: Success(BILLING), plain.id: Success(NO_BILLING)}


@pytest.mark.parametrize(
    ("billing", "field"),
    [
        (BillingDetails(email="ada"), "email"),
        (BillingDetails(email="@b.co"), "email"),
        (BillingDetails(email="a da@b.co"), "email"),
        (BillingDetails(email="a" * 250 + "@b.co"), "email"),
        (BillingDetails(name=" "), "name"),
        (BillingDetails(name="Ada\nLovelace"), "name"),
        (BillingDetails(phone="1" * 41), "phone"),
        (BillingDetails(address=BillingAddress(city="x" * 201)), "address.city"),
    ],
)
async def test_billing_details_that_are_none(shop: Shop, billing: BillingDetails, field: str) -> None:
    outcome = await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS, (), billing)
    refused = outcome.failure()
    assert isinstance(refused, BillingFault)
    assert refused.field == field


async def test_without_the_keys_no_card_is_kept_and_lists_are_still_told(shop: Shop) -> None:
    method = await kept(shop, billing=BILLING)
    shop.vault.refusing[shop.scope] = CustodyReason.REVOKED
    assert await shop.core.create_payment_method()(PLAIN, shop.scope, DETAILS) == REVOKED
    assert (await shop.core.queries().payment_methods(shop.scope, Page())).items == (method,)
    assert await shop.core.read_billing()(shop.scope, (method,)) == {method.id: REVOKED}
    assert await shop.core.look_up_methods()(shop.scope, SoughtMethod(email="a@b.co")) == REVOKED
    assert await shop.core.find_method()(shop.scope, method.id) == Method(method.id, method.card)
    assert await shop.core.find_method()(shop.scope, "pm_card_visa") is not None


async def test_a_repeat_needs_no_key(shop: Shop) -> None:
    create = shop.core.create_payment_method()
    first = value(await create(shop.keyed("k"), shop.scope, DETAILS))
    shop.vault.refusing[shop.scope] = CustodyReason.REVOKED
    assert (await create(shop.keyed("k"), shop.scope, DETAILS)).unwrap() == Reply(first, replayed=True)
    assert await create(shop.keyed("other"), shop.scope, DETAILS) == REVOKED


async def test_nothing_stays_sealed_of_a_card_that_was_not_kept(shop: Shop) -> None:
    create = shop.core.create_payment_method()
    await create(shop.keyed("k"), shop.scope, DETAILS)
    await create(shop.keyed("k"), shop.scope, DETAILS)
    await create(shop.keyed("k", b"other"), shop.scope, DETAILS)
    assert await shop.core.protected().counts(shop.scope) == {1: 1}


async def test_methods_are_found_by_number_and_by_address(shop: Shop) -> None:
    adas = [await kept(shop, billing=BILLING), await kept(shop, "5555555555554444", BILLING)]
    await kept(shop, billing=BillingDetails(email="bob@example.com"))
    look = shop.core.look_up_methods()
    assert (await look(shop.scope, SoughtMethod(email="ada@example.COM"))).unwrap() == adas[::-1]
    assert (await look(shop.scope, SoughtMethod(number="5555555555554444"))).unwrap() == [adas[1]]
    assert (await look(shop.scope, SoughtMethod(email="nobody@example.com"))).unwrap() == []
    assert "ada" not in repr(SoughtMethod(email="ada@example.com"))


def test_a_security_code_cannot_be_kept() -> None:
    code = DETAILS.cvc
    assert code is not None
    assert not shows_code("987", f"{code!r} {code} {DETAILS!r}")
    with pytest.raises(TypeError):
        pickle.dumps(code)
    with pytest.raises(TypeError):
        bytes(code)  # type: ignore[call-overload]  # what it shows: the type refuses, and so does Python
    with pytest.raises(TypeError):
        json.dumps(asdict(DETAILS))
