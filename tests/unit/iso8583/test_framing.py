"""Frames come in pieces, several at once, and sometimes they are none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fintech.iso8583.framing import Framer, framed

PAYLOADS = st.lists(st.binary(min_size=1, max_size=50), max_size=6)


@given(PAYLOADS, st.lists(st.integers(0, 400), max_size=20))
def test_frames_are_told_apart_however_they_arrive(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(framed, payloads))
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    framer, found = Framer(), list[bytes]()
    for start, end in pairwise(places):
        found += framer.feed(stream[start:end])
    assert found == payloads
    assert not framer.partial
    assert framer.lost is None


def test_a_frame_that_has_begun_is_partial() -> None:
    framer = Framer()
    assert framer.feed(b"\0") == []
    assert framer.partial
    assert framer.feed(b"\x02a") == []
    assert framer.partial
    assert framer.feed(b"b") == [b"ab"]
    assert not framer.partial


@pytest.mark.parametrize("length", [0, 65, 0xFFFF])
def test_nothing_is_believed_after_a_length_that_cannot_be(length: int) -> None:
    framer = Framer(64)
    assert framer.feed(framed(b"good") + length.to_bytes(2) + b"x" * 10) == [b"good"]
    assert framer.lost == f"a frame of {length} bytes; there are 1 to 64"
    assert framer.feed(framed(b"good")) == []
    assert not framer.partial


@pytest.mark.parametrize("payload", [b"", bytes(65536)])
def test_what_two_bytes_cannot_count_is_not_framed(payload: bytes) -> None:
    with pytest.raises(ValueError, match="1 to 65535"):
        framed(payload)


def test_no_repr_has_anything_of_what_came() -> None:
    framer = Framer()
    framer.feed(b"\0\x20" + b"42424242")
    assert "42424242" not in repr(framer)
