"""Errors as the wire says them: one object, a type that SDKs map to an exception, a code that programs read."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from attrs import Factory, frozen

_DIGITS: Final = re.compile(r"\d(?:[ ._/-]?\d){6,}")
_SPOKEN_MAX: Final = 64


class ErrorType(StrEnum):
    """Whose move it is: ours, the cardholder's, the caller's."""

    API = "api_error"
    CARD = "card_error"
    IDEMPOTENCY = "idempotency_error"
    INVALID_REQUEST = "invalid_request_error"


@frozen(kw_only=True)
class Problem:
    """An error answer. ``details`` are further members of the error object.

    ``retry`` tells SDKs whether the same request may come to something else; without it they go by the status.
    """

    status: int = 400
    type: ErrorType = ErrorType.INVALID_REQUEST
    code: str
    message: str
    param: str | None = None
    details: Mapping[str, Any] = Factory(dict)
    retry: bool | None = None
    headers: Mapping[str, str] = Factory(dict)

    def body(self, docs_url: str) -> dict[str, Any]:
        """The object on the wire; what does not apply is left out."""
        error: dict[str, Any] = {
            "type": self.type.value,
            "code": self.code,
            "message": self.message,
            "doc_url": f"{docs_url}/errors#{self.code}",
        }
        if self.param is not None:
            error["param"] = self.param
        error.update(self.details)
        return {"error": error}


class Refused(Exception):
    """Ends a request with a problem. Carries nothing that the caller may not see."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def spoken(text: str) -> str:
    """What a caller sent, fit to be said back: short, and without any run of digits that may be a card number."""
    return _DIGITS.sub("…", text[:_SPOKEN_MAX])


def invalid(param: str, code: str, message: str) -> Refused:
    """A parameter that cannot be what it is. The message never says the value."""
    return Refused(Problem(code=code, message=message, param=spoken(param)))


def missing(kind: str, id: str, param: str) -> Refused:
    """There is no such thing here: unknown, malformed, another merchant's, the other mode's, all told alike."""
    message = f"No such {kind}: '{id}'" if _DIGITS.search(id) is None else f"No such {kind}"
    return Refused(Problem(status=404, code="resource_missing", message=message[:200], param=param))


def unavailable(message: str, *, retry_after_s: int = 1) -> Problem:
    """We cannot now. Nothing was done, or the same idempotency key tells what was."""
    return Problem(
        status=503,
        type=ErrorType.API,
        code="service_unavailable",
        message=message,
        retry=True,
        headers={"Retry-After": str(retry_after_s)},
    )
