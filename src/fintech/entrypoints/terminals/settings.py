"""How much the door of terminals takes on."""

from attrs import field, frozen
from attrs.validators import ge, gt, le

from fintech.iso8583.framing import FRAME_MAX


@frozen(kw_only=True)
class TerminalSettings:
    """Limits, each of which refuses what is over it. Raises ``ValueError`` for one that would refuse everything.

    A connection is closed after ``idle_timeout_s`` without a message, and when a frame that has begun is not complete
    after ``frame_timeout_s``, or a reply is not taken in that time. ``line_in_flight_max`` is for each connection: what
    comes beyond it waits in the connection. ``in_flight_max`` is for the process: a purchase beyond it is refused,
    anything else is not answered, and comes again.
    """

    connections_max: int = field(default=10_000, validator=ge(1))
    in_flight_max: int = field(default=1_000, validator=ge(1))
    line_in_flight_max: int = field(default=16, validator=ge(1))
    frame_max_bytes: int = field(default=FRAME_MAX, validator=[ge(64), le(2**16 - 1)])
    frame_timeout_s: float = field(default=10.0, validator=gt(0))
    idle_timeout_s: float = field(default=300.0, validator=gt(0))
