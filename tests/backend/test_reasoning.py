"""Reasoning in the text, cut into pieces in every way."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.backend.reasoning import ThinkSplitter

TEXTS = st.lists(
    st.sampled_from(["<think>", "</think>", "\n", " ", "a", "<", "</", "think>", "é"]), max_size=12
).map("".join)


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    text = reasoning = ""
    for part in [*(splitter.feed(piece) for piece in pieces), splitter.finish()]:
        if part.recast:
            text, reasoning = "", reasoning + text
        text += part.text
        reasoning += part.reasoning
    return text, reasoning


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("plain", "plain", ""),
        ("", "", ""),
        ("  \n", "  \n", ""),
        ("<think>r</think>t", "t", "r"),
        (" \n<think>\nr\n</think>\n\nt", "\n\nt", "\nr\n"),
        ("<think></think>t", "t", ""),
        ("<think>r", "", "r"),
        ("<think>r</thin", "", "r</thin"),
        ("<think>a<think>b</think>c</think>", "c</think>", "a<think>b"),
        ("<thin", "<thin", ""),
        ("<thinking>", "<thinking>", ""),
        ("t <think>r</think>", "t <think>r</think>", ""),
        ("t\n<think>\nr\n</think>\n", "t\n<think>\nr\n</think>\n", ""),
        ("r\n</think>\n\nt", "\n\nt", "r\n"),
        ("r\n</think>\nt\n</think>", "\nt\n</think>", "r\n"),
        ("the tag `</think>` ends it", "the tag `</think>` ends it", ""),
        ("the tag </think> ends\n</think>", "the tag </think> ends\n</think>", ""),
        ("</think>t", "t", ""),
        ("a < b", "a < b", ""),
    ],
)
def test_where_the_tags_stand(content: str, text: str, reasoning: str) -> None:
    assert split([content]) == (text, reasoning)
    assert split(list(content)) == (text, reasoning)


@given(content=TEXTS, cuts=st.lists(st.integers(0, 80)))
def test_pieces_make_no_difference(content: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [content[start:end] for start, end in pairwise(places)]
    assert split(pieces) == split([content])


@given(content=TEXTS)
def test_nothing_is_lost_but_the_tags(content: str) -> None:
    text, reasoning = split([content])
    assert content.endswith(text)
    rest = content.removesuffix(text) if text else content
    assert rest.strip() in {
        "",
        f"{reasoning}</think>".strip(),
        f"<think>{reasoning}</think>",
        f"<think>{reasoning}".strip(),
    }


@given(content=TEXTS)
def test_little_is_held_back(content: str) -> None:
    splitter = ThinkSplitter()
    told = 0
    for count, character in enumerate(content, start=1):
        part = splitter.feed(character)
        told += len(part.text) + len(part.reasoning)
        assert count - told <= 2 * len("<think></think>") + 64
