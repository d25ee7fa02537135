"""What a dump and a list of fingerprints are worth to who wants the numbers back (PCI DSS 3.5.1, 3.5.1.1).

A dump shows a card's first six digits and its last four, so a million numbers are left, of which a tenth have the right
check digit. An unkeyed digest tells which of them it is in a fraction of a second. A fingerprint does not, whatever is
tried that the dump has: what is missing is the merchant's key, of 256 bits.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from fintech.domain.cards import CardDetails, fingerprint_of, luhn_valid
from fintech.domain.keys.columns import CARD_NUMBER
from tests.unit.application.shop import PLAIN, Shop, value

NUMBER = "4000056655665556"

Guess = Callable[[bytes], bytes]


def numbers(first6: str, last4: str) -> Iterator[str]:
    """Every number that a dump leaves, of 16 digits: of the ten that differ in the twelfth, one has the check digit."""
    for middle in range(10**5):
        head = f"{first6}{middle:05}"
        zero = f"{head}0{last4}"
        lacking = next(add for add in range(10) if luhn_valid(f"{zero[:-1]}{(int(zero[-1]) + add) % 10}"))
        yield f"{head}{lacking}{last4}"  # the twelfth digit counts once, as the last does


def guessed(candidates: list[bytes], target: bytes, digest: Guess) -> bytes | None:
    """The number whose digest it is."""
    return next((each for each in candidates if digest(each) == target), None)


def _digest(name: str, number: bytes) -> bytes:
    return hashlib.new(name, number).digest()


def _indexed(key: bytes, number: bytes) -> bytes:
    """As a fingerprint is made, but for the key."""
    name = CARD_NUMBER.index_name.encode()
    return hmac.digest(key, len(name).to_bytes(2, "big") + name + number, "sha256")[:10]


@pytest.fixture(scope="module")
def candidates() -> list[bytes]:
    return [number.encode() for number in numbers(NUMBER[:6], NUMBER[-4:])]


def test_an_unkeyed_digest_falls(candidates: list[bytes]) -> None:
    assert len(candidates) == 10**5
    for name in ("sha256", "sha512"):
        unkeyed = partial(_digest, name)
        assert guessed(candidates, unkeyed(NUMBER.encode()), unkeyed) == NUMBER.encode()


async def test_a_fingerprint_does_not(shop: Shop, candidates: list[bytes]) -> None:
    create = shop.core.create_payment_method()
    card = CardDetails(number=NUMBER, exp_month=12, exp_year=2034)
    method = value(await create(PLAIN, shop.scope, card))
    (sealed,) = (await shop.core.protected().get(shop.scope, (CARD_NUMBER.at(method.id),))).values()
    assert sealed.index is not None
    assert method.card.fingerprint == fingerprint_of(sealed.index)
    shown = base64.b32decode(method.card.fingerprint)
    told = [shop.scope.merchant, method.id, "payment_methods.number", "fingerprint", "fintech/v1", ""]
    for key in told:  # whatever the dump has, as if it were the key
        assert guessed(candidates, shown, partial(_indexed, key.encode())) is None
    lease = shop.vault.lent(shop.scope)
    found = guessed(candidates, sealed.index, lambda each: lease.index(CARD_NUMBER.index_name, each))
    assert found == NUMBER.encode()  # so it is the key alone that is missing
