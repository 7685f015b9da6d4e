"""CSV and TSV: a table of text with names in its first row."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from dpo_tui.domain.cells import COLUMNS, plain_cell
from dpo_tui.inputs import Place
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.form import Form

_SAMPLE = 50
"""Rows that tell which columns hold lists and tables."""
_PRINTED = re.compile(r"\[?\s*\{'\w+': .*\}(\s*\])?", re.DOTALL)
"""A table, or a list of them, as Python prints it."""
_NUMPY = re.compile(r"\}\s+\{'|\barray\(")
"""What NumPy prints in one."""
_MESSAGE = {"role", "from"}
"""Keys that tell a message."""
_SAID = re.compile(rb"(?:\xef\xbb\xbf)?sep=(?P<delimiter>[,;|\t])\s*")
"""A first line that Excel takes for no row."""
_REMEDY = 'Text with commas, quotes or line ends stands in quotes: "a, ""b"" and c".'

_Rows = Iterator[tuple[int, list[str]]]
Cells = dict[str, Any] | str
"""A row by column, blank cells left out; text says why there is none."""


class _Mixed(NamedTuple):
    """A row of a table in which some columns seem to be lists or tables."""

    cells: Cells
    structured: frozenset[str]
    """The names of these columns."""


def _rows(data: Data, delimiter: str) -> Iterator[tuple[int, Cells | _Mixed]]:
    """The rows, numbered by the line that they end at."""
    csv.field_size_limit(sys.maxsize)
    with data.opened() as file:
        delimiter, before = _delimiter(file, delimiter)
        text = io.TextIOWrapper(file, "utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            names = _names(next(reader, []), data)
            is_own = tuple(names[: len(COLUMNS)]) == COLUMNS
            read = plain_cell if is_own else str
            rows: _Rows = ((before + reader.line_num, each) for each in reader if each)
            if "" in names:
                rows = _blanked(rows, [index for index, name in enumerate(names) if not name])
            sample = list(islice(rows, _SAMPLE))
            structured = frozenset[str]()
            if not is_own:
                structured = _structured_columns(names, [row for _, row in sample], data)
            every = (
                (number, _cells(names, [*map(read, row)])) for number, row in chain(sample, rows)
            )
            if structured:
                yield from ((number, _Mixed(cells, structured)) for number, cells in every)
            else:
                yield from every
        except UnicodeDecodeError:
            # It is decoded in blocks, of which one can hold many lines.
            raise data.place(
                f"after line {before + reader.line_num}" if reader.line_num else ""
            ).error(
                "not UTF-8 text",
                remedy='Save the file as UTF-8, which Excel calls "CSV UTF-8"; an older one is '
                "often Latin-1: iconv -f LATIN1 -t UTF-8 OLD > NEW",
            ) from None
        except csv.Error as error:
            raise data.place(f"line {before + reader.line_num}").error(
                f"not a valid table: {error}", remedy=_REMEDY
            ) from None
        finally:
            text.detach()


def _delimiter(file: io.BufferedReader, expected: str) -> tuple[str, int]:
    """What stands between cells, and how many lines before the header say so; these are read.

    Where the header has none of what the name of the file promises, it is what it has: spreadsheets
    write semicolons where a comma is in numbers, and tabs into what is called .csv.
    """
    first, _, _ = file.peek(1).partition(b"\n")
    if said := _SAID.fullmatch(first):
        file.readline()
        return said["delimiter"].decode(), 1
    return next((each for each in (expected, *",;\t") if each.encode() in first), expected), 0


def _names(names: Sequence[str], data: Data) -> list[str]:
    """The names of the columns; empty for one that has none, such as the index of pandas."""
    stripped = [each.strip() for each in names]
    twice = next((name for name, count in Counter(stripped).items() if name and count > 1), None)
    if twice or (stripped and not any(stripped)):
        raise data.place("line 1").error(
            f"two columns are named {twice!r}" if twice else "no column has a name",
            remedy="The first line names the columns, each another way.",
        )
    return stripped


def _blanked(rows: _Rows, columns: Sequence[int]) -> _Rows:
    """The rows with these columns blank, which is as good as without them."""
    for number, row in rows:
        for index in columns:
            if index < len(row):
                row[index] = ""
        yield number, row


def _structured_columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], data: Data
) -> frozenset[str]:
    """The columns in which every cell that isn't blank is a list or table."""
    cells: dict[int, list[str]] = {}
    for row in rows:
        for index, cell in enumerate(row[: len(names)]):
            if stripped := cell.strip():
                cells.setdefault(index, []).append(stripped)
    found = set()
    for index, column in cells.items():
        others = [cell for cell in column if not _is_structure(cell)]
        if not others:
            found.add(names[index])
        elif all(map(_PRINTED.fullmatch, others)) and any(map(_NUMPY.search, others)):
            raise data.place(f"column {names[index]}").error(
                "lists as NumPy prints them, without commas, can't be read",
                remedy="Save the rows as JSON lines or Parquet, with to_json or to_parquet.",
            )
    return frozenset(found)


def _structure(cell: str) -> object:
    """The list or table that a cell spells: as JSON, or a list of tables as pandas writes it.

    Lists of text are read from JSON alone: NumPy prints them without commas, which Python takes
    for one text.

    Raises:
        ValueError: it spells none.
    """
    cell = cell.strip()
    try:
        if not cell.startswith(("[", "{")):
            raise ValueError("text")
        if not _PRINTED.fullmatch(cell):
            return json.loads(cell)
        with warnings.catch_warnings(action="ignore"):  # of escapes that Python doesn't know
            return ast.literal_eval(cell)
    except (SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _is_structure(cell: str) -> bool:
    try:
        _structure(cell)
    except ValueError:
        return False
    return True


def _cells(names: Sequence[str], row: Sequence[str]) -> Cells:
    if len(row) > len(names):
        return f"{len(row)} cells under {len(names)} names"
    return {name: cell for name, cell in zip(names, row, strict=False) if cell}


def _parsed(row: _Mixed) -> Cells:
    """The row with the lists and tables in it parsed."""
    if isinstance(row.cells, str):
        return row.cells
    cells = dict(row.cells)
    for name in row.structured & cells.keys():
        try:
            cells[name] = _structure(cells[name])
        except ValueError:
            return f"column {name}: not a list or table as in the rows before"
    return cells


def _value(cells: Cells, place: Place) -> object:
    if isinstance(cells, str):
        raise place.error(cells, remedy=_REMEDY)
    return cells


def _decoder(type_: Any) -> Callable[[Cells], Any]:  # noqa: ANN401 - any type of msgspec
    return partial(msgspec.convert, type=type_, strict=False)


def _parsed_value(row: _Mixed, place: Place) -> object:
    return _value(_parsed(row), place)


def _parsed_decoder(type_: Any) -> Callable[[_Mixed], Any]:  # noqa: ANN401 - any type of msgspec
    decode = _decoder(type_)
    return lambda row: decode(_parsed(row))


def _text_value(row: _Mixed, place: Place) -> object:
    return _value(row.cells, place)


def _text_decoder(type_: Any) -> Callable[[_Mixed], Any]:  # noqa: ANN401 - any type of msgspec
    decode = _decoder(type_)
    return lambda row: decode(row.cells)


def _ways(form: Form, rows: Sequence[Cells | _Mixed]) -> Sequence[Form]:
    """A list in a cell can be structure, or text that an answer consists of; messages are none."""
    mixed = [row for row in rows if isinstance(row, _Mixed)]
    if not mixed:
        return (form,)
    structured = replace(form, value=_parsed_value, decoder=_parsed_decoder)
    if any(_has_messages(_parsed(row)) for row in mixed):
        return (structured,)
    return structured, replace(form, value=_text_value, decoder=_text_decoder)


def _has_messages(cells: Cells) -> bool:
    values = cells.values() if isinstance(cells, dict) else ()
    return any(
        value
        and isinstance(value, list)
        and all(isinstance(each, dict) and _MESSAGE & each.keys() for each in value)
        for value in values
    )


CSV = Form(
    "CSV",
    (".csv",),
    "line",
    partial(_rows, delimiter=","),
    _value,
    _decoder,
    is_typed=False,
    ways=_ways,
)
TSV = Form(
    "TSV",
    (".tsv",),
    "line",
    partial(_rows, delimiter="\t"),
    _value,
    _decoder,
    is_typed=False,
    ways=_ways,
)
