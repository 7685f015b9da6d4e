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
    return _SURROGATE.sub("\ufffd", text).strip()


def dataset_messages(messages: Iterable[Message]) -> tuple[Message, ...]:
    """A conversation as the dataset carries it; an empty system message is left out."""
    cleaned = (Message(message.role, dataset_text(message.content)) for message in messages)
    return tuple(each for each in cleaned if each.content or each.role != "system")


def has_surrogates(text: str) -> bool:
    """Whether there is something in it that the dataset can't carry."""
    return bool(_SURROGATE.search(text))
