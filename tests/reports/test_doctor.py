"""What is told and advised of a diagnosis."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.backend.diagnosis import Check, ChoiceCount, Diagnosis, SeedUse, Speed, Wire
from dpo_tui.reports.doctor import advise, as_json, lines, prompts_toml
from dpo_tui.settings import read_config, resolve_settings

KNOWN = Diagnosis("http://a/v1", server="vLLM", models=("m",), model="m")
COUNTS = st.integers(1, 10**7)
SPEEDS = st.builds(Speed, st.integers(1, 256), st.integers(1, 256), st.floats(0.01, 1e6))
DIAGNOSES = st.builds(
    Diagnosis,
    base_url=st.just("http://a/v1"),
    key_name=st.sampled_from(["", "OPENAI_API_KEY", "MY_KEY"]),
    server=st.text(),
    models=st.lists(st.text(), max_size=20).map(tuple),
    model=st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip),
    context=st.none() | COUNTS,
    slots=st.none() | COUNTS,
    problem=st.text(),
    remedy=st.text(),
    wire=st.none() | st.builds(Wire),
    choices=st.none() | st.builds(ChoiceCount, st.integers(2, 20), st.integers(1, 20)),
    seed=st.none() | st.sampled_from(SeedUse),
    first_token_seconds=st.none() | st.floats(0, 100),
    one_stream=st.none() | SPEEDS,
    streams=st.none() | SPEEDS,
    failures=st.dictionaries(st.sampled_from(Check), st.text(min_size=1)),
)


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("advice") / "config.toml"


@given(DIAGNOSES)
def test_what_is_advised_is_a_valid_config(config: Path, diagnosis: Diagnosis) -> None:
    config.write_text(prompts_toml(diagnosis), encoding="utf-8")
    settings = resolve_settings({}, {}, {}, read_config(config))
    advice = advise(diagnosis)
    assert (settings.n, settings.concurrency) == (advice.n, advice.concurrency)
    assert settings.sampling.max_tokens == advice.max_tokens
    assert (settings.base_url, settings.model) == (diagnosis.base_url, diagnosis.model)
    assert settings.api_key_env == (diagnosis.key_name or "OPENAI_API_KEY")


@given(st.lists(DIAGNOSES, max_size=2))
def test_anything_can_be_told(diagnoses: list[Diagnosis]) -> None:
    for each in diagnoses:
        assert dict(lines(each))
    report = json.loads(json.dumps(as_json(diagnoses)))
    assert report["usable"] == any(each.is_usable for each in diagnoses)
    for each in report["endpoints"]:
        assert list(each) == [
            "base_url",
            "usable",
            "problem",
            "remedy",
            "server",
            "models",
            "model",
            "context",
            "slots",
            "streaming",
            "usage",
            "reasoning",
            "n",
            "seed",
            "first_token_seconds",
            "one_stream",
            "streams",
            "failures",
            "advice",
        ]


@pytest.mark.parametrize(
    ("diagnosis", "expected"),
    [
        (KNOWN, (4, 8, 1024)),
        (replace(KNOWN, slots=4), (4, 4, 1024)),
        (replace(KNOWN, slots=1000), (4, 256, 1024)),
        (replace(KNOWN, choices=ChoiceCount(8, 3)), (3, 8, 1024)),
        (replace(KNOWN, choices=ChoiceCount(8, 2)), (4, 8, 1024)),
        (replace(KNOWN, choices=ChoiceCount(8, 1)), (4, 8, 1024)),
        (replace(KNOWN, context=512), (4, 8, 256)),
        (replace(KNOWN, wire=Wire(True, True, "reasoning")), (4, 8, 4096)),
        (replace(KNOWN, wire=Wire(True, True, "reasoning"), context=4096), (4, 8, 2048)),
        (replace(KNOWN, one_stream=Speed(1, 1, 50), streams=Speed(8, 8, 300)), (4, 8, 1024)),
        (replace(KNOWN, one_stream=Speed(1, 1, 50), streams=Speed(8, 5, 200)), (4, 5, 1024)),
        (replace(KNOWN, one_stream=Speed(1, 1, 50), streams=Speed(8, 8, 55)), (4, 1, 1024)),
    ],
)
def test_advice(diagnosis: Diagnosis, expected: tuple[int, int, int]) -> None:
    advice = advise(diagnosis)
    assert (advice.n, advice.concurrency, advice.max_tokens) == expected


def test_quirks_are_noted() -> None:
    assert advise(KNOWN).notes == ()
    odd = replace(
        KNOWN,
        wire=Wire(streams=False, usage=False, reasoning="<think>"),
        choices=ChoiceCount(8, 1),
        seed=SeedUse.IGNORED,
    )
    assert len(advise(odd).notes) == 5


@pytest.mark.parametrize(
    ("diagnosis", "words"),
    [
        (replace(KNOWN, failures={Check.CHOICES: "too slow"}), ["default: n."]),
        (replace(KNOWN, failures={Check.STREAMS: "too slow"}), ["default: concurrency."]),
        (
            replace(KNOWN, failures={Check.CHOICES: "too slow", Check.ONE_STREAM: "too slow"}),
            ["default: n, concurrency."],
        ),
        (replace(KNOWN, slots=4, failures={Check.STREAMS: "too slow"}), []),
        (replace(KNOWN, one_stream=Speed(1, 1, 50), streams=Speed(8, 5, 200)), ["Only 5 of 8"]),
        (replace(KNOWN, slots=4, streams=Speed(8, 5, 200)), []),
        (replace(KNOWN, one_stream=Speed(1, 1, 2.0)), ["takes about 9 minutes"]),
        (replace(KNOWN, one_stream=Speed(1, 1, 50.0)), []),
    ],
)
def test_advice_says_how_far_it_can_be_trusted(diagnosis: Diagnosis, words: list[str]) -> None:
    notes = advise(diagnosis).notes
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_a_failed_check_says_why() -> None:
    told = dict(lines(replace(KNOWN, failures={Check.SEED: "it was refused"})))
    assert told["seed"] == "failed: it was refused"
    assert told["n"] == "not tried"


def test_what_cannot_be_used_is_told_with_what_to_do() -> None:
    unusable = Diagnosis("http://a/v1", problem="Nothing answers.", remedy="Start it.")
    assert lines(unusable) == [("problem", "Nothing answers."), ("what to do", "Start it.")]
    (endpoint,) = as_json([unusable])["endpoints"]
    assert (endpoint["usable"], endpoint["advice"]) == (False, None)
