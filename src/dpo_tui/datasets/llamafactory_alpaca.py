"""LLaMA-Factory's own form; the file needs an entry in `dataset_info.json`.

Source: `data/converter.py` and `data/README.md` of LLaMA-Factory 0.9.5.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dpo_tui.domain.model import Message, Pair


class Row(Struct, frozen=True, gc=False):
    """One pair."""

    instruction: str
    input: str
    chosen: str
    rejected: str
    system: str
    """Empty for the default of the template."""
    history: list[tuple[str, str]]


def row(pair: Pair) -> Row:
    """The row of a pair."""
    has_system = pair.messages[0].role == "system"
    *earlier, last = (each.content for each in pair.messages[has_system:])
    return Row(
        instruction=last,
        input="",
        chosen=pair.chosen,
        rejected=pair.rejected,
        system=pair.messages[0].content if has_system else "",
        history=[*zip(earlier[::2], earlier[1::2], strict=True)],
    )


def objection(pair: Pair) -> str:
    """Why a pair has no row: the history is told in questions and answers."""
    roles = [each.role for each in pair.messages if each.role != "system"]
    alternate = roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    return "" if alternate else "turns do not alternate between user and assistant"


def has_history(messages: Sequence[Message]) -> bool:
    """Whether a row tells what the column `history` holds, which an empty list doesn't."""
    return len(messages) > 2


def dataset_info(file_name: str) -> dict[str, object]:
    """The entry of `dataset_info.json`; what it doesn't name, LLaMA-Factory ignores in silence."""
    columns = {
        "prompt": "instruction",
        "query": "input",
        "chosen": "chosen",
        "rejected": "rejected",
        "system": "system",
        "history": "history",
    }
    return {"file_name": file_name, "ranking": True, "columns": columns}
