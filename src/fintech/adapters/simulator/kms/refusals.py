"""What KMS answers instead of what was asked for, by AWS's names."""

from typing import Final

_STATUSES: Final = {
    "DryRunOperationException": 412,
    "KMSInternalException": 500,
    "KeyUnavailableException": 500,
    "ServiceUnavailable": 503,
}


class KmsRefused(Exception):
    """An error of the interface; never leaves the simulator but as an answer."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.status = _STATUSES.get(code, 400)


def denied(operation: str) -> KmsRefused:
    """Nobody has permitted it."""
    return KmsRefused("AccessDeniedException", f"not authorized to perform: kms:{operation}")


def invalid(field: str, rule: str) -> KmsRefused:
    """A member of the request is not as it has to be."""
    return KmsRefused("ValidationException", f"{field} {rule}")
