"""Sessions of every version that was ever released open, with all that was in them."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from dpo_tui.domain.model import Draft, Mark, Verdict
from dpo_tui.errors import StoreError
from dpo_tui.paths import temporary_beside
from dpo_tui.store.checks import check_session
from dpo_tui.store.history import Fate, read_history
from dpo_tui.store.info import describe
from dpo_tui.store.schema import VERSION
from dpo_tui.store.session import SessionStore
from tests.store.fixtures.make import ANNOTATOR, LINE, MARKS, make

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = range(1, VERSION)


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(FIXTURES / f"schema-{request.param}.db", tmp_path / "s.db"))


def check_content(store: SessionStore) -> None:
    progress = store.progress(ANNOTATOR)
    assert (progress.confirmed, progress.skipped, progress.left, progress.pairs) == (1, 1, 2, 1)
    decision = store.group(1, ANNOTATOR).decision
    assert decision is not None
    assert (decision.verdict, decision.marks) == (Verdict.CONFIRMED, MARKS)
    assert [each.region.data for each in store.settled()] == [LINE]
    assert store.group(4, ANNOTATOR).draft == Draft(1, {1: Mark.CHOSEN})
    assert [each.id for each in store.upcoming(ANNOTATOR, 0, 9)] == [2, 4]
    assert store.next_skipped(ANNOTATOR, -1) == 3
    assert store.info().dataset_paths == {ANNOTATOR: Path("/data/pairs.jsonl")}


def test_an_old_session_opens_and_goes_on(old: Path) -> None:
    store = SessionStore.open(old, annotator=ANNOTATOR)
    check_content(store)
    undone = store.undo(ANNOTATOR)
    assert undone is not None
    assert store.redo(ANNOTATOR) == undone[0]
    again = store.redo(ANNOTATOR)
    assert again is not None
    assert again.group_id == 2
    store.close()
    assert check_session(old).deviations == []


def test_a_new_session_of_the_same_content_is_no_different(tmp_path: Path) -> None:
    make(tmp_path / "new.db")
    store = SessionStore.open(tmp_path / "new.db", annotator=ANNOTATOR)
    check_content(store)
    store.close()


def test_the_old_file_is_kept_beside_it(old: Path) -> None:
    before = old.read_bytes()
    version = describe(old), int.from_bytes(before[60:64])
    SessionStore.open(old, annotator=ANNOTATOR).close()
    backup = old.with_name(f"s.db.v{version[1]}.bak")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert backup.stat().st_size == len(before)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version[1],)
        assert connection.execute("SELECT count(*) FROM decisions").fetchone() == (3,)
    SessionStore.open(old, annotator=ANNOTATOR).close()
    assert [each.name for each in old.parent.glob("*.bak*")] == [backup.name]


def test_a_session_of_the_longest_name_that_can_be_worked_on_is_migrated(old: Path) -> None:
    old = old.rename(old.with_name(f"{'s' * (255 - len('.db-01234567.lock'))}.db"))
    store = SessionStore.open(old, annotator=ANNOTATOR)
    check_content(store)
    store.close()


def test_nothing_is_migrated_where_no_backup_can_be_made(old: Path) -> None:
    before = old.read_bytes()
    temporary_beside(old.with_name(f"s.db.v{before[63]}.bak")).mkdir()
    with pytest.raises(StoreError):
        SessionStore.open(old, annotator=ANNOTATOR)
    assert old.read_bytes() == before


def test_an_old_session_can_be_looked_at_without_changing_it(old: Path) -> None:
    before = old.read_bytes()
    assert describe(old).total == 4
    fates = [(past.decision.group_id, past.fate) for past in read_history(old)]
    assert fates == [(2, Fate.TAKEN_BACK), (3, Fate.COUNTS), (1, Fate.COUNTS)]
    with pytest.raises(StoreError, match="older"):
        check_session(old)
    assert old.read_bytes() == before
