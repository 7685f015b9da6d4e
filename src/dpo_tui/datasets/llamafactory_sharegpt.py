"""LLaMA-Factory with `"formatting": "sharegpt"`; the file needs an entry in `dataset_info.json`.

Source: `data/converter.py` and `data/README.md` of LLaMA-Factory 0.9.5.
"""

from __future__ import annotations

from msgspec import Struct, field

from dpo_tui.domain.model import Message, Pair, Role

_NAMES: dict[Role, str] = {"system": "system", "user": "human", "assistant": "gpt"}


class Turn(Struct, frozen=True, gc=False):
    """One message."""

    role: str = field(name="from")
    value: str


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    conversations: list[Turn]
    chosen: Turn
    rejected: Turn


def row(pair: Pair) -> Row:
    """The row of a pair."""
    return Row(
        list(map(_turn, pair.messages)),
        Turn(_NAMES["assistant"], pair.chosen),
        Turn(_NAMES["assistant"], pair.rejected),
    )


def _turn(message: Message) -> Turn:
    return Turn(_NAMES[message.role], message.content)


def dataset_info(file_name: str) -> dict[str, object]:
    """The entry of `dataset_info.json`; what it doesn't name, LLaMA-Factory ignores in silence."""
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}
    return {
        "file_name": file_name,
        "formatting": "sharegpt",
        "ranking": True,
        "columns": columns,
    }
