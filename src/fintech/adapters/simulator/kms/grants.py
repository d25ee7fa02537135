"""Grants of the simulated KMS: who may do what with a key, in whose name, from when and until when."""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from fintech.adapters.simulator.kms.refusals import KmsRefused

#: How many a key has at most, as in AWS unless more was asked for.
GRANTS_MAX: Final = 50_000

_UNTIED: Final = ("", "")


@frozen(kw_only=True)
class Grant:
    """One grant. It gets about: it works for everybody from ``works_at`` on, and for whoever brings its token from the
    first. ``subset`` and ``equals`` tie it to encryption contexts."""

    id: str
    name: str | None
    grantee: str
    retiring: str | None
    operations: tuple[str, ...]
    subset: tuple[tuple[str, str], ...] | None
    equals: tuple[tuple[str, str], ...] | None
    created_at: float
    works_at: float

    def permits(self, principal: str, operation: str, context: Mapping[str, str]) -> bool:
        """Whether it is about this."""
        if principal != self.grantee or operation not in self.operations:
            return False
        if self.equals is not None and dict(self.equals) != context:
            return False
        return self.subset is None or all(context.get(name) == value for name, value in self.subset)

    def terms(self) -> tuple[object, ...]:
        """What makes two grants of a name the same."""
        return (self.name, self.grantee, self.retiring, self.operations, self.subset, self.equals)

    def anchor(self) -> tuple[str, str]:
        """The pair of its context that tells it best from others: the longest."""
        pairs = [*(self.subset or ()), *(self.equals or ())]
        return max(pairs, key=lambda pair: len(pair[1]), default=_UNTIED)


@define
class GrantBook:
    """A key's grants, found by the contexts that they are tied to, so that 50,000 cost no more than one."""

    by_id: dict[str, Grant] = field(factory=dict)
    ends_at: dict[str, float] = field(factory=dict)  #: of those that were ended, when that has got about
    _anchored: dict[tuple[str, str], dict[str, Grant]] = field(factory=dict)
    _named: dict[tuple[object, ...], str] = field(factory=dict)

    def add(self, grant: Grant) -> None:
        """A new one."""
        if len(self.by_id) - len(self.ends_at) >= GRANTS_MAX:
            raise KmsRefused("LimitExceededException", "too many grants on this key")
        self.by_id[grant.id] = grant
        self._anchored.setdefault(grant.anchor(), {})[grant.id] = grant
        if grant.name is not None:
            self._named[grant.terms()] = grant.id

    def end(self, id: str, at: float) -> None:
        """It works no more once that has got about."""
        self.ends_at[id] = at
        self._named.pop(self.by_id[id].terms(), None)

    def same_as(self, grant: Grant) -> Grant | None:
        """The one that there is of this name and these terms."""
        return None if grant.name is None else self.by_id.get(self._named.get(grant.terms(), ""))

    def live(self) -> Iterable[Grant]:
        """Those that were not ended."""
        return (grant for id, grant in self.by_id.items() if id not in self.ends_at)

    def permit(
        self,
        principal: str,
        operation: str,
        context: Mapping[str, str],
        *,
        now: float,
        brought: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether one of them permits it now. ``brought`` are the grants whose tokens came with the call."""
        for anchor in (*context.items(), _UNTIED):
            for id, grant in self._anchored.get(anchor, {}).items():
                works = grant.works_at <= now or (id in brought and id not in self.ends_at)
                ended = self.ends_at.get(id, now + 1) <= now
                if works and not ended and grant.permits(principal, operation, context):
                    return True
        return False

    def forget_ended(self, now: float) -> None:
        """Let go of those whose end has got about."""
        for id in [id for id, at in self.ends_at.items() if at <= now]:
            grant = self.by_id.pop(id)
            del self.ends_at[id], self._anchored[grant.anchor()][id]
