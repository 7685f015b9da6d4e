"""Bytes of a file that others may write to as well: append, cut, take out, all or nothing.

Our own processes keep each other out with `flock` on the file. A program that doesn't take the lock
can append at any time: nothing here overwrites what it wrote.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dpo_tui.errors import NO_SPACE, DatasetError
from dpo_tui.paths import temporary_beside

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Buffer

_CHUNK = 1 << 20
_LOCK_SECONDS = 10.0
_NO_FLOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Span(NamedTuple):
    """Bytes of a file from `start` up to `end`."""

    start: int
    end: int


class Stamp(NamedTuple):
    """What tells that a file is the same, with the same bytes."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @staticmethod
    def of(status: os.stat_result) -> Stamp:
        """The stamp in what the system says of a file."""
        return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class _From(io.RawIOBase):
    """A descriptor read from an offset of its own, so that several readers don't disturb."""

    def __init__(self, fd: int, offset: int) -> None:
        self._fd = fd
        self._offset = offset

    def readable(self) -> bool:
        """As `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer with what comes next."""
        count = os.preadv(self._fd, [buffer], self._offset)
        self._offset += count
        return count


class DatasetFile:
    """The file opened for one piece of work, and locked if it is for writing."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd

    @property
    def size(self) -> int:
        """In bytes, as it is now."""
        return os.fstat(self._fd).st_size

    @property
    def stamp(self) -> Stamp:
        """As it is now."""
        return Stamp.of(os.fstat(self._fd))

    def read(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on; fewer only at the end of the file."""
        parts = []
        while length > 0 and (part := os.pread(self._fd, min(length, _CHUNK), start)):
            parts.append(part)
            start += len(part)
            length -= len(part)
        return b"".join(parts)

    def begins_line(self, at: int) -> bool:
        """Whether a line begins at an offset."""
        return at == 0 or self.read(at - 1, 1) == b"\n"

    def lines(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Every line with its offset, newline included, from the line start `start` on."""
        for line in io.BufferedReader(_From(self._fd, start)):
            yield start, line
            start += len(line)

    def has_lines(self, start: int, lines: bytes) -> bool:
        """Whether exactly these lines begin at an offset."""
        if start == 0:
            return self.read(0, len(lines)) == lines
        return self.read(start - 1, len(lines) + 1) == b"\n" + lines

    def append(self, data: bytes) -> int:
        """Write at the end, wherever that is now, and give the offset; it is on disk then.

        Raises:
            OSError: nothing of it is in the file.
        """
        # The descriptor is opened with O_APPEND: the system finds the end, not we.
        left = memoryview(data)
        start: int | None = None
        written = 0
        try:
            while left:
                count = os.write(self._fd, left)
                if start is None:
                    start = os.lseek(self._fd, 0, os.SEEK_CUR) - count
                written += count
                left = left[count:]
            os.fsync(self._fd)
        except BaseException:
            if start is not None:
                self._take_back(start, data[:written])
            raise
        return self.size if start is None else start

    def _take_back(self, start: int, written: bytes) -> None:
        """Remove what an append that failed had written, if nobody wrote behind it."""
        if self.size == start + len(written) and self.read(start, len(written)) == written:
            with suppress(OSError):
                os.ftruncate(self._fd, start)
                os.fsync(self._fd)

    def cut(self, start: int) -> None:
        """End the file at `start`."""
        os.ftruncate(self._fd, start)
        os.fsync(self._fd)

    def take_out(self, spans: Iterable[Span]) -> None:
        """Replace the file with a copy that lacks these spans (ascending), in one step.

        The copy has the mode of the original, and its owner where the system lets us. If anything
        goes wrong before that step, the file is as it was.
        """
        temporary = temporary_beside(self.path)
        temporary.unlink(missing_ok=True)  # of a process that died; we hold the lock
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(temporary, flags, 0o600)
        try:
            _flock(fd, self.path)
            copied = self._copy(fd, spans)
            _take_rights(self._fd, fd)
            os.fsync(fd)
            # What others appended in the meantime.
            while copied < self.size:
                copied = self._copy_range(fd, copied, self.size)
                os.fsync(fd)
            temporary.replace(self.path)
        except BaseException:
            os.close(fd)
            temporary.unlink(missing_ok=True)
            raise
        os.close(self._fd)
        self._fd = fd
        sync_folder(self.path.parent)

    def _copy(self, fd: int, spans: Iterable[Span]) -> int:
        done = 0
        for span in spans:
            self._copy_range(fd, done, span.start)
            done = span.end
        return self._copy_range(fd, done, self.size)

    def _copy_range(self, fd: int, start: int, end: int) -> int:
        while start < end:
            part = memoryview(self.read(start, min(_CHUNK, end - start)))
            if not part:
                break
            start += len(part)
            while part:
                part = part[os.write(fd, part) :]
        return start

    def close(self) -> None:
        """Close it, and give the lock free."""
        os.close(self._fd)


def is_stamped(path: Path, stamp: Stamp) -> bool:
    """Whether what is at the path is still the file of this stamp."""
    try:
        return Stamp.of(path.lstat()) == stamp
    except OSError:
        return False


@contextmanager
def reading(path: Path) -> Iterator[DatasetFile | None]:
    """The file for a look at it; None if there is none.

    Raises:
        DatasetError: it can't be read.
    """
    with _told(path, "read"):
        try:
            fd = _open(path, os.O_RDONLY)
        except FileNotFoundError:
            yield None
            return
        file = DatasetFile(path, fd)
        try:
            yield file
        finally:
            file.close()


@contextmanager
def writing(path: Path, *, create: Callable[[], bool]) -> Iterator[DatasetFile | None]:
    """The file, locked, for changing it; if there is none and `create` says no, None.

    Raises:
        DatasetError: it can't be written.
    """
    with _told(path, "written"):
        fd = _open_locked(path, create=create)
        if fd is None:
            yield None
            return
        file = DatasetFile(path, fd)
        try:
            yield file
        finally:
            file.close()


def check_writable(path: Path) -> None:
    """Find out early what writing would meet late; changes nothing.

    Raises:
        DatasetError: the file can't be written, or not be made.
    """
    with _told(path, "written"):
        try:
            os.close(_open(path, os.O_RDWR))
        except FileNotFoundError:
            path.parent.stat()
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


def sync_folder(folder: Path) -> None:
    """Make a new or renamed file's name last."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Some file systems can't, and do it by themselves.
        with suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)


def _open(path: Path, flags: int) -> int:
    # O_NONBLOCK: opening a FIFO would wait for its other end.
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise DatasetError(
            f"Dataset {path}: this is not a regular file.", remedy="Name another with --output."
        )
    return fd


def _open_locked(path: Path, *, create: Callable[[], bool]) -> int | None:
    while True:
        try:
            fd = _open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            if not create():
                return None
            try:
                fd = _open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                continue
            sync_folder(path.parent)
        try:
            _flock(fd, path)
            if _is_still(path, fd):
                return fd
        except BaseException:
            os.close(fd)
            raise
        # While we waited, the one who held the lock put another file in its place.
        os.close(fd)


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _flock(fd: int, path: Path) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatasetError(
                    f"Dataset {path}: another program keeps it locked.",
                    remedy="Close that program; until then the session keeps every decision.",
                ) from None
            time.sleep(0.02)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            return
        else:
            return


def _take_rights(source: int, target: int) -> None:
    status = os.fstat(source)
    with suppress(OSError):
        os.fchown(target, status.st_uid, status.st_gid)
    os.fchmod(target, stat.S_IMODE(status.st_mode))


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            remedy = "Free some space (or raise the quota): the session keeps every decision."
        elif error.errno == errno.ENOENT:
            remedy = f"Make the folder {path.parent}, or name another file with --output."
        else:
            remedy = "Check its permissions, or name another file with --output."
        raise DatasetError(
            f"Dataset {path} can't be {what}: {error.strerror or error}.", remedy=remedy
        ) from error
