"""Rows as JSON lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

from dpo_tui.domain.model import Message, Pair, Role
from dpo_tui.domain.pairs import Example, Rating

_ENCODE = msgspec.json.Encoder().encode
_SPACED = msgspec.json.format
_HOLE = re.compile(rb"\x7f(\d+)\x7f")
"""Where a text goes in a line, by its number."""
_SIDE = b"\0"
"""Where the text of a response goes; the encoder escapes it."""
_FRAMES = 256
"""Frames that are kept: one for every kind of conversation."""

_Row = Callable[[Any], object]  # of a pair or a rating, as the format has it
_Frame = tuple[bytes, Callable[[Sequence[bytes]], tuple[bytes, ...]]]
"""A line with `%b` for every text, and what picks these in their order."""


def line_of(row: object) -> bytes:
    """A row as one line of UTF-8, nothing escaped that JSON doesn't ask for.

    Written as `json.dumps` does it. Texts are as `domain.clean` gives them: a lone surrogate has no
    bytes.
    """
    return _SPACED(_ENCODE(row), indent=0) + b"\n"


def lines_of(row: _Row, examples: Iterable[Example]) -> Iterator[bytes]:
    """The line of each example's `row`; what neighbours of a prompt share is encoded once.

    A row puts texts in their places and looks at none of them, so that the lines of conversations
    with the same roles differ in these alone.
    """
    messages: Sequence[Message] = ()
    trait: bool | int | None = None
    around: Sequence[bytes] = ()
    for each in examples:
        if each[0] is not messages or each[-1] != trait:
            messages, *sides, trait = each
            frame, pick = _frame(row, tuple([turn.role for turn in messages]), trait=trait)
            said = [_ENCODE(turn.content)[1:-1] for turn in messages]
            yield frame % pick([*said, *[_ENCODE(text)[1:-1] for text in sides]])
            around = ()
            continue
        if not around:
            codes = _Codes()
            around = (frame % pick([*said, _SIDE, _SIDE])).split(_SIDE)
        if isinstance(each, Pair):
            _, one, other, _ = each
            yield b"".join((around[0], codes[one], around[1], codes[other], around[2]))
        else:
            yield b"".join((around[0], codes[each.text], around[1]))


class _Codes(dict[str, bytes]):
    """Texts as they stand between quotes."""

    def __missing__(self, text: str) -> bytes:
        code = self[text] = _ENCODE(text)[1:-1]
        return code


@lru_cache(_FRAMES, typed=True)
def _frame(row: _Row, roles: tuple[Role, ...], *, trait: bool | int | None) -> _Frame:
    """What the lines of such conversations share; `trait` is what is said besides texts."""
    texts = [f"\x7f{number}\x7f" for number in range(len(roles) + 2)]
    *said, one, other = texts
    messages = tuple(map(Message, roles, said))
    example = (
        Rating(messages, one, trait)
        if isinstance(trait, bool)
        else Pair(messages, one, other, trait)
    )
    line = line_of(row(example))
    order = [int(each) for each in _HOLE.findall(line)]
    return _HOLE.sub(b"%b", line.replace(b"%", b"%%")), itemgetter(*order)
