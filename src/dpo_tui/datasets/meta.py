"""Where a row comes from, for those who ask for it: one JSON object a row."""

from __future__ import annotations

import json

import msgspec
from msgspec import Struct

from dpo_tui.domain.harvest import Taken
from dpo_tui.domain.judged import Answer
from dpo_tui.domain.model import Mark, Origin
from dpo_tui.words import moment


class Side(Struct, frozen=True):
    """One response."""

    response: int
    slot: int
    mark: Mark
    best: bool
    origin: Origin | None
    edited: bool
    edited_from: int | None
    model: str | None
    sampling: dict[str, object] | None


class Meta(Struct, frozen=True):
    """One row."""

    prompt: str
    """The prompt's identity."""
    id: str | None
    """As the prompts file calls it."""
    tags: tuple[str, ...]
    annotator: str
    decided_at: str
    """ISO 8601, UTC."""
    seconds: float
    strength: int | None
    note: str
    labels: tuple[str, ...]
    weight: float
    """One over the number of rows of this prompt."""
    responses: list[Side]
    """Of a pair, the chosen one first."""


_ENCODE = msgspec.json.Encoder().encode


def meta_of(taken: Taken) -> str:
    """The metadata of a row as JSON; servers are not named."""
    group = taken.group
    remarks = group.remarks
    meta = Meta(
        prompt=group.key,
        id=group.name,
        tags=group.tags,
        annotator=group.annotator,
        decided_at=moment(group.decided_at).isoformat(timespec="seconds"),
        seconds=round(group.seconds, 3),
        strength=remarks.strength,
        note=remarks.note,
        labels=remarks.labels,
        weight=round(taken.weight, 6),
        responses=[_side(each, remarks.best) for each in taken.answers],
    )
    try:
        return _ENCODE(meta).decode()
    except UnicodeEncodeError:  # a lone surrogate; escaped, it harms nobody inside a string
        return json.dumps(msgspec.to_builtins(meta))


def _side(answer: Answer, best: int | None) -> Side:
    source = answer.source
    sampling = source.sampling if source else None
    return Side(
        response=answer.id,
        slot=answer.slot,
        mark=answer.mark,
        best=answer.id == best,
        origin=source.origin if source else None,
        edited=source is not None and source.origin is Origin.EDITED,
        edited_from=source.edited_from if source else None,
        model=source.model if source else None,
        sampling=None if sampling is None else _said(msgspec.to_builtins(sampling)),
    )


def _said(fields: dict[str, object]) -> dict[str, object]:
    """The settings that were sent."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, ())}
