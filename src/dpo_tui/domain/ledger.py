"""Which bytes of the dataset file belong to which decision: what makes "exactly once" checkable."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Region:
    """The bytes of the dataset file that hold one decision's pairs."""

    offset: int
    """Where they begin, in bytes; before they are written, where they would."""
    data: bytes
    """Whole lines, newline-terminated; begins with a newline if the file before it lacked one."""

    def at(self, offset: int) -> Region:
        """The same bytes elsewhere."""
        return replace(self, offset=offset)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the session knows of one decision's region."""

    decision_id: int
    region: Region
    wanted: bool
    """Whether the decision counts, so that its pairs belong in the file."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What it took to make the dataset file agree with the session."""

    entries: tuple[Entry, ...]
    """The entries that were passed in, with the offsets where their bytes now are."""
    appended: int = 0
    """Decisions whose pairs were missing and were written."""
    removed: int = 0
    """Decisions whose pairs did not belong there any more and were taken out."""
    completed: int = 0
    """Torn writes that were made whole."""
