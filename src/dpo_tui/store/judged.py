"""Confirmed groups for export, read in bulk beside whoever works on the session."""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path

import msgspec

from dpo_tui.domain.clean import dataset_messages, dataset_text, has_surrogates
from dpo_tui.domain.judged import NO_REMARKS, Answer, Judged
from dpo_tui.domain.model import Mark, Message, Remarks, Role, State
from dpo_tui.errors import StoreError
from dpo_tui.store.database import read_only
from dpo_tui.store.rows import Row, source_of, unpack, unpack_json, unpack_remarks
from dpo_tui.store.schema import kept_condition, version_of

_BATCH = 64
"""Groups that are read at once."""

_TURNS = msgspec.json.Decoder(list[tuple[Role, str]]).decode
_MARKS = msgspec.json.Decoder(dict[int, Mark]).decode
_REMARKS = msgspec.json.Decoder(Remarks).decode
_IDS = msgspec.json.Decoder(list[int]).decode


class _Said(msgspec.Struct, frozen=True):
    name: str | None = None
    tags: tuple[str, ...] = ()


_SAID = msgspec.json.Decoder(_Said).decode
_UNSAID = _Said()
_STATES = {each.value: each for each in State}
_KEY = attrgetter("key")
_answer = partial(tuple.__new__, Answer)
"""Quicker than `Answer` itself: exports go through millions."""


@contextmanager
def reading_judged(path: Path) -> Iterator[JudgedGroups]:
    """The confirmed groups of a session as they are at this moment, until the block ends.

    Raises:
        StoreError: the session can't be read, or holds something that it can't hold.
    """
    # The watch first, and idle: opening the file once more would drop the locks of what is read.
    with (
        read_only(path) as watch,
        read_only(path) as connection,
    ):
        try:
            yield JudgedGroups(connection, watch)
        except (msgspec.DecodeError, ValueError, KeyError) as error:
            raise StoreError(
                f"Session {path}: a decision in it can't be read: {error}",
                remedy="`dpo-tui verify` says more; go on with a backup if it is damaged.",
            ) from error


class JudgedGroups:
    """A view of one state of a session."""

    def __init__(self, connection: sqlite3.Connection, watch: sqlite3.Connection) -> None:
        self._connection = connection
        self._watch = watch
        self.begin()
        version = version_of(connection)
        self._remarks = "remarks" if version >= 3 else "NULL"
        self._kept = kept_condition(version)

    def begin(self) -> None:
        """See what is in the session now, and nothing that comes later."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN")
        version_of(self._connection)  # only reading fixes what is seen

    def commits(self) -> int:
        """A number that is another one after somebody has committed anything to the session.

        As long as it is the same, all who begin see the same.
        """
        (version,) = self._watch.execute("PRAGMA data_version").fetchone()
        return int(version)

    def verdicts(self) -> int:
        """How many there are, of whatever kind and by whomever."""
        (count,) = self._connection.execute("SELECT count(*) FROM verdicts").fetchone()
        return int(count)

    def annotators(self) -> Mapping[str, int]:
        """How many groups each annotator has confirmed; those who have none are left out."""
        rows = self._connection.execute(
            "SELECT name, (SELECT count(*) FROM verdicts JOIN decisions ON decisions.id = "
            "decision_id WHERE verdicts.annotator_id = annotators.id AND verdict = 'confirmed') "
            "FROM annotators ORDER BY id"
        )
        return {unpack(name): count for name, count in rows if count}

    def ids(self, annotators: Sequence[str], since: float) -> array[int]:
        """The groups that one of these annotators has confirmed at or after `since` (Unix time).

        In the order in which their prompts came into the session.
        """
        several = "DISTINCT" if len(annotators) > 1 else ""
        rows = self._connection.execute(
            f"SELECT {several} verdicts.group_id FROM verdicts "  # noqa: S608 - constants
            "JOIN decisions ON decisions.id = decision_id "
            "JOIN session JOIN groups ON groups.id = verdicts.group_id "
            "WHERE verdicts.annotator_id IN (SELECT value FROM json_each(?)) "
            f"AND verdict = 'confirmed' AND decided_at >= ? AND {self._kept} "
            "ORDER BY verdicts.group_id",
            (json.dumps(self._ids_of(annotators)), since),
        )
        return array("q", (row[0] for row in rows))

    def read(
        self, ids: Sequence[int], annotators: Sequence[str], since: float, *, sources: bool
    ) -> Iterator[list[Judged]]:
        """The groups of these ids, in this order: each as its annotators have judged it.

        `sources` says whether who made the responses is asked for.
        """
        names = dict(zip(self._ids_of(annotators), annotators, strict=True))
        for start in range(0, len(ids), _BATCH):
            batch = list(ids[start : start + _BATCH])
            decided = [*self._decisions(batch, [*names], since)]
            marks = [_MARKS(row[3]) for row in decided]
            said_of = [*chain.from_iterable(marks)]
            rows = [*self._responses(said_of, sources=sources)]
            responses = _Responses.of(rows, sources=sources)
            groups = (
                _judged(row, marked, responses, names[row[1]], sources=sources)
                for row, marked in zip(decided, marks, strict=True)
            )
            # One prompt's rows follow on one another.
            for _, several in groupby(groups, _KEY):
                yield [*several]

    def conversations(self, ids: Sequence[int]) -> Iterator[tuple[int, tuple[Message, ...]]]:
        """The groups of these ids, in this order, and what is asked in them."""
        for start in range(0, len(ids), _BATCH):
            rows = self._connection.execute(
                "SELECT groups.id, messages FROM json_each(?) AS wanted "
                "CROSS JOIN groups ON groups.id = wanted.value",
                (json.dumps(list(ids[start : start + _BATCH])),),
            )
            yield from ((group_id, _turns(messages)[0]) for group_id, messages in rows)

    def _ids_of(self, annotators: Sequence[str]) -> list[int]:
        ids = {
            unpack(name): number
            for number, name in self._connection.execute("SELECT id, name FROM annotators")
        }
        return [ids[each] for each in annotators]

    def _decisions(
        self, group_ids: list[int], annotator_ids: list[int], since: float
    ) -> Iterator[Row]:
        return self._connection.execute(
            _DECISIONS.format(remarks=self._remarks),
            (json.dumps(group_ids), json.dumps(annotator_ids), since),
        )

    def _responses(self, ids: list[int], *, sources: bool) -> Iterator[Row]:
        more = ", slot, origin, source" if sources else ""
        return self._connection.execute(
            f"SELECT responses.id, state, text{more} FROM json_each(?) AS wanted "  # noqa: S608 - constants
            "CROSS JOIN responses ON responses.id = wanted.value",
            (json.dumps(ids),),
        )


_DECISIONS = """
SELECT groups.id, verdicts.annotator_id, decisions.id, marks, card_order, decided_at, seconds,
    {remarks}, groups.key, messages, settings
FROM json_each(?) AS wanted CROSS JOIN groups ON groups.id = wanted.value
CROSS JOIN verdicts ON verdicts.group_id = groups.id
    AND verdicts.annotator_id IN (SELECT value FROM json_each(?))
JOIN decisions ON decisions.id = decision_id
WHERE verdict = 'confirmed' AND decided_at >= ?
"""


class _Responses(msgspec.Struct, frozen=True):
    """Responses by id, as far as datasets are made of them."""

    texts: Mapping[int, str]
    """As the dataset carries them."""
    states: Mapping[int, State]
    replaced: frozenset[int]
    """Those that had lone surrogates."""
    rows: Mapping[int, Row]
    """What tells the sources, if these are asked for."""

    @staticmethod
    def of(rows: Sequence[Row], *, sources: bool) -> _Responses:
        """The responses of these rows."""
        replaced: list[int] = []
        try:
            texts = {row[0]: row[2].decode().strip() for row in rows}
        except UnicodeDecodeError:  # lone surrogates
            raw = {row[0]: unpack(row[2]) for row in rows}
            texts = {each: dataset_text(text) for each, text in raw.items()}
            replaced = [each for each, text in raw.items() if has_surrogates(text)]
        states = {row[0]: _STATES[row[1]] for row in rows}
        by_id = {row[0]: row for row in rows} if sources else {}
        return _Responses(texts, states, frozenset(replaced), by_id)


def _judged(
    row: Row,
    marks: dict[int, Mark],
    responses: _Responses,
    annotator: str,
    *,
    sources: bool,
) -> Judged:
    _, _, _, _, order, decided_at, seconds, remarks, key, messages, settings = row
    turns, replaced = _turns(messages)
    shown = _IDS(order)
    texts, states = responses.texts, responses.states
    answers = [_answer((each, texts[each], marks[each], states[each], 0, None)) for each in shown]
    if sources:
        answers = [_with_source(each, responses.rows[each.id]) for each in answers]
    if responses.replaced:
        replaced += len(responses.replaced.intersection(shown))
    said = _UNSAID if settings == b"{}" else _said(settings)
    return Judged(
        key.hex(),
        turns,
        tuple(answers),
        _remarks(remarks) if remarks else NO_REMARKS,
        said.name,
        said.tags,
        annotator,
        decided_at,
        seconds,
        replaced,
    )


def _with_source(answer: Answer, response: Row) -> Answer:
    slot, origin, source = response[3:]
    return answer._replace(slot=slot, source=source_of(origin, source))


def _turns(data: bytes) -> tuple[tuple[Message, ...], int]:
    """A conversation as the dataset carries it, and in how many turns surrogates were replaced."""
    try:
        found = _TURNS(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        turns = [Message(role, content) for role, content in unpack_json(data)]
        return dataset_messages(turns), sum(has_surrogates(each.content) for each in turns)
    stripped = [(role, content.strip()) for role, content in found]
    return tuple([Message(role, text) for role, text in stripped if text or role != "system"]), 0


def _remarks(data: bytes) -> Remarks:
    try:
        return _REMARKS(data)
    except (msgspec.DecodeError, UnicodeDecodeError):  # lone surrogates, or damage
        return unpack_remarks(data)


def _said(settings: bytes) -> _Said:
    """What the prompts file says of a prompt, as far as it is asked for here."""
    try:
        return _SAID(settings)
    except (msgspec.DecodeError, UnicodeDecodeError):  # lone surrogates
        fields = unpack_json(settings)
        return _Said(fields.get("name"), tuple(fields.get("tags", ())))
