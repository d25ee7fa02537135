"""API keys: who may speak for a merchant over HTTP, and in which mode; and who may look at custody for the bank.

An officer's key is one of the pseudo-merchant `PLATFORM`, in live mode: it opens what officers may see, of every merchant
in both modes, and nothing else.
"""

from datetime import datetime
from typing import Final

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import ApiKeyId
from fintech.domain.keys.custody import PLATFORM
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope

#: What a secret begins with; the mode is part of it, so that a key in the wrong place shows itself.
SECRET_PREFIXES: Final = {False: "sk_test_", True: "sk_live_"}
OFFICER_PREFIX: Final = "ok_"
#: Whose keys officers' are.
OFFICERS: Final = Scope(PLATFORM, livemode=True)


@frozen
class KeyRevoked:
    """The key has been revoked already."""


@frozen(kw_only=True, slots=False)
class ApiKey:
    """A key, without its secret: ``digest`` is a keyed hash of it (a random secret needs no slow one).

    ``hint`` is the secret's last four characters, to tell keys apart. ``ends_at``: from then on it is worth nothing.
    """

    id: ApiKeyId
    version: int
    name: str
    digest: bytes = field(repr=False)
    hint: str
    created_at: datetime
    ends_at: datetime | None = None

    def valid(self, now: datetime) -> bool:
        """Whether the key opens anything now."""
        return self.ends_at is None or now < self.ends_at

    def ending(self, at: datetime) -> "Outcome[ApiKey, KeyRevoked]":
        """Revoke, from a moment on; rolling a key lets the old one live on for a while."""
        if self.ends_at is not None and self.ends_at <= at:
            return Failure(KeyRevoked())
        return Success(evolve(self, ends_at=at))


def secret_prefix(scope: Scope) -> str:
    """What a new secret begins with."""
    return OFFICER_PREFIX if scope == OFFICERS else SECRET_PREFIXES[scope.livemode]
