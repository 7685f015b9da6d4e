"""What the rows of chat formats are made of."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.domain.model import Message, Role


class Turn(Struct, frozen=True, gc=False):
    """A message that a row adds: the same in JSON as one of the domain, and quicker to make."""

    role: Role
    content: str


Turns = tuple[Message | Turn, ...]
"""A conversation."""


def reply(text: str) -> Turn:
    """A response as a message."""
    return Turn("assistant", text)


def ended_with(messages: tuple[Message, ...], text: str) -> Turns:
    """A conversation with the response at its end."""
    return (*messages, Turn("assistant", text))
