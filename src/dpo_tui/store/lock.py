"""One process at a time holds a session for one annotator.

The lock is `flock` on a file beside the session, so it ends with the process however it dies. What
the file says (who, where, since when) is for people, except where `flock` may not be the whole
truth: on file systems without it, and on network ones, where other hosts may not see it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from dpo_tui.errors import StoreError
from dpo_tui.store.faults import store_error
from dpo_tui.store.filesystem import is_network
from dpo_tui.store.rows import pack

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Holder(Struct, frozen=True):
    """Who holds a session."""

    pid: int
    host: str
    since: float
    """Unix time in seconds."""
    boot: str
    """The boot of that host that the process belongs to; empty if the system doesn't tell."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the process runs, or ran, on another host."""
        return self.host != socket.gethostname()

    def may_live(self) -> bool:
        """Whether the process exists, or can't be seen from this host."""
        if self.is_elsewhere:
            return True
        if self.pid == os.getpid() or self.boot != _boot():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def lock_path(session: Path, annotator: str) -> Path:
    """Where the lock of one annotator lies; the name is hashed since it can be any text."""
    return session.with_name(f"{session.name}-{sha256(pack(annotator)).hexdigest()[:8]}.lock")


class SessionLock:
    """A held lock; `release` gives it free, and so does the end of the process."""

    def __init__(self, fd: int, path: Path, renew: Callable[[], SessionLock]) -> None:
        self._fd = fd
        self._path = path
        self._acquire_again = renew

    @classmethod
    def acquire(cls, session: Path, annotator: str, now: float) -> SessionLock:
        """Take the lock at once.

        Raises:
            StoreError: another process holds it, or the lock file can't be used.
        """
        path = lock_path(session, annotator)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise store_error(path, error) from error
        try:
            _claim(fd, path, session, annotator)
            _write(fd, Holder(os.getpid(), socket.gethostname(), now, _boot()))
        except BaseException as error:
            os.close(fd)
            if isinstance(error, OSError):
                raise store_error(path, error) from error
            raise
        return cls(fd, path, partial(cls.acquire, session, annotator, now))

    def renew(self) -> None:
        """Take it again if its file was taken away.

        Raises:
            StoreError: another process was quicker.
        """
        with suppress(OSError):
            if os.path.samestat(os.fstat(self._fd), self._path.stat()):
                return
        again = self._acquire_again()
        os.close(self._fd)
        self._fd = again._fd

    def remove(self) -> None:
        """Take the lock's file away while it is held: for a session that is given up."""
        self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give the session free; the empty file stays, since removing it could race."""
        if self._fd >= 0:
            # On a disk that refuses, what the file says stays; nobody holds it all the same.
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


@contextmanager
def holding(session: Path, annotator: str) -> Iterator[None]:
    """Hold a session for an annotator without opening it, until the block ends.

    Raises:
        StoreError: another process holds it, or the lock file can't be used.
    """
    lock = SessionLock.acquire(session.resolve(), annotator, time.time())
    try:
        yield
    finally:
        lock.release()


def _claim(fd: int, path: Path, session: Path, annotator: str) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise StoreError(f"The lock {path} is not a file.", remedy="Remove what stands there.")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _in_use(session, annotator, _read(fd), path) from None
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
        holder = _read(fd)
        if holder is not None and holder.may_live():
            raise _in_use(session, annotator, holder, path) from error
    else:
        holder = _read(fd)
        if holder is not None and holder.is_elsewhere and is_network(path.parent):
            raise _in_use(session, annotator, holder, path)


def _in_use(session: Path, annotator: str, holder: Holder | None, path: Path) -> StoreError:
    if holder is None:
        who, elsewhere = "another process", False
    else:
        since = datetime.fromtimestamp(holder.since).astimezone().isoformat(" ", "seconds")
        who = f"process {holder.pid} on {holder.host} since {since}"
        elsewhere = holder.is_elsewhere
    remedy = "Close it there first, or label under another name with --annotator."
    if elsewhere:
        remedy += f" If it was killed there, or that host is gone, remove {path}."
    return StoreError(
        f"Session {session} is in use for annotator {annotator}: {who}.", remedy=remedy
    )


def _read(fd: int) -> Holder | None:
    try:
        said = json.loads(os.pread(fd, 4096, 0))
        boot = str(said.get("boot", ""))
        return Holder(int(said["pid"]), str(said["host"]), float(said["since"]), boot)
    except (ValueError, KeyError, TypeError):
        return None


def _boot() -> str:
    """What tells this boot of the host from any other (random(4))."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _write(fd: int, holder: Holder) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, json.dumps(asdict(holder)).encode("ascii") + b"\n", 0)
