"""Signatures are Stripe's to the letter."""

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe import WebhookSignature

from fintech.domain.webhooks.signing import signature_header

AT = 1_795_000_000


@given(
    st.text(max_size=200),
    st.text(st.characters(codec="ascii"), min_size=1, max_size=40),
    st.integers(0, 2**40),
)
def test_it_is_what_the_official_sdk_makes_of_it(body: str, secret: str, at: int) -> None:
    ours = signature_header([secret], at, body.encode())
    assert ours == WebhookSignature.generate_signature_header(body, secret, timestamp=at)


def test_each_secret_signs_and_a_receiver_needs_to_know_one() -> None:
    header = signature_header(["whsec_new", "whsec_old"], AT, b"{}")
    assert header.count("v1=") == 2
    for secret in ("whsec_new", "whsec_old"):
        assert WebhookSignature.verify_header(b"{}", header, secret)
    for body, secret in ((b"{}", "whsec_other"), (b"{ }", "whsec_new")):
        with pytest.raises(stripe.SignatureVerificationError):
            WebhookSignature.verify_header(body, header, secret)


def test_a_signature_is_of_its_moment() -> None:
    header = signature_header(["whsec_new"], AT, b"{}").replace(str(AT), str(AT + 1))
    with pytest.raises(stripe.SignatureVerificationError):
        WebhookSignature.verify_header(b"{}", header, "whsec_new")
