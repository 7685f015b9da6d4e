"""Rows of a file as prompts: our own as they were written, other people's as what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.domain.model import Prompt
from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, validated
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.form import NOT_IT, Form
from dpo_tui.prompts.row import Row, prompt_from, prompt_of
from dpo_tui.prompts.shapes.shape import Shape, Unfit
from dpo_tui.prompts.tally import DEFAULT_BAD_ROWS, HOW_TO_NAME, FileTally, Tally

_SAMPLE = 50
"""Rows that tell the shape."""
_MEDIA = re.compile(r"'type': '(input_)?(image|audio|video)")
"""A part of a message that is no text, in a row as Python prints it."""
_ONLY_TEXT = "Only text can be labelled: rows with images, audio or video are of no use here."

_Rows = Iterable[tuple[int, Any]]


class Reading(Struct, frozen=True):
    """How rows are to be read."""

    shape: Shape | None = None
    """What they are; None to find out."""
    bad_rows: float = DEFAULT_BAD_ROWS
    """The share of a file's rows that may be of no use."""

    @staticmethod
    def as_said(name: str | None, columns: str | None, bad_rows: float) -> Reading:
        """How rows are to be read that are called `name`, or that have these columns.

        Raises:
            InputError: there is no shape of this name, or the columns aren't named so.
        """
        if name and columns:
            raise InputError(
                "--from and --columns don't go together",
                remedy="Give --columns if the rows are of none of the known formats.",
            )
        if columns:
            from dpo_tui.prompts.shapes.columns import Columns

            return Reading(Columns.parse(columns).shape(), bad_rows)
        if name:
            from dpo_tui.prompts.shapes.table import shape_named

            return Reading(shape_named(name), bad_rows)
        return Reading(bad_rows=bad_rows)


def read_rows(data: Data, form: Form, reading: Reading, tally: Tally) -> Iterable[Prompt]:
    """The prompts that a file's rows describe, one at a time.

    In a file of our own every row has to be right. Of other people's the rows that are of no use
    are left out and counted.

    Raises:
        InputError: the file can't be read, or a row of our own is wrong; of other people's, too
            many are.
    """
    rows = form.rows(data)
    first = list(islice(rows, _SAMPLE))
    rows = chain(first, rows)
    form = _way(data, form, first, reading)
    values = list(_values(data, form, first))
    if reading.shape:
        return ForeignRows(data, form, reading.shape, rows, reading, tally, values)
    own = _OwnRows(data, form)
    if values and own.is_own(values[0]):
        return own.prompts(rows)
    from dpo_tui.prompts.shapes.table import recognised

    if shape := recognised(values, strict=form.is_typed):
        return ForeignRows(data, form, shape, rows, reading, tally, values)
    return own.prompts(rows, hint=_ONLY_TEXT if _MEDIA.search(str(values[:1])) else HOW_TO_NAME)


def _way(data: Data, form: Form, first: Sequence[tuple[int, Any]], reading: Reading) -> Form:
    """The form to read rows as: the one that makes most of the first ones."""
    ways = form.ways(form, [raw for _, raw in first])
    if len(ways) == 1:
        return ways[0]
    from dpo_tui.prompts.shapes.table import rank

    def place(way: Form) -> int:
        values = list(_values(data, way, first))
        if values and not reading.shape and _OwnRows(data, way).is_own(values[0]):
            return -1
        return rank(values, reading.shape, strict=way.is_typed)

    return min(ways, key=place)


def _values(data: Data, form: Form, rows: _Rows) -> Iterator[object]:
    """Those of the rows that hold something."""
    for number, raw in rows:
        try:
            yield form.value(raw, data.place(f"{form.word} {number}"))
        except InputError:
            continue


class _OwnRows:
    """Rows with the keys of `Row`."""

    def __init__(self, data: Data, form: Form) -> None:
        self._data = data
        self._form = form

    def is_own(self, value: object) -> bool:
        """Whether a row is one of ours."""
        try:
            self._slow(value, self._data.place(""))
        except InputError:
            return False
        return True

    def prompts(self, rows: _Rows, *, hint: str = "") -> Iterator[Prompt]:
        """Their prompts; `hint` is what else to do if the first one isn't one of ours."""
        decode, nowhere = self._form.decoder(Row), self._data.place("")
        for number, raw in rows:
            try:
                prompt = prompt_of(decode(raw), nowhere)
            except (*NOT_IT, InputError):
                place = self._data.place(f"{self._form.word} {number}")
                value = self._form.value(raw, place)
                try:
                    prompt = self._slow(value, place)
                except InputError as error:
                    told = hint or self._what_else(value)
                    raise InputError(
                        error.message, remedy="\n".join(filter(None, (error.remedy, told)))
                    ) from None
            yield prompt
            hint = ""

    def _what_else(self, value: object) -> str:
        """What else to do with a row that is none of ours: others can be meant from the start."""
        from dpo_tui.prompts.shapes.table import recognised

        shape = recognised([value], strict=self._form.is_typed)
        return f"If all rows are {shape.title}, say so: --from {shape.name}." if shape else ""

    def _slow(self, value: object, place: Place) -> Prompt:
        return prompt_from(value, place, strict=self._form.is_typed)


class RawRows(Struct, frozen=True):
    """Some rows of a file of other people's, which any process can read."""

    source: str
    """What errors call the file."""
    form: Form
    shape: Shape
    rows: _Rows
    """With their numbers."""
    file: int = 0
    """The file's place in the tally."""

    def tally(self) -> FileTally:
        """A tally of these rows alone."""
        return FileTally(self.source, self.shape)

    def prompts(self, tally: FileTally, bad_rows: float = 1.0) -> Iterator[Prompt]:
        """What they mean, those that are of no use left out.

        Raises:
            InputError: more than the share `bad_rows` of the rows in the tally is of no use.
        """
        quick = _quick(self.form, self.shape)
        for number, raw in self.rows:
            tally.rows += 1
            try:
                prompt = quick(raw)
            except (*NOT_IT, Unfit):
                place = Place(self.source, f"{self.form.word} {number}")
                try:
                    prompt = _slow(self.form, self.shape, raw, place)
                except InputError as error:
                    tally.leave_out(place, error)
                    tally.check(bad_rows, at_end=False)
                    continue
            yield prompt


class ForeignRows:
    """The prompts of a file of other people's rows, or these rows in parts; once."""

    def __init__(
        self,
        data: Data,
        form: Form,
        shape: Shape,
        rows: _Rows,
        reading: Reading,
        tally: Tally,
        sample: Sequence[object],
    ) -> None:
        self._rows = RawRows(data.source, form, shape, iter(rows), len(tally.files))
        self._bad_rows = reading.bad_rows
        self._tally = FileTally(
            data.source,
            shape,
            _unused(form, shape, sample),
            _unused_questions(form, shape, sample),
            _missing(shape, sample),
        )
        tally.files.append(self._tally)

    def __iter__(self) -> Iterator[Prompt]:
        yield from self._rows.prompts(self._tally, self._bad_rows)
        self._tally.check(self._bad_rows, at_end=True)

    def parts(self, size: int) -> Iterator[RawRows]:
        """So many rows at a time; whoever reads them adds to the tally, and checks it."""
        while some := list(islice(self._rows.rows, size)):
            yield replace(self._rows, rows=some)


def _quick(form: Form, shape: Shape) -> Callable[[Any], Prompt]:
    decode, prompt = form.decoder(shape.row), shape.prompt
    if shape.plain_row is None:
        return lambda raw: prompt(decode(raw))
    plain = form.decoder(shape.plain_row)

    def quick(raw: object) -> Prompt:
        try:
            row = plain(raw)
        except NOT_IT:
            row = decode(raw)
        return prompt(row)

    return quick


def _slow(form: Form, shape: Shape, raw: object, place: Place) -> Prompt:
    """The same as the quick way, or why not."""
    row = validated(form.value(raw, place), shape.row, place, strict=form.is_typed)
    try:
        return shape.prompt(row)
    except Unfit as unfit:
        raise place.error(unfit.reason, key=unfit.key) from None


def _unused(form: Form, shape: Shape, sample: Sequence[object]) -> tuple[str, ...]:
    """The columns of the first row that the shape doesn't look at, if it says which it does."""
    first = next(iter(sample), None)
    if not isinstance(first, Mapping):
        return ()
    fields = shape.fields
    if shape.columns_of:
        with suppress(msgspec.ValidationError, UnicodeEncodeError, Unfit):
            row = msgspec.convert(first, shape.row, strict=form.is_typed)
            fields = frozenset(shape.columns_of(row))
    return tuple(name for name in first if name not in fields) if fields else ()


def _unused_questions(form: Form, shape: Shape, sample: Sequence[object]) -> tuple[str, ...]:
    """The questions of the sample whose answers don't count."""
    found: dict[str, None] = {}
    for each in sample:
        with suppress(msgspec.ValidationError, UnicodeEncodeError, Unfit):
            row = msgspec.convert(each, shape.row, strict=form.is_typed)
            found |= dict.fromkeys(shape.unused_questions(row))
    return tuple(found)


def _missing(shape: Shape, sample: Sequence[object]) -> tuple[str, ...]:
    """The columns that a person named and no row of the sample has."""
    there = set(chain(*(each for each in sample if isinstance(each, Mapping))))
    return tuple(name for name in shape.named if name not in there)
