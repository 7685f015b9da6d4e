"""Responses that say the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def bare(text: str) -> str:
    """The text with every run of white space as one space: how it is laid out says nothing."""
    return " ".join(text.split())


def find_copies(texts: Mapping[int, Hashable]) -> dict[int, int]:
    """By the slot of each response that repeats an earlier one, the slot of that one.

    `texts` has what the responses say, or what is equal exactly if that is, in the order shown.
    """
    first: dict[Hashable, int] = {}
    copies: dict[int, int] = {}
    for slot, text in texts.items():
        if (original := first.setdefault(text, slot)) != slot:
            copies[slot] = original
    return copies
