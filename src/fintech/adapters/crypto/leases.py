"""What is lent, in this process's memory: leases, and the shelf that they are on."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from weakref import WeakSet

from attrs import define, field

from fintech.adapters.crypto.roots import RootStanding
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import LeaseEnded
from fintech.ports.key_vault import Lease
from fintech.sealing.merchant_keys import MerchantKeys, OpenFault
from fintech.sealing.message import MessageFault, read_header

_NO_KEYS_IN_TIME = CustodyRefused(CustodyReason.UNREACHABLE)


@define(eq=False)
class Lending:
    """What all leases of a process have in common. None may be used from ``until`` on: so long after the last look at
    the key table. ``damaged`` is told of messages that did not open, ``outdated`` of a lease that others are ahead of: it
    says whether there is any use in another one."""

    clock: Clock
    until: datetime
    damaged: "Callable[[HeldLease, KeyPurpose, Place, MessageFault | OpenFault], None]"
    outdated: "Callable[[HeldLease], bool]"


class HeldLease(Lease):
    """A lease. Every instance variable is paid for fifty thousand times.

    ``due_at`` is when it is to be renewed, at its end at the latest; past ``seals_until`` its
    version is past its crypto-period, and only opens (PCI DSS 3.7.4); ``ring_version`` and ``roots`` are the ring and the root keys that it hangs from. Its keys are wiped when the bank
    takes them back (`end`), and otherwise with the last request that holds it.
    """

    __slots__ = (
        "_ends_at",
        "_keys",
        "_lending",
        "_reason",
        "_scope",
        "_seals_until",
        "due_at",
        "lent_at",
        "ring_version",
        "roots",
    )

    def __init__(
        self,
        lending: Lending,
        scope: Scope,
        keys: MerchantKeys,
        roots: tuple[RootStanding, ...],
        *,
        ring_version: int,
        lent_at: datetime,
        due_at: datetime,
        ends_at: datetime,
        seals_until: datetime,
    ) -> None:
        self._lending = lending
        self._scope = scope
        self._keys = keys
        self._reason: CustodyReason | None = None
        self._ends_at = ends_at
        self._seals_until = seals_until
        self.roots = roots
        self.ring_version = ring_version
        self.lent_at = lent_at
        self.due_at = due_at

    def __del__(self) -> None:
        self._keys.wipe()

    @property
    def scope(self) -> Scope:
        return self._scope

    @property
    def number(self) -> int:
        return self._keys.active

    @property
    def ends_at(self) -> datetime:
        return self._ends_at

    @property
    def numbers(self) -> tuple[int, ...]:
        self._require()
        return self._keys.numbers

    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        self._require()
        if self._lending.clock.now() >= self._seals_until:
            raise LeaseEnded(_NO_KEYS_IN_TIME)
        return self._keys.seal(purpose, place, plaintext)

    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        refused = self.refused()
        if refused is not None:
            return Failure(refused)
        opened = self._keys.open(purpose, place, message)
        if isinstance(opened, Success):
            return opened
        fault = opened.failure()
        if fault is OpenFault.NO_SUCH_VERSION and self._is_behind(message) and self._lending.outdated(self):
            return Failure(_NO_KEYS_IN_TIME)
        self._lending.damaged(self, purpose, place, fault)
        return Failure(CustodyRefused(CustodyReason.INTEGRITY))

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        self._require()
        return self._keys.index(column, value, number)

    def refused(self) -> CustodyRefused | None:
        if self._reason is not None:
            return CustodyRefused(self._reason)
        now = self._lending.clock.now()
        return _NO_KEYS_IN_TIME if now >= self._ends_at or now >= self._lending.until else None

    def end(self, reason: CustodyReason) -> None:
        """Take it back: nobody can use it any more, and there is nothing in memory to use."""
        self._reason = self._reason or reason
        self._keys.wipe()

    def _require(self) -> None:
        refused = self.refused()
        if refused is not None:
            raise LeaseEnded(refused)

    def _is_behind(self, message: bytes) -> bool:
        """Whether a message is of a version that came after this lease."""
        return read_header(message).unwrap().number > self._keys.numbers[0]


@define(eq=False)
class Shelf:
    """The leases of a process by merchant and mode, at most ``size`` of them: the one that was longest not used makes
    room for a new one. Those that are off the shelf and still in somebody's hands are known, too, until they are let go."""

    size: int
    _leases: "OrderedDict[Scope, HeldLease]" = field(factory=OrderedDict, init=False)
    _loose: "WeakSet[HeldLease]" = field(factory=WeakSet, init=False)

    def __len__(self) -> int:
        return len(self._leases)

    def get(self, scope: Scope) -> HeldLease | None:
        """A merchant's, if there is one."""
        return self._leases.get(scope)

    def used(self, scope: Scope) -> None:
        """It is the one that was used last."""
        self._leases.move_to_end(scope)

    def put(self, lease: HeldLease) -> bool:
        """Take a lease in the place of the merchant's last; whether another one had to make room."""
        before = self._leases.get(lease.scope)
        if before is not None:
            self._loose.add(before)
        self._leases[lease.scope] = lease
        self._leases.move_to_end(lease.scope)
        if len(self._leases) <= self.size:
            return False
        _, longest = self._leases.popitem(last=False)
        self._loose.add(longest)
        return True

    def take(self, scope: Scope) -> Sequence[HeldLease]:
        """Take a merchant's from the shelf; with it, whatever else is in somebody's hands of the merchant's."""
        lease = self._leases.pop(scope, None)
        if lease is not None:
            self._loose.add(lease)
        return [each for each in self._loose if each.scope == scope]

    def under(self, root: RootStanding) -> Sequence[HeldLease]:
        """Those that hang from a root key."""
        return [lease for lease in self.all() if root in lease.roots]

    def over(self, now: datetime) -> Sequence[HeldLease]:
        """Those whose time is over."""
        return [lease for lease in self._leases.values() if now >= lease.ends_at]

    def all(self) -> Sequence[HeldLease]:
        """All of them, in whoever's hands."""
        return [*self._leases.values(), *self._loose]
