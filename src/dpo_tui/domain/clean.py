"""What the dataset carries of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dpo_tui.domain.model import Message

_SURROGATE = re.compile("[\ud800-\udfff]")


def dataset_text(text: str) -> str:
    """Text as the dataset carries it.

    Outer white space is stripped, since axolotl's template search corrupts texts that have it; lone
    surrogates become U+FFFD, since pyarrow refuses the whole file that holds one. Nothing else
    changes.
    """
    return (text if text.isascii() else _SURROGATE.sub("\ufffd", text)).strip()


def dataset_messages(messages: Iterable[Message]) -> tuple[Message, ...]:
    """A conversation as the dataset carries it; an empty system message is left out."""
    cleaned = []
    for message in messages:
        text = dataset_text(message.content)
        if text or message.role != "system":
            # Most are clean, and making one takes longer than looking at it.
            is_clean = text == message.content
            cleaned.append(message if is_clean else Message(message.role, text))
    return tuple(cleaned)


def has_surrogates(text: str) -> bool:
    """Whether there is something in it that the dataset can't carry."""
    return bool(_SURROGATE.search(text))
