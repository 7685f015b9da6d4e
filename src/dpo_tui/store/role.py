"""Who generates for a session: one process at a time, so that nothing is generated twice.

`annotate` generates unless a `generate` is there: that one holds the file `wanted`, and whoever
generates gives the role up as soon as its own requests have ended. Both are `flock`s, so they end
with the process however it dies.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from dpo_tui.store.faults import store_error


class _Flock:
    """A lock on a private file that may or may not be held."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def take(self) -> bool:
        """Hold it if nobody else does.

        Raises:
            StoreError: the file can't be used.
        """
        if self._fd is not None:
            return True
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            fd = os.open(self._path, flags, 0o600)
        except OSError as error:
            raise store_error(self._path, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            # Without flock every process believes that it is alone, as on any such file system.
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            raise store_error(self._path, error) from error
        self._fd = fd
        return True

    def give(self) -> None:
        """Let others hold it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def is_held_elsewhere(self) -> bool:
        """Whether another process holds it at this moment."""
        if self._fd is not None:
            return False
        held = not self.take()
        self.give()
        return held


class GeneratorRole:
    """The right to generate for one session: `service.ports.Role`."""

    def __init__(self, session: Path, *, insists: bool) -> None:
        self._role = _Flock(session.with_name(f"{session.name}.generator"))
        self._wanted = _Flock(session.with_name(f"{session.name}.wanted"))
        self._insists = insists

    def take(self) -> bool:
        """Try to be the one who generates; one who insists is next even if it fails now.

        Raises:
            StoreError: a lock file can't be used.
        """
        if self._insists:
            return self._wanted.take() and self._role.take()
        return not self._wanted.is_held_elsewhere() and self._role.take()

    def is_wanted(self) -> bool:
        """Whether another process insists on having it."""
        return not self._insists and self._wanted.is_held_elsewhere()

    def give(self) -> None:
        """Let another process generate."""
        self._role.give()
        self._wanted.give()
