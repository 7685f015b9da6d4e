"""One JSON object of a chat completion, a chunk of a stream or a whole one, read leniently.

Servers differ in what they leave out, send as null or add; see the OpenAI API reference, "Chat
completion chunk", for what it should be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from dpo_tui.backend.address import Address
from dpo_tui.backend.said import Said, error_in
from dpo_tui.errors import ProtocolError

_T = TypeVar("_T")


class Piece(Struct, frozen=True):
    """What a chunk holds of one choice."""

    index: int
    content: str
    reasoning: str
    finish_reason: str | None


class Chunk(Struct, frozen=True):
    """What is of use in a chunk; all of it can be missing."""

    pieces: tuple[Piece, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def parse_chunk(data: str, address: Address) -> Chunk | Said:
    """A chunk from its JSON text, or the error that the server sends in its place.

    Lone surrogates, which JSON can escape, are kept as they are.

    Raises:
        ProtocolError: it is no chunk of a chat completion.
    """
    try:
        payload = json.loads(data)
        if isinstance(payload, dict):
            return error_in(payload) or _read(payload)
    except (ValueError, TypeError, RecursionError):
        pass
    raise ProtocolError(
        f"{address.base_url} sends something that is no chat completion:"
        f" {address.quote(data, 100)}",
        remedy="Is it an OpenAI-compatible chat server?",
    )


def _read(payload: Mapping[str, object]) -> Chunk:
    usage = payload.get("usage")
    counts = usage if isinstance(usage, Mapping) else {}
    return Chunk(
        tuple(_pieces(payload.get("choices"))),
        _count(counts.get("prompt_tokens")),
        _count(counts.get("completion_tokens")),
    )


def _pieces(choices: object) -> Iterator[Piece]:
    """The pieces of `choices`; raises TypeError when its shape is wrong."""
    listed = [_typed(each, dict) for each in _typed(choices or [], list)]
    # One alone lacks its index because that is 0; of several, their order says which is which.
    are_in_order = sum(each.get("index") is None for each in listed) > 1
    for place, fields in enumerate(listed):
        # A server that doesn't stream has `message` where chunks have `delta`.
        delta = _typed(fields.get("delta") or fields.get("message") or {}, dict)
        index = fields.get("index")
        if index is None and are_in_order:
            index = place
        yield Piece(
            index=_typed(index or 0, int),
            content=_typed(delta.get("content") or "", str),
            reasoning=_typed(delta.get("reasoning_content") or delta.get("reasoning") or "", str),
            finish_reason=_typed(fields.get("finish_reason") or "", str) or None,
        )


def _typed(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind):
        raise TypeError
    return value


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
