"""What custody refuses, as the wire says it, and how an object says that some of it is held back."""

from typing import Final, assert_never

from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.entrypoints.http.errors import ErrorType, Problem
from fintech.entrypoints.http.schema import Schema, one_of

#: How long to wait before asking again, in seconds, while a root key is disabled, and while its keeper cannot be asked.
SUSPENDED_RETRY_S: Final = 60
UNREACHABLE_RETRY_S: Final = 5

#: An event tells nothing of what is protected: it is for ever, and what it spoke of may have to be gone.
WITHHELD: Final = "withheld"


def custody_problem(refused: CustodyRefused) -> Problem:
    """The problem that a refusal is. Nothing was done."""
    reason = refused.reason
    match reason:
        case CustodyReason.REVOKED:
            message = "The bank has revoked the keys of this account: nothing protected can be read or kept."
            return Problem(status=403, code=reason.value, message=message, retry=False)
        case CustodyReason.SUSPENDED:
            message = "The bank has suspended its keys: nothing protected can be read or kept until it restores them."
            return _later(reason, message, SUSPENDED_RETRY_S)
        case CustodyReason.UNREACHABLE:
            message = "The bank's keys cannot be reached right now. Nothing was done; try again in a moment."
            return _later(reason, message, UNREACHABLE_RETRY_S)
        case CustodyReason.INTEGRITY:
            message = "Something went wrong on our side. Name the Request-Id when you ask us about it."
            return Problem(status=500, type=ErrorType.API, code=reason.value, message=message, retry=False)
        case CustodyReason.DESTROYED:
            message = "The keys of this account were destroyed, and with them what they protected."
            return Problem(status=410, code=reason.value, message=message, retry=False)
        case _:
            assert_never(reason)


def protection_of(refused: CustodyRefused) -> str:
    """Why some of an object is held back, in one word."""
    reason = refused.reason
    match reason:
        case CustodyReason.REVOKED:
            return "revoked"
        case CustodyReason.SUSPENDED:
            return "suspended"
        case CustodyReason.UNREACHABLE:
            return "unreachable"
        case CustodyReason.INTEGRITY:
            return "damaged"
        case CustodyReason.DESTROYED:
            return "destroyed"
        case _:
            assert_never(reason)


#: A member that an object has only where some of it is held back.
PROTECTION: Final[Schema] = one_of(*(protection_of(CustodyRefused(each)) for each in CustodyReason), WITHHELD)


def _later(reason: CustodyReason, message: str, retry_after_s: int) -> Problem:
    headers = {"Retry-After": str(retry_after_s)}
    return Problem(
        status=503, type=ErrorType.API, code=reason.value, message=message, retry=True, headers=headers
    )
