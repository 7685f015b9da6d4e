"""What the rows of chat formats are made of."""

from __future__ import annotations

from dpo_tui.domain.model import Message


def answer(text: str) -> tuple[Message]:
    """A response as a conversation of its own."""
    return (Message("assistant", text),)


def ended_with(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """A conversation with the response at its end."""
    return (*messages, Message("assistant", text))
