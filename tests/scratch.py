"""Where tests make their clusters: in memory, on machines that have enough of it."""

import os
import shutil
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")
_FREE_BYTES_MIN: Final = 2 * 2**30


def _scratch() -> str | None:
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    may_run_programs = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    return str(_MEMORY) if may_run_programs and shutil.disk_usage(_MEMORY).free >= _FREE_BYTES_MIN else None


#: The folder to make temporary folders in, as `tempfile` takes it. A cluster is a thousand small files, and to make, copy and
#: drop them costs several times as much processor on a disk; nothing that a test writes has to outlive the machine.
SCRATCH: Final = _scratch()
