"""Plain text: one prompt a line."""

from __future__ import annotations

from collections.abc import Iterator

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.prompts.data import Data, text_of


def read_text(data: Data) -> Iterator[Prompt]:
    """Each line that isn't blank, exactly as it stands.

    Raises:
        InputError: the file can't be read, or isn't UTF-8.
    """
    for number, line in data.lines():
        text = text_of(line, data.place(f"line {number}"))
        if text.strip():
            yield Prompt((Message("user", text),))
