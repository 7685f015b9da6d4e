"""The files of a session are taken away while it is open: nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from dpo_tui.domain.model import Decision, Message, Prompt, Verdict
from dpo_tui.errors import StoreError
from dpo_tui.store.database import Journal
from dpo_tui.store.session import SessionStore

ME = "ann"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "s.db"


@contextmanager
def session(
    path: Path, *, annotator: str = ME, journal: Journal | None = None
) -> Iterator[SessionStore]:
    path.parent.mkdir(exist_ok=True)
    store = SessionStore.open(path, annotator=annotator, journal=journal)
    with closing(store):
        store.import_prompts(Prompt((Message("user", each),)) for each in "abc")
        yield store


def skip(store: SessionStore, group_id: int, annotator: str = ME) -> None:
    decision = Decision(group_id, annotator, Verdict.SKIPPED, 1, {}, (), 0, 0.0, 0.0)
    store.decide(decision, None)


def skipped(path: Path, annotator: str = ME) -> int:
    with closing(SessionStore.open(path, annotator=annotator)) as store:
        return store.progress(annotator).skipped


def remove(path: Path) -> None:
    path.unlink()


def remove_all(path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()


def remove_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def rename(path: Path) -> None:
    path.rename(path.with_name("other.db"))


def remove_log(path: Path) -> None:
    path.with_name("s.db-wal").unlink()


TAKEN_AWAY = [remove, remove_all, remove_folder, rename]


@pytest.mark.parametrize(
    ("journal", "take_away"),
    [
        *((journal, each) for journal in Journal for each in TAKEN_AWAY),
        (Journal.WAL, remove_log),
    ],
)
def test_what_was_taken_away_is_put_back_and_told(
    path: Path, journal: Journal, take_away: Callable[[Path], None]
) -> None:
    with session(path, journal=journal) as store:
        skip(store, 1)
        take_away(path)
        with pytest.raises(StoreError, match="removed or moved while it was open"):
            skip(store, 2)
        assert store.progress(ME).skipped == 1
        skip(store, 2)
        with pytest.raises(StoreError, match="is in use"):
            SessionStore.open(path, annotator=ME)
        assert path.stat().st_mode & 0o777 == 0o600
        assert not list(path.parent.glob("*.tmp"))
    assert skipped(path) == 2


def test_what_was_renamed_is_whole_too(path: Path) -> None:
    with session(path) as store:
        skip(store, 1)
        rename(path)
        with pytest.raises(StoreError):
            skip(store, 2)
        skip(store, 2)
    assert skipped(path.with_name("other.db")) == 1


def test_what_is_taken_away_last_is_put_back_at_the_end(path: Path) -> None:
    with session(path) as store:
        skip(store, 1)
        remove_all(path)
    assert skipped(path) == 1


def test_a_file_that_took_its_place_is_left_alone(path: Path, tmp_path: Path) -> None:
    with session(tmp_path / "older.db"):
        pass
    path.parent.mkdir()
    store = SessionStore.open(path, annotator=ME)
    store.import_prompts([Prompt((Message("user", "a"),))])
    skip(store, 1)
    (tmp_path / "older.db").replace(path)
    for call in (partial(skip, store, 1), partial(skip, store, 1), store.close):
        with pytest.raises(StoreError, match="another file was put in its place"):
            call()
    (kept,) = path.parent.glob("s.kept-*.db")
    assert skipped(path) == 0
    assert skipped(kept) == 1


def test_it_is_put_back_once_the_other_file_is_gone(path: Path, tmp_path: Path) -> None:
    with session(tmp_path / "older.db"):
        pass
    with session(path) as store:
        skip(store, 1)
        (tmp_path / "older.db").replace(path)
        with pytest.raises(StoreError, match="another file"):
            skip(store, 2)
        path.unlink()
        with pytest.raises(StoreError, match="is back in its place"):
            skip(store, 2)
        skip(store, 2)
    assert skipped(path) == 2


def test_two_processes_go_on_in_one_file(path: Path) -> None:
    with session(path) as mine, session(path, annotator="bob") as theirs:
        skip(theirs, 1, "bob")
        remove_all(path)
        for store, annotator in ((mine, ME), (theirs, "bob")):
            with pytest.raises(StoreError, match="is back in its place"):
                skip(store, 2, annotator)
            skip(store, 2, annotator)
    assert skipped(path) == 1
    assert skipped(path, "bob") == 2


def test_a_disk_that_refuses_the_copy_is_told_and_tried_again(path: Path) -> None:
    with session(path) as store:
        skip(store, 1)
        remove_folder(path)
        path.parent.touch()
        with pytest.raises(StoreError):
            skip(store, 2)
        path.parent.unlink()
        with pytest.raises(StoreError, match="is back in its place"):
            skip(store, 2)
        skip(store, 2)
    assert skipped(path) == 2


def test_a_path_that_cannot_be_looked_at_is_told_and_tried_again(path: Path) -> None:
    with session(path) as store:
        skip(store, 1)
        aside = path.rename(path.with_name("aside.db"))
        path.symlink_to(path)
        with pytest.raises(StoreError, match="symbolic links"):
            skip(store, 2)
        path.unlink()
        aside.rename(path)
        skip(store, 2)
    assert skipped(path) == 2


def test_a_session_that_another_process_opens_with_a_log_is_where_it_was(path: Path) -> None:
    with session(path, journal=Journal.TRUNCATE) as store:
        with session(path, annotator="other", journal=Journal.WAL) as other:
            skip(store, 1)
            skip(other, 1, "other")
            skip(store, 2)
        skip(store, 3)
    assert (skipped(path), skipped(path, "other")) == (3, 1)
