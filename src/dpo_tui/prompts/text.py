"""Plain text: one prompt a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.inputs import read_lines


def read_text(path: Path) -> Iterator[Prompt]:
    """Each line that isn't blank, exactly as it stands.

    Raises:
        InputError: the file can't be read, or isn't UTF-8.
    """
    for _, line in read_lines(path):
        if line.strip():
            yield Prompt((Message("user", line),))
