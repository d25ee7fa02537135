"""What else befalls callers of the simulated KMS: distance, quotas and outages; and the log of what they asked."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from attrs import define, field, frozen

from fintech.adapters.simulator.kms.refusals import KmsRefused

#: How many calls the log keeps; how many there were is counted on.
CALLS_MAX: Final = 10_000
LATENCY_S_MAX: Final = 60.0
GRANT_DELAY_S_MAX: Final = 3_600.0


class Outage(StrEnum):
    """How it is not there."""

    NONE = "none"
    REFUSE = "refuse"  #: nobody listens, and who was connected is cut off
    HANG = "hang"  #: it takes the call and never answers
    ERROR = "error"  #: it answers 500
    CUT = "cut"  #: it does what it is told, and the line breaks in the middle of the answer


@define(kw_only=True)
class Weather:
    """``latency_s`` before every answer (0 to 60), ``grant_delay_s`` until a grant or its end has got about (0 to 3,600),
    ``requests_per_s`` for each caller, as much at once as in a second (None: as many as come)."""

    latency_s: float = 0.0
    grant_delay_s: float = 0.0
    requests_per_s: float | None = None
    outage: Outage = Outage.NONE

    def change(self, asked: Mapping[str, Any]) -> None:
        """Make it so. Raises `KmsRefused` for what it cannot be, and then nothing has changed."""
        fields = {"latency_s", "grant_delay_s", "requests_per_s", "outage"}
        if unknown := asked.keys() - fields:
            raise _wrong(f"{min(unknown)} is none of {', '.join(sorted(fields))}")
        changed = {**self.told(), **asked}
        for name, highest in (("latency_s", LATENCY_S_MAX), ("grant_delay_s", GRANT_DELAY_S_MAX)):
            if not _number(changed[name]) or not 0 <= changed[name] <= highest:
                raise _wrong(f"{name} is 0 to {highest:g}")
        if changed["requests_per_s"] is not None and not (
            _number(changed["requests_per_s"]) and changed["requests_per_s"] > 0
        ):
            raise _wrong("requests_per_s is more than 0, or null")
        if changed["outage"] not in set(Outage):
            raise _wrong(f"outage is one of {', '.join(Outage)}")
        self.latency_s, self.grant_delay_s = changed["latency_s"], changed["grant_delay_s"]
        self.requests_per_s, self.outage = changed["requests_per_s"], Outage(changed["outage"])

    def told(self) -> dict[str, Any]:
        """As it is."""
        return {
            "latency_s": self.latency_s,
            "grant_delay_s": self.grant_delay_s,
            "requests_per_s": self.requests_per_s,
            "outage": self.outage,
        }


@define
class Quota:
    """A bucket of calls for each caller, filled at ``requests_per_s``."""

    _left: dict[str, tuple[float, float]] = field(factory=dict)

    def take(self, caller: str, requests_per_s: float | None, now: float) -> None:
        """Raise if the caller has had all."""
        if requests_per_s is None:
            self._left.clear()
            return
        full = max(1.0, requests_per_s)
        left, at = self._left.get(caller, (full, now))
        left = min(full, left + (now - at) * requests_per_s)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        if left < 1:
            raise KmsRefused("ThrottlingException", "Rate exceeded")


@frozen(kw_only=True)
class Called:
    """One call, without anything secret. ``result`` is ``ok`` or the error's name."""

    at: float
    principal: str
    operation: str
    key: str
    context: Mapping[str, str]
    dry_run: bool
    result: str


@define
class CallLog:
    """The last calls, and how many there were of each operation."""

    now: Callable[[], float]
    calls: deque[Called] = field(factory=lambda: deque(maxlen=CALLS_MAX))
    counts: Counter[str] = field(factory=Counter)

    def note(self, principal: str, operation: str, body: Mapping[str, Any], result: str) -> None:
        """Write one down, whatever it was."""
        self.counts[operation] += 1
        key = body.get("KeyId") or body.get("SourceKeyId") or ""
        context = body.get("EncryptionContext") or body.get("SourceEncryptionContext") or {}
        self.calls.append(
            Called(
                at=self.now(),
                principal=principal,
                operation=operation,
                key=str(key),
                context=dict(context) if isinstance(context, dict) else {},
                dry_run=body.get("DryRun") is True,
                result=result,
            )
        )

    def clear(self) -> None:
        """Begin anew."""
        self.calls.clear()
        self.counts.clear()


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong(message: str) -> KmsRefused:
    return KmsRefused("ValidationException", message)
