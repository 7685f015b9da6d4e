"""Prompts keep their identity, sampling settings lie over one another."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dpo_tui.domain.model import Message, Progress, Prompt, Sampling
from tests.domain.strategies import conversations, prompts, samplings, texts


@given(prompts)
def test_a_key_is_32_hex_digits(prompt: Prompt) -> None:
    assert re.fullmatch("[0-9a-f]{32}", prompt.key)


@given(prompts)
def test_a_key_depends_on_the_messages_alone(prompt: Prompt) -> None:
    assert Prompt(prompt.messages).key == prompt.key


@given(conversations(), conversations())
def test_other_messages_have_another_key(
    some: tuple[Message, ...], other: tuple[Message, ...]
) -> None:
    assume(some != other)
    assert Prompt(some).key != Prompt(other).key


@given(texts, texts)
def test_where_one_message_ends_counts(first: str, second: str) -> None:
    assume(second)
    split = Prompt((Message("system", first), Message("user", second)))
    shifted = Prompt((Message("system", first + second), Message("user", "")))
    assert split.key != shifted.key


@pytest.mark.parametrize(
    ("messages", "key"),
    [
        ([Message("user", "hi")], "675b797826f34c78b4322399d22d69a6"),
        (
            [Message("system", "be brief"), Message("user", "h\u00e9 \ud83d")],
            "6d5a5ab469abcaf375d21a256da135d9",
        ),
    ],
)
def test_keys_stay_what_they_are_in_existing_sessions(messages: list[Message], key: str) -> None:
    assert Prompt(tuple(messages)).key == key


@given(prompts)
def test_system_and_turns_are_the_whole_conversation(prompt: Prompt) -> None:
    system = () if prompt.system is None else (Message("system", prompt.system),)
    assert (*system, *prompt.turns) == prompt.messages
    assert all(turn.role != "system" for turn in prompt.turns)


@given(samplings)
def test_settings_that_are_silent_change_nothing(sampling: Sampling) -> None:
    assert sampling.over(Sampling()) == sampling
    assert Sampling().over(sampling) == sampling
    assert sampling.over(sampling) == sampling


@given(samplings, samplings, samplings)
def test_settings_lie_over_one_another_in_any_grouping(
    flag: Sampling, file: Sampling, default: Sampling
) -> None:
    assert flag.over(file).over(default) == flag.over(file.over(default))


@pytest.mark.parametrize(
    ("field", "own", "default"),
    [
        ("temperature", 0.0, 1.0),
        ("top_p", 0.5, 1.0),
        ("max_tokens", 1, 100),
        ("seed", 0, 7),
        ("stop", ("a",), ("b", "c")),
    ],
)
def test_what_is_said_wins_and_what_is_not_is_taken_over(
    field: str, own: object, default: object
) -> None:
    defaults = Sampling(**{field: default})  # type: ignore[arg-type]
    assert getattr(Sampling(**{field: own}).over(defaults), field) == own  # type: ignore[arg-type]
    assert getattr(Sampling().over(defaults), field) == default


def test_extra_settings_are_merged_name_by_name() -> None:
    own, default = Sampling(extra={"min_p": 0.1}), Sampling(extra={"min_p": 0.5, "top_k": 40})
    assert own.over(default).extra == {"min_p": 0.1, "top_k": 40}


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_every_group_is_decided_skipped_or_left(decided: int, skipped: int, left: int) -> None:
    assert Progress(decided + skipped + left, decided, skipped, pairs=0).left == left
