import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Message, Preference, Prompt
from dpo_tui.errors import InputError
from dpo_tui.prompts import read_prompts
from dpo_tui.prompts.rows import Reading
from dpo_tui.prompts.shapes.shape import best_of, first_of
from dpo_tui.prompts.shapes.table import SHAPES, shape_named
from dpo_tui.prompts.tally import Tally

from .foreign import BAD, FIRST, GOOD, SAMPLES, TIE, Sample, assistant, user


def read(path: Path, rows: list[Any], reading: Reading | None = None) -> tuple[Tally, list[Prompt]]:
    lines = (each if isinstance(each, str) else json.dumps(each) for each in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    tally = Tally()
    return tally, list(read_prompts(path).read(reading or Reading(), tally))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.shape)
def test_a_row_is_recognised_and_means_what_it_says(tmp_path: Path, sample: Sample) -> None:
    tally, prompts = read(tmp_path / "rows.jsonl", [sample.row])
    assert prompts == [sample.prompt]
    assert tally.files[0].shape.name == sample.shape


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.shape)
def test_a_list_of_rows_means_the_same_as_lines(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"version": 1, "data": [sample.row, sample.row]}), encoding="utf-8")
    assert [*read_prompts(path)] == [sample.prompt] * 2
    path.write_text(json.dumps([sample.row]), encoding="utf-8")
    assert [*read_prompts(path)] == [sample.prompt]
    path.write_text(json.dumps(sample.row), encoding="utf-8")
    assert [*read_prompts(path)] == [sample.prompt]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.shape)
def test_a_shape_can_be_named(tmp_path: Path, sample: Sample) -> None:
    reading = Reading(shape_named(sample.shape))
    _, prompts = read(tmp_path / "rows.jsonl", [sample.row], reading)
    assert prompts == [sample.prompt]


def test_every_shape_has_a_sample() -> None:
    assert {each.shape for each in SAMPLES} == {each.name for each in SHAPES}


def test_battles_of_several_turns_are_recognised_and_told(tmp_path: Path) -> None:
    turns = [[user("q"), assistant(side), user("and?"), assistant(side)] for side in "ab"]
    row = {"conversation_a": turns[0], "conversation_b": turns[1], "winner": "model_a"}
    reason = "key conversation_b: the conversations differ before their last messages"
    with pytest.raises(InputError, match=rf"of no use as Chatbot Arena battles .*(?s:.)*{reason}"):
        read(tmp_path / "rows.jsonl", [row] * 3)
    texts = dict.fromkeys(("prompt", "response_a", "response_b"), '["a", "b"]')
    table: dict[str, object] = {**texts, "winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0}
    with pytest.raises(InputError, match="has 2 turns, in which the sides differ"):
        read(tmp_path / "rows.jsonl", [table] * 3, Reading(shape_named("arena-table")))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.sampled_from(SAMPLES), st.data())
def test_a_row_with_anything_in_it_is_a_prompt_or_told(
    scratch: Path, sample: Sample, data: st.DataObject
) -> None:
    row = dict(sample.row)
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(_JSON)
    with suppress(InputError):
        tally, prompts = read(
            scratch / "rows.jsonl", [row], Reading(shape_named(sample.shape), bad_rows=1.0)
        )
        assert len(prompts) + tally.files[0].left_out == 1


_CALLS = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"tool_calls": _CALLS}, "would get lost: tool_calls"),
        ({"function_call": {"name": "f"}, "content": None}, "would get lost: function_call"),
        ({"images": ["x.png"]}, "would get lost: images"),
        ({"content": [{"type": "image_url", "image_url": "x"}]}, "would get lost: image_url"),
    ],
)
def test_a_message_with_more_than_text_is_left_out(
    tmp_path: Path, more: dict[str, Any], reason: str
) -> None:
    path, plain = tmp_path / "rows.jsonl", [user("q"), assistant("a")]
    for messages in ([user("q"), assistant("a") | more], [user("q") | more, assistant("a")]):
        rows = [{"messages": each, "rejected_response": "b"} for each in (plain, messages)]
        tally, prompts = read(path, rows, Reading(bad_rows=1.0))
        assert (tally.files[0].shape.name, len(prompts)) == ("swift", 1)
        assert [each.endswith(reason) for each in tally.files[0].reasons] == [True]
        with pytest.raises(
            InputError, match=r"1 of 1 rows are of no use as ms-swift pairs"
        ) as told:
            read(path, rows[1:])
        assert reason in told.value.message


def test_a_file_of_tool_turns_is_recognised_and_told(tmp_path: Path) -> None:
    turns = [user("q"), assistant("look"), {"role": "tool", "content": "42"}, user("and?")]
    row = {"prompt": turns, "chosen": [assistant("a")], "rejected": [assistant("b")]}
    with pytest.raises(InputError, match=r"of no use as TRL pairs .*(?s:.)*'tool' has no place"):
        read(tmp_path / "rows.jsonl", [row] * 3)


def test_what_only_describes_a_message_is_passed_over(tmp_path: Path) -> None:
    more = {
        "name": "ann",
        "id": 3,
        "weight": 1,
        "timestamp": None,
        "tool_calls": [],
        "images": None,
    }
    row = {"messages": [user("q") | more, assistant("a") | more], "rejected_response": "b"}
    assert len(read(tmp_path / "rows.jsonl", [row])[1]) == 1


_OF_MESSAGES = {
    "swift",
    "swift-messages",
    "openpipe",
    "axolotl",
    "trl",
    "trl-implicit",
    "ultrafeedback-binarized",
    "trl-kto",
    "swift-kto",
    "messages",
    "numbered",
}


@pytest.mark.parametrize(
    "sample", [each for each in SAMPLES if each.shape in _OF_MESSAGES], ids=lambda each: each.shape
)
def test_a_system_column_counts_where_the_messages_have_none(
    tmp_path: Path, sample: Sample
) -> None:
    tally, (prompt,) = read(tmp_path / "rows.jsonl", [sample.row | {"system": "Be kind."}])
    if sample.prompt.messages[0].role == "system":
        assert prompt == sample.prompt
    else:
        system = Message("system", "Be kind.")
        assert prompt == sample.prompt._replace(messages=(system, *sample.prompt.messages))
    assert tally.files[0].shape.name == sample.shape
    assert "system" not in tally.files[0].unused
    for blank in ("", None):
        assert read(tmp_path / "rows.jsonl", [sample.row | {"system": blank}])[1] == [sample.prompt]


_HELPSTEER2 = {"prompt": "q", "response_1": "a", "response_2": "b"}
_HELPSTEER3 = {"context": [user("q")], "response1": "a", "response2": "b"}
_KTO = {"prompt": "q", "completion": "a"}
_BINARIZED = {
    "prompt": "q",
    "chosen": [user("q"), assistant("a")],
    "rejected": [user("q"), assistant("b")],
}
_AGAINST = (Preference({0: BAD, 1: GOOD}, 2),)
_FOR = (Preference({0: GOOD, 1: BAD}),)


@pytest.mark.parametrize(
    ("shape", "row", "said"),
    [
        ("helpsteer2", _HELPSTEER2 | {"preference_strength": 2.0}, _AGAINST),
        ("helpsteer2", _HELPSTEER2 | {"preference_strength": "2"}, _AGAINST),
        ("helpsteer2", _HELPSTEER2 | {"preference_strength": None}, ()),
        ("helpsteer3", _HELPSTEER3 | {"overall_preference": 2.0}, _AGAINST),
        ("trl-kto", _KTO | {"label": 1}, (Preference({0: GOOD}),)),
        ("trl-kto", _KTO | {"label": 0.0}, (Preference({0: BAD}),)),
        ("trl-kto", _KTO | {"label": "False"}, (Preference({0: BAD}),)),
        ("swift-kto", {"messages": _BINARIZED["chosen"], "label": 1}, (Preference({0: GOOD}),)),
        ("ultrafeedback-binarized", _BINARIZED | {"score_chosen": "8.0"}, _FOR),
        (
            "ultrafeedback-binarized",
            _BINARIZED | {"score_chosen": "8.0", "score_rejected": 8},
            (TIE,),
        ),
        ("ultrafeedback-binarized", _BINARIZED | {"score_chosen": True}, _FOR),
    ],
)
def test_a_number_may_be_of_another_type(
    tmp_path: Path, shape: str, row: dict[str, Any], said: tuple[Preference, ...]
) -> None:
    tally, (prompt,) = read(tmp_path / "rows.jsonl", [row])
    assert (tally.files[0].shape.name, prompt.preferences) == (shape, said)


def test_what_is_no_number_is_told(tmp_path: Path) -> None:
    rows = [_KTO | {"label": True}, _KTO | {"label": 3}]
    tally, _ = read(tmp_path / "rows.jsonl", rows, Reading(bad_rows=1.0))
    assert [*tally.files[0].reasons] == ["key label: expected true or false, found 3.0"]
    rows = [_HELPSTEER2 | {"preference_strength": each} for each in (1, "A")]
    tally, _ = read(tmp_path / "rows.jsonl", rows, Reading(bad_rows=1.0))
    assert [*tally.files[0].reasons] == [
        "key preference_strength: expected a number, found text 'A'"
    ]


@pytest.mark.parametrize("unknown", [float("nan"), float("inf"), None])
def test_a_score_that_is_no_number_says_nothing(unknown: float | None) -> None:
    marks = {0: BAD, 2: GOOD}
    assert best_of([1.0, unknown, 2.0]).marks == marks
    assert first_of([2.0, unknown, 1.0]).marks == marks
    assert best_of([unknown, 1.0]) == TIE


def test_scores_of_different_scales_are_not_compared(tmp_path: Path) -> None:
    scores: tuple[dict[str, Any], ...] = (
        {"fine-grained_score": None, "overall_score": 9},
        {"fine-grained_score": 2, "overall_score": 8},
        {"fine-grained_score": 4, "overall_score": 7},
    )
    row = {
        "instruction": "q",
        "models": [],
        "completions": [{"response": str(number)} | each for number, each in enumerate(scores)],
    }
    _, (prompt,) = read(tmp_path / "rows.jsonl", [row])
    assert prompt.preferences == (Preference({0: GOOD, 1: BAD, 2: BAD}),)
    row["completions"] = [{"response": each, "fine-grained_score": 1} for each in "ab"]
    assert read(tmp_path / "rows.jsonl", [row])[1][0].preferences == (TIE,)


def test_what_is_wrong_in_a_value_of_a_table_is_told(tmp_path: Path) -> None:
    record = next(each.row for each in SAMPLES if each.shape == "argilla")
    rows = [record, {**record, "responses": {"better": [None]}}]
    tally, _ = read(tmp_path / "rows.jsonl", rows, Reading(bad_rows=1.0))
    (reason,) = tally.files[0].reasons
    assert reason == "key responses: in one of its values: expected a table, found null"


@pytest.mark.parametrize(
    ("shape", "column", "value"),
    [
        ("argilla-flat", "better.responses.status", [["submitted"], {}]),
        ("argilla-1", "preference", [{"value": "response-1", "status": ["submitted"]}]),
        (
            "argilla-flat",
            "better.responses",
            [[{"rank": 1, "value": "response-1"}, "response-2"], None],
        ),
    ],
)
def test_odd_values_in_a_record_break_nothing(
    tmp_path: Path, shape: str, column: str, value: object
) -> None:
    row = next(each.row for each in SAMPLES if each.shape == shape) | {column: value}
    _, prompts = read(tmp_path / "rows.jsonl", [row], Reading(shape_named(shape)))
    assert [len(each.responses) for each in prompts] == [2]


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("q\n<extra_id_1>Assistant\na", "doesn't end with what the user says"),
        ("q\n<extra_id_1>System\na", "expected User or Assistant behind <extra_id_1>"),
        ("q\n<extra_id_1>Assistant\na\n<extra_id_1>User\n ", "expected text, found none"),
        ("<extra_id_1>User\nq", "expected text, found none"),
    ],
)
def test_turns_of_helpsteer2_that_are_none_are_told(
    tmp_path: Path, prompt: str, reason: str
) -> None:
    row = {"prompt": prompt, "response_1": "a", "response_2": "b", "preference_strength": 1}
    with pytest.raises(InputError, match=reason):
        read(tmp_path / "rows.jsonl", [row], Reading(shape_named("helpsteer2")))


@pytest.mark.parametrize(
    ("shape", "changes", "reason"),
    [
        ("shp", {"labels": 2}, r"labels: expected 1 \(A\) or 0 \(B\), found 2"),
        ("shp", {"labels": None}, r"labels: expected 1 \(A\) or 0 \(B\), found null"),
        ("summaries", {"choice": 2}, "choice: expected one of summary_0, summary_1, or tie"),
        ("summaries", {"choice": True}, "choice: expected one of summary_0, summary_1, or tie"),
        ("summaries", {"summaries": [{"text": "a"}]}, "expected two summaries, found 1"),
        ("summaries", {"info": {"post": " "}}, "key info: expected text, found none"),
        ("webgpt", {"question": {"full_text": ""}}, "key question: expected text, found none"),
    ],
)
def test_a_verdict_that_says_nothing_known_is_told(
    tmp_path: Path, shape: str, changes: dict[str, object], reason: str
) -> None:
    row = next(each.row for each in SAMPLES if each.shape == shape) | changes
    with pytest.raises(InputError, match=reason):
        read(tmp_path / "rows.jsonl", [row], Reading(shape_named(shape)))


_SIDES = {"chosen": "a", "rejected": "b"}
_TURNS = [user("q"), assistant("a")]


@pytest.mark.parametrize("column", ["system", "system_prompt"])
@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "q", **_SIDES},
        {"question": "q", **_SIDES},
        {"prompt": "\n\nHuman: q\n\nAssistant:", **_SIDES},
        {"query": "q", "response": "a", "rejected_response": "b"},
        {"messages": _TURNS, "rejected_response": "b"},
        {"messages": _TURNS, "rejected_messages": [user("q"), assistant("b")]},
        {"messages": _TURNS, "label": True},
        {"messages": _TURNS, "rejected_message": assistant("b")},
        {"messages": [user("q")], "chosen": assistant("a"), "rejected": assistant("b")},
        {"prompt": [user("q")], "chosen": [assistant("a")], "rejected": [assistant("b")]},
        {"chosen": _TURNS, "rejected": [user("q"), assistant("b")]},
        {"instruction": "q", **_SIDES},
        {"instruction": "q", "output": ["a", "b"]},
        {"instruction": "q", "chosen_response": "a", "rejected_response": "b"},
        {"prompt": "q", "chosen_response": "a", "rejected_response": "b"},
        {"prompt": "q", "completion": "a", "label": True},
        {"instruction": "q", "output": "a", "kto_tag": True},
        {"instruction": "q", "output": "a"},
        {"messages": _TURNS},
        {"question": "q", "response": "a"},
        {"query": "q", "responses": ["a", "b"]},
        {"prompt": "q", "answer_a": "a", "answer_b": "b"},
    ],
)
def test_a_column_of_what_the_system_says_is_kept(
    tmp_path: Path, row: dict[str, object], column: str
) -> None:
    tally, (prompt,) = read(tmp_path / "rows.jsonl", [row | {column: "Be brief."}])
    assert prompt.messages == (Message("system", "Be brief."), Message("user", "q"))
    assert len(tally.lines()) == 1


def test_messages_in_a_text_can_hold_half_a_surrogate_pair(tmp_path: Path) -> None:
    said = json.dumps([user("q \ud83d"), assistant("a")])
    row = {"messages": said, "rejected_response": "b"}
    _, (prompt,) = read(tmp_path / "rows.jsonl", [row])
    assert prompt.messages == (Message("user", "q \ud83d"),)


@pytest.mark.parametrize(
    ("shape", "column"),
    [("swift", "messages"), ("swift-kto", "messages"), ("arena-table", "prompt")],
)
@pytest.mark.parametrize("text", ["\ud83d", "[" * 100_000, "[1]", "{"])
def test_a_text_that_holds_no_messages_is_told(
    tmp_path: Path, shape: str, column: str, text: str
) -> None:
    row = next(each.row for each in SAMPLES if each.shape == shape) | {column: text}
    with pytest.raises(InputError, match=f"key {column}: expected"):
        read(tmp_path / "rows.jsonl", [row], Reading(shape_named(shape)))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("chosen_rating", "rejected_rating"),
        ("chosen_score", "rejected_score"),
        ("rating_chosen", "rating_rejected"),
        ("score_chosen", "score_rejected"),
        ("chosen-rating", "rejected-rating"),
    ],
)
def test_equal_scores_are_a_tie_whatever_they_are_called(
    tmp_path: Path, good: str, bad: str
) -> None:
    sides = {"chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]}
    models = {"chosen_model": "m", "rejected_model": "n"}
    for scores, marks in (((5, 5.0), {}), ((5, 4), FIRST.marks), ((5, None), FIRST.marks)):
        row = sides | models | {good: scores[0], bad: scores[1]}
        tally, (prompt,) = read(tmp_path / "rows.jsonl", [row])
        assert [each.marks for each in prompt.preferences] == [marks]
        assert [each.model for each in prompt.responses] == ["m", "n"]
        assert len(tally.lines()) == 1


def test_columns_called_like_scores_can_hold_anything(tmp_path: Path) -> None:
    sides = {"chosen": [user("q"), assistant("a")], "rejected": [user("q"), assistant("b")]}
    row = sides | {"chosen_score": [1, 2], "rejected_score": {"a": 1}, "chosen_model": ["m"]}
    _, (prompt,) = read(tmp_path / "rows.jsonl", [row])
    assert prompt.preferences == (FIRST,)
    assert [each.model for each in prompt.responses] == [None, None]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ([user("p"), assistant("a")], [user("q"), assistant("b")], "the conversations differ"),
        ([user("p"), assistant("a")], [assistant("b")], "the prompt isn't in the conversation"),
        ([assistant("a"), user("p"), assistant("c")], [assistant("b")], "the prompt isn't in the"),
        ([user("q"), assistant("a")], [], "key rejected: expected one message, found 0"),
        ([user("q"), user("a")], [assistant("b")], "key chosen: expected what the assistant says"),
    ],
)
def test_sides_of_another_prompt_are_told(
    tmp_path: Path, good: list[Any], bad: list[Any], reason: str
) -> None:
    row = {"prompt": [user("q")], "chosen": good, "rejected": bad}
    with pytest.raises(InputError, match=reason):
        read(tmp_path / "rows.jsonl", [row], Reading(shape_named("trl")))
