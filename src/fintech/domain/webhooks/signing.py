"""Signatures, by which a receiver knows that what it got is ours and new (Stripe's scheme ``v1``)."""

import hmac
from collections.abc import Sequence


def signature_header(secrets: Sequence[str], at: int, body: bytes) -> str:
    """``t=…,v1=…``, with a ``v1`` for each secret: HMAC-SHA-256 of the moment in Unix seconds, a point and the body.

    A receiver accepts what any secret that it knows has signed, so it may be told of a new one in its own time.
    """
    signed = b"%d.%b" % (at, body)
    signatures = [f"v1={hmac.digest(secret.encode(), signed, 'sha256').hex()}" for secret in secrets]
    return ",".join((f"t={at}", *signatures))
