"""What was decided in a session, counted: read in one pass, without disturbing anybody."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from dpo_tui.domain.model import Decision, Mark, Origin, Verdict
from dpo_tui.domain.statistics import FirstCard, Judged, Lengths, Maker, Statistics
from dpo_tui.store.database import read_only
from dpo_tui.store.faults import told
from dpo_tui.store.info import load_info, require_annotator
from dpo_tui.store.rows import decision_columns, decision_of, unpack, unpack_json
from dpo_tui.store.schema import check_header, version_of


def read_statistics(path: Path, annotator: str | None = None) -> Statistics:
    """Count what an annotator, or all of them together, have decided.

    Raises:
        InputError: nobody of that name has worked on the session.
        StoreError: the session can't be read.
    """
    with read_only(path) as connection, told(path):
        connection.execute("BEGIN")
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        check_header(application_id, version_of(connection), path)
        info = load_info(connection, path)
        require_annotator(annotator, info.progress, path)
        people = {
            name: progress for name, progress in info.progress.items() if annotator in {None, name}
        }
        statistics = Statistics(path, info.prompts_path, people)
        for annotator_id, name in connection.execute("SELECT id, name FROM annotators").fetchall():
            if unpack(name) in people:
                _count_flags(connection, annotator_id, statistics)
                for decision in _counting(connection, annotator_id, unpack(name)):
                    _count(connection, decision, statistics)
        _measure_time(connection, annotator, statistics)
        return statistics


_COUNTING = (
    "FROM verdicts JOIN decisions ON decisions.id = decision_id "
    "JOIN groups ON groups.id = verdicts.group_id "
    "WHERE verdicts.annotator_id = ? AND position IS NOT NULL"
)


def _counting(
    connection: sqlite3.Connection, annotator_id: int, annotator: str
) -> Iterator[Decision]:
    columns = ", ".join(
        each if each == "NULL" else f"decisions.{each}"
        for each in decision_columns(version_of(connection)).split(", ")
    )
    rows = connection.execute(f"SELECT {columns} {_COUNTING}", (annotator_id,))
    return (decision_of(row, annotator) for row in rows)


def _count_flags(connection: sqlite3.Connection, annotator_id: int, found: Statistics) -> None:
    if version_of(connection) >= 3:
        (flagged,) = connection.execute(
            "SELECT count(*) FROM flags JOIN groups ON groups.id = group_id "
            "WHERE annotator_id = ? AND position IS NOT NULL",
            (annotator_id,),
        ).fetchone()
        found.flagged += flagged


def _measure_time(connection: sqlite3.Connection, annotator: str | None, found: Statistics) -> None:
    """Median and sum; SQLite sorts, so that memory doesn't grow with the session."""
    who = json.dumps(
        [
            annotator_id
            for annotator_id, name in connection.execute("SELECT id, name FROM annotators")
            if annotator in {None, unpack(name)}
        ]
    )
    counting = _COUNTING.replace("= ?", "IN (SELECT value FROM json_each(?))")
    count, total = connection.execute(
        f"SELECT count(*), total(seconds) {counting}",
        (who,),
    ).fetchone()
    found.total_seconds = total
    if count:
        middle = connection.execute(
            f"SELECT seconds {counting} ORDER BY seconds LIMIT ? OFFSET ?",
            (who, 2 - count % 2, (count - 1) // 2),
        ).fetchall()
        found.median_seconds = sum(seconds for (seconds,) in middle) / len(middle)


def _count(connection: sqlite3.Connection, decision: Decision, found: Statistics) -> None:
    if decision.verdict is not Verdict.CONFIRMED:
        return
    marks = Counter(decision.marks.values())
    found.chosen[marks[Mark.CHOSEN]] += 1
    found.combinations += marks[Mark.CHOSEN] * marks[Mark.REJECTED]
    found.pairs += decision.pair_count
    found.later_sets += decision.set_no > 1
    remarks = decision.remarks
    found.ties += remarks.tie
    found.bests += remarks.best is not None
    found.notes += bool(remarks.note.strip())
    if remarks.strength is not None:
        found.strengths[remarks.strength] += 1
    found.labels.update(remarks.labels)
    _count_first(decision, marks, found.first_card)
    lengths = {}
    judged = set()
    for response_id, origin, source, length in connection.execute(
        "SELECT id, origin, source, length(text) FROM responses WHERE group_id = ? AND set_no = ?",
        (decision.group_id, decision.set_no),
    ):
        if mark := decision.marks.get(response_id):
            lengths[response_id] = length
            maker = _maker(Origin(origin), source)
            found.makers.setdefault(maker, Judged()).marks[mark] += 1
            if mark is not Mark.EXCLUDED:
                judged.add(maker)
    for maker in judged:
        found.makers[maker].groups += 1
    _count_lengths(decision.marks, lengths, found.lengths)


def _maker(origin: Origin, source: bytes) -> Maker:
    endpoint, model, sampling, *_ = unpack_json(source)
    if origin in {Origin.EDITED, Origin.WRITTEN}:  # the person, whatever it began as
        return Maker(origin)
    temperature = sampling.get("temperature") if sampling else None
    return Maker(origin, model or "", endpoint or "", temperature)


def _count_first(decision: Decision, marks: Mapping[Mark, int], first: FirstCard) -> None:
    judged = [
        mark for each in decision.order if (mark := decision.marks.get(each)) is not Mark.EXCLUDED
    ]
    if judged and marks[Mark.CHOSEN] and marks[Mark.REJECTED]:
        first.groups += 1
        first.chosen += judged[0] is Mark.CHOSEN
        first.expected += marks[Mark.CHOSEN] / (marks[Mark.CHOSEN] + marks[Mark.REJECTED])


def _count_lengths(marks: Mapping[int, Mark], lengths: Mapping[int, int], found: Lengths) -> None:
    by_mark = {
        mark: [length for each, length in lengths.items() if marks[each] is mark] for mark in Mark
    }
    longer = shorter = 0
    for chosen in by_mark[Mark.CHOSEN]:
        for rejected in by_mark[Mark.REJECTED]:
            longer += chosen > rejected
            shorter += chosen < rejected
            found.equal += chosen == rejected
    found.longer += longer
    found.shorter += shorter
    found.groups += bool(longer or shorter)
