"""The commands that look after a session: `history`, `verify` and `backup`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Literal

from msgspec import Struct
from rich.table import Table
from rich.text import Text

from dpo_tui.datasets import swift
from dpo_tui.datasets.inspection import inspect_dataset
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.datasets.sides import inspect_pairs
from dpo_tui.display import display_line
from dpo_tui.domain.model import Decision
from dpo_tui.errors import DatasetError, StoreError
from dpo_tui.output import Output
from dpo_tui.store.backup import copy_database
from dpo_tui.store.checks import SessionCheck, check_session, reading_ledgers
from dpo_tui.store.database import journal_of, read_only
from dpo_tui.store.history import PastDecision
from dpo_tui.store.lock import holding
from dpo_tui.store.session import SessionStore
from dpo_tui.words import moment

_DAMAGED = "Go on with a backup (dpo-tui backup makes them), or start over with --fresh."
_TEXT_SHOWN = 200
"""Characters of a prompt that could ever fit."""
_COLUMNS: tuple[tuple[str, Literal["left", "right"], int | None], ...] = (
    ("when", "left", None),
    ("group", "right", None),
    ("prompt", "left", 1),
    ("verdict", "left", None),
    ("pairs", "right", None),
    ("time", "right", None),
    ("", "left", None),
    ("remarks", "left", 1),
)


def print_history(decisions: Iterable[PastDecision]) -> None:
    """Decisions as a table that fits the terminal; the prompt gives way."""
    rows = [_cells(past) for past in decisions]
    # Most people never remark anything: the prompts have the room then.
    width = len(_COLUMNS) if any(cells[-1] for cells in rows) else len(_COLUMNS) - 1
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    for heading, justify, ratio in _COLUMNS[:width]:
        table.add_column(heading, justify=justify, ratio=ratio, no_wrap=True, overflow="ellipsis")
    for cells in rows:
        table.add_row(*(Text(display_line(cell)) for cell in cells[:width]))
    if table.row_count:
        Output().print(table)
    else:
        Output().print("Nothing is decided yet.")


def _cells(past: PastDecision) -> tuple[str, ...]:
    decision = past.decision
    return (
        f"{moment(decision.decided_at).astimezone():%Y-%m-%d %H:%M}",
        "gone" if past.position is None else str(past.position + 1),
        past.name or past.text[:_TEXT_SHOWN].strip(),
        str(decision.verdict),
        str(decision.pair_count),
        f"{decision.seconds:.0f}s",
        str(past.fate),
        _remarks(past),
    )


def _remarks(past: PastDecision) -> str:
    """What was said besides the marks, in short."""
    said = past.decision.remarks
    parts = (
        "flagged" if past.flagged else "",
        *said.labels,
        "tie" if said.tie else "",
        f"strength {said.strength}" if said.strength else "",
        said.note[:_TEXT_SHOWN],
    )
    return ", ".join(filter(None, parts))


def print_history_json(decisions: Iterable[PastDecision]) -> None:
    """Decisions as JSON lines, ASCII alone: what is foreign in them is escaped."""
    for past in decisions:
        decision = past.decision
        decided_at = moment(decision.decided_at).astimezone()
        row = {
            "decided_at": decided_at.isoformat(timespec="seconds"),
            "annotator": decision.annotator,
            "group": None if past.position is None else past.position + 1,
            "id": past.name,
            "prompt": past.text,
            "verdict": decision.verdict,
            "pairs": decision.pair_count,
            "seconds": round(decision.seconds, 3),
            "state": past.fate,
            "flagged": past.flagged,
            "tie": decision.remarks.tie,
            "best": _number(decision, decision.remarks.best),
            "strength": decision.remarks.strength,
            "labels": decision.remarks.labels,
            "note": decision.remarks.note,
        }
        print(json.dumps(row))  # noqa: T201 - a command's output


def _number(decision: Decision, response_id: int | None) -> int | None:
    """The number of a response's card as it was shown."""
    order = decision.order
    return order.index(response_id) + 1 if response_id in order else None


def back_up(session: Path, target: Path) -> None:
    """Copy a session to a new file, whoever works on it.

    Raises:
        InputError: the file is there already.
        StoreError: the session can't be read, or the copy not be made; there is none then.
    """
    with read_only(session) as connection:
        copy_database(connection, target)


class Verified(Struct, frozen=True):
    """What is wrong with a session and its dataset file."""

    findings: list[str]
    """One a line; empty if all is in order."""
    remedy: str
    """What to do about it."""


def verify(session: Path) -> Verified:
    """Look at a session and its dataset file; changes nothing.

    Raises:
        StoreError: the session can't be read at all.
        DatasetError: the dataset file can't be read.
    """
    found = check_session(session)
    remedy = _DAMAGED if found.damage else "--repair rebuilds what can be rebuilt."
    return Verified(_findings(session, found), remedy)


def repair(session: Path) -> Verified:
    """Derive anew what is derived, make the dataset file agree, and look again.

    Holds the session for everybody who has worked on it.

    Raises:
        StoreError: it is damaged or in use; it is as it was then.
        DatasetError: the dataset file can't be changed.
    """
    found = check_session(session)
    if found.damage:
        raise StoreError(
            f"Session {session}: it is damaged and was left as it is: {found.damage[0]}",
            remedy=_DAMAGED,
        )
    journal = journal_of(session)
    with ExitStack() as held:
        for each in found.annotators:
            held.enter_context(holding(session, each))
        # One after the other: to open the file a second time would drop SQLite's locks on it.
        for number, annotator in enumerate(found.annotators):
            store = SessionStore.open(session, annotator=annotator, labels=False, journal=journal)
            with closing(store):
                if number == 0:
                    store.rebuild()
                if path := store.info().dataset_paths.get(annotator):
                    LiveDataset(path, swift.encode).reconcile(store, thorough=True)
    return verify(session)


def _findings(session: Path, found: SessionCheck) -> list[str]:
    findings = [f"session: {each}" for each in (*found.damage, *found.deviations)]
    if found.damage:
        return findings
    with reading_ledgers(session) as ledgers:
        for path, ledger in ledgers.items():
            try:
                found_there = (*inspect_dataset(path, ledger), *inspect_pairs(path))
                findings += (f"dataset {path}: {each}" for each in found_there)
            except DatasetError as error:
                findings.append(str(error))
    return findings
