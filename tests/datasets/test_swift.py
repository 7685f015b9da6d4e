"""The line that a pair becomes in the live dataset."""

from __future__ import annotations

import json

from hypothesis import given

from dpo_tui.datasets.swift import encode
from dpo_tui.domain.clean import dataset_messages, dataset_text
from dpo_tui.domain.model import Message, Pair, Prompt
from tests.domain.strategies import prompts, texts


def test_the_form_is_exact() -> None:
    pair = Pair((Message("system", "be\u2028brief"), Message("user", 'say "ü"\n')), "é", "\u0000")
    assert encode(pair).decode() == (
        '{"messages": [{"role": "system", "content": "be\u2028brief"}, '
        '{"role": "user", "content": "say \\"ü\\"\\n"}, '
        '{"role": "assistant", "content": "é"}], '
        '"rejected_response": "\\u0000"}\n'
    )


@given(prompts, texts, texts)
def test_a_line_is_whole_and_reads_back(prompt: Prompt, chosen: str, rejected: str) -> None:
    messages = dataset_messages(prompt.messages)
    pair = Pair(messages, dataset_text(chosen), dataset_text(rejected))
    line = encode(pair)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    row = json.loads(line.decode("utf-8"))
    assert list(row) == ["messages", "rejected_response"]
    *history, answer = row["messages"]
    assert tuple(Message(each["role"], each["content"]) for each in history) == pair.messages
    assert answer == {"role": "assistant", "content": pair.chosen}
    assert row["rejected_response"] == pair.rejected
