"""What a merchant's keys seal opens here and nowhere else, and nothing that was touched opens at all."""

from collections import deque
from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.places import Place, owner_of
from fintech.domain.keys.purposes import CODES, SEALING, KeyPurpose
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.sealing import merchant_keys
from fintech.sealing.merchant_keys import MerchantKeys, OpenFault
from fintech.sealing.message import (
    BODY,
    COMMITMENT,
    HEADER_BYTES,
    OVERHEAD_BYTES,
    PLAINTEXT_MAX,
    SALT,
    MessageFault,
    ring_bytes,
)
from tests.strategies import TEXTS, ids

SCOPE = Scope(MerchantId("acct_" + "1" * 24), livemode=False)
RING = KeyRingId("kr_" + "2" * 24)
KEY, OLD_KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
KEYS = MerchantKeys(SCOPE, RING, {1: OLD_KEY, 2: KEY}, 2)
HERE = Place("payment_methods", "owner", "pm_1")
PII = KeyPurpose.PII

SCOPES = st.builds(Scope, ids(MerchantId), st.booleans())
PLACES = st.builds(Place, TEXTS, TEXTS, TEXTS, st.integers(0, 2**31))
PURPOSES = st.sampled_from(sorted(SEALING))
PLAINTEXTS = st.binary(max_size=300)


def keys(*, scope: Scope = SCOPE, ring: KeyRingId = RING, key: bytes = KEY, number: int = 2) -> MerchantKeys:
    """Keys that are like those above but for what is said."""
    return MerchantKeys(scope, ring, {number: key}, number)


@given(PURPOSES, PLACES, PLAINTEXTS)
def test_what_is_sealed_opens_where_it_was_sealed(
    purpose: KeyPurpose, place: Place, plaintext: bytes
) -> None:
    message = KEYS.seal(purpose, place, plaintext)
    assert KEYS.open(purpose, place, message) == Success(plaintext)
    assert keys().open(purpose, place, message) == Success(plaintext)
    assert len(message) == len(plaintext) + OVERHEAD_BYTES == len(plaintext) + 104
    assert KEYS.seal(purpose, place, plaintext) != message
    assert len(plaintext) < 4 or plaintext not in message


def right_refusal(at: int) -> set[MessageFault | OpenFault]:
    """What a change of the byte at a place of a message comes to."""
    if at >= BODY.start:
        return {OpenFault.CHANGED}
    if at >= SALT.start:  # of the salt or of the commitment
        return {OpenFault.OTHER_KEY}
    if at >= 8:
        return {OpenFault.OTHER_RING}
    if at >= 4:
        return {OpenFault.NO_SUCH_VERSION, OpenFault.OTHER_KEY}
    first: list[set[MessageFault | OpenFault]] = [
        {MessageFault.NOT_SEALED},
        {MessageFault.UNKNOWN_SUITE},
        {MessageFault.UNKNOWN_PURPOSE, OpenFault.OTHER_PURPOSE},
        {MessageFault.UNKNOWN_FLAGS},
    ]
    return first[at]


def test_no_bit_can_be_flipped() -> None:
    message = KEYS.seal(PII, HERE, b"to be read by nobody")
    for bit in range(8 * len(message)):
        at = bit // 8
        forged = bytearray(message)
        forged[at] ^= 1 << bit % 8
        opened = KEYS.open(PII, HERE, bytes(forged))
        assert isinstance(opened, Failure)
        assert opened.failure() in right_refusal(at), at


@given(PLAINTEXTS, st.dictionaries(st.integers(0, 103), st.integers(1, 255), min_size=1, max_size=6))
def test_no_bytes_can_be_changed(plaintext: bytes, changes: dict[int, int]) -> None:
    forged = bytearray(KEYS.seal(PII, HERE, plaintext))
    for at, change in changes.items():
        forged[at] ^= change
    opened = KEYS.open(PII, HERE, bytes(forged))
    assert isinstance(opened, Failure)
    assert opened.failure() in {fault for at in changes for fault in right_refusal(at)}


@given(PLACES, PLACES)
def test_it_opens_nowhere_else(place: Place, elsewhere: Place) -> None:
    assume(place != elsewhere)
    message = KEYS.seal(PII, place, b"moved")
    assert KEYS.open(PII, elsewhere, message) == Failure(OpenFault.CHANGED)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place("payment_method", "sowner", "pm_1"),
        Place("payment_methods", "ownerp", "m_1"),
        Place("payment_methods", "owner", "pm_1", 2),
        Place("payment_methods", "owner", "pm_2"),
        Place("payment_methods", "email", "pm_1"),
        Place("customers", "owner", "pm_1"),
    ],
    ids=repr,
)
def test_a_row_a_column_a_table_or_a_schema_that_is_swapped_is_noticed(elsewhere: Place) -> None:
    message = KEYS.seal(PII, HERE, b"moved")
    assert KEYS.open(PII, elsewhere, message) == Failure(OpenFault.CHANGED)


@given(SCOPES, PLACES, SCOPES, PLACES)
def test_no_two_places_are_bound_by_the_same_bytes(
    scope: Scope, place: Place, other_scope: Scope, other_place: Place
) -> None:
    same = (scope, place) == (other_scope, other_place)
    bound = place.bound_to(owner_of(scope))
    assert (bound == other_place.bound_to(owner_of(other_scope))) is same


def test_another_merchants_and_the_other_modes_is_refused_whatever_else_is_the_same() -> None:
    message = KEYS.seal(PII, HERE, b"not yours")
    stranger = Scope(MerchantId("acct_" + "3" * 24), livemode=False)
    assert keys(scope=stranger).open(PII, HERE, message) == Failure(OpenFault.CHANGED)
    assert keys(scope=evolve(SCOPE, livemode=True)).open(PII, HERE, message) == Failure(OpenFault.CHANGED)
    other_ring = keys(scope=stranger, ring=KeyRingId("kr_" + "4" * 24), key=OTHER_KEY)
    assert other_ring.open(PII, HERE, message) == Failure(OpenFault.OTHER_RING)
    assert keys(key=OTHER_KEY).open(PII, HERE, message) == Failure(OpenFault.OTHER_KEY)


@given(st.permutations(sorted(SEALING)))
def test_another_purpose_is_refused_and_so_is_one_that_is_forged(purposes: list[KeyPurpose]) -> None:
    for purpose, other in pairwise(purposes):
        message = KEYS.seal(purpose, HERE, b"for one purpose")
        assert KEYS.open(other, HERE, message) == Failure(OpenFault.OTHER_PURPOSE)
        forged = message[:2] + bytes([CODES[other]]) + message[3:]
        assert KEYS.open(other, HERE, forged) == Failure(OpenFault.OTHER_KEY)
        assert KEYS.open(purpose, HERE, forged) == Failure(OpenFault.OTHER_PURPOSE)


def test_another_version_is_refused_and_so_is_one_that_is_forged() -> None:
    message = KEYS.seal(PII, HERE, b"of version 2")
    for number, fault in ((1, OpenFault.OTHER_KEY), (3, OpenFault.NO_SUCH_VERSION)):
        forged = message[:4] + number.to_bytes(4, "big") + message[8:]
        assert KEYS.open(PII, HERE, forged) == Failure(fault)


def test_parts_of_two_messages_make_no_third() -> None:
    one, two = KEYS.seal(PII, HERE, b"the one"), KEYS.seal(PII, HERE, b"the two")
    assert KEYS.open(PII, HERE, one[: BODY.start] + two[BODY]) == Failure(OpenFault.CHANGED)
    assert KEYS.open(PII, HERE, one[: SALT.start] + two[SALT] + one[SALT.stop :]) == Failure(
        OpenFault.OTHER_KEY
    )
    assert KEYS.open(PII, HERE, one[: SALT.stop] + two[COMMITMENT] + one[COMMITMENT.stop :]) == Failure(
        OpenFault.OTHER_KEY
    )


def test_a_message_that_is_cut_short_or_goes_on_is_refused() -> None:
    message = KEYS.seal(PII, HERE, b"every byte counts")
    for length in range(len(message)):
        fault = MessageFault.TOO_SHORT if length < OVERHEAD_BYTES else OpenFault.CHANGED
        assert KEYS.open(PII, HERE, message[:length]) == Failure(fault)
    for more in (b"\x00", message, message[BODY]):
        assert KEYS.open(PII, HERE, message + more) == Failure(OpenFault.CHANGED)
    longest = message[:OVERHEAD_BYTES] + bytes(PLAINTEXT_MAX)
    assert KEYS.open(PII, HERE, longest) == Failure(OpenFault.CHANGED)
    assert KEYS.open(PII, HERE, longest + b"\x00") == Failure(MessageFault.TOO_LONG)


@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    begun = KEYS.seal(PII, HERE, b"")[:HEADER_BYTES]
    for message in (garbage, b"\xf5\x01" + garbage, begun + garbage):
        assert isinstance(KEYS.open(PII, HERE, message), Failure)


def test_what_an_older_version_sealed_opens_until_it_is_retired() -> None:
    old = MerchantKeys(SCOPE, RING, {1: OLD_KEY}, 1).seal(PII, HERE, b"of version 1")
    assert KEYS.open(PII, HERE, old) == Success(b"of version 1")
    assert keys().open(PII, HERE, old) == Failure(OpenFault.NO_SUCH_VERSION)
    assert (KEYS.numbers, KEYS.active) == ((2, 1), 2)
    assert KEYS.open(PII, HERE, KEYS.seal(PII, HERE, b"new")) == Success(b"new")


def test_what_seals_nothing_opens_nothing() -> None:
    message = KEYS.seal(PII, HERE, b"")
    for purpose in KeyPurpose:
        if purpose not in SEALING:
            forged = message[:2] + bytes([CODES[purpose]]) + message[3:]
            with pytest.raises(ValueError, match="do not seal"):
                KEYS.seal(purpose, HERE, b"")
            with pytest.raises(ValueError, match="do not seal"):
                KEYS.open(purpose, HERE, forged)


@pytest.mark.parametrize("purpose", sorted(set(KeyPurpose) - {KeyPurpose.MAC}))
def test_what_seals_or_indexes_does_not_digest(purpose: KeyPurpose) -> None:
    """One key, one use (NIST SP 800-57 part 1, 5.2)."""
    with pytest.raises(ValueError, match="do not digest"):
        KEYS.digest(purpose, b"", 2)


def test_a_message_has_up_to_a_mebibyte() -> None:
    most = bytes(PLAINTEXT_MAX)
    assert KEYS.open(PII, HERE, KEYS.seal(PII, HERE, most)) == Success(most)
    with pytest.raises(ValueError, match="at most 1048576 bytes"):
        KEYS.seal(PII, HERE, most + b"\x00")


@given(TEXTS, st.binary(max_size=40), TEXTS, st.binary(max_size=40))
def test_an_index_is_the_same_for_what_is_the_same_and_for_nothing_else(
    column: str, value: bytes, other_column: str, other_value: bytes
) -> None:
    index = KEYS.index(column, value)
    assert index == KEYS.index(column, value, 2) == keys().index(column, value)
    assert len(index) == 32
    same = (column, value) == (other_column, other_value)
    assert (index == KEYS.index(other_column, other_value)) is same
    assert index != KEYS.index(column, value, 1)
    assert index != keys(key=OTHER_KEY).index(column, value)


def test_keys_that_are_wiped_are_overwritten_and_do_nothing_any_more() -> None:
    doomed = MerchantKeys(SCOPE, RING, {1: OLD_KEY, 2: KEY}, 2)
    message = doomed.seal(PII, HERE, b"gone")
    assert doomed.open(PII, HERE, message) == Success(b"gone")
    held, ready = doomed._keys, doomed._ready
    assert ready
    doomed.wipe()
    assert not any(held)
    assert (doomed.numbers, ready) == ((), {})
    assert doomed.open(PII, HERE, message) == Failure(OpenFault.NO_SUCH_VERSION)
    for use in (
        lambda: doomed.seal(PII, HERE, b""),
        lambda: doomed.index("pan", b""),
        lambda: doomed.digest(KeyPurpose.MAC, b"", 2),
    ):
        with pytest.raises(ValueError, match="not any more"):
            use()
    doomed.wipe()


def test_no_more_keys_are_ready_than_there_may_be_and_all_are_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merchant_keys, "READY_MAX", 4)
    monkeypatch.setattr(merchant_keys, "_READY", deque())
    many = [keys(scope=Scope(MerchantId(f"acct_{number:024d}"), livemode=False)) for number in range(12)]
    for _ in range(2):
        for each in many:
            for purpose in SEALING:
                message = each.seal(purpose, HERE, b"in turn")
                assert each.open(purpose, HERE, message) == Success(b"in turn")
        assert sum(len({id(ready) for ready in each._ready.values()}) for each in many) <= 4


def test_nothing_that_is_shown_shows_a_key() -> None:
    ready = [*KEYS._ready.values()]
    shown = repr(KEYS) + repr(ready) + str(KEYS)
    for key in (KEY, KEYS._keys):
        assert repr(bytes(key))[2:-1] not in shown
        assert bytes(key[:16]).hex() not in shown


def test_a_ring_is_named_by_the_bits_of_its_id() -> None:
    assert ring_bytes(KeyRingId("kr_" + "0" * 24)) == bytes(16)
    assert ring_bytes(KeyRingId("kr_" + "z" * 24)) == b"\x00" + b"\xff" * 15
    assert ring_bytes(KeyRingId("kr_" + "0" * 22 + "10")) == bytes(15) + b"\x20"
