"""Rows as JSON lines."""

from __future__ import annotations

import msgspec

_ENCODE = msgspec.json.Encoder().encode
_SPACED = msgspec.json.format


def line_of(row: object) -> bytes:
    """A row as one line of UTF-8, nothing escaped that JSON doesn't ask for.

    Written as `json.dumps` does it. Texts are as `domain.clean` gives them: a lone surrogate has no
    bytes.
    """
    return _SPACED(_ENCODE(row), indent=0) + b"\n"
