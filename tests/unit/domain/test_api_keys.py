"""API keys end, and stay ended."""

from datetime import timedelta

import pytest

from fintech.domain.api_keys import SECRET_PREFIXES, ApiKey, KeyRevoked
from fintech.domain.ids import ApiKeyId
from fintech.domain.outcome import Failure
from tests.unit.domain.desk import NOON

KEY = ApiKey(
    id=ApiKeyId("key_" + "0" * 24),
    version=1,
    name="till",
    digest=b"\xde\xad\xbe\xef" * 8,
    hint="beef",
    created_at=NOON,
)
TICK = timedelta(microseconds=1)


def test_a_key_is_valid_until_the_moment_it_ends() -> None:
    assert KEY.valid(NOON)
    rolled = KEY.ending(NOON + timedelta(hours=1)).unwrap()
    assert rolled.valid(NOON + timedelta(hours=1) - TICK)
    assert not rolled.valid(NOON + timedelta(hours=1))


def test_a_rolled_key_can_be_ended_earlier_but_an_ended_one_not_again() -> None:
    rolled = KEY.ending(NOON + timedelta(hours=1)).unwrap()
    revoked = rolled.ending(NOON).unwrap()
    assert revoked.ends_at == NOON
    assert revoked.ending(NOON) == Failure(KeyRevoked())
    assert revoked.ending(NOON + timedelta(hours=2)) == Failure(KeyRevoked())


def test_no_repr_shows_the_digest() -> None:
    assert repr(KEY.digest) not in repr(KEY)


@pytest.mark.parametrize("livemode", [True, False])
def test_a_secret_says_its_mode(livemode: bool) -> None:
    assert SECRET_PREFIXES[livemode] == ("sk_live_" if livemode else "sk_test_")
