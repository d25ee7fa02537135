"""The idempotency keys that this process has seen lately, so that a repeat is known before a group is spoilt by it."""

from collections.abc import Mapping
from itertools import islice
from typing import Final, TypeAlias

from fintech.domain.apply import ClaimState
from fintech.domain.changeset import Answer, Changeset, Claim
from fintech.domain.scope import Scope

#: When there are more, the older half is forgotten.
REMEMBERED_MAX: Final = 20_000

ClaimKey: TypeAlias = tuple[Scope, str]


def claim_key(scope: Scope, changes: Changeset) -> ClaimKey | None:
    """The key that a changeset takes, or None if it takes none."""
    claim = changes.claim
    if isinstance(claim, Claim) or (isinstance(claim, Answer) and claim.claim is not None):
        return scope, claim.key
    return None


class RecentClaims:
    """Keys that were taken, each with its claim where that is known to have been answered, which is for ever.

    A key without its answer is a warning: somebody has to look.
    """

    def __init__(self) -> None:
        self._claims: dict[ClaimKey, ClaimState | None] = {}

    def answered(self, scope: Scope, changes: Changeset) -> tuple[ClaimKey, ClaimState] | None:
        """The answered claim that refuses a changeset which claims and answers in one.

        Not of one that only claims: it might have been committed itself, and answered by another since.
        """
        key = claim_key(scope, changes)
        if key is None or not isinstance(changes.claim, Answer):
            return None
        known = self._claims.get(key)
        return None if known is None else (key, known)

    def doubtful(self, scope: Scope, changes: Changeset) -> bool:
        """Whether a changeset takes a key that was taken before, and nothing here says what it is to be told."""
        key = claim_key(scope, changes)
        return key is not None and key in self._claims and self.answered(scope, changes) is None

    def remember(self, claims: Mapping[ClaimKey, ClaimState | None]) -> None:
        """Keys that were taken in a commit, or found taken."""
        self._claims.update(claims)
        if len(self._claims) > REMEMBERED_MAX:
            for key in list(islice(self._claims, len(self._claims) - REMEMBERED_MAX // 2)):
                del self._claims[key]
