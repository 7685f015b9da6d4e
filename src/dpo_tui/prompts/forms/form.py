"""What a form is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from dpo_tui.inputs import Place
from dpo_tui.prompts.data import Data

NOT_IT = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What a decoder raises where `Form.value` would give another type, or say what is wrong."""


def _one_way(form: Form, _: Sequence[Any]) -> Sequence[Form]:
    return (form,)


class Form(Struct, frozen=True):
    """A way to hold rows. A row is raw, as `rows` gives it, until it is decoded."""

    title: str
    endings: tuple[str, ...]
    """Of the names of files that are of it."""
    word: str
    """What a row is called, with its number behind: `line 3`."""
    rows: Callable[[Data], Iterator[tuple[int, Any]]]
    """The raw rows with their numbers, one at a time; raises InputError."""
    value: Callable[[Any, Place], object]
    """A raw row as Python's own types; raises InputError, which says what is wrong with it."""
    decoder: Callable[[Any], Callable[[Any], Any]]
    """For a type of msgspec, the quick way from a raw row to it; raises one of `NOT_IT`."""
    is_typed: bool = True
    """Whether numbers are told from text; if not, text also stands for what it spells."""
    ways: Callable[[Form, Sequence[Any]], Sequence[Form]] = _one_way
    """The forms to read raw rows as, as the first of them tell; the likeliest stands first."""
