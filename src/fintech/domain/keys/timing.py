"""How long what the bank lends is used, and how often it is asked again. All in one place, so that tests run every clock
faster by the same factor."""

from datetime import timedelta
from typing import Final

import attrs
from attrs import frozen


@frozen(kw_only=True)
class CustodyTiming:
    """The promise of revocation in numbers: an order is heeded within ``look_every`` and one look, by a process that cannot
    look within ``blind``; a root key that is silently disabled within ``canary_every`` and one look, a merchant's permission
    that is silently revoked within ``merchants_every``, one look, and ``lead`` if the process dies that leads the sweep; and
    whatever happens, within ``lease``.

    Raises ``ValueError`` for durations that are not positive, or that break the promise among themselves.
    """

    #: How long keys are lent, counted from before the root was asked; use never puts it off.
    lease: timedelta = timedelta(seconds=300)
    #: What is in use is lent anew in the background between these shares of its time, at random.
    renew_from: float = 2 / 3
    renew_to: float = 5 / 6
    #: How old the root's last yes to a root key may be before a process asks for itself.
    heartbeat: timedelta = timedelta(seconds=30)
    #: How long nothing that is lent may be used after the last look at the key table.
    blind: timedelta = timedelta(seconds=30)
    look_every: timedelta = timedelta(seconds=0.5)
    look_timeout: timedelta = timedelta(seconds=1)
    #: The longest that one call to the root may take, whatever its adapter promises.
    root_timeout: timedelta = timedelta(seconds=10)
    #: A no is given again for so long without asking anybody; a change in the key table ends that.
    refused_for: timedelta = timedelta(seconds=1)
    #: Pauses before a root that does not answer is asked again: doubled each time, at random between half and whole.
    retry_first: timedelta = timedelta(seconds=0.5)
    retry_most: timedelta = timedelta(seconds=15)
    #: A permission may take so long to get about at the root (KMS: "usually less than five minutes").
    settles: timedelta = timedelta(seconds=300)
    #: The sweep: how often each root key is tried, and each merchant whose keys are in use; how long one process leads it.
    canary_every: timedelta = timedelta(seconds=5)
    merchants_every: timedelta = timedelta(seconds=40)
    lead: timedelta = timedelta(seconds=15)

    def __attrs_post_init__(self) -> None:
        for each in attrs.fields(CustodyTiming):
            if isinstance(getattr(self, each.name), timedelta) and getattr(self, each.name) <= timedelta():
                raise ValueError(f"{each.name}: is longer than nothing")
        if not 0 < self.renew_from <= self.renew_to < 1:
            raise ValueError("renew_from: is at most renew_to, and both are shares of the lease")
        for shorter, longer in _SHORTER:
            if getattr(self, shorter) >= getattr(self, longer):
                raise ValueError(f"{shorter}: is shorter than {longer}")

    def scaled(self, factor: float) -> "CustodyTiming":
        """Every duration times a factor."""
        durations = {
            each.name: getattr(self, each.name) * factor
            for each in attrs.fields(CustodyTiming)
            if isinstance(getattr(self, each.name), timedelta)
        }
        return attrs.evolve(self, **durations)


_SHORTER: Final = (
    ("look_every", "blind"),
    ("look_timeout", "blind"),
    ("canary_every", "heartbeat"),
    ("canary_every", "lead"),
    ("retry_first", "retry_most"),
)

USUAL: Final = CustodyTiming()
#: For a bank that wants to be asked every minute.
STRICT: Final = CustodyTiming(lease=timedelta(seconds=60))
