"""A conversation as one text, for formats that have no place for turns."""

from __future__ import annotations

from collections.abc import Sequence

from dpo_tui.domain.model import Message


def transcript(messages: Sequence[Message]) -> str:
    """What the user says, if that is all; else every turn behind its role."""
    if not needs_roles(messages):
        return messages[0].content
    return "\n\n".join(f"{each.role.capitalize()}: {each.content}" for each in messages)


def needs_roles(messages: Sequence[Message]) -> bool:
    """Whether there is more than one user turn to tell."""
    return len(messages) > 1
