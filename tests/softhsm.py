"""A token of SoftHSM's in a folder, and whoever owns it: what the HSM adapter is tested on."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from attrs import field, frozen

from fintech.domain.keys.custody import CmkName

#: Where Debian and others put the module.
MODULES: Final = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)
MISSING: Final = "SoftHSM is not installed (Debian: apt-get install softhsm2)"
LABEL: Final = "bank"
PIN: Final = "648219"


def module() -> Path | None:
    """SoftHSM's module, if it is installed."""
    found = next((path for path in MODULES if path.exists()), None)
    return found if shutil.which("softhsm2-util") else None


@frozen
class SoftHsm:
    """A token, its module and its PIN; ``tell`` has its owner do something, in a process of its own."""

    module: str
    token: str
    pin: str = field(repr=False)
    _owner: "subprocess.Popen[str]"

    def new_key(self) -> CmkName:
        """A root key with its MAC key."""
        name = CmkName(f"cmk-{uuid4().hex}")
        self.tell("make", name)
        return name

    def tell(self, do: str, label: str) -> None:
        """``make``, ``destroy``, ``disable`` or ``enable`` a key; done when it returns."""
        assert self._owner.stdin is not None
        assert self._owner.stdout is not None
        self._owner.stdin.write(json.dumps({"do": do, "label": label}) + "\n")
        self._owner.stdin.flush()
        assert json.loads(self._owner.stdout.readline()) == "done"


@contextmanager
def token_in(folder: Path) -> Iterator[SoftHsm]:
    """A token in a folder. The module knows the folder from the environment, as long as the process lasts."""
    found = module()
    assert found is not None
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    init = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN]
    subprocess.run(init, check=True, capture_output=True)
    keeper = Path(__file__).with_name("softhsm_keeper.py")
    command: list[str | Path] = [sys.executable, keeper, found, LABEL, PIN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        yield SoftHsm(str(found), LABEL, PIN, owner)
        assert owner.stdin is not None
        owner.stdin.close()
