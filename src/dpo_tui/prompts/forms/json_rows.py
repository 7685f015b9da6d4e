"""JSON: one value a line, or all of them in one list."""

from __future__ import annotations

import io
import json
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec

from dpo_tui.inputs import Place
from dpo_tui.prompts.data import Data, text_of
from dpo_tui.prompts.forms.form import NOT_IT, Form

LIST_NAMES = ("data", "rows", "records", "examples", "prompts", "items")
"""Names of the list of rows in a table that holds more."""
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_table = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_LINE_REMEDY = 'Each line is one JSON object, such as {"user": "..."}.'
_SPREAD_REMEDY = "Each line is one JSON object; `jq -c . OLD > NEW` writes them so."
_NEXT = 1000
"""Bytes after a first line that tell whether something follows."""
_BOM = b"\xef\xbb\xbf"


def _line_value(line: bytes, place: Place) -> object:
    text = text_of(line, place)
    return _parsed(text, place, _SPREAD_REMEDY if text.strip() == "{" else _LINE_REMEDY)


def _parsed(text: str, place: Place, remedy: str = "") -> object:
    # Not msgspec's decoder: it refuses lone surrogates, which models do write and people do have.
    try:
        return json.loads(text, parse_constant=_as_null)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        raise place.error(
            f"not valid JSON: {error.msg} at {line}column {error.colno}", remedy=remedy
        ) from None
    except RecursionError:
        raise place.error("nested too deeply", remedy="Flatten the lists.") from None
    except ValueError as error:  # Python's own about absurd numbers
        raise place.error(f"not valid JSON: {error}") from None


def _as_null(_: str) -> None:
    """What NaN and infinity mean; they aren't JSON, and json.dumps writes them for blanks."""


def _line_decoder(type_: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 - any type of msgspec
    return msgspec.json.Decoder(type_).decode


LINES = Form("JSON lines", (".jsonl", ".ndjson"), "line", Data.lines, _line_value, _line_decoder)


def _document_rows(data: Data) -> Iterator[tuple[int, object]]:
    """The items of the list, wherever it is; a table without one is a row itself."""
    with data.opened() as file:
        content = _content(file)
        try:
            rows: Iterable[object] = _items(content)
        except NOT_IT:
            if _is_lines(content):
                yield from _lines(content)
                return
            # Half a surrogate pair, or a mistake, of which the slow way tells more.
            rows = _slow_items(bytes(content), data.place(""))
        yield from enumerate(rows, start=1)


def _content(file: io.BufferedReader) -> mmap.mmap | bytes:
    """All of a file; a plain one without holding it in memory."""
    if isinstance(file.raw, io.FileIO):
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # a pipe, or empty
            pass
    return file.read()


def _items(content: mmap.mmap | bytes) -> list[msgspec.Raw]:
    try:
        return _decode_list(content)
    except msgspec.ValidationError:
        table = _decode_table(content)
        for name in LIST_NAMES:
            if name in table and bytes(table[name]).startswith(b"["):
                return _decode_list(table[name])
        return [msgspec.Raw(bytes(content))]


def _is_lines(content: mmap.mmap | bytes) -> bool:
    """Whether a value ends with its line and others follow: some tools call such files .json."""
    end = content.find(b"\n") + 1
    rest = content[end : end + _NEXT]
    if not end or not rest.strip():
        return False
    try:
        json.loads(content[:end].removeprefix(_BOM))
    except (ValueError, RecursionError):
        return False
    return True


def _lines(content: mmap.mmap | bytes) -> Iterator[tuple[int, object]]:
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    for number, line in enumerate(iter(file.readline, b""), start=1):
        if not line.isspace():
            yield number, msgspec.Raw(line.removeprefix(_BOM))


def _slow_items(content: bytes, place: Place) -> Sequence[object]:
    found = _parsed(text_of(content.removeprefix(_BOM), place), place)
    if isinstance(found, dict):
        found = next(
            (found[name] for name in LIST_NAMES if isinstance(found.get(name), list)), [found]
        )
    if not isinstance(found, list):
        raise place.error("expected a list of rows", remedy="A .jsonl file has one a line.")
    return found


def _item_value(item: object, place: Place) -> object:
    return _line_value(bytes(item), place) if isinstance(item, msgspec.Raw) else item


def _item_decoder(type_: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - any type of msgspec
    decode = msgspec.json.Decoder(type_).decode
    convert = partial(msgspec.convert, type=type_)
    return lambda item: decode(item) if isinstance(item, msgspec.Raw) else convert(item)


DOCUMENT = Form("JSON", (".json",), "row", _document_rows, _item_value, _item_decoder)
