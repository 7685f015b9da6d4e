"""Every format: its exact form, that nothing is lost in it, and that its schema never drifts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.datasets import axolotl, llamafactory_alpaca
from dpo_tui.datasets.formats import FORMATS, format_named
from dpo_tui.datasets.sides import sides_of
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Rating, Unit
from dpo_tui.errors import InputError
from tests.datasets.examples import READERS, conversations, pairs, ratings

PAIR = Pair(
    (
        Message("system", "S"),
        Message("user", "Q1"),
        Message("assistant", "A1"),
        Message("user", "Q2"),
    ),
    "good\u2028\U0001f642",
    'bad "\n',
    2,
)
P = (
    '[{"role": "system", "content": "S"}, {"role": "user", "content": "Q1"}, '
    '{"role": "assistant", "content": "A1"}, {"role": "user", "content": "Q2"}'
)
A = '{"role": "assistant", "content": "good\u2028\U0001f642"}'
B = '{"role": "assistant", "content": "bad \\"\\n"}'
GOLDEN = {
    "swift": f'{{"messages": {P}, {A}], "rejected_response": "bad \\"\\n"}}',
    "swift-messages": f'{{"messages": {P}, {A}], "rejected_messages": {P}, {B}]}}',
    "trl": f'{{"prompt": {P}], "chosen": [{A}], "rejected": [{B}]}}',
    "trl-implicit": f'{{"chosen": {P}, {A}], "rejected": {P}, {B}]}}',
    "trl-standard": (
        '{"prompt": "System: S\\n\\nUser: Q1\\n\\nAssistant: A1\\n\\nUser: Q2", '
        '"chosen": "good\u2028\U0001f642", "rejected": "bad \\"\\n"}'
    ),
    "trl-reward": f'{{"chosen": {P}, {A}], "rejected": {P}, {B}], "margin": 2.0}}',
    "llamafactory-sharegpt": (
        '{"conversations": [{"from": "system", "value": "S"}, {"from": "human", "value": "Q1"}, '
        '{"from": "gpt", "value": "A1"}, {"from": "human", "value": "Q2"}], '
        '"chosen": {"from": "gpt", "value": "good\u2028\U0001f642"}, '
        '"rejected": {"from": "gpt", "value": "bad \\"\\n"}}'
    ),
    "llamafactory-alpaca": (
        '{"instruction": "Q2", "input": "", "chosen": "good\u2028\U0001f642", '
        '"rejected": "bad \\"\\n", "system": "S", "history": [["Q1", "A1"]]}'
    ),
    "axolotl": f'{{"messages": {P}], "chosen": {A}, "rejected": {B}}}',
    "openrlhf": f'{{"chosen": {P}, {A}], "rejected": {P}, {B}]}}',
    "nemo-rl": (
        f'{{"context": {P}], "completions": [{{"rank": 0, "completion": [{A}]}}, '
        f'{{"rank": 1, "completion": [{B}]}}]}}'
    ),
    "openai": (
        f'{{"input": {{"messages": {P}]}}, "preferred_output": [{A}], '
        f'"non_preferred_output": [{B}]}}'
    ),
    "trl-kto": f'{{"prompt": {P}], "completion": [{A}], "label": true}}',
    "sft": f'{{"messages": {P}, {A}]}}',
}
LINES = [each for each in FORMATS.values() if each.is_lines]
PAIR_LINES = [each.name for each in LINES if each.unit is Unit.PAIR]
SIDES = ("messages", "rejected_response", "chosen", "rejected", "completions")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "completion", "value"]), inner, max_size=2)
    ),
    max_leaves=5,
)
RESERVED = {
    *("completion", "tools", "image", "images", "videos", "audios", "chat_template_kwargs"),
    *("ref_chosen_logps", "ref_rejected_logps", "system", "system_prompt", "solution", "channel"),
    *("objects", "prompt_ids", "chosen_ids", "rejected_ids", "task_name"),
}


def example(name: str) -> Pair | Rating:
    if FORMATS[name].unit is Unit.PAIR:
        return PAIR
    return Rating(PAIR.messages, PAIR.chosen, is_good=True)


@pytest.mark.parametrize("name", [each.name for each in LINES])
def test_the_form_is_exact(name: str) -> None:
    assert FORMATS[name].line(example(name)).decode() == GOLDEN[name] + "\n"


def shape(value: Any) -> Any:
    """The types of a row, as a reader infers them from the first block of a file."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        shapes = [shape(each) for each in value]
        assert all(each == shapes[0] for each in shapes)
        return shapes[:1]
    return type(value)


@pytest.mark.parametrize("name", sorted(set(PAIR_LINES) - {"llamafactory-alpaca"}))
@given(one=pairs)
def test_every_row_of_pairs_has_the_same_shape(name: str, one: Pair) -> None:
    rows = [json.loads(FORMATS[name].line(each)) for each in (PAIR, one)]
    assert [*rows[0]] == [*rows[1]]
    assert shape(rows[0]) == shape(rows[1])


@pytest.mark.parametrize("name", ["trl-kto", "sft"])
@given(one=ratings)
def test_every_row_of_responses_has_the_same_shape(name: str, one: Rating) -> None:
    rows = [json.loads(FORMATS[name].line(each)) for each in (example(name), one)]
    assert shape(rows[0]) == shape(rows[1])


@given(pairs)
def test_only_the_history_of_alpaca_can_be_silent_about_its_shape(one: Pair) -> None:
    form = FORMATS["llamafactory-alpaca"]
    row = json.loads(form.line(one))
    assert form.tells_schema
    assert form.tells_schema(one.messages) == bool(row["history"])
    row["history"] = row["history"] or [["", ""]]
    assert shape(row) == shape(json.loads(form.line(PAIR)))


@pytest.mark.parametrize("name", sorted(READERS))
@given(one=pairs)
def test_a_row_reads_back(name: str, one: Pair) -> None:
    line = FORMATS[name].line(one)
    assert line.count(b"\n") == 1
    row = json.loads(line.decode())
    assert READERS[name](row) == (one.messages, one.chosen, one.rejected)
    assert line.decode() == json.dumps(row, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", [*sorted(READERS), "trl-standard"])
@given(one=pairs)
def test_the_sides_of_a_row_are_found(name: str, one: Pair) -> None:
    assert sides_of(json.loads(FORMATS[name].line(one))) == (one.chosen, one.rejected)


@given(st.dictionaries(st.sampled_from([*SIDES, "x"]), json_values, max_size=4))
def test_foreign_rows_have_sides_or_none(row: dict[str, Any]) -> None:
    sides = sides_of(row)
    assert sides is None or all(isinstance(each, str) for each in sides)


@given(ratings)
def test_a_rated_row_reads_back(one: Rating) -> None:
    row = json.loads(FORMATS["trl-kto"].line(one))
    assert row["completion"] == [{"role": "assistant", "content": one.text}]
    assert row["label"] is one.is_good
    row = json.loads(FORMATS["sft"].line(one))
    assert row["messages"][-1] == {"role": "assistant", "content": one.text}
    assert len(row["messages"]) == len(one.messages) + 1


@pytest.mark.parametrize("name", [each.name for each in LINES])
def test_no_column_has_a_name_that_means_something_else_to_a_trainer(name: str) -> None:
    allowed = {"trl-kto": {"completion"}, "llamafactory-alpaca": {"system"}}
    columns = json.loads(FORMATS[name].line(example(name))).keys()
    assert not (columns & RESERVED) - allowed.get(name, set())


def test_strength_is_the_margin_and_none_is_no_margin() -> None:
    form = FORMATS["trl-reward"]
    margins = [
        json.loads(form.line(Pair(PAIR.messages, "a", "b", strength)))["margin"]
        for strength in (None, 1, 2, 3)
    ]
    assert margins == [0.0, 1.0, 2.0, 3.0]


def test_plain_strings_tell_a_lone_question_as_it_is() -> None:
    pair = Pair((Message("user", "Q"),), "a", "b")
    assert json.loads(FORMATS["trl-standard"].line(pair))["prompt"] == "Q"


@pytest.mark.parametrize(
    "roles", [["assistant", "user"], ["user", "user"], ["user", "assistant", "user", "user"]]
)
def test_alpaca_refuses_turns_that_its_history_cannot_tell(roles: list[Any]) -> None:
    pair = Pair(tuple(Message(role, "x") for role in roles), "a", "b")
    assert "alternate" in llamafactory_alpaca.objection(pair)
    assert not llamafactory_alpaca.objection(PAIR)


@pytest.mark.parametrize(
    ("text", "at_risk"),
    [("a", True), ("user", True), ("assistant", True), ("Yes", False), ("it depends", False)],
)
def test_answers_that_axolotl_would_find_in_its_template(text: str, *, at_risk: bool) -> None:
    assert axolotl.is_at_risk(text) is at_risk


def test_every_dataset_info_names_all_columns_of_its_rows() -> None:
    for form in FORMATS.values():
        if form.dataset_info:
            info: dict[str, Any] = form.dataset_info("x.jsonl")
            assert info["ranking"] is True
            assert {*info["columns"].values()} == json.loads(form.line(PAIR)).keys()


def test_live_formats_are_those_that_take_whatever_comes() -> None:
    live = {each.name for each in FORMATS.values() if each.is_live}
    assert live == FORMATS.keys() - {"csv", "parquet", "llamafactory-alpaca"}


def test_an_unknown_format_is_told_with_those_that_there_are() -> None:
    with pytest.raises(InputError) as refused:
        format_named("tlr")
    assert "trl" in refused.value.remedy
    assert "axolotl" in refused.value.remedy


@pytest.mark.parametrize("name", [name for name, each in FORMATS.items() if each.is_lines])
@given(conversations(), st.data())
def test_many_lines_are_those_of_the_single_examples(
    name: str, prompt: tuple[Message, ...], data: st.DataObject
) -> None:
    form = FORMATS[name]
    kind: st.SearchStrategy[Any] = pairs if form.unit is Unit.PAIR else ratings
    # Neighbours of the same prompt, with the same texts and others, and what frames are made with.
    odd = st.sampled_from(["%", "%b", "\x7f0\x7f", "\x00", "\\", '"'])
    own = [each._replace(messages=prompt) for each in data.draw(st.lists(kind, max_size=5))]
    examples = own + data.draw(st.lists(kind, max_size=3)) + own
    if examples:
        messages = (*prompt[:-1], Message("user", data.draw(odd)))
        examples += [examples[0]._replace(messages=messages)] * 2
    assert [*form.lines(examples)] == [*map(form.line, examples)]
