"""Pairs and ratings as the formats meet them, and readers that turn rows back into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from dpo_tui.domain.clean import dataset_text
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Rating

Sides = tuple[tuple[Message, ...], str, str]
"""What a reader finds: the conversation, the chosen and the rejected response."""

said = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).map(dataset_text).filter(len)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """As the dataset carries them: nothing is empty, turns alternate."""
    system = [Message("system", draw(said))] if draw(st.booleans()) else []
    turns = [Message("user", draw(said))]
    for _ in range(draw(st.integers(0, 2))):
        turns += [Message("assistant", draw(said)), Message("user", draw(said))]
    return (*system, *turns)


pairs = st.builds(Pair, conversations(), said, said, st.none() | st.integers(1, 3))
ratings = st.builds(Rating, conversations(), said, st.booleans())


def _messages(rows: Sequence[dict[str, Any]]) -> tuple[Message, ...]:
    assert all(list(each) == ["role", "content"] for each in rows)
    return tuple(Message(each["role"], each["content"]) for each in rows)


def _swift(row: dict[str, Any]) -> Sides:
    *prompt, chosen = _messages(row["messages"])
    return tuple(prompt), chosen.content, row["rejected_response"]


def _two(chosen: str, rejected: str) -> Callable[[dict[str, Any]], Sides]:
    def read(row: dict[str, Any]) -> Sides:
        *prompt, good = _messages(row[chosen])
        *again, bad = _messages(row[rejected])
        assert prompt == again
        return tuple(prompt), good.content, bad.content

    return read


def _trl(row: dict[str, Any]) -> Sides:
    (good,), (bad,) = _messages(row["chosen"]), _messages(row["rejected"])
    assert good.role == bad.role == "assistant"
    return _messages(row["prompt"]), good.content, bad.content


def _sharegpt(row: dict[str, Any]) -> Sides:
    roles = {"system": "system", "human": "user", "gpt": "assistant"}
    turns = [
        {"role": roles[each["from"]], "content": each["value"]} for each in row["conversations"]
    ]
    assert row["chosen"]["from"] == row["rejected"]["from"] == "gpt"
    return _messages(turns), row["chosen"]["value"], row["rejected"]["value"]


def _alpaca(row: dict[str, Any]) -> Sides:
    assert row["input"] == ""
    system = [Message("system", row["system"])] if row["system"] else []
    earlier = [
        turn
        for question, reply in row["history"]
        for turn in (Message("user", question), Message("assistant", reply))
    ]
    prompt = (*system, *earlier, Message("user", row["instruction"]))
    return prompt, row["chosen"], row["rejected"]


def _axolotl(row: dict[str, Any]) -> Sides:
    good, bad = _messages([row["chosen"], row["rejected"]])
    return _messages(row["messages"]), good.content, bad.content


def _nemo(row: dict[str, Any]) -> Sides:
    assert [each["rank"] for each in row["completions"]] == [0, 1]
    (good,), (bad,) = (_messages(each["completion"]) for each in row["completions"])
    return _messages(row["context"]), good.content, bad.content


def _openai(row: dict[str, Any]) -> Sides:
    (good,), (bad,) = (_messages(row[key]) for key in ("preferred_output", "non_preferred_output"))
    return _messages(row["input"]["messages"]), good.content, bad.content


READERS: dict[str, Callable[[dict[str, Any]], Sides]] = {
    "swift": _swift,
    "swift-messages": _two("messages", "rejected_messages"),
    "trl": _trl,
    "trl-implicit": _two("chosen", "rejected"),
    "trl-reward": _two("chosen", "rejected"),
    "llamafactory-sharegpt": _sharegpt,
    "llamafactory-alpaca": _alpaca,
    "axolotl": _axolotl,
    "openrlhf": _two("chosen", "rejected"),
    "nemo-rl": _nemo,
    "openai": _openai,
}
"""By format; those that keep the turns of a conversation apart."""
