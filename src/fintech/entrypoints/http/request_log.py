"""The log of requests: one line for each, and nothing in it that a caller sent.

A line names the route's template instead of the path, and an exception's kind and place instead of its message: paths,
bodies and messages may have card numbers and secrets in them.
"""

import logging
import traceback
from typing import Final

from attrs import define

from fintech.entrypoints.http.routes import RequestId
from fintech.ports.errors import PortError

FRAMES_MAX: Final = 12

_log: Final = logging.getLogger(__name__)


@define
class Visit:
    """What is known of a request so far: for its line, and for the headers of its answer."""

    id: RequestId
    key: str | None = None  #: the idempotency key, once it has proved well-formed; never logged
    merchant: str | None = None
    api_key: str | None = None  #: the API key's id, not its secret


def log_answer(method: str, route: str, status: int, seconds: float, visit: Visit) -> None:
    """A request was answered."""
    if _log.isEnabledFor(logging.INFO):
        extra = {
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "request_id": visit.id,
            "merchant": visit.merchant,
            "api_key": visit.api_key,
        }
        _log.info("request", extra=extra)


def log_breakage(error: Exception, route: str, visit: Visit) -> None:
    """A request broke on something that is not its caller's doing."""
    extra = {
        "route": route,
        "request_id": visit.id,
        "merchant": visit.merchant,
        "exception": type(error).__name__,
        "where": where_of(error),
    }
    if isinstance(error, PortError):
        _log.warning("the store failed a request", extra=extra)
    else:
        _log.error("unexpected", extra=extra)


class Wordless(logging.Filter):
    """Keeps of an exception what it is and not what it says."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the words of its exception."""
        if record.exc_info and record.exc_info[0] is not None:
            record.exception = record.exc_info[0].__name__
            record.exc_info = None
        return True


_WORDLESS: Final = Wordless()


def protocol_log() -> logging.Logger:
    """What the server logs to when something that comes in is not HTTP, and so may be anything."""
    log = logging.getLogger(f"{__name__}.protocol")
    log.addFilter(_WORDLESS)
    return log


def where_of(error: BaseException) -> str:
    """The lines of our own that an exception came through, without its words."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    return " > ".join(
        f"{frame.filename.rpartition('/src/')[2]}:{frame.lineno} {frame.name}" for frame in frames
    )
