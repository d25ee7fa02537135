"""Breakage: what an adapter raises when the world does not do its part. Refusals are values and never raised.

PortError
├── StoreUnavailable     the store cannot be reached, or did not answer in time; the work was not done,
│                        or handing the same changeset in again will tell
├── StoreOverloaded      the queue before the store is full; nothing was done
├── ConcurrencyExhausted the same work lost its race too often; nothing was done
├── AuditUnavailable     nothing can be written down, so nothing protected was done
├── LeaseEnded           a lease was taken back, or ran out, while it was used
└── NotaryUnavailable    nobody outside signs at the moment
"""

from fintech.domain.keys.refusals import CustodyRefused


class PortError(Exception):
    """The root of everything that a port raises."""


class StoreUnavailable(PortError):
    """The store cannot be reached or did not answer in time. Hand the same changeset in again to learn its fate."""


class StoreOverloaded(PortError):
    """The queue before the store is full. Nothing was done; try again later."""


class ConcurrencyExhausted(PortError):
    """A decision lost its race against others too often. Nothing was done; try again."""


class AuditUnavailable(PortError):
    """Nothing can be written down, so nothing protected is done. Try again later."""


class LeaseEnded(PortError):
    """A lease was taken back, or ran out, while it was used: nothing was sealed that anything may speak of. ``refused`` is
    what to answer."""

    def __init__(self, refused: CustodyRefused) -> None:
        super().__init__(f"the lease has ended: {refused.reason}")
        self.refused = refused


class NotaryUnavailable(PortError):
    """Whoever signs for us outside cannot be reached. Try again later."""
