"""What reading found: which files of which shape, how many rows, what was left out and why."""

from __future__ import annotations

from math import ceil

from msgspec import Struct, field

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place
from dpo_tui.prompts.shapes.shape import Shape

_TOLD = 3
"""Rows that are named for each reason."""
_REASONS = 20
"""Reasons that are told apart: they can hold what was found."""
_JUDGED = 100
"""Rows before a file can be given up as bad."""
DEFAULT_BAD_ROWS = 0.05
HOW_TO_NAME = (
    "Say what they are with --from FORMAT, or name the columns, such as "
    "--columns prompt=COLUMN,chosen=COLUMN,rejected=COLUMN."
)


class LeftOut(Struct):
    """The rows that one reason kept out."""

    count: int = 0
    first: list[str] = field(default_factory=list)
    """Where the first few stand: `line 3`."""


class FileTally(Struct):
    """What was found in one file of rows."""

    source: str
    shape: Shape
    """What its rows are."""
    unused: tuple[str, ...] = ()
    """Columns of the first row that mean nothing here."""
    unused_questions: tuple[str, ...] = ()
    """What was asked about the first rows' responses and doesn't count."""
    missing: tuple[str, ...] = ()
    """Columns that a person named and that the first rows don't have."""
    rows: int = 0
    left_out: int = 0
    reasons: dict[str, LeftOut] = field(default_factory=dict)

    def leave_out(self, place: Place, error: InputError) -> None:
        """Count a row that is of no use."""
        self.left_out += 1
        self._count(
            error.message.removeprefix(place.error("").message).lstrip(",: "),
            LeftOut(1, [place.item]),
        )

    def add(self, other: FileTally) -> None:
        """Count what was found in more rows of the same file."""
        self.rows += other.rows
        self.left_out += other.left_out
        for reason, left_out in other.reasons.items():
            self._count(reason, left_out)

    def _count(self, reason: str, left_out: LeftOut) -> None:
        if reason not in self.reasons and len(self.reasons) >= _REASONS:
            reason = "other reasons"
        so_far = self.reasons.setdefault(reason, LeftOut())
        so_far.count += left_out.count
        so_far.first += left_out.first[: _TOLD - len(so_far.first)]

    def check(self, allowed: float, *, at_end: bool) -> None:
        """Give the file up if more than an allowed share of its rows is of no use.

        Raises:
            InputError: it is.
        """
        enough = at_end or self.rows >= _JUDGED
        if enough and self.left_out > allowed * self.rows:
            share = f"{self.left_out:,} of {self.rows:,} rows"
            why = "\n".join(self.why())
            raise InputError(
                f"{self.source}: {share} are of no use as {self.shape.title}:\n{why}",
                remedy=f"{HOW_TO_NAME}{self._how_to_go_on()}",
            )

    def _how_to_go_on(self) -> str:
        """How to be content with the rows that are of use, if there are any."""
        if self.left_out == self.rows:
            return ""
        tenths = max(5, ceil(10 * self.left_out / self.rows))
        return f" --bad-rows {tenths / 10:g} goes on with what is left."

    def lines(self) -> list[str]:
        """What to tell, in lines."""
        told = [f"{self.source}: {self.shape.title}, {_rows(self.rows - self.left_out)}"]
        if self.unused:
            told.append(f"  columns not used: {', '.join(self.unused)}")
        if self.unused_questions:
            told.append(f"  questions not used: {', '.join(self.unused_questions)}")
        if self.missing:
            told.append(f"  columns that the first rows don't have: {', '.join(self.missing)}")
        if self.left_out:
            told.append(f"  {self.left_out:,} left out:")
            told += self.why()
        return told

    def why(self) -> list[str]:
        """Why rows were left out, most frequent first."""
        by_count = sorted(self.reasons.items(), key=lambda each: -each[1].count)
        return [
            f"  {left_out.count:,} x {reason} ({', '.join(left_out.first)}"
            f"{', ...' if left_out.count > len(left_out.first) else ''})"
            for reason, left_out in by_count
        ]


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


class Tally(Struct):
    """What reading has found so far."""

    files: list[FileTally] = field(default_factory=list)
    """The files of other people's rows."""

    def lines(self) -> list[str]:
        """What to tell, in lines."""
        return [line for each in self.files for line in each.lines()]

    def summary(self) -> str:
        """The same in a few words; empty if there is nothing to tell."""
        return "; ".join(
            f"{each.shape.title}" + (f", {_rows(each.left_out)} left out" if each.left_out else "")
            for each in self.files
        )
