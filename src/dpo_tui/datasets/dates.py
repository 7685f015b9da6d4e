"""Columns that hold nothing but dates, of which loaders make times instead of text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct, field

_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII
)
"""What Arrow's reader of JSON, which `datasets` uses, takes for a time."""


class Dates(Struct):
    """What the columns of some rows hold; one inside another is named `chosen.content`."""

    dates: set[str] = field(default_factory=set)
    """Columns with a date."""
    others: set[str] = field(default_factory=set)
    """Columns with another text."""

    @property
    def columns(self) -> set[str]:
        """The columns that hold nothing else."""
        return self.dates - self.others

    def look(self, row: object) -> None:
        """Take in a row; what it is made of is of any type that msgspec encodes."""
        for column, text in _texts(msgspec.to_builtins(row)):
            (self.dates if _DATE.fullmatch(text) else self.others).add(column)

    def add(self, other: Dates) -> None:
        """Take in other rows."""
        self.dates |= other.dates
        self.others |= other.others


def _texts(value: object, column: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield column, value
        case dict():
            for key, each in value.items():
                yield from _texts(each, f"{column}.{key}" if column else key)
        case list() | tuple():
            for each in value:
                yield from _texts(each, column)
