"""Which bytes of the dataset file belong to which decision: what makes "exactly once" checkable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace


class Region(Struct, frozen=True):
    """The bytes of the dataset file that hold one decision's pairs."""

    offset: int
    """Where they begin, in bytes; while they are not there, where the file ended."""
    data: bytes
    """Whole lines, newline-terminated; begins with a newline if the file before it lacked one."""

    def at(self, offset: int) -> Region:
        """The same bytes elsewhere."""
        return replace(self, offset=offset)


class Entry(Struct, frozen=True):
    """What the session knows of one decision's region."""

    decision_id: int
    region: Region
    wanted: bool
    """Whether the decision counts, so that its pairs belong in the file."""
    written: bool
    """Whether its lines are known to have been there. Else an equal line before the offset is
    somebody else's."""


class Knowledge(Protocol):
    """What a session knows of one dataset file: the entries of all who write their pairs there.

    An entry is in it before its lines are written. So whoever holds the file's lock and reads the
    ledger then knows of every line that this session can have in the file.
    """

    def unsettled(self) -> Sequence[Entry]:
        """Entries whose writing or removal is not known to have happened, oldest first."""
        ...

    def settled(self) -> Iterator[Entry]:
        """All other entries that have bytes in the file, the last one of the file first."""
        ...

    def in_order(self, start: int) -> Iterator[Entry]:
        """The same, the first one of the file first.

        From the last one that begins at or before `start` on, of everybody who has such a one.
        """
        ...


class Ledger(Knowledge, Protocol):
    """The same, and it can be told what has become of the file."""

    def settle(self, entries: Iterable[Entry]) -> None:
        """Note that the file agrees with these entries, at these offsets.

        Of their lines, nothing has to be there but the newline that leads them, if there is one.
        """
        ...

    def plan(self, entries: Iterable[Entry]) -> None:
        """Note where these, which are not in the file, would begin now."""
        ...


class Reconciliation(Struct, frozen=True):
    """What it took to make the dataset file agree with the session."""

    settled: int = 0
    """Entries that were not known to be where they are now."""
    appended: int = 0
    """Decisions whose pairs were missing and were written."""
    removed: int = 0
    """Decisions whose pairs did not belong there any more and were taken out."""
    completed: int = 0
    """Decisions of whose pairs only a part was there, which was taken out to write them whole."""
    restored: int = 0
    """Decisions of both kinds whose pairs had been there whole: others changed the file."""
