"""One prompt as people write it: a `[[prompt]]` table, a JSONL row, an item of a loader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, get_args

from msgspec import Meta, Struct, structs

from dpo_tui.domain.model import MAX_RESPONSES, Message, Prompt, Ready, Role
from dpo_tui.domain.sources import SamplingPlan
from dpo_tui.inputs import Place, found, inside, validated
from dpo_tui.values import Count, MaxTokens, Seed, Temperatures, TopP, plan_of

_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}


_NO_PLAN = SamplingPlan()


class Turn(Struct, forbid_unknown_fields=True):
    """One message of a conversation."""

    role: str
    content: str


class Answer(Struct, forbid_unknown_fields=True):
    """A ready-made response whose maker is known."""

    text: str
    model: str | None = None


Responses = Annotated[list[str | Answer], Meta(min_length=1, max_length=MAX_RESPONSES)]


class Row(Struct, forbid_unknown_fields=True):
    """What a prompt can have. `null` is the same as leaving a key out."""

    user: str | None = None
    prompt: str | list[Turn] | None = None
    """Another name for `user` or, as a list, for `messages`."""
    messages: list[Turn] | None = None
    system: str | None = None
    id: str | int | None = None
    tags: list[str] | None = None
    n: Count | None = None
    temperature: Temperatures | None = None
    top_p: TopP | None = None
    max_tokens: MaxTokens | None = None
    seed: Seed | None = None
    responses: Responses | None = None
    reference: str | None = None


def prompt_from(value: object, place: Place, *, strict: bool = True) -> Prompt:
    """The prompt that `value` describes: text is what the user says, a mapping is a `Row`.

    Not `strict`, text also stands for what it spells.

    Raises:
        InputError: it isn't a prompt; says where and why.
    """
    if isinstance(value, str):
        return Prompt(conversation(None, value, place))
    if not isinstance(value, Mapping):
        raise place.error(f"expected a prompt: text or a table, found {found(value)}")
    return prompt_of(validated(value, Row, place, strict=strict), place)


def prompt_of(row: Row, place: Place) -> Prompt:
    """The prompt that a row describes.

    Raises:
        InputError: it describes none; says where and why.
    """
    plan = _NO_PLAN if _is_plain(row) else plan_of(structs.asdict(row))
    return Prompt(
        messages=_messages(row, place),
        name=None if row.id is None else str(row.id),
        tags=tuple(row.tags or ()),
        n=row.n,
        sampling=plan.sampling,
        temperatures=plan.temperatures,
        responses=_ready(row.responses, place) if row.responses else (),
        reference=row.reference if row.reference and row.reference.strip() else None,
    )


def _ready(answers: list[str | Answer], place: Place) -> tuple[Ready, ...]:
    ready = [
        Ready(each) if isinstance(each, str) else Ready(each.text, each.model) for each in answers
    ]
    for index, each in enumerate(ready):
        if not each.text.strip():
            raise place.error("expected text, found none", key=inside("responses", index))
    return tuple(ready)


def _is_plain(row: Row) -> bool:
    """Whether it says nothing of sampling, as most rows of a large file."""
    return row.temperature is row.top_p is row.max_tokens is row.seed is None


def conversation(
    system: str | None, user: str, place: Place, *, key: str = "user"
) -> tuple[Message, ...]:
    """The messages of one user turn; a blank system message is none.

    Raises:
        InputError: the user says nothing.
    """
    if not user.strip():
        raise place.error("expected text, found none", key=key)
    turn = Message("user", user)
    return (Message("system", system), turn) if system and system.strip() else (turn,)


def _messages(row: Row, place: Place) -> tuple[Message, ...]:
    if row.user is not None and row.prompt is None and row.messages is None:
        return conversation(row.system, row.user, place)
    given = {
        key: value
        for key in ("user", "prompt", "messages")
        if (value := getattr(row, key)) is not None
    }
    if len(given) != 1:
        raise place.error(
            f"expected one of user and messages, found {' and '.join(given) or 'none'}",
            remedy='Write user = "...", or the whole conversation as messages.',
        )
    key, value = given.popitem()
    if isinstance(value, str):
        return conversation(row.system, value, place, key=key)
    if row.system is not None:
        raise place.error(
            f"doesn't go together with {key}",
            key="system",
            remedy=f"Make it the first of the {key}, with the role system.",
        )
    return _turns(value, place, key)


def _turns(turns: list[Turn], place: Place, key: str) -> tuple[Message, ...]:
    messages = []
    for index, turn in enumerate(turns):
        where = inside(key, index)
        if (role := _ROLES.get(turn.role)) is None:
            raise place.error(
                f"expected system, user or assistant, found {found(turn.role)}",
                key=inside(where, "role"),
            )
        if role == "system" and index:
            raise place.error("only the first message can be the system's", key=where)
        if turn.content.strip():
            messages.append(Message(role, turn.content))
        elif role != "system":
            raise place.error("expected text, found none", key=inside(where, "content"))
    if not messages or messages[-1].role != "user":
        raise place.error(
            "the conversation must end with what the user says",
            key=key,
            remedy="The model answers the last message: give it the role user.",
        )
    return tuple(messages)
