"""JSON lines: one prompt a line, as an object with the keys of `Row` or as a string."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Never

import msgspec

from dpo_tui.domain.model import Prompt
from dpo_tui.inputs import Place, read_lines
from dpo_tui.prompts.row import Row, prompt_from, prompt_of

_ROWS = msgspec.json.Decoder(Row)


def read_jsonl(path: Path) -> Iterator[Prompt]:
    """The prompt of each line that isn't blank, one at a time.

    Raises:
        InputError: the file can't be read, or a line isn't a prompt; says which and why.
    """
    for number, line in read_lines(path):
        if line.strip():
            place = Place(str(path), f"line {number}")
            try:
                row = _ROWS.decode(line)
            except msgspec.DecodeError:
                # Plain text, half a surrogate pair, or a mistake, of which the slow way tells more.
                yield prompt_from(_decoded(line, place), place)
            else:
                yield prompt_of(row, place)


def _decoded(line: str, place: Place) -> object:
    # Not msgspec's decoder: it refuses lone surrogates, which models do write and people do have.
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise place.error(
            f"not valid JSON: {error.msg} at column {error.colno}",
            remedy='Each line is one JSON object, such as {"user": "..."}.',
        ) from None
    except RecursionError:
        raise place.error("nested too deeply", remedy="Flatten the lists.") from None
    except ValueError as error:  # NaN and infinity, and Python's own about absurd numbers
        raise place.error(f"not valid JSON: {error}") from None


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number")
