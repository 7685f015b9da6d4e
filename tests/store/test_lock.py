"""One process at a time for one annotator, and a lock that dies with its process."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dpo_tui.errors import StoreError
from dpo_tui.store.lock import SessionLock, lock_path

HOLD = """
import sys, time
from pathlib import Path
from dpo_tui.store.session import SessionStore
store = SessionStore.open(Path(sys.argv[1]), annotator="ann")
print("held", flush=True)
sys.stdin.read()
"""


def said(pid: int, *, host: str | None = None, boot: str | None = None) -> bytes:
    """What a lock file says."""
    holder = {
        "pid": pid,
        "host": host or socket.gethostname(),
        "since": 0,
        "boot": boot or Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
    }
    return json.dumps(holder).encode()


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


def test_a_second_one_is_told_who_holds_it_until_that_dies(session: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(session)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError) as caught:
            SessionLock.acquire(session, "ann", 0.0)
        assert f"process {holder.pid} on {socket.gethostname()} since 20" in caught.value.message
        assert caught.value.remedy
        SessionLock.acquire(session, "another", 0.0).release()
        holder.kill()
    SessionLock.acquire(session, "ann", 0.0).release()


def test_a_released_lock_is_free_and_says_nobody(session: Path) -> None:
    lock = SessionLock.acquire(session, "ann", 0.0)
    assert json.loads(lock_path(session, "ann").read_text())["pid"] == os.getpid()
    assert stat.S_IMODE(lock_path(session, "ann").stat().st_mode) == 0o600
    lock.release()
    lock.release()
    assert lock_path(session, "ann").read_bytes() == b""
    SessionLock.acquire(session, "ann", 0.0).release()


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_what_stands_in_its_place_is_not_followed(session: Path, kind: str) -> None:
    place = lock_path(session, "ann")
    victim = session.with_name("victim")
    victim.write_text("precious")
    if kind == "symlink":
        place.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(StoreError, match="lock"):
        SessionLock.acquire(session, "ann", 0.0)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("content", "free"),
    [
        (b"", True),
        (b"nonsense", True),
        (said(os.getppid()), False),
        (said(os.getppid(), boot="another"), True),
        (said(2**22 + 1), True),
        (said(1, host="elsewhere"), False),
    ],
)
def test_without_flock_what_the_file_says_decides(
    session: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, free: bool
) -> None:
    def no_flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_flock)
    place = lock_path(session, "ann")
    place.write_bytes(content)
    if free:
        SessionLock.acquire(session, "ann", 0.0).release()
    else:
        with pytest.raises(StoreError, match="in use") as caught:
            SessionLock.acquire(session, "ann", 0.0)
        assert ("remove" in caught.value.remedy) == (b"elsewhere" in content)


@pytest.mark.parametrize(
    ("content", "free"),
    [(b"", True), (said(2**22 + 1), True), (said(1, host="elsewhere"), False)],
)
def test_on_a_network_file_system_other_hosts_may_not_see_the_lock(
    session: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, free: bool
) -> None:
    monkeypatch.setattr("dpo_tui.store.lock.is_network", lambda _: True)
    place = lock_path(session, "ann")
    place.write_bytes(content)
    if free:
        SessionLock.acquire(session, "ann", 0.0).release()
    else:
        with pytest.raises(StoreError, match="on elsewhere since") as caught:
            SessionLock.acquire(session, "ann", 0.0)
        assert f"remove {place}" in caught.value.remedy
        assert place.read_bytes() == content
        place.unlink()
        SessionLock.acquire(session, "ann", 0.0).release()


def test_on_a_local_disk_the_lock_of_a_host_that_was_renamed_is_taken_over(session: Path) -> None:
    lock_path(session, "ann").write_bytes(said(1, host="elsewhere"))
    SessionLock.acquire(session, "ann", 0.0).release()
