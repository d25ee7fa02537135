"""Whose books, and who acts."""

from enum import StrEnum

from attrs import field, frozen

from fintech.domain.ids import MerchantId


@frozen(cache_hash=True)
class Scope:
    """One merchant's books in one mode. The first argument of every port: no other merchant's row can be named,
    and test and live never mix."""

    merchant: MerchantId
    livemode: bool


class Face(StrEnum):
    """By which door a command came in."""

    HTTP = "http"
    CLI = "cli"
    WORKER = "worker"
    EMBEDDED = "embedded"
    TERMINAL = "terminal"


@frozen
class Actor:
    """Who asks for a change, by which face, and why. Kept with every event.

    ``name`` is an API key's id, an officer's log-in or a worker's name, never a secret or a customer. ``request``
    is the id under which the request can be found in the logs. ``why`` is free text of at most 500 characters.
    ``key`` is the idempotency key that the caller gave the request, at most 255 characters: no secret, but the
    caller's own words, so it is told to the caller alone and in no log.
    """

    name: str
    face: Face
    why: str | None = None
    request: str | None = field(default=None)
    key: str | None = field(default=None, repr=False)
