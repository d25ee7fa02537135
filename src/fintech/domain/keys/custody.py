"""Custody: what the bank lets us do with a merchant's keys. `CUSTODY_TRANSITIONS` and `KEY_TRANSITIONS` are all of it.

A merchant has one ring of keys in each mode: numbered versions, of which one seals and the others still open.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from attrs import field, frozen

from fintech.domain.evolving import evolve
from fintech.domain.ids import Id, MerchantId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope

#: How many versions a ring may have that still open; older ones are retired first.
VERSIONS_MAX: Final = 8
KEY_BYTES: Final = 32

#: Whose keys seal what is no merchant's: the platform's own data, as if it were a merchant. No merchant has this id.
PLATFORM: Final = MerchantId("acct_" + "z" * 24)
#: In whose name the first keys of the audit trail are wrapped, so that no permission of theirs is anybody else's.
AUDIT: Final = MerchantId("acct_" + "y" * 24)

#: The name of a root key of the bank: a KMS key's ARN, a PKCS#11 label.
CmkName = NewType("CmkName", str)


class KeyRingId(Id):
    """A merchant's ring of keys in one mode."""

    __slots__ = ()
    PREFIX = "kr_"


class Custody(StrEnum):
    """What the bank says about a merchant's keys."""

    ACTIVE = "active"
    SUSPENDED = "suspended"  #: by the bank, until it restores them
    REVOKED = "revoked"  #: by the bank, for good, but for break-glass
    SHREDDED = "shredded"  #: there is no key any more, and no way back


CUSTODY_TRANSITIONS: Final[dict[Custody, frozenset[Custody]]] = {
    Custody.ACTIVE: frozenset({Custody.SUSPENDED, Custody.REVOKED, Custody.SHREDDED}),
    Custody.SUSPENDED: frozenset({Custody.ACTIVE, Custody.REVOKED, Custody.SHREDDED}),
    Custody.REVOKED: frozenset({Custody.SHREDDED}),
    Custody.SHREDDED: frozenset(),
}


class KeyStatus(StrEnum):
    """Where a version of a merchant's key stands."""

    ACTIVE = "active"  #: seals and opens
    DECRYPT_ONLY = "decrypt_only"  #: opens what it sealed, until that is sealed anew
    RETIRED = "retired"  #: destroyed; nothing is sealed with it any more


KEY_TRANSITIONS: Final[dict[KeyStatus, frozenset[KeyStatus]]] = {
    KeyStatus.ACTIVE: frozenset({KeyStatus.DECRYPT_ONLY}),
    KeyStatus.DECRYPT_ONLY: frozenset({KeyStatus.RETIRED}),
    KeyStatus.RETIRED: frozenset(),
}


class CmkStatus(StrEnum):
    """What a root key can do at the moment, as whoever keeps it says."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    PENDING_DELETION = "pending_deletion"
    UNAVAILABLE = "unavailable"


class Derivation(StrEnum):
    """How a merchant's key comes about from what the root gives back."""

    WRAPPED = "wrapped"  #: it is what was wrapped
    DERIVED = "derived"  #: HKDF of the root's MAC over the merchant's name, salted with what was wrapped


@frozen(kw_only=True, slots=False)
class KeyVersion:
    """One version of a merchant's key, as it may be kept: never but wrapped by a root key of the bank.

    ``grant`` names the permission at the root that lets this one merchant's key be unwrapped, if the root has such.
    ``wrapped`` is empty once the version is retired or shredded.
    """

    number: int
    status: KeyStatus
    cmk: CmkName
    derivation: Derivation
    wrapped: bytes = field(repr=False)
    grant: str | None = None
    created_at: datetime
    retired_at: datetime | None = None

    def moved_to(self, status: KeyStatus) -> "KeyVersion":
        """The version with the next status; a step that the table does not know is a bug."""
        if status not in KEY_TRANSITIONS[self.status]:
            message = f"{self.status} -> {status} is not a step of a key"
            raise AssertionError(message)
        return evolve(self, status=status)


@frozen
class LeftGrant:
    """A permission at a root key that nothing of a ring needs any more, and that is still to be withdrawn there."""

    cmk: CmkName
    grant: str


@frozen
class CustodyStepRefused:
    """The bank's word and what it said before do not go together."""

    current: Custody
    wanted: Custody


@frozen
class RotationRefused:
    """A ring that is not active has no new key, nor has one with `VERSIONS_MAX` versions that still open."""

    custody: Custody
    versions: int


@frozen
class RetirementRefused:
    """Only a version that seals nothing any more, and that nothing is sealed with, is retired."""

    number: int
    status: KeyStatus | None


@frozen(kw_only=True, slots=False)
class KeyRing:
    """A merchant's keys in one mode. ``version`` counts its changes: a ring is saved as `KeyTable` found it, or not.

    ``opened_until`` is the end of a break-glass, while a revoked ring can be used all the same. A ring without ``keys`` is
    that of a merchant whom the bank spoke of before anything was sealed; the first version is added as any other is.
    ``certified_at`` is when a notary certified that it is destroyed, None until then. ``left`` are permissions that are to be withdrawn: kept until the root has done so, so that none is forgotten when a
    process dies.
    """

    id: KeyRingId
    version: int
    scope: Scope
    custody: Custody
    keys: tuple[KeyVersion, ...]
    created_at: datetime
    opened_until: datetime | None = None
    certified_at: datetime | None = None
    left: tuple[LeftGrant, ...] = ()

    @property
    def active(self) -> KeyVersion | None:
        """The version that seals."""
        return next((key for key in self.keys if key.status is KeyStatus.ACTIVE), None)

    def key(self, number: int) -> KeyVersion | None:
        """The version of a number."""
        return next((key for key in self.keys if key.number == number), None)

    def usable(self, now: datetime) -> bool:
        """Whether its keys may be unwrapped at a moment."""
        return self.custody is Custody.ACTIVE or (
            self.custody is not Custody.SHREDDED and self.opened_until is not None and now < self.opened_until
        )

    def placed(self, custody: Custody) -> "Outcome[KeyRing, CustodyStepRefused]":
        """The bank has said so. Ends a break-glass, also where it says the same again. For `Custody.SHREDDED` see
        `shredded`."""
        again = custody is self.custody and self.opened_until is not None
        if not again and (custody not in CUSTODY_TRANSITIONS[self.custody] or custody is Custody.SHREDDED):
            return Failure(CustodyStepRefused(self.custody, custody))
        return Success(evolve(self, custody=custody, opened_until=None))

    def opened(self, until: datetime) -> "Outcome[KeyRing, CustodyStepRefused]":
        """Break-glass: usable until a moment although it is suspended or revoked."""
        if self.custody not in (Custody.SUSPENDED, Custody.REVOKED):
            return Failure(CustodyStepRefused(self.custody, self.custody))
        return Success(evolve(self, opened_until=until))

    def shredded(self, now: datetime) -> "Outcome[KeyRing, CustodyStepRefused]":
        """Without any key from now on, and without a way back."""
        if Custody.SHREDDED not in CUSTODY_TRANSITIONS[self.custody]:
            return Failure(CustodyStepRefused(self.custody, Custody.SHREDDED))
        keys = tuple(
            evolve(key, status=KeyStatus.RETIRED, wrapped=b"", grant=None, retired_at=key.retired_at or now)
            for key in self.keys
        )
        gone = evolve(self, custody=Custody.SHREDDED, keys=keys, opened_until=None)
        return Success(gone.leaving(self.keys))

    def certified(self, at: datetime) -> "KeyRing":
        """A notary has signed that it is destroyed; the first time counts."""
        return evolve(self, certified_at=self.certified_at or at)

    def rotated(self, key: KeyVersion) -> "Outcome[KeyRing, RotationRefused]":
        """With a new version that seals; the one that did only opens from now on."""
        opening = [each for each in self.keys if each.status is not KeyStatus.RETIRED]
        if self.custody is not Custody.ACTIVE or len(opening) >= VERSIONS_MAX:
            return Failure(RotationRefused(self.custody, len(opening)))
        last = self.keys[-1].number if self.keys else 0
        if key.number != last + 1:
            message = f"version {key.number} does not follow {last}"
            raise AssertionError(message)
        before = tuple(
            each.moved_to(KeyStatus.DECRYPT_ONLY) if each.status is KeyStatus.ACTIVE else each
            for each in self.keys
        )
        return Success(evolve(self, keys=(*before, key)))

    def retired(self, number: int, now: datetime) -> "Outcome[KeyRing, RetirementRefused]":
        """Without a version that only opened."""
        key = self.key(number)
        if key is None or key.status is not KeyStatus.DECRYPT_ONLY:
            return Failure(RetirementRefused(number, None if key is None else key.status))
        gone = evolve(key.moved_to(KeyStatus.RETIRED), wrapped=b"", grant=None, retired_at=now)
        return Success(self.with_key(gone).leaving((key,)))

    def with_key(self, key: KeyVersion) -> "KeyRing":
        """With another state of one of its versions."""
        return evolve(self, keys=tuple(key if each.number == key.number else each for each in self.keys))

    def rewrapped(self, number: int, cmk: CmkName, wrapped: bytes, grant: str | None) -> "KeyRing":
        """With a version wrapped by another root key. What it was permitted by at the one before is to be withdrawn, once
        no version needs it."""
        key = self.key(number)
        if key is None or key.status is KeyStatus.RETIRED or key.derivation is Derivation.DERIVED:
            message = f"version {number} is not there, is retired, or is tied to its root key by derivation"
            raise AssertionError(message)
        return self.with_key(evolve(key, cmk=cmk, wrapped=wrapped, grant=grant)).leaving((key,))

    def leaving(self, keys: tuple[KeyVersion, ...]) -> "KeyRing":
        """Remembers to withdraw what some versions were permitted by, except what others still need: a merchant's
        permission at a root key is one for all versions."""
        needed = {LeftGrant(each.cmk, each.grant) for each in self.keys if each.grant is not None}
        grants = [LeftGrant(each.cmk, each.grant) for each in keys if each.grant is not None]
        left = [grant for grant in (*self.left, *grants) if grant not in needed]
        return evolve(self, left=tuple(dict.fromkeys(left)))

    def withdrawn(self, grant: LeftGrant) -> "KeyRing":
        """The root has withdrawn one."""
        return evolve(self, left=tuple(each for each in self.left if each != grant))


def new_ring(*, id: KeyRingId, scope: Scope, key: KeyVersion | None, at: datetime) -> KeyRing:
    """A ring of one version, or of none yet."""
    keys = () if key is None else (key,)
    return KeyRing(id=id, version=0, scope=scope, custody=Custody.ACTIVE, keys=keys, created_at=at)
