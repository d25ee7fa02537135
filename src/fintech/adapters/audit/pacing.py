"""How much at once, how long, how often: every limit of the audit trail's writer."""

from attrs import field, frozen
from attrs.validators import ge, gt, le

from fintech.domain.audit import CHECKPOINT_ENTRIES, CHECKPOINT_S
from fintech.ports.audit_trail import APPEND_MAX


@frozen(kw_only=True)
class AuditPacing:
    """``batch_max`` entries are appended at once, ``queue_max`` may wait; a call to the sink or the notary may take
    ``patience_s``. A checkpoint is due after ``checkpoint_entries`` or ``checkpoint_s``; one that could not be had is asked
    for again after ``retry_min_s``, twice as long each time up to ``retry_max_s``, and after ``alarm_after_s`` without any
    that is an alarm. ``stop_s`` is how long ending the stream may take."""

    batch_max: int = field(default=200, validator=[ge(1), le(APPEND_MAX - 2)])
    queue_max: int = field(default=10_000, validator=ge(1))
    patience_s: float = field(default=3.0, validator=gt(0.0))
    checkpoint_entries: int = field(default=CHECKPOINT_ENTRIES, validator=ge(1))
    checkpoint_s: float = field(default=CHECKPOINT_S, validator=gt(0.0))
    retry_min_s: float = field(default=1.0, validator=gt(0.0))
    retry_max_s: float = field(default=30.0, validator=gt(0.0))
    alarm_after_s: float = field(default=600.0, validator=gt(0.0))
    stop_s: float = field(default=5.0, validator=gt(0.0))
