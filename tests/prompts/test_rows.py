"""What is said of rows: what they are, which were left out and why, and when that is too many."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from dpo_tui.domain.model import Mark, Message, Preference, Prompt, Ready
from dpo_tui.errors import InputError
from dpo_tui.prompts import Reading
from dpo_tui.prompts.shapes.columns import Columns

from .reading import read, texts

GOOD_ROW = {"prompt": "q", "chosen": "a", "rejected": "b"}


def write(path: Path, *rows: Any) -> Path:
    lines = (each if isinstance(each, str) else json.dumps(each) for each in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_rows_of_no_use_are_left_out_and_told(tmp_path: Path) -> None:
    rows: list[Any] = [GOOD_ROW] * 60
    rows[3] = {"prompt": "q", "chosen": "a"}
    rows[5] = {"prompt": " ", "chosen": "a", "rejected": "b"}
    rows[8] = "not json"
    rows[9:14] = [{"prompt": "q", "chosen": "a", "rejected": 3}] * 5
    path = write(tmp_path / "a.jsonl", *rows)
    prompts, tally = read(path, Reading(bad_rows=0.2))
    assert len(prompts) == 52
    assert tally.lines() == [
        f"{path}: TRL pairs (prompt, chosen, rejected: text), 52 rows",
        "  8 left out:",
        "  5 x key rejected: expected text, found 3 (line 10, line 11, line 12, ...)",
        "  1 x the key rejected is missing (line 4)",
        "  1 x key prompt: expected text, found none (line 6)",
        "  1 x not valid JSON: Expecting value at column 1 (line 9)",
    ]
    assert tally.summary() == "TRL pairs (prompt, chosen, rejected: text), 8 rows left out"


def test_too_many_rows_of_no_use_end_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *[GOOD_ROW] * 9, {"prompt": "q", "chosen": 1})
    with pytest.raises(InputError) as caught:
        read(path)
    assert "a.jsonl: 1 of 10 rows are of no use as TRL pairs" in caught.value.message
    assert "line 10" in caught.value.message
    assert "--bad-rows" in caught.value.remedy
    assert len(read(path, Reading(bad_rows=0.1))[0]) == 9


@pytest.mark.parametrize(
    ("good", "bad", "share"), [(9, 1, "0.5"), (3, 7, "0.7"), (1, 2, "0.7"), (0, 3, "")]
)
def test_a_share_that_is_told_is_enough(tmp_path: Path, good: int, bad: int, share: str) -> None:
    rows = [*[GOOD_ROW] * good, *[{"prompt": "q", "chosen": 1, "rejected": "b"}] * bad]
    path, shape = write(tmp_path / "a.jsonl", *rows), "trl-standard"
    with pytest.raises(InputError) as caught:
        read(path, Reading.as_said(shape, None, 0.05))
    _, flag, told = caught.value.remedy.partition("--bad-rows ")
    assert told.partition(" ")[0] == share
    if flag:
        assert len(read(path, Reading.as_said(shape, None, float(share)))[0]) == good


def test_a_hopeless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *[GOOD_ROW] * 50, *['{"x": 1}'] * 1000)
    with pytest.raises(InputError, match="50 of 100 rows"):
        read(path, Reading(bad_rows=0.49))


def test_many_reasons_are_told_as_a_few(tmp_path: Path) -> None:
    bad = ({"prompt": "q", "chosen": "a", "rejected": number} for number in range(50))
    _, tally = read(write(tmp_path / "a.jsonl", *[GOOD_ROW] * 50, *bad), Reading(bad_rows=1.0))
    assert len(tally.lines()) < 30
    assert "  30 x other reasons (line 71, line 72, line 73, ...)" in tally.lines()


def test_columns_that_mean_nothing_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD_ROW | {"lang": "en", "score": 3})
    assert "  columns not used: lang, score" in read(path)[1].lines()
    numbered = {"prompt": "q", "input": "x", "response_a": "a", "response_b": "b", "winner": "a"}
    path.write_text(json.dumps(numbered) + "\n", encoding="utf-8")
    assert "  columns not used: input, winner" in read(path)[1].lines()


@pytest.mark.parametrize(
    ("margin", "told"),
    [(2.0, []), ("3", []), (0.0, []), (None, []), (0.7, ["  columns not used: margin"])],
)
def test_a_margin_that_is_no_strength_is_told(
    tmp_path: Path, margin: object, told: list[str]
) -> None:
    sides = {
        side: [{"role": "user", "content": "q"}, {"role": "assistant", "content": side}]
        for side in ("chosen", "rejected")
    }
    path = write(tmp_path / "a.jsonl", sides | {"margin": margin})
    assert read(path)[1].lines()[1:] == told


@pytest.mark.parametrize("answers", [{}, {"responses": ["a", "b"]}, {"response": "a"}])
def test_a_second_question_is_told_as_not_used(tmp_path: Path, answers: dict[str, object]) -> None:
    row = {"prompt": "q", "system": "s", "input": "x", "output": "y"} | answers
    if not answers:
        del row["output"]
    told = read(write(tmp_path / "a.jsonl", row))[1].lines()
    assert f"  columns not used: input{', output' if answers else ''}" in told
    row = {"instruction": "q", "input": "x"} | answers
    assert not any("not used" in line for line in read(write(tmp_path / "b.jsonl", row))[1].lines())


def test_columns_of_no_meaning_are_told_of_rows_with_messages_too(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    row = {"messages": said, "rejected_response": "b", "tools": "[]", "lang": "en"}
    path = write(tmp_path / "a.jsonl", row)
    for reading in (Reading(), Reading.as_said("swift", None, 0.0)):
        assert read(path, reading)[1].lines()[1:] == ["  columns not used: tools, lang"]


def test_a_first_row_of_no_use_does_not_hide_what_the_others_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "not json", {"x": 1}, *[GOOD_ROW] * 5)
    prompts, tally = read(path, Reading(bad_rows=0.5))
    assert (len(prompts), tally.files[0].left_out) == (5, 2)


@pytest.mark.parametrize("key", ["x", "chosen"])
def test_a_row_that_is_nested_too_deeply_is_left_out(tmp_path: Path, key: str) -> None:
    deep = json.dumps(GOOD_ROW | {key: 0}).replace("0", "[" * 1100 + "]" * 1100)
    prompts, tally = read(write(tmp_path / "a.jsonl", GOOD_ROW, deep), Reading(bad_rows=0.5))
    assert texts(prompts) == ["q > a > b"]
    assert tally.lines()[2:] == ["  1 x nested too deeply (line 2)"]
    with pytest.raises(InputError, match="line 2: nested too deeply"):
        read(write(tmp_path / "b.jsonl", {"user": "a"}, deep))


def test_every_row_of_our_own_has_to_be_right(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"user": "a"}, {"user": "b", "temperatur": 1})
    with pytest.raises(InputError, match="line 2, key temperatur: not a known key here"):
        read(path)


def test_a_row_of_another_format_behind_one_of_ours_is_told_with_what_to_do(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": "q"}]
    answered = [*asked, {"role": "assistant", "content": "a"}]
    path = write(tmp_path / "a.jsonl", {"messages": asked}, *[{"messages": answered}] * 2)
    with pytest.raises(InputError, match=r"line 2.*must end with what the user says") as caught:
        read(path)
    assert "If all rows are OpenAI messages, say so: --from messages." in caught.value.remedy
    assert len(read(path, Reading.as_said("messages", None, 0.5))[0]) == 2


def test_rows_of_no_known_format_are_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(write(tmp_path / "a.jsonl", {"utterance": "a", "reply": "b"}))
    assert "line 1, key utterance: not a known key here" in caught.value.message
    assert "--columns prompt=COLUMN,chosen=COLUMN,rejected=COLUMN" in caught.value.remedy


@pytest.mark.parametrize("key", ["prompt", "instruction", "question", "input"])
def test_two_sides_that_are_not_understood_are_no_plain_prompt(tmp_path: Path, key: str) -> None:
    row = {key: "q", "chosen": {"t": "a"}, "rejected": {"t": "b"}, "response": "c"}
    with pytest.raises(InputError, match=r"not a known key here") as caught:
        read(write(tmp_path / "a.jsonl", row))
    assert "--columns" in caught.value.remedy
    blank = row | {"chosen": None, "rejected": None}
    assert texts(read(write(tmp_path / "a.jsonl", blank))[0]) == ["q"]


def test_an_answer_of_fine_tuning_data_is_shown_beside_the_prompt(tmp_path: Path) -> None:
    rows = [{"instruction": "a", "input": "", "output": "x"}, {"instruction": "b", "output": " "}]
    prompts, _ = read(write(tmp_path / "a.jsonl", *rows))
    assert [(each.reference, each.responses) for each in prompts] == [("x", ()), (None, ())]


# --- questions -----------------------------------------------------------------------------------

_RANKED = ["response1", "response2"]


def argilla(suggested: dict[str, Any], **responses: list[Any]) -> dict[str, Any]:
    return {
        "fields": {"prompt": "q", "response1": "a", "response2": "b"},
        "suggestions": {name: {"value": value} for name, value in suggested.items()},
        "responses": responses,
    }


def test_what_an_instruction_is_about_is_kept(tmp_path: Path) -> None:
    row = {"instruction": "Translate:", "input": "tea", "response1": "a", "response2": "b"}
    blank = row | {"input": ""}
    ranked = [{"value": _RANKED, "user_id": "u"}]
    for path in (
        write(tmp_path / "numbered.jsonl", blank, row),
        write(
            tmp_path / "argilla.jsonl",
            *({"fields": each, "responses": {"rank": ranked}} for each in (blank, row)),
        ),
    ):
        prompts, tally = read(path)
        assert texts(prompts) == ["Translate: > a > b", "Translate:\ntea > a > b"]
        assert len(tally.lines()) == 1


def test_a_suggestion_counts_where_nobody_answered(tmp_path: Path) -> None:
    said = [{"value": _RANKED, "user_id": "u"}]
    discarded = [{"value": _RANKED, "user_id": "u", "status": "discarded"}]
    other = {"better": _RANKED[::-1]}
    rows = [argilla(other, better=said), argilla(other, better=discarded), argilla(other)]
    prompts, tally = read(write(tmp_path / "a.jsonl", *rows))
    assert [[(each.marks[0], each.by) for each in prompt.preferences] for prompt in prompts] == [
        [(Mark.CHOSEN, "u")],
        [(Mark.REJECTED, "suggestion")],
        [(Mark.REJECTED, "suggestion")],
    ]
    assert tally.lines()[1:] == ["  questions not used: better (suggested)"]


def test_of_several_questions_the_first_counts(tmp_path: Path) -> None:
    harmless = [{"value": _RANKED[::-1], "user_id": "u"}]
    why = [{"value": "It is clearer.", "user_id": "u"}]
    helpful = [{"value": _RANKED, "user_id": "u"}]
    row = argilla({}, why=why, helpful=helpful, harmless=harmless)
    (prompt,), tally = read(write(tmp_path / "a.jsonl", row))
    assert prompt.preferences == (Preference({0: Mark.CHOSEN, 1: Mark.REJECTED}, by="u"),)
    assert tally.lines()[1:] == ["  questions not used: harmless"]


def test_what_is_left_out_of_a_tree_is_told(tmp_path: Path) -> None:
    more = [{"text": "and?", "role": "prompter", "replies": []}]
    replies = [{"text": "a", "rank": None, "replies": more}, {"text": "b", "deleted": True}]
    trees = [
        {"message_tree_id": "1", "prompt": {"text": "q", "replies": replies}},
        {"message_tree_id": "2", "prompt": {"text": "p", "replies": []}},
    ]
    prompts, tally = read(write(tmp_path / "a.jsonl", *trees))
    assert texts(prompts) == ["q > a", "p"]
    assert [each.preferences for each in prompts] == [(), ()]
    assert tally.lines()[1:] == ["  questions not used: ranks of replies further down the trees"]


def test_buckets_of_a_ranking_are_told(tmp_path: Path) -> None:
    items = [{"id": each, "body": each} for each in "abc"]
    ranker = {"best": ["b"], "worst": ["a"], "_": ["c"]}
    ranked = {"type": "ranker", "from_name": "rank", "value": {"ranker": ranker}}
    row = {"data": {"prompt": "q", "items": items}, "annotations": [{"result": [ranked]}]}
    prompts, tally = read(write(tmp_path / "a.jsonl", row))
    assert (texts(prompts), prompts[0].preferences) == (["q > a > b > c"], ())
    assert tally.lines()[1:] == ["  questions not used: rank (buckets: best, worst, _)"]
    ranker.update(worst=[], _=[], best=["b", "a", "c"])
    (prompt,), tally = read(write(tmp_path / "a.jsonl", row))
    assert prompt.preferences[0].marks[1] is Mark.CHOSEN
    assert len(tally.lines()) == 1


# --- columns that are named ----------------------------------------------------------------------


def named(columns: str) -> Reading:
    return Reading.as_said(None, columns, 0.0)


def test_named_columns(tmp_path: Path) -> None:
    row = {
        "q": "why?",
        "sys": "Be brief.",
        "x": "one",
        "y": ["two", {"text": "three", "model": "m"}],
        "good": [{"role": "assistant", "content": "four"}],
        "bad": "five",
        "no": 7,
        "gold": "six",
    }
    columns = "prompt=q,system=sys,responses=x+y,chosen=good,rejected=bad,id=no,reference=gold"
    prompts, _ = read(write(tmp_path / "a.jsonl", row), named(columns))
    assert prompts == [
        Prompt(
            (Message("system", "Be brief."), Message("user", "why?")),
            name="7",
            responses=(
                Ready("four"),
                Ready("five"),
                Ready("one"),
                Ready("two"),
                Ready("three", "m"),
            ),
            reference="six",
            preferences=(Preference({0: Mark.CHOSEN, 1: Mark.REJECTED}),),
        )
    ]


def test_a_prompt_column_can_hold_a_conversation(tmp_path: Path) -> None:
    row = {"q": [{"role": "user", "content": "a"}], "r": ["x"]}
    prompts, _ = read(write(tmp_path / "a.jsonl", row), named("prompt=q,responses=r"))
    assert texts(prompts) == ["a > x"]


def test_named_columns_can_hold_messages_of_sharegpt(tmp_path: Path) -> None:
    turns = [{"from": "system", "value": "s"}, {"from": "human", "value": "a"}]
    good, bad = ({"from": "gpt", "value": each} for each in "xy")
    row = {"q": turns, "good": [good], "bad": bad}
    path = write(tmp_path / "a.jsonl", row)
    prompts, _ = read(path, named("prompt=q,chosen=good,rejected=bad"))
    assert texts(prompts) == ["a > x > y"]
    assert prompts[0].system == "s"


def turns(*said: str) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[index % 2], "content": each} for index, each in enumerate(said)]


@pytest.mark.parametrize("asked", ["Hi", "Why? ", turns("Hi", "Hello", "Why?")])
def test_turns_before_named_sides_are_not_lost(tmp_path: Path, asked: object) -> None:
    good, bad = (turns("Hi", "Hello", "Why?", side) for side in "xy")
    path = write(tmp_path / "a.jsonl", {"q": asked, "s": "Be brief.", "good": good, "bad": bad})
    (prompt,), _ = read(path, named("prompt=q,system=s,chosen=good,rejected=bad"))
    assert [each.content for each in prompt.messages] == ["Be brief.", "Hi", "Hello", "Why?"]
    assert texts([prompt]) == ["Why? > x > y"]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (turns("Hi", "x"), turns("Ho", "y"), "key rejected: the conversations differ before"),
        (turns("Ho", "x"), "y", "key chosen: the prompt isn't in the conversation before"),
        (turns("Hi", "x", "more", "z"), turns("Hi", "y"), "key rejected: the conversations differ"),
        (turns("Hi", "x", "z"), "y", "found the role 'user'"),
    ],
)
def test_named_sides_of_another_prompt_are_told(
    tmp_path: Path, good: object, bad: object, reason: str
) -> None:
    path = write(tmp_path / "a.jsonl", {"q": "Hi", "good": good, "bad": bad})
    with pytest.raises(InputError, match=reason):
        read(path, named("prompt=q,chosen=good,rejected=bad"))


def test_a_column_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="the column 'question' is blank or missing; there are: 'q'"
    ):
        read(write(tmp_path / "a.jsonl", {"q": "a"}), named("prompt=question"))


def test_what_need_not_be_said_can_be_blank(tmp_path: Path) -> None:
    columns = "prompt=q,system=sys,responses=x+y,id=no,reference=gold"
    blank = write(tmp_path / "a.csv", "q,sys,x,y,no,gold", "Q1,S,a,b,7,c", "Q2,,,d,,", "Q3,,e,,,")
    prompts, tally = read(blank, named(columns))
    assert texts(prompts) == ["Q1 > a > b", "Q2 > d", "Q3 > e"]
    assert [(each.system, each.name, each.reference) for each in prompts[1:]] == [(None,) * 3] * 2
    assert len(tally.lines()) == 1
    sparse = write(tmp_path / "a.jsonl", {"q": "Q1", "x": "a"}, {"q": "Q2", "x": None, "y": "b"})
    prompts, tally = read(sparse, named(columns))
    assert texts(prompts) == ["Q1 > a", "Q2 > b"]
    assert tally.lines()[1:] == ["  columns that the first rows don't have: sys, no, gold"]


@pytest.mark.parametrize("column", ["q", "good", "bad", "x"])
def test_what_has_to_be_said_can_not_be_blank(tmp_path: Path, column: str) -> None:
    row = {key: "a" for key in ("q", "good", "bad", "x") if key != column}
    reading = named("prompt=q,chosen=good,rejected=bad,responses=x")
    with pytest.raises(InputError, match=f"the column '{column}' is blank or missing"):
        read(write(tmp_path / "a.jsonl", row), reading)


def test_columns_that_nobody_named_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", {"q": "a", "lang": "en"})
    assert read(path, named("prompt=q"))[1].lines()[1:] == ["  columns not used: lang"]


FIRST, SECOND = ({0: Mark.CHOSEN, 1: Mark.REJECTED}, {0: Mark.REJECTED, 1: Mark.CHOSEN})


@pytest.mark.parametrize(
    ("columns", "better", "marks"),
    [
        ("answer_a+answer_b", "answer_b", SECOND),
        ("answer_a+answer_b", "A", FIRST),
        ("answerA+answerB", "b", SECOND),
        ("answer_a+answer_b", "model_b", SECOND),
        ("answer_a+answer_b", "Tie", {}),
        ("answer_a+answer_b", "tie (bothbad)", dict.fromkeys((0, 1), Mark.REJECTED)),
        ("response_0+response_1", 0, FIRST),
        ("response_0+response_1", 1.0, SECOND),
        ("response_0+response_1", "0.0", FIRST),
        ("answer_1+answer_2", "1", FIRST),
        ("left+right", "right", SECOND),
        ("x1+x2+x3", "2", {0: Mark.REJECTED, 1: Mark.CHOSEN, 2: Mark.REJECTED}),
    ],
)
def test_a_column_that_says_which_is_better(
    tmp_path: Path, columns: str, better: object, marks: dict[int, Mark]
) -> None:
    row = {"q": "why?"} | {each: f"it is {each}" for each in columns.split("+")}
    path = write(tmp_path / "a.jsonl", row | {"w": better})
    prompts, tally = read(path, named(f"prompt=q,responses={columns},better=w"))
    assert [dict(each.marks) for each in prompts[0].preferences] == [marks]
    assert len(tally.lines()) == 1


@pytest.mark.parametrize(
    ("row", "columns", "marks"),
    [
        ({"a": "x", "b": "y", "u": 1, "v": 2.5}, "responses=a+b,scores=u+v", [SECOND]),
        ({"a": "x", "b": "y", "u": "7", "v": "-1"}, "responses=a+b,scores=u+v", [FIRST]),
        ({"a": "x", "b": "y", "u": 1, "v": True}, "responses=a+b,scores=u+v", [{}]),
        ({"a": "x", "b": "y", "u": 1, "v": None}, "responses=a+b,scores=u+v", []),
        ({"a": "x", "u": 1}, "responses=a+b,scores=u+v", []),
        ({"a": ["x", "y"], "u": [1, 0]}, "responses=a,scores=u", [FIRST]),
        ({"a": ["x", "y"], "u": []}, "responses=a,scores=u", []),
        ({"a": ["x", "y"]}, "responses=a,scores=u", []),
        ({"a": ["x", "y"], "u": [1, float("nan")]}, "responses=a,scores=u", []),
    ],
)
def test_columns_of_scores(
    tmp_path: Path, row: dict[str, object], columns: str, marks: list[dict[int, Mark]]
) -> None:
    prompts, _ = read(write(tmp_path / "a.jsonl", {"q": "Q"} | row), named(f"prompt=q,{columns}"))
    assert [dict(each.marks) for each in prompts[0].preferences] == marks


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1], "key u: expected as many as responses, 2; found 1"),
        (3, "key u: expected as many as responses, 2; found 1"),
        ([1, "good"], "key u: expected a number, found text 'good'"),
        ([1, {}], "key u: expected a number, found"),
        ([1, "nan"], "key u: expected a number, found text 'nan'"),
    ],
)
def test_scores_that_are_none_are_told(tmp_path: Path, scores: object, message: str) -> None:
    path = write(tmp_path / "a.jsonl", {"q": "Q", "a": ["x", "y"], "u": scores})
    with pytest.raises(InputError, match=message):
        read(path, named("prompt=q,responses=a,scores=u"))


@pytest.mark.parametrize("better", ["llama-2", "2", 0, "c", True, ["a"], "answer_c"])
def test_what_does_not_say_which_is_better_is_told(tmp_path: Path, better: object) -> None:
    row = {"q": "why?", "a": "x", "b": "y", "w": better}
    columns = "prompt=q,responses=a+b,better=w"
    with pytest.raises(InputError, match=r"better: expected one of a, b, or tie; found"):
        read(write(tmp_path / "a.jsonl", row), named(columns))


def test_nothing_need_be_better(tmp_path: Path) -> None:
    blank = write(tmp_path / "a.csv", "q,a,b,w", "Q1,x,y,a", "Q2,x,y,", "Q3,x,,a")
    prompts, _ = read(blank, named("prompt=q,responses=a+b,better=w"))
    assert [len(each.preferences) for each in prompts] == [1, 0, 0]


def test_numbers_with_blanks_among_them_say_the_same_in_every_form(tmp_path: Path) -> None:
    lines = ["prompt,response_0,response_1,better_response_id", "q,a,b,1.0", "q,a,b,0.0"]
    rows = [{"prompt": "q", "response_0": "a", "response_1": "b"}] * 3
    said = pa.array([1.0, 0.0, float("nan")])
    table = pa.Table.from_pylist(rows).append_column("better_response_id", said)
    parquet.write_table(table, tmp_path / "a.parquet")
    whole, blank = write(tmp_path / "a.csv", *lines), write(tmp_path / "b.csv", *lines, "q,a,b,")
    columns = named("prompt=prompt,responses=response_0+response_1,better=better_response_id")
    for path, reading in (
        (whole, Reading()),
        (blank, columns),
        (tmp_path / "a.parquet", Reading()),
        (tmp_path / "a.parquet", columns),
    ):
        prompts, _ = read(path, reading)
        marks = [[dict(each.marks) for each in prompt.preferences] for prompt in prompts]
        assert marks == [[SECOND], [FIRST], []][: 2 if path == whole else 3]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("prompt=q,better=w", "better says which of several columns of responses"),
        ("prompt=q,responses=a+b,better=w,scores=u+v", "exclude each other"),
        ("prompt=q,responses=a+b,scores=u", "as many columns as there are of responses"),
        ("prompt=q,scores=u", "as many columns as there are of responses"),
        ("prompt=q,responses=a,better=w", "better says which of several columns of responses"),
        ("", "expected NAME=COLUMN, found ''"),
        ("q", "expected NAME=COLUMN, found 'q'"),
        ("question=q", "NAME is one of prompt, system"),
        ("prompt=", "expected NAME=COLUMN, found 'prompt='"),
        ("prompt=a+b", "expected NAME=COLUMN, found 'prompt=a\\+b'"),
        ("responses=a", "which column is the prompt"),
        ("prompt=a,chosen=b", "chosen and rejected go together"),
    ],
)
def test_columns_that_say_nothing_are_told(columns: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Columns.parse(columns)


def test_an_unknown_format_is_told_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="there is no format 'dpo'") as caught:
        Reading.as_said("dpo", None, 0.0)
    assert "hh-rlhf" in caught.value.remedy
    with pytest.raises(InputError, match="don't go together"):
        Reading.as_said("trl", "prompt=q", 0.0)
