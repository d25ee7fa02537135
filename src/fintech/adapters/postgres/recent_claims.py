"""The idempotency keys that this process has seen lately, so that a repeat is known before a group is spoilt by it."""

from collections.abc import Mapping
from itertools import islice
from typing import Final, TypeAlias

from fintech.domain.apply import ClaimState
from fintech.domain.changeset import Answer, Changeset
from fintech.domain.scope import Scope

REMEMBERED_MAX: Final = 20_000

ClaimKey: TypeAlias = tuple[Scope, str]


class RecentClaims:
    """At most `REMEMBERED_MAX` claims, the oldest forgotten first.

    A claim that was answered stays so for ever, whoever asks; one that was not may have been answered by another
    process since, so it is only told to the changeset that answers it.
    """

    def __init__(self) -> None:
        self._claims: dict[ClaimKey, ClaimState] = {}

    def seen_by(self, scope: Scope, changes: Changeset) -> tuple[ClaimKey, ClaimState] | None:
        """What is known of a changeset's claim, if it may be relied upon."""
        claim = changes.claim
        if claim is None:
            return None
        key = (scope, claim.key)
        known = self._claims.get(key)
        if known is None or (known.answered_by is None and not _answers_only(changes)):
            return None
        return key, known

    def remember(self, claims: Mapping[ClaimKey, ClaimState]) -> None:
        """Claims as they have been committed."""
        self._claims.update(claims)
        if len(self._claims) > REMEMBERED_MAX:
            for key in list(islice(self._claims, len(self._claims) - REMEMBERED_MAX // 2)):
                del self._claims[key]


def _answers_only(changes: Changeset) -> bool:
    return isinstance(changes.claim, Answer) and changes.claim.claim is None
