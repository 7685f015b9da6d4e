"""Training and testing prompts: no prompt, and none much like it, is on both sides."""

from __future__ import annotations

import random
import re
import sys
from itertools import product
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.domain.split import NEAR, PromptSplit

# Few words, so that prompts often have most of them in common.
WORDS = ("ab", "cd", "ef", "gh", "ij", "kl", "mn", "op", "qr", "st", "uv", "wx")
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=24)
corpora = st.lists(words.map(" ".join), min_size=2, max_size=40, unique=True)


def split(texts: list[str], share: float, seed: int = 0) -> tuple[list[str], list[str]]:
    """The texts for training and for testing."""
    made = PromptSplit()
    prompts = {Prompt((Message("user", text),)).key: text for text in texts}
    for key, text in prompts.items():
        made.add(key, (Message("user", text),))
    keys = made.test_keys(share, seed)
    return (
        [text for key, text in prompts.items() if key not in keys],
        [text for key, text in prompts.items() if key in keys],
    )


def are_near(one: str, other: str) -> bool:
    a, b = (set(re.findall(r"\w+", normalize("NFKC", each).casefold())) for each in (one, other))
    return a == b or len(a & b) >= NEAR * len(a | b)


@given(corpora, st.floats(0.01, 0.9), st.integers())
def test_no_prompt_is_like_one_of_the_other_side(texts: list[str], share: float, seed: int) -> None:
    train, test = split(texts, share, seed)
    assert sorted(train + test) == sorted(texts)
    assert not any(are_near(one, other) for one, other in product(train, test))
    assert not test or train


@st.composite
def variants(draw: st.DrawFn) -> list[str]:
    """Prompts of any length that differ from one another in some words."""
    size = draw(st.integers(8, 140))
    some = st.sets(st.integers(0, size + 9), max_size=max(1, size // 8))
    return [
        " ".join(f"w{each}" for each in sorted({*range(size)} ^ changed))
        for changed in draw(st.lists(some, min_size=2, max_size=12, unique_by=frozenset))
    ]


@given(variants(), st.integers())
def test_long_prompts_like_one_another_are_on_one_side(texts: list[str], seed: int) -> None:
    train, test = split([*texts, "one", "two", "three"], 0.3, seed)
    assert not any(are_near(one, other) for one, other in product(train, test))


@given(corpora, st.floats(0.01, 0.9), st.integers(0, 5), st.data())
def test_the_seed_alone_decides(
    texts: list[str], share: float, seed: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(texts))
    assert {*split(texts, share, seed)[1]} == {*split(shuffled, share, seed)[1]}


@pytest.mark.parametrize(
    ("count", "share", "expected"), [(100, 0.05, 5), (10, 0.01, 1), (3, 0.5, 2)]
)
def test_different_prompts_are_shared_out_exactly(count: int, share: float, expected: int) -> None:
    texts = [f"number {each}" for each in range(count)]
    assert len(split(texts, share)[1]) == expected
    assert len({tuple(split(texts, share, seed)[1]) for seed in range(20)}) > 1


def test_spelling_white_space_and_punctuation_make_no_difference() -> None:
    alike = ["What is  DPO?", "what is dpo", "What is \uff24PO\uff1f"]
    for seed in range(10):
        train, test = split([*alike, "something else", "a third thing"], 0.3, seed)
        assert len({*alike} & {*train}) in {0, 3}
        assert test


def test_one_word_of_twenty_makes_no_difference() -> None:
    base = " ".join(f"w{each}" for each in range(20))
    for seed in range(10):
        train, _ = split([base, base.replace("w7", "x"), "one", "two", "three"], 0.4, seed)
        assert len({base, base.replace("w7", "x")} & {*train}) in {0, 2}


def test_scripts_without_spaces_are_compared_by_character() -> None:
    base = "".join(chr(0x4E00 + each) for each in range(20))
    for seed in range(10):
        train, _ = split([base, base[:-1], "one", "two", "three"], 0.4, seed)
        assert len({base, base[:-1]} & {*train}) in {0, 2}


def test_prompts_that_are_all_alike_cannot_be_split() -> None:
    assert split(["Hello!", "hello", "HELLO?"], 0.5)[1] == []


def test_a_system_message_does_not_make_prompts_alike() -> None:
    made = PromptSplit()
    system = Message("system", " ".join(f"w{each}" for each in range(200)))
    for number in range(10):
        messages = (system, Message("user", f"question {number}"))
        made.add(Prompt(messages).key, messages)
    assert len(made.test_keys(0.2, 0)) == 2


def test_thousands_of_prompts_from_one_template_are_split_at_once() -> None:
    made = PromptSplit()
    for number in range(5000):
        text = f"Explain the number {number} to a child who likes trains, in three sentences."
        messages = (Message("user", text),)
        made.add(Prompt(messages).key, messages)
    assert len(made.test_keys(0.05, 0)) == 250


def test_prompts_of_few_words_are_not_looked_at_one_by_one() -> None:
    made, lot = PromptSplit(), random.Random(0)
    words = [f"w{each}" for each in range(300)]
    for number in range(1000):
        made.add(f"{number:032x}", (Message("user", " ".join(lot.choices(words, k=60))),))
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)  # which is the same on every machine, as time is not
    try:
        made.test_keys(0.1, 0)
    finally:
        sys.setprofile(None)
    assert calls < 1_000_000
