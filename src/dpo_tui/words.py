"""Numbers as a person would say them."""

from __future__ import annotations

from datetime import UTC, datetime

_LAST = datetime(9999, 12, 30, tzinfo=UTC).timestamp()
"""A day before the calendar ends, so that every time zone has it."""


def moment(unix_time: float) -> datetime:
    """A time in UTC; of a clock that was beyond the calendar, the end of it."""
    return datetime.fromtimestamp(min(unix_time, _LAST), UTC)


def duration(seconds: float) -> str:
    """A time span in at most two units: `42s`, `3m 10s`, `2h 05m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def group_at(position: int) -> str:
    """What a group is called: `group 3`, if it is the third of the queue."""
    return f"group {position + 1}" if position >= 0 else "a prompt that is no longer in the file"


def plural(count: int, word: str) -> str:
    """`1 pair`, `2 pairs`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
