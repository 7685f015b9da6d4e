"""The session file on a real disk: private, refused if it isn't ours, whole on a full disk."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePath

import pytest

from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    Message,
    Origin,
    Prompt,
    Source,
    State,
    Verdict,
)
from dpo_tui.errors import StoreError
from dpo_tui.store.database import Journal, read_only
from dpo_tui.store.filesystem import filesystem_type
from dpo_tui.store.info import describe
from dpo_tui.store.schema import VERSION
from dpo_tui.store.session import SessionStore

ME = "ann"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


def make(path: Path, journal: Journal | None = None) -> SessionStore:
    store = SessionStore.open(path, annotator=ME, journal=journal, clock=lambda: 5.0)
    store.import_prompts([Prompt((Message("user", "a"),))])
    return store


def skip(store: SessionStore) -> None:
    store.decide(Decision(1, ME, Verdict.SKIPPED, 1, {}, (), 0, 0.0, 0.0), None)


@contextmanager
def full_disk(at: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("journal", Journal)
def test_every_file_is_private_whatever_the_umask(path: Path, journal: Journal) -> None:
    before = os.umask(0)
    try:
        store = make(path, journal)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert len(modes) == (4 if journal is Journal.WAL else 3)
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("journal", Journal)
def test_either_journal_waits_for_the_disk(path: Path, journal: Journal) -> None:
    store = make(path, journal)
    ask = store._database.connection.execute
    assert ask("PRAGMA journal_mode").fetchone() == (journal.value,)
    store.settle([])
    store.save_draft(1, ME, Draft(1))
    assert ask("PRAGMA synchronous").fetchone() == (2,)
    skip(store)
    store.close()
    assert describe(path).progress[ME].skipped == 1


def test_a_session_moves_from_one_journal_to_the_other(path: Path) -> None:
    for journal in (Journal.WAL, Journal.TRUNCATE, Journal.WAL):
        make(path, journal).close()
    assert describe(path).total == 1


MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda rw
30 22 0:40 / /home rw shared:1 - nfs4 server:/home rw
31 30 0:41 / /home/me/local\\040disk rw - xfs /dev/sdb rw
32 22 0:42 / /home rw - cifs //server/home rw
nonsense
"""


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("/etc", "ext4"),
        ("/homework", "ext4"),
        ("/home/me", "cifs"),
        ("/home/me/local disk/x", "xfs"),
    ],
)
def test_the_file_system_is_that_of_the_longest_mount(where: str, kind: str) -> None:
    assert filesystem_type(PurePath(where), MOUNTS) == kind


def test_describing_disturbs_nobody_and_leaves_nothing(path: Path) -> None:
    store = make(path)
    assert describe(path).progress[ME].left == 1
    skip(store)
    assert describe(path).progress[ME].left == 0
    assert describe(path) == store.info()
    store.close()
    files = set(path.parent.iterdir())
    info = describe(path)
    assert (info.total, info.created_at, info.last_used_at) == (1, 5.0, 5.0)
    assert set(path.parent.iterdir()) == files


def foreign_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE theirs (x)")


def newer_session(path: Path) -> None:
    make(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")


def truncated_session(path: Path) -> None:
    make(path).close()
    os.truncate(path, 50)


@pytest.mark.parametrize(
    ("make_file", "said"),
    [
        (foreign_database, "another program"),
        (newer_session, "newer"),
        (truncated_session, "damaged"),
        (lambda path: path.write_bytes(b"no database" * 100), "not a session"),
        (lambda path: path.mkdir(), "not a file"),
        (os.mkfifo, "not a file"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_alone(
    path: Path, make_file: Callable[[Path], object], said: str
) -> None:
    make_file(path)
    before = path.read_bytes() if path.is_file() else None
    files = set(path.parent.iterdir())
    for use in (describe, lambda path: SessionStore.open(path, annotator=ME)):
        with pytest.raises(StoreError, match=said) as caught:
            use(path)
        assert str(path) in caught.value.message
        assert caught.value.remedy
    assert (path.read_bytes() if path.is_file() else None) == before
    assert set(path.parent.iterdir()) == files


def test_a_damaged_page_is_told(path: Path) -> None:
    make(path).close()
    with path.open("r+b") as stream:
        stream.seek(100)
        stream.write(b"\xff" * 8000)
    for use in (describe, lambda path: SessionStore.open(path, annotator=ME)):
        with pytest.raises(StoreError, match="damaged"):
            use(path)


def test_a_missing_session_is_told(path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        describe(path)
    with pytest.raises(StoreError, match="No such file"):
        SessionStore.open(path / "s.db", annotator=ME)


def test_an_empty_file_becomes_a_session(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match="empty"):
        describe(path)
    make(path).close()
    assert describe(path).total == 1


def test_a_symlink_leads_to_one_session(tmp_path: Path, path: Path) -> None:
    make(path).close()
    link = tmp_path / "link.db"
    link.symlink_to(path)
    store = make(link)
    assert store.path == path
    with pytest.raises(StoreError, match="in use"):
        make(path)
    store.close()


@pytest.mark.parametrize("journal", Journal)
def test_a_full_disk_loses_nothing_and_goes_on_later(path: Path, journal: Journal) -> None:
    store = make(path, journal)
    response = Completion("x" * 200_000, State.COMPLETE, Source(Origin.MODEL))
    with full_disk(150_000), pytest.raises(StoreError) as caught:
        store.add_response(1, 1, 0, response)
    assert "space" in caught.value.remedy
    assert store.group(1, ME).responses == ()
    skip(store)
    stored = store.add_response(1, 1, 0, response)
    assert store.group(1, ME).responses == (stored,)
    store.close()
    assert describe(path).progress[ME].skipped == 1


@pytest.mark.parametrize("journal", Journal)
def test_reading_takes_no_space(path: Path, journal: Journal) -> None:
    make(path, journal).close()
    with full_disk(0):
        for _ in range(2):
            with read_only(path) as connection:
                assert connection.execute("SELECT count(*) FROM groups").fetchone() == (1,)
            assert describe(path).total == 1
    assert describe(path).total == 1
    with read_only(path) as connection:
        assert connection.execute("SELECT count(*) FROM groups").fetchone() == (1,)
    assert not path.with_name(path.name + "-wal").exists()


def test_a_session_that_another_one_writes_for_too_long_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpo_tui.store.database._BUSY_SECONDS", 0.0)
    store = make(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            skip(store)
        assert store.progress(ME).left == 1
    skip(store)
    store.close()
