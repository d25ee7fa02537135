"""The secrets that sign: derived when they are needed, kept nowhere."""

from typing import Final

from fintech.domain.ids import WebhookEndpointId
from fintech.ports.keyed_digest import KeyedDigest, Purpose

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with


def secret_of(digests: KeyedDigest, endpoint: WebhookEndpointId, number: int) -> str:
    """An endpoint's secret of a number: 256 bits that nobody can tell without the key that digests are keyed with."""
    return SECRET_PREFIX + digests.digest(Purpose.WEBHOOK, f"{endpoint}.{number}".encode()).hex()
