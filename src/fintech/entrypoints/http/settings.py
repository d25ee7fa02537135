"""How much the HTTP face takes on, and what it calls itself."""

from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt

#: The version of the wire that every answer is in, whichever well-formed one was asked for.
API_VERSION: Final = "2026-10-28.endive"


@frozen(kw_only=True)
class HttpSettings:
    """Limits, each of which refuses what is over it. Raises ``ValueError`` for one that would refuse everything.

    ``request_timeout_s`` stays under the lease of an idempotency key (60 s), so that a repeat never meets its original
    at work. A file that is sent piece by piece has ``stream_timeout_s``, and there are ``streams_max`` of them at once.
    ``in_flight_max`` are the requests of merchants; the bank's officers have ``officers_in_flight_max`` places beside them.
    ``requests_per_s`` and ``requests_burst`` are for each API key and each process.
    """

    body_max_bytes: int = field(default=64 * 1024, validator=ge(1024))
    body_timeout_s: float = field(default=10.0, validator=gt(0))
    header_max_bytes: int = field(default=8 * 1024 - 2, validator=ge(1024))
    headers_max: int = field(default=64, validator=ge(16))
    in_flight_max: int = field(default=1_000, validator=ge(1))
    officers_in_flight_max: int = field(default=32, validator=ge(1))
    request_timeout_s: float = field(default=50.0, validator=gt(0))
    streams_max: int = field(default=16, validator=ge(1))
    stream_timeout_s: float = field(default=600.0, validator=gt(0))
    requests_per_s: float = field(default=5_000.0, validator=gt(0))
    requests_burst: int = field(default=10_000, validator=ge(1))
    ready_timeout_s: float = field(default=2.0, validator=gt(0))
    docs_url: str = "https://docs.fintech.example"
