"""Conversations as other people write them: roles and contents of several kinds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeGuard, TypeVar

import msgspec
from msgspec import Struct, field

from dpo_tui.domain.model import Message, Role
from dpo_tui.inputs import found, inside
from dpo_tui.prompts.shapes.shape import Unfit, Unkept

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
}

_TRANSCRIPT = re.compile(r"\n\n(Human|Assistant): ?")
"""What stands before each turn of a conversation that is one text."""


class Part(Struct):
    """A piece of a message that has several."""

    type: str = "text"
    text: str | None = None


class Turn(Struct):
    """One message, as chat APIs have it."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: Any = None
    function_call: Any = None
    image: Any = None
    images: Any = None
    audio: Any = None
    video: Any = None

    @property
    def text(self) -> str:
        """What is said."""
        if isinstance(self.content, list):
            return "".join(each.text or "" for each in self.content)
        return self.content or ""

    @property
    def more(self) -> str:
        """What it holds besides text, as it is called there; empty if nothing."""
        for key in _NOT_TEXT:
            if getattr(self, key):
                return key
        parts = self.content if isinstance(self.content, list) else ()
        return next((each.type for each in parts if each.type != "text"), "")


_NOT_TEXT = ("tool_calls", "function_call", "image", "images", "audio", "video")


class Spoken(Struct):
    """One message, as ShareGPT has it."""

    role: str = field(name="from")
    text: str = field(name="value")


class WithSystem(Struct, kw_only=True):
    """A row that can have a column for what the system says."""

    system: str | None = None
    system_prompt: str | None = None

    @property
    def system_says(self) -> str | None:
        """What stands in it."""
        return self.system or self.system_prompt


AnyTurn = Turn | Spoken | Message
T = TypeVar("T", Turn, Message)
"""What rows have their messages as: `Turn` if need be; `Message`, which is quicker to read, if all
of them are exactly that."""


def turns_of(value: object, key: str) -> Sequence[Turn | Spoken]:
    """The messages that a column of any kind holds.

    Raises:
        Unfit: it holds something else.
    """
    with suppress(msgspec.ValidationError):
        return msgspec.convert(value, list[Spoken])
    try:
        return msgspec.convert(value, list[Turn])
    except msgspec.ValidationError as error:
        raise Unfit(f"expected messages: {error}", key=key) from None


def conversation(turns: Sequence[AnyTurn], key: str) -> tuple[Message, ...]:
    """A prompt: an optional system message, then turns of which the last is the user's.

    Raises:
        Unfit: it is something else.
    """
    if _is_plain(turns):
        return tuple(turns)
    messages: list[Message] = []
    for index, turn in enumerate(turns):
        role = ROLES.get(turn.role)
        if role is None:
            raise Unkept(f"the role {found(turn.role)} has no place in it", key=inside(key, index))
        text = _text(turn, key)
        if not text or text.isspace():
            if role == "system":
                continue
            raise Unfit("expected text, found none", key=inside(key, index))
        if role == "system" and messages:
            raise Unfit("only the first message can be the system's", key=inside(key, index))
        messages.append(Message(role, text))
    if not messages or messages[-1].role != "user":
        raise Unfit("the conversation doesn't end with what the user says", key=key)
    return tuple(messages)


def _is_plain(turns: Sequence[AnyTurn]) -> TypeGuard[Sequence[Message]]:
    """Whether it is a prompt as it stands, told quickly: files have millions."""
    earlier = False
    for turn in turns:
        if type(turn) is not Message or not turn.content or turn.content.isspace():
            return False
        if earlier and turn.role == "system":
            return False
        earlier = True
    return earlier and turns[-1].role == "user"


def _text(turn: AnyTurn, key: str) -> str:
    if isinstance(turn, Message):
        return turn.content
    if isinstance(turn, Turn) and (more := turn.more):
        raise Unkept(f"a message holds more than text, which would get lost: {more}", key=key)
    return turn.text


def answer(turn: AnyTurn, key: str) -> str:
    """What the assistant says in a turn.

    Raises:
        Unfit: it is somebody else's.
    """
    if ROLES.get(turn.role) != "assistant":
        raise Unfit(f"expected what the assistant says, found the role {turn.role!r}", key=key)
    return _text(turn, key)


def only_answer(turns: Sequence[AnyTurn], key: str) -> str:
    """What the assistant says in the one turn that there is.

    Raises:
        Unfit: there is another number of turns, or it is somebody else's.
    """
    if len(turns) != 1:
        raise Unfit(f"expected one message, found {len(turns)}", key=key)
    return answer(turns[0], key)


def asked(system: str | None, user: str | None, key: str) -> tuple[Message, ...]:
    """A prompt of one turn; a blank system message is none.

    Raises:
        Unfit: the user says nothing.
    """
    if not user or user.isspace():
        raise Unfit("expected text, found none", key=key)
    turn = Message("user", user)
    return (Message("system", system), turn) if system and system.strip() else (turn,)


def transcript(text: str, key: str) -> tuple[Message, ...]:
    """A prompt that is one text: `Human:` and `Assistant:` before the turns, one at the end or not.

    Raises:
        Unfit: it isn't such a conversation.
    """
    start, *pieces = _TRANSCRIPT.split(f"\n\n{text.lstrip()}")
    said = [
        (_SPEAKERS[speaker], words.strip())
        for speaker, words in zip(pieces[::2], pieces[1::2], strict=True)
    ]
    if start.strip() or not said:
        raise Unfit("expected a conversation of Human: and Assistant:", key=key)
    if said[-1] == ("assistant", ""):
        said.pop()
    if not said or said[-1][0] != "user":
        raise Unfit("the conversation doesn't end with what the user says", key=key)
    if not all(words for _, words in said):
        raise Unfit("a turn of the conversation is empty", key=key)
    return tuple(Message(role, words) for role, words in said)


_SPEAKERS: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}


def is_transcript(text: str) -> bool:
    """Whether it begins as such a conversation."""
    return text.lstrip().startswith("Human:")
