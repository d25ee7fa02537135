"""What the door itself answers instead of an operation."""

from typing import Final

from fintech.entrypoints.http.errors import ErrorType, Problem, unavailable
from fintech.entrypoints.http.settings import API_VERSION

FORM: Final = "application/x-www-form-urlencoded"


def rate_limited(wait_s: int) -> Problem:
    """It asks too often."""
    return Problem(
        status=429,
        code="rate_limit",
        message="Too many requests with this API key. Slow down, and back off exponentially.",
        headers={"Retry-After": str(wait_s)},
    )


def too_large(most: int) -> Problem:
    """The body is."""
    return Problem(status=413, code="request_too_large", message=f"A request body has at most {most} bytes.")


SHED: Final = unavailable("Too many requests are under way. Nothing was done; try again in a moment.")
OVERLOADED: Final = unavailable(
    "Too much is going on right now. Try again in a moment with the same Idempotency-Key."
)
UNAVAILABLE: Final = unavailable(
    "Our books cannot be reached right now. Try again in a moment with the same Idempotency-Key."
)
TOO_SLOW: Final = Problem(
    status=504,
    type=ErrorType.API,
    code="timeout",
    message="The request took too long. Try again with the same Idempotency-Key to learn what became of it.",
    retry=True,
)
BODY_TOO_SLOW: Final = Problem(
    status=408, code="request_timeout", message="The request body did not arrive in time."
)
CUT_OFF: Final = Problem(code="body_incomplete", message="The request body did not arrive whole.")
BUSY: Final = Problem(
    status=409,
    code="lock_timeout",
    message="This object cannot be accessed right now because other requests are working on it. Try again.",
    retry=True,
)
UNEXPECTED: Final = Problem(
    status=500,
    type=ErrorType.API,
    code="unexpected",
    message="Something went wrong on our side. Name the Request-Id when you ask us about it.",
)
BAD_VERSION: Final = Problem(
    code="version_invalid",
    message=f"Stripe-Version is a date and a name, such as {API_VERSION}.",
    param="Stripe-Version",
)
QUERY_OF_POST: Final = Problem(
    code="query_not_allowed", message="The parameters of a POST request go into its body, not into its query."
)
NO_FORM: Final = Problem(
    code="content_type_unsupported",
    message=f"Invalid request: send the body as {FORM}. JSON bodies are not supported.",
)
ENCODED: Final = Problem(
    code="content_encoding_unsupported", message="Send the body as it is, without Content-Encoding."
)
