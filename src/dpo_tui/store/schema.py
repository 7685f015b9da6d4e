"""The tables of a session file and how older files become newer ones.

Truth: `groups`, `responses`, `decisions`, `journal`; the last three are only ever added to.
Derived from it in the same transaction, so that nothing has to be counted or searched: `verdicts`
(which decision counts), `undecided` (the queue that is left) and `skipped`, the counters in
`annotators`. Work in progress: `drafts`, `flags`, `typed`. Where each decision's pairs stand in the
dataset file: `regions`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from dpo_tui.errors import StoreError
from dpo_tui.store.backup import replace_backup

APPLICATION_ID = 0x44504F54
"""Says in the header of a SQLite file that it is a session of ours ("DPOT")."""


class Migration(NamedTuple):
    """One step from a schema version to the next; its place in MIGRATIONS is the version."""

    name: str
    sql: str


_FIRST = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    created_at REAL NOT NULL,
    last_used_at REAL NOT NULL,
    prompts_path BLOB,
    dataset_path BLOB,                -- up to version 3; since then each annotator has one
    queued INTEGER NOT NULL DEFAULT 0 -- groups in the queue
);

CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    position INTEGER,                 -- NULL: no longer in the prompts file
    messages BLOB NOT NULL,
    settings BLOB NOT NULL,
    ready TEXT                        -- JSON: ids of the ready-made responses, as the file has them
);
CREATE INDEX groups_by_position ON groups (position) WHERE position IS NOT NULL;

CREATE TABLE responses (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL REFERENCES groups (id),
    set_no INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    source BLOB NOT NULL,
    text BLOB NOT NULL,
    reasoning BLOB NOT NULL,
    finish_reason BLOB,
    error BLOB NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    first_token_seconds REAL,
    seconds REAL
);
CREATE INDEX responses_by_place ON responses (group_id, set_no, slot, id);

CREATE TABLE annotators (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    confirmed INTEGER NOT NULL DEFAULT 0, -- groups of the queue
    skipped INTEGER NOT NULL DEFAULT 0,   -- groups of the queue
    pairs INTEGER NOT NULL DEFAULT 0,     -- that belong in the dataset
    newest INTEGER REFERENCES journal (id) -- the newest decide that was not taken back
);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL REFERENCES groups (id),
    annotator_id INTEGER NOT NULL REFERENCES annotators (id),
    verdict TEXT NOT NULL,
    set_no INTEGER NOT NULL,
    marks TEXT NOT NULL,
    card_order TEXT NOT NULL,
    pair_count INTEGER NOT NULL,
    decided_at REAL NOT NULL,
    seconds REAL NOT NULL,
    lines BLOB                        -- its pairs as the dataset carries them
);

CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    annotator_id INTEGER NOT NULL REFERENCES annotators (id),
    action TEXT NOT NULL,             -- decide, undo; since version 2 redo
    decision_id INTEGER NOT NULL REFERENCES decisions (id),
    replaced INTEGER REFERENCES decisions (id), -- decide: what counted for the group before
    below INTEGER REFERENCES journal (id),      -- decide: the one that undo comes to next
    done_at REAL NOT NULL
);

CREATE TABLE verdicts (
    annotator_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    decision_id INTEGER NOT NULL,
    PRIMARY KEY (annotator_id, group_id)
) WITHOUT ROWID;

CREATE TABLE undecided (
    annotator_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    PRIMARY KEY (annotator_id, position)
) WITHOUT ROWID;

CREATE TABLE drafts (
    annotator_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    set_no INTEGER NOT NULL,
    marks TEXT NOT NULL,
    shelved TEXT NOT NULL,            -- JSON: marks of the other sets, by set
    PRIMARY KEY (annotator_id, group_id)
) WITHOUT ROWID;

CREATE TABLE regions (
    decision_id INTEGER PRIMARY KEY REFERENCES decisions (id),
    annotator_id INTEGER NOT NULL,
    position INTEGER NOT NULL,        -- offset in the dataset file, in bytes
    leads INTEGER NOT NULL,           -- whether a newline of ours stands before the lines
    wanted INTEGER NOT NULL,
    settled INTEGER NOT NULL
);
CREATE INDEX regions_unsettled ON regions (annotator_id, decision_id) WHERE NOT settled;
CREATE INDEX regions_settled ON regions (annotator_id, position, decision_id)
    WHERE wanted AND settled;
"""

_REDO_AND_FILES = """
ALTER TABLE annotators ADD COLUMN undone INTEGER REFERENCES journal (id); -- what redo brings back
-- Undo rows are linked by `below` too: to the undo that redo comes to next.
UPDATE journal SET below = (
    SELECT CASE WHEN earlier.action = 'undo' THEN earlier.id END FROM journal AS earlier
    WHERE earlier.annotator_id = journal.annotator_id AND earlier.id < journal.id
    ORDER BY earlier.id DESC LIMIT 1)
WHERE action = 'undo';
UPDATE annotators SET undone = (
    SELECT CASE WHEN action = 'undo' THEN journal.id END FROM journal
    WHERE annotator_id = annotators.id ORDER BY journal.id DESC LIMIT 1);

ALTER TABLE session ADD COLUMN fingerprint BLOB;     -- of the prompts files as they were imported
ALTER TABLE session ADD COLUMN needs_server INTEGER NOT NULL DEFAULT 1; -- not all were ready-made
ALTER TABLE session ADD COLUMN drops_removed INTEGER NOT NULL DEFAULT 0; -- setting removed_pairs
ALTER TABLE session ADD COLUMN last_change TEXT; -- JSON: what the last edit of the files changed
"""

_REMARKS_AND_FLAGS = """
ALTER TABLE decisions ADD COLUMN remarks BLOB; -- JSON: what was said besides the marks
ALTER TABLE drafts ADD COLUMN remarks BLOB;    -- JSON: the same, by set

CREATE TABLE flags (                           -- groups to come back to
    annotator_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    PRIMARY KEY (annotator_id, group_id)
) WITHOUT ROWID;

CREATE TABLE typed (                           -- text of an edit that isn't finished
    annotator_id INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    response_id INTEGER NOT NULL,              -- 0: written from scratch
    text BLOB NOT NULL,
    PRIMARY KEY (annotator_id, group_id, response_id)
);

CREATE TABLE skipped (                         -- derived like `undecided`
    annotator_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    PRIMARY KEY (annotator_id, position)
) WITHOUT ROWID;
INSERT INTO skipped SELECT verdicts.annotator_id, position, groups.id
    FROM verdicts JOIN decisions ON decisions.id = decision_id
    JOIN groups ON groups.id = verdicts.group_id
    WHERE verdict = 'skipped' AND position IS NOT NULL;

CREATE INDEX responses_own ON responses (group_id) WHERE origin IN ('edited', 'written');
CREATE INDEX responses_broken ON responses (group_id, set_no, slot, id)
    WHERE state IN ('empty', 'failed', 'aborted');
"""

_DATASETS = """
ALTER TABLE annotators ADD COLUMN dataset_path BLOB; -- where the pairs of this one go
-- There was one file for all: who has decided something goes on with it.
UPDATE annotators SET dataset_path = (SELECT dataset_path FROM session)
    WHERE id IN (SELECT annotator_id FROM decisions);
"""

_WRITTEN = """
-- Whether the lines are known to have been in the dataset file; else equal ones before `position`
-- are not ours.
ALTER TABLE regions ADD COLUMN written INTEGER NOT NULL DEFAULT 1;
UPDATE regions SET written = 0 WHERE settled AND NOT wanted;
"""

MIGRATIONS = (
    Migration("first", _FIRST),
    Migration("redo and prompts files", _REDO_AND_FILES),
    Migration("remarks and flags", _REMARKS_AND_FLAGS),
    Migration("a dataset for each annotator", _DATASETS),
    Migration("lines that are known to be ours", _WRITTEN),
)
VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to VERSION, each step in a transaction of its own.

    A copy of an older file is kept beside it, as `<session>.v<version>.bak`.

    Raises:
        StoreError: the file is of a newer version, or not ours.
    """
    if (first := _version(connection, path)) == VERSION:
        return
    for target in range(1, VERSION + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Asked again inside the transaction: another process may have been quicker.
            if (version := _version(connection, path)) < target:
                if version and version == first:
                    replace_backup(path, path.with_name(f"{path.name}.v{version}.bak"))
                for statement in _statements(MIGRATIONS[target - 1].sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {target}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def check_header(application_id: int, version: int, path: Path) -> None:
    """Refuse what is not ours, or newer than we are.

    Raises:
        StoreError: says which of the two.
    """
    if application_id != APPLICATION_ID:
        raise StoreError(
            f"Session {path}: this is a database of another program.",
            remedy="Name another file with --session; this one was left as it is.",
        )
    if version > VERSION:
        raise StoreError(
            f"Session {path}: it was written by a newer dpo-tui (schema {version}, this one knows "
            f"up to {VERSION}).",
            remedy="Upgrade dpo-tui, or name another file with --session.",
        )


def version_of(connection: sqlite3.Connection) -> int:
    """The schema version that the file says it has."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def kept_condition(version: int) -> str:
    """In SQL, whether decisions of a row of `groups` have a say, beside the row of `session`."""
    return "(position IS NOT NULL OR NOT drops_removed)" if version >= 2 else "1"


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version; 0 for a file without any table."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        return 0
    version = version_of(connection)
    check_header(connection.execute("PRAGMA application_id").fetchone()[0], version, path)
    return version


def _statements(script: str) -> list[str]:
    """The single statements of a script; `executescript` would commit before it begins."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
