"""Routes: one table of operations, from which the application and its OpenAPI document are both made."""

from collections.abc import AsyncIterator, Awaitable, Callable
from enum import StrEnum
from typing import Any, Final, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from fintech.application.commits import Request
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.ids import Id
from fintech.domain.payments.payment import Payment
from fintech.domain.payouts.payout import Payout
from fintech.domain.refunds.refund import Refund
from fintech.domain.scope import Scope
from fintech.entrypoints.http.parameters import Nothing

P = TypeVar("P")

#: Says of an answer that it was given before, and nothing was done now.
REPLAYED: Final = {"Idempotent-Replayed": "true"}

#: What an answer was made from, by id, so that what is expanded in it is the same as what it is expanded in.
Seen: TypeAlias = dict[str, Payment | Payout | Refund | Dispute]


class RequestId(Id):
    """One request over HTTP; under it the request is found in the logs."""

    __slots__ = ()
    PREFIX = "req_"


class Method(StrEnum):
    """Methods that operations have."""

    GET = "GET"
    POST = "POST"
    DELETE = "DELETE"


class Role(StrEnum):
    """Whom an operation is for."""

    MERCHANT = "merchant"  #: whoever has a merchant's API key
    OFFICER = "officer"  #: an officer of the bank, with a key of his own
    SIGNER = "signer"  #: whoever brings what officers have signed; no key is asked for


@frozen(kw_only=True)
class Call(Generic[P]):
    """One request that was let in: whose, its parameters, and ``target``, the id in the path.

    ``within`` is the id of what the target belongs to, where the path names that too. ``origin`` is the address of who
    asked, or of the proxy before us.
    """

    scope: Scope
    request: Request
    params: P
    target: str = ""
    within: str = ""
    origin: str | None = None


@frozen
class Answer:
    """What an operation answers: an object of the wire."""

    body: dict[str, Any]
    seen: Seen = field(factory=dict)
    replayed: bool = False


@frozen(kw_only=True)
class Download:
    """What an operation answers that is no object: a file, whole, or piece by piece as it is made."""

    name: str
    media_type: str
    content: bytes | AsyncIterator[bytes]


@frozen(kw_only=True)
class Route(Generic[P]):
    """One operation. ``name`` is also what idempotency keys are held to; ``answers`` names the object's schema, and
    ``media_types`` what it may answer as a `Download` instead.

    ``summary`` is one sentence for the document. ``path`` has at most two variable parts.
    """

    name: str
    method: Method
    path: str
    params: type[P]
    handle: Callable[[Call[P]], Awaitable[Answer | Download]]
    answers: str
    summary: str
    lists: bool = False
    media_types: tuple[str, ...] = ()
    role: Role = Role.MERCHANT

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the path's variable parts."""
        return tuple(part.partition("}")[0] for part in self.path.split("{")[1:])


@frozen
class Resource:
    """Writes the routes of one noun: its name in the plural, the name of the object that it answers, and whom it is for."""

    plural: str
    answers: str
    role: Role = Role.MERCHANT

    def get(
        self,
        verb: str,
        path: str,
        params: type[P],
        handle: Callable[[Call[P]], Awaitable[Answer | Download]],
        summary: str,
        *,
        lists: bool = False,
        media_types: tuple[str, ...] = (),
    ) -> Route[P]:
        """An operation that changes nothing."""
        return Route(
            name=f"{self.plural}.{verb}",
            method=Method.GET,
            path=path,
            params=params,
            handle=handle,
            answers=self.answers,
            summary=summary,
            lists=lists,
            media_types=media_types,
            role=self.role,
        )

    def post(
        self,
        verb: str,
        path: str,
        params: type[P],
        handle: Callable[[Call[P]], Awaitable[Answer]],
        summary: str,
        *,
        lists: bool = False,
    ) -> Route[P]:
        """An operation that takes an idempotency key. One that ``lists`` looks for what stands in no URL."""
        return Route(
            name=f"{self.plural}.{verb}",
            method=Method.POST,
            path=path,
            params=params,
            handle=handle,
            answers=self.answers,
            summary=summary,
            lists=lists,
            role=self.role,
        )

    def delete(
        self, path: str, handle: Callable[[Call[Nothing]], Awaitable[Answer]], summary: str
    ) -> Route[Nothing]:
        """An operation that takes a thing away, and again does nothing more: it needs no idempotency key, but takes one."""
        return Route(
            name=f"{self.plural}.delete",
            method=Method.DELETE,
            path=path,
            params=Nothing,
            handle=handle,
            answers=self.answers,
            summary=summary,
            role=self.role,
        )


def gone(kind: str, id: str) -> dict[str, Any]:
    """What is left on the wire of a thing that was taken away; its schema is `schema.or_gone`."""
    return {"id": id, "object": kind, "deleted": True}
