"""What the errors of AWS KMS mean to whoever holds a merchant's key: the one place where they are told apart.

An error that is in no table here is a no if KMS was understood to say one (a status of 4xx), and silence otherwise.
"""

from typing import Any, Final

from fintech.ports.key_root import RootFault, RootRefused

#: It is not what was wrapped under this key for this context.
_CORRUPT: Final = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})

#: No, for all that hang from the key; or it is we who are not known, whatever the key.
_DENIED_WHOLE: Final = frozenset(
    {
        "DisabledException",
        "IncompleteSignature",
        "InvalidArnException",
        "InvalidClientTokenId",
        "InvalidKeyUsageException",
        "InvalidSignatureException",
        "KMSInvalidStateException",
        "MissingAuthenticationToken",
        "NotFoundException",
        "OptInRequired",
        "ParamValidation",
        "UnrecognizedClientException",
        "UnsupportedOperationException",
    }
)

#: Not now. Our own credentials that have run out are no word of the bank's.
_UNREACHABLE: Final = frozenset(
    {
        "DependencyTimeoutException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalFailure",
        "KMSInternalException",
        "KeyUnavailableException",
        "RequestExpired",
        "RequestLimitExceeded",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_STATUS_TOO_MANY: Final = 429
_CODE_MAX: Final = 64


def refused_by(error: Exception, *, whole: bool = False) -> RootRefused:
    """Why there was no answer. ``whole``: no merchant was named, so a no that could be one merchant's is the key's.

    Nothing of the message is kept: it may quote what was sent.
    """
    response: Any = getattr(
        error, "response", None
    )  # of botocore's ClientError, which is not imported for this
    if not isinstance(response, dict):
        wrong = type(error).__name__ == "ParamValidationError"
        code = "ParamValidation" if wrong else type(error).__name__
        return RootRefused(RootFault.DENIED, code, wrong) if wrong else unreachable(code)
    code = str(response.get("Error", {}).get("Code", ""))[:_CODE_MAX]
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if not code or code.isdigit():  # botocore's, for an answer that was cut off
        return unreachable("AnswerIncomplete")
    if code in _CORRUPT:
        return RootRefused(RootFault.CORRUPT, code)
    if code in _DENIED_WHOLE:
        return RootRefused(RootFault.DENIED, code, whole=True)
    if code in _UNREACHABLE or status == _STATUS_TOO_MANY or not 400 <= status < 500:
        return unreachable(code)
    return RootRefused(RootFault.DENIED, code, whole=whole)


def unreachable(code: str) -> RootRefused:
    """Nobody said anything."""
    return RootRefused(RootFault.UNREACHABLE, code)
