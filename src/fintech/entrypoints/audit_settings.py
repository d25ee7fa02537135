"""Where checkpoints of the audit trail are kept, who seals its first keys, and who signs."""

from pathlib import Path

from attrs import frozen


@frozen(kw_only=True)
class AuditSettings:
    """Each field is read from the variable ``FINTECH_AUDIT_`` and its name in capitals.

    ``checkpoints_file`` is a file that is only added to, outside the database. ``cmk`` makes the first keys of streams (by
    default the first of ``FINTECH_KEYS_CMKS``): one of our own lets processes write while the bank's are disabled.
    ``reader_cmk`` is a root key that only the verifier may use: first keys are then wrapped by it, and the process that has
    one cannot ask for it again. ``notaries_file`` has the public keys of those who sign checkpoints, as a JSON object.
    """

    checkpoints_file: Path | None = None
    cmk: str | None = None
    reader_cmk: str | None = None
    notaries_file: Path | None = None
