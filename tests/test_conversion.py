"""Rows of one format become rows of another, and what is written is what was read."""

from __future__ import annotations

import gzip
import json
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui import conversion
from dpo_tui.conversion import ConversionJob, convert
from dpo_tui.datasets.formats import FORMATS, Format
from dpo_tui.datasets.lengths import Estimate
from dpo_tui.datasets.writers import encoded, writing_rows
from dpo_tui.domain.model import Mark, Message, Pair
from dpo_tui.domain.pairs import Example, PairPolicy, Rating, Unit
from dpo_tui.errors import InputError
from dpo_tui.prompts import Reading, Tally, read_prompts
from dpo_tui.reports.export import ExportReport
from dpo_tui.rewriting import Target
from tests.datasets.samples import quick_folder
from tests.prompts.foreign import SAMPLES, Sample
from tests.terminal.program import PROGRAM, Person
from tests.waiting import wait_until

PAIR_FORMATS = [each for each in FORMATS.values() if each.unit is Unit.PAIR]
ONE_TURN = {"trl-standard", "csv"}
"""Formats that tell a conversation as one text."""


def run(source: Path, target: Path, to: str, **changes: Any) -> ExportReport:
    policy, tally = changes.pop("policy", PairPolicy()), changes.pop("tally", None)
    asked: dict[str, Any] = {"reading": Reading(), **changes}
    job = ConversionJob(
        prompts=read_prompts(source),
        output=target,
        target=Target(FORMATS[to], policy, Estimate()),
        **asked,
    )
    return convert(job, tally or Tally(), lambda _: None)


def write(path: Path, form: Format, examples: Sequence[Example]) -> Path:
    with path.open("wb") as file, writing_rows(form, file, meta=False) as write_rows:
        write_rows(encoded(form, examples, None))
    return path


def pairs_in(path: Path) -> list[Pair]:
    """The pairs that a file of one row a pair says, as it is read."""
    return [
        Pair(prompt.messages, prompt.responses[good].text, prompt.responses[bad].text)
        for prompt in read_prompts(path)
        for good, bad in [_sides(prompt.preferences[0].marks)]
    ]


def _sides(marks: Any) -> tuple[int, int]:
    by_mark = {mark: index for index, mark in marks.items()}
    return by_mark[Mark.CHOSEN], by_mark[Mark.REJECTED]


texts = (
    st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)


@st.composite
def conversations(draw: st.DrawFn, *, turns: bool = True) -> tuple[Message, ...]:
    system = [Message("system", draw(texts))] if turns and draw(st.booleans()) else []
    earlier = draw(st.lists(st.tuples(texts, texts), max_size=2)) if turns else []
    said = [
        message
        for question, answer in earlier
        for message in (Message("user", question), Message("assistant", answer))
    ]
    return (*system, *said, Message("user", draw(texts)))


def pairs(*, turns: bool) -> st.SearchStrategy[Pair]:
    sides = st.lists(texts, min_size=2, max_size=2, unique_by=lambda each: "".join(each.split()))
    asked = conversations(turns=turns)
    return st.builds(lambda messages, both: Pair(messages, *both), asked, sides)


@pytest.mark.parametrize("form", PAIR_FORMATS, ids=lambda each: each.name)
@given(data=st.data())
def test_what_we_write_is_read_back(form: Format, data: st.DataObject) -> None:
    written = data.draw(st.lists(pairs(turns=form.name not in ONE_TURN), min_size=1, max_size=4))
    with quick_folder() as folder:
        path = write(folder / f"a{form.ending}", form, written)
        assert pairs_in(path) == written
        for other in ("trl", "openai"):
            run(path, folder / f"{other}.jsonl", other)
            assert pairs_in(folder / f"{other}.jsonl") == written


@given(st.lists(st.builds(Rating, conversations(), texts, st.booleans()), min_size=1, max_size=4))
def test_rated_answers_are_read_back(ratings: list[Rating]) -> None:
    with quick_folder() as folder:
        path = write(folder / "a.jsonl", FORMATS["trl-kto"], ratings)
        run(path, folder / "b.jsonl", "trl-kto")
        assert (folder / "b.jsonl").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda each: each.name)
def test_each_format_is_recognised_as_the_one_that_it_is(tmp_path: Path, form: Format) -> None:
    pair = Pair((Message("user", "q"),), "good", "bad")
    example = pair if form.unit is Unit.PAIR else Rating(pair.messages, "good", is_good=True)
    path = write(tmp_path / f"a{form.ending}", form, [example])
    tally = Tally()
    list(read_prompts(path).read(Reading(), tally))
    named = Tally()
    list(read_prompts(path).read(Reading.as_said(form.name, None, 0.0), named))
    assert tally.files[0].shape == named.files[0].shape


JUDGED = [each for each in SAMPLES if any(one.marks for one in each.prompt.preferences)]


@pytest.mark.parametrize("sample", JUDGED, ids=lambda each: each.shape)
@pytest.mark.parametrize("to", FORMATS)
def test_everything_becomes_everything(tmp_path: Path, sample: Sample, to: str) -> None:
    source = tmp_path / "in.json"
    source.write_text(json.dumps([sample.row] * 3))
    target = tmp_path / f"out{FORMATS[to].ending}"
    if _has_rows(sample, FORMATS[to].unit):
        assert run(source, target, to).rows.total() == sum(1 for _ in read_prompts(target))
    else:
        with pytest.raises(InputError, match="there is nothing to write"):
            run(source, target, to)
        assert not target.exists()


def _has_rows(sample: Sample, unit: Unit) -> bool:
    """Not if those who judged disagree, and not if there is but one side."""
    said = [dict(each.marks) for each in sample.prompt.preferences if each.marks]
    if any(one != said[0] for one in said):
        return False
    wanted = {Mark.CHOSEN, Mark.REJECTED} if unit is Unit.PAIR else {Mark.CHOSEN}
    return unit is Unit.RATING or wanted <= set(said[0].values())


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "chosen": "x", "rejected": "y"},
        {"prompt": "b", "chosen": "x ", "rejected": "x"},
        {"prompt": "c", "chosen": "x", "rejected": " "},
        {"prompt": "d", "chosen": "x y", "rejected": "x  y"},
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    report = run(source, tmp_path / "out.jsonl", "swift")
    assert report.rows.total() == 1
    assert report.dropped == {"identical": 1, "empty": 1, "differ in white space only": 1}
    assert report.barren == {"nothing passed the guard": 3}


def test_replaced_surrogates_are_counted(tmp_path: Path) -> None:
    row = {"prompt": "q \ud83d", "chosen": "\u00e9 \ud83d", "rejected": "\u00e9 \U0001f600"}
    source = tmp_path / "in.jsonl"
    source.write_text(f"{json.dumps(row)}\n" * 3)
    assert run(source, tmp_path / "out.jsonl", "trl").replaced == 6


@pytest.mark.parametrize(
    ("to", "roles", "warned"),
    [
        ("csv", ["system", "user"], False),
        ("csv", ["user", "assistant", "user"], True),
        ("trl-standard", ["user"], False),
        ("trl-standard", ["system", "user"], True),
    ],
)
def test_a_prompt_that_becomes_a_transcript_is_warned_of(
    tmp_path: Path, to: str, roles: list[str], *, warned: bool
) -> None:
    said = [{"role": role, "content": "x"} for role in roles]
    row = {"prompt": said, "chosen": [_assistant("yes")], "rejected": [_assistant("no")]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    report = run(tmp_path / "in.jsonl", tmp_path / "out", to)
    assert any("became a transcript" in each for each in report.warnings) == warned


def test_ratings_of_nothing_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "completion": " ", "label": True},
        {"prompt": "b", "completion": "no\n", "label": False},
        {"prompt": "c", "completion": "yes", "label": True},
    ]
    source = tmp_path / "kto.jsonl"
    source.write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    for to, texts in (("trl-kto", ["no", "yes"]), ("sft", ["yes"])):
        report = run(source, tmp_path / to, to)
        lines = (tmp_path / to).read_text().splitlines()
        assert [any(f'"{text}"' in each for each in lines) for text in texts] == [True] * len(texts)
        assert (report.groups, report.rows.total()) == (3, len(texts))
        assert report.barren.total() == 3 - len(texts)


def test_ties_and_prompts_that_nothing_is_said_of_make_no_pair(tmp_path: Path) -> None:
    ask = [{"role": "user", "content": "q"}]
    rows = [
        {"context": ask, "response1": "x", "response2": "y", "overall_preference": score}
        for score in (-1, 0)
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    report = run(source, tmp_path / "out.jsonl", "trl-reward")
    assert report.barren == {"a tie": 1}
    (line,) = (tmp_path / "out.jsonl").read_text().splitlines()
    assert json.loads(line)["margin"] == 1.0
    source.write_text('{"prompt": "q", "responses": ["a", "b"]}\n')
    with pytest.raises(InputError, match="nothing is said of its responses"):
        run(source, tmp_path / "out2.jsonl", "trl")


def test_ranked_answers_make_pairs_by_the_policy(tmp_path: Path) -> None:
    answers = [{"answer": name, "model": "m", "rank": rank} for rank, name in enumerate("abcd")]
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"prompt": "q", "answers": answers}))
    run(source, tmp_path / "all.jsonl", "trl")
    assert [(each.chosen, each.rejected) for each in pairs_in(tmp_path / "all.jsonl")] == [
        ("a", "b"),
        ("a", "c"),
        ("a", "d"),
    ]
    report = run(source, tmp_path / "one.jsonl", "trl", policy=PairPolicy(limit=1))
    assert (report.rows.total(), report.spared) == (1, 2)


def test_the_row_that_tells_the_columns_comes_first(tmp_path: Path) -> None:
    def row(*turns: str) -> dict[str, Any]:
        roles = ("user", "assistant")
        said = [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)]
        return {"prompt": said, "chosen": [_assistant("x")], "rejected": [_assistant("y")]}

    source = tmp_path / "in.jsonl"
    rows = [row("a"), row("b"), row("c", "d", "e"), row("f"), row("c", "d", "e")]
    source.write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    run(source, tmp_path / "out.jsonl", "llamafactory-alpaca")
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["instruction"] for line in lines] == ["e", "a", "b", "f", "e"]


def _assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def test_answers_of_fine_tuning_data_are_good_examples(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"instruction": "q", "output": "a"}\n')
    run(source, tmp_path / "out.jsonl", "sft")
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row == {"messages": [{"role": "user", "content": "q"}, _assistant("a")]}


# --- several processes ----------------------------------------------------------------------------


@pytest.fixture
def much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is many times what is done before others are called in; some rows are odd."""
    monkeypatch.setattr(conversion, "_AT_ONCE", 7)
    monkeypatch.setattr(conversion, "_ALONE", 2)
    answers = [{"answer": name, "model": "m", "rank": rank} for rank, name in enumerate("abcd")]
    rows: list[dict[str, Any]] = [
        {"prompt": f"q {number}", "answers": answers} for number in range(150)
    ]
    rows[40] = {"prompt": "worthless"}
    rows[90]["answers"] = [{"answer": each, "model": "m", "rank": 1} for each in "xy"]
    source = tmp_path / "much.jsonl"
    source.write_text("".join(f"{json.dumps(each)}\n" for each in rows))
    return source


@pytest.mark.parametrize("to", ["trl", "csv", "parquet", "trl-kto", "sft"])
def test_several_write_what_one_writes(much: Path, to: str) -> None:
    done = []
    for cores in (1, 3):
        target, tally = much.with_name(f"{cores}"), Tally()
        report = run(much, target, to, tally=tally, cores=cores)
        done.append((target.read_bytes(), report, tally))
    assert done[0] == done[1]
    (_, report, tally) = done[0]
    assert (report.groups, tally.files[0].rows, tally.files[0].left_out) == (149, 150, 1)
    assert [each.first for each in tally.files[0].reasons.values()] == [["line 41"]]


@pytest.mark.parametrize("cores", [1, 3])
def test_the_telling_row_comes_first_however_many_look_for_it(much: Path, cores: int) -> None:
    def row(*turns: str) -> str:
        roles = ("user", "assistant")
        said = [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)]
        return json.dumps(
            {"prompt": said, "chosen": [_assistant("x")], "rejected": [_assistant("y")]}
        )

    telling = row("c", "d", "e")
    rows = [*(row(f"a {number}") for number in range(100)), telling, row("b"), telling]
    much.write_text("\n".join(rows))
    report = run(much, much.with_name("out"), "llamafactory-alpaca", cores=cores)
    lines = much.with_name("out").read_text().splitlines()
    asked = [json.loads(line)["instruction"] for line in lines]
    assert asked == ["e", *(f"a {number}" for number in range(100)), "b", "e"]
    assert (report.rows.total(), report.groups) == (103, 103)


@pytest.mark.parametrize("cores", [1, 3])
def test_a_file_of_bad_rows_is_given_up_and_nothing_is_left(much: Path, cores: int) -> None:
    lines = much.read_text().splitlines()
    much.write_text("\n".join([*lines, *(["{}"] * 30)]))
    for to in ("trl", "parquet"):
        with pytest.raises(InputError, match="rows are of no use as"):
            run(much, much.with_name("out"), to, cores=cores)
    assert [each.name for each in much.parent.iterdir()] == [much.name]


# --- the command ---------------------------------------------------------------------------------

ROWS = "".join(
    json.dumps({"prompt": name, "chosen": f"{name}+", "rejected": f"{name}-"}) + "\n"
    for name in "abc"
)


@pytest.fixture
def person(tmp_path: Path) -> Person:
    made = Person(tmp_path)
    made.write("in.jsonl", ROWS)
    return made


def test_the_command_writes_and_tells(person: Person) -> None:
    done = person.run("convert", "in.jsonl", "out.jsonl.gz", "--to", "trl")
    assert done.returncode == 0, done.stderr
    assert "in.jsonl: TRL pairs (prompt, chosen, rejected: text), 3 rows" in done.stderr
    assert "3 pairs of 3 prompts to out.jsonl.gz" in done.stderr
    lines = gzip.decompress((person.folder / "out.jsonl.gz").read_bytes()).splitlines()
    assert json.loads(lines[0])["prompt"] == [{"role": "user", "content": "a"}]
    again = person.run("convert", "in.jsonl", "out.jsonl.gz", "--to", "trl")
    assert again.returncode == 2
    assert "there is a file of that name already" in again.stderr
    forced = person.run("convert", "in.jsonl", "out.jsonl.gz", "--to", "swift", "--force")
    assert forced.returncode == 0
    assert not list(person.home.rglob("*.db"))


@pytest.mark.parametrize(
    ("name", "to", "message"),
    [
        ("x.jsonl", "csv", "x.jsonl: csv is written as CSV, not as JSON lines"),
        ("x.jsonl", "csv", "Let the name end in .csv, or choose another --to."),
        ("x.JSONL.gz", "csv", "not as JSON lines"),
        ("x.csv", "swift", "x.csv: swift is written as JSON lines, not as CSV"),
        ("x.CSV", "swift", "Let the name end in .jsonl, or say --to csv."),
        ("x.jsonl", "parquet", "parquet is written as Parquet, not as JSON lines"),
        ("x.tsv", "csv", "x.tsv: csv is written as CSV, not as TSV\nLet the name end in .csv.\n"),
        ("x.parquet.gz", "parquet", "Parquet is compressed by itself"),
        ("x.parquet.zst", "parquet", "nothing reads it inside .zst\nLeave .zst out."),
        ("x.jsonl.zst", "swift", "x.jsonl.zst: a file is compressed as .gz or not at all"),
        ("x.BZ2", "csv", "Let the name end in .gz, or leave .BZ2 out."),
    ],
)
def test_a_name_promises_what_is_written(person: Person, name: str, to: str, message: str) -> None:
    done = person.run("convert", "in.jsonl", name, "--to", to)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert not (person.folder / name).exists()


@pytest.mark.parametrize(
    ("name", "to"),
    [("x.json", "csv"), ("x.v2.csv", "csv"), ("x.parquet.old", "swift"), ("x", "parquet")],
)
def test_a_name_that_promises_nothing_is_free(person: Person, name: str, to: str) -> None:
    assert person.run("convert", "in.jsonl", name, "--to", to).returncode == 0


def test_a_name_may_be_as_long_as_the_system_allows(person: Person) -> None:
    name = f"{'x' * 249}.jsonl"
    assert person.run("convert", "in.jsonl", name, "--to", "trl").returncode == 0
    assert len((person.folder / name).read_text().splitlines()) == 3


def test_an_ending_is_known_in_capitals_too(person: Person) -> None:
    person.run("convert", "in.jsonl", "X.JSONL.GZ", "--to", "trl")
    assert len(gzip.decompress((person.folder / "X.JSONL.GZ").read_bytes()).splitlines()) == 3


def test_pipes(person: Person) -> None:
    def piped(data: bytes, to: str) -> bytes:
        return subprocess.run(
            [*PROGRAM, "convert", "-", "-", "--to", to],
            env=person.environment,
            cwd=person.folder,
            input=data,
            capture_output=True,
            check=True,
        ).stdout

    plain = piped(ROWS.encode(), "openai")
    assert len(plain.splitlines()) == 3
    assert piped(gzip.compress(ROWS.encode()), "openai") == plain
    assert piped(json.dumps([*map(json.loads, ROWS.splitlines())]).encode(), "openai") == plain
    assert piped(b"prompt,chosen,rejected\na,a+,a-\n", "openai") == plain.splitlines(True)[0]
    (person.folder / "in.jsonl.gz").write_bytes(gzip.compress(ROWS.encode()))
    command = f"{shlex.join(PROGRAM)} convert <(zcat in.jsonl.gz) - --to openai"
    shell = ["bash", "-c", command]
    assert subprocess.check_output(shell, env=person.environment, cwd=person.folder) == plain
    alpaca = piped(ROWS.encode(), "llamafactory-alpaca")
    assert json.loads(alpaca.splitlines()[0])["instruction"] == "a"


@pytest.mark.parametrize("target", ["/dev/stdout | cat > out", ">(cat > out)"])
def test_an_open_pipe_is_written_into(person: Person, target: str) -> None:
    command = f"set -o pipefail; {shlex.join(PROGRAM)} convert in.jsonl --to trl {target}"
    done = subprocess.run(
        ["bash", "-c", command],
        env=person.environment,
        cwd=person.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    out = person.folder / "out"
    wait_until(lambda: out.exists() and out.read_text().count("\n") == 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl", "out.jsonl", "--to", "trl"], "missing.jsonl: there is no such file"),
        (["in.jsonl", "out.jsonl", "--to", "tlr"], "Did you mean trl"),
        (["in.jsonl", "out.jsonl", "--to", "trl", "--from", "x"], "there is no format 'x'"),
        (["in.jsonl", "out.jsonl", "--to", "trl", "--from", "openai"], "of no use as OpenAI pairs"),
        (["in.jsonl", "no/out.jsonl", "--to", "trl"], "there is no folder no"),
        (
            ["in.jsonl", "out.jsonl", "--to", "sft", "--pairs", "2"],
            "--pairs 2: a row of sft is one",
        ),
        (["in.jsonl", "x" * 300, "--to", "trl"], "x can't be written: File name too long."),
        (["in.jsonl", "out.jsonl", "--to", "trl", "--max-length", "0"], "--max-length"),
        (
            ["in.jsonl", "out.jsonl", "--to", "trl", "--best-over-chosen"],
            "unrecognized arguments: --best-over-chosen",
        ),
    ],
)
def test_what_is_wrong_is_told(person: Person, arguments: list[str], message: str) -> None:
    done = person.run("convert", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (person.folder / "out.jsonl").exists()


def test_what_rows_were_taken_for_is_told_when_they_give_nothing(person: Person) -> None:
    person.write("odd.jsonl", '{"prompt": "q", "chosen": "x", "rejected": " x", "other": 1}\n')
    done = person.run("convert", "odd.jsonl", "out.jsonl", "--to", "trl")
    assert done.returncode == 2
    nothing = "there is nothing to write"
    assert done.stderr.splitlines() == [
        f"dpo-tui: odd.jsonl: {nothing}: nothing passed the guard (1); identical (1)",
        "odd.jsonl: TRL pairs (prompt, chosen, rejected: text), 1 row",
        "  columns not used: other",
        "If its rows are something else, say so with --from FORMAT or --columns.",
    ]


def test_a_column_that_says_what_is_better_is_asked_for(person: Person) -> None:
    person.write("odd.csv", "prompt,response_a,response_b,winner\nq,x,y,model_b\n")
    done = person.run("convert", "odd.csv", "-", "--to", "trl")
    assert done.returncode == 2
    _, _, told = done.stderr.partition("name it: ")
    columns = "prompt=COLUMN,responses=COLUMN+COLUMN,better=COLUMN"
    assert told.startswith(f"--columns {columns} (or scores=COLUMN+COLUMN).")
    columns = "prompt=prompt,responses=response_a+response_b,better=winner"
    done = person.run("convert", "odd.csv", "-", "--to", "trl", "--columns", columns)
    assert json.loads(done.stdout)["chosen"] == [{"role": "assistant", "content": "y"}]


def test_rated_answers_that_give_no_pairs_are_told_what_they_can_become(person: Person) -> None:
    for label in ("true", "false"):
        row = f'{{"prompt": "q", "completion": "{label}", "label": {label}}}\n'
        person.write("kto.jsonl", row + row)
        done = person.run("convert", "kto.jsonl", "out.jsonl", "--to", "trl")
        assert done.returncode == 2
        assert "pairs need two: --to trl-kto writes such rows." in done.stderr
        assert "--columns" not in done.stderr
    assert person.run("convert", "kto.jsonl", "-", "--to", "trl-kto").returncode == 0


def test_a_reader_that_has_seen_enough_ends_it(person: Person) -> None:
    person.write("many.jsonl", ROWS * 20_000)
    command = " ".join((*PROGRAM, "convert many.jsonl - --to trl | head -1"))
    done = subprocess.run(
        command,
        shell=True,
        env=person.environment,
        cwd=person.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
