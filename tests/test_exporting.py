"""`export`: the real program on sessions with decisions in them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from dpo_tui.datasets.formats import FORMATS
from dpo_tui.domain.model import Message, Remarks
from dpo_tui.store.session import SessionStore
from tests.datasets.examples import READERS
from tests.sessions import decide, make_session, prompt
from tests.terminal.program import Person

EXPECTED = [
    ("Q1", "one good", "one bad"),
    ("Q1", "one good", "one poor"),
    ("Q2", "two good", "two bad"),
    ("Q2", "two fine", "two bad"),
]


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """With `s.db` in the folder: five groups, of which two give pairs."""
    person = Person(tmp_path)
    make_session(
        person.folder / "s.db",
        [
            prompt("Q1", "one good", "one bad", "one poor", system="S", tags=["first"]),
            prompt("Q2", "two good", "two fine", "two bad", tags=["second"]),
            prompt("Q3", "three a", "three b"),
            prompt("Q4", "four a", "four b"),
            prompt("Q5", "five a", "five b"),
        ],
    )
    path = person.folder / "s.db"
    decide(path, 1, "+--", remarks=Remarks(strength=3, note="clear"))
    decide(path, 2, "++-", remarks=Remarks(best=0), at=2e9)
    decide(path, 3, "++", remarks=Remarks(tie=True))
    decide(path, 4, "--")
    return person


def exported(person: Person, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What went to standard output and to standard error."""
    result = person.run("export", "--session", "s.db", *arguments, COLUMNS="200")
    assert result.returncode == code, result.stderr
    return result.stdout, " ".join(result.stderr.split())


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def found(row: dict[str, Any], name: str) -> tuple[str, str, str]:
    messages, chosen, rejected = READERS[name](row)
    return messages[-1].content, chosen, rejected


@pytest.mark.parametrize("name", sorted(READERS))
def test_every_pair_comes_in_every_format(person: Person, name: str) -> None:
    out, told = exported(person, "--format", name)
    assert [found(row, name) for row in rows(out)] == EXPECTED
    assert "4 confirmed by ann" in told
    assert "4 pairs of 2 prompts to standard output" in told
    assert "1 prompt: a tie" in told
    assert "1 prompt: nothing was chosen" in told


def test_the_default_is_what_the_live_dataset_has(person: Person) -> None:
    assert exported(person)[0] == exported(person, "--format", "swift")[0]


def test_unpaired_formats_take_ties_and_groups_of_one_mark(person: Person) -> None:
    out, _ = exported(person, "--format", "trl-kto")
    assert [(row["completion"][0]["content"], row["label"]) for row in rows(out)] == [
        ("one good", True),
        ("one bad", False),
        ("one poor", False),
        ("two good", True),
        ("two fine", True),
        ("two bad", False),
        ("three a", True),
        ("three b", True),
        ("four a", False),
        ("four b", False),
    ]
    out, _ = exported(person, "--format", "sft", "--pairs", "best", "--tag", "second")
    assert [row["messages"][-1]["content"] for row in rows(out)] == ["two good"]


def test_what_the_policy_leaves_out_of_unpaired_formats_is_told(person: Person) -> None:
    asked = ("--format", "trl-kto", "--pairs", "one", "-o", "kto.jsonl", "--card")
    assert "not taken 2 responses, by the policy" in exported(person, *asked)[1]
    card = (person.folder / "README.md").read_text()
    assert "- 2 responses: by the policy" in card
    assert "- ratings of a group: the best (drawn by lot where" in card
    assert "against" not in card
    for arguments in (("--pairs", "2"), ("--best-over-chosen",)):
        _, told = exported(person, "--format", "sft", *arguments, code=2)
        assert f"{' '.join(arguments)}: a row of sft is one response, not a pair" in told


def test_policies(person: Person) -> None:
    out, told = exported(person, "--pairs", "one")
    assert len(rows(out)) == 2
    assert "2 combinations, by the policy" in told
    out, _ = exported(person, "--pairs", "best", "--best-over-chosen", "--tag", "second")
    assert [found(row, "swift")[1:] for row in rows(out)] == [
        ("two good", "two bad"),
        ("two good", "two fine"),
    ]
    person.write("prompts.toml", 'pairs = "most"\nuser = "Q1"\n')
    _, told = exported(person, "--pairs", "most", code=2)
    assert "all, best, one, or a number" in told


def test_filters(person: Person) -> None:
    assert len(rows(exported(person, "--tag", "first")[0])) == 2
    assert len(rows(exported(person, "--since", "2030-01-01")[0])) == 2
    assert "expected a date" in exported(person, "--since", "yesterday", code=2)[1]
    _, told = exported(person, "--tag", "none", code=2)
    assert "there is nothing to write" in told


def test_whose_decisions(person: Person) -> None:
    decide(person.folder / "s.db", 5, "+-", annotator="bob")
    out, told = exported(person, "--annotator", "bob")
    assert [found(row, "swift")[0] for row in rows(out)] == ["Q5"]
    assert "left out decisions of ann (4)" in told
    assert len(rows(exported(person, "--annotator", "all")[0])) == 5
    assert len(rows(exported(person)[0])) == 5  # the user has decided nothing
    assert "Annotators: ann, bob" in exported(person, "--annotator", "cat", code=2)[1]


def test_metadata_beside_and_inside(person: Person) -> None:
    out, _ = exported(person, "--meta", "--sidecar", "side.jsonl", "--format", "trl")
    metas = [json.loads(row["meta"]) for row in rows(out)]
    assert all(list(row)[-1] == "meta" for row in rows(out))
    assert [meta["weight"] for meta in metas] == [0.5] * 4
    assert metas[0]["id"] == "Q1"
    assert (metas[0]["strength"], metas[0]["note"]) == (3, "clear")
    assert [side["best"] for side in metas[2]["responses"]] == [True, False]
    assert {side["model"] for meta in metas for side in meta["responses"]} == {"some-model"}
    side = rows((person.folder / "side.jsonl").read_text())
    assert [(each.pop("split"), each.pop("row")) for each in side] == [
        ("train", number) for number in range(4)
    ]
    assert side == metas


def test_a_split_has_every_prompt_on_one_side(person: Person) -> None:
    _, told = exported(person, "--test-size", "0.5", "-o", "pairs.jsonl.gz", "--shuffle")
    sides = [
        {found(row, "swift")[0] for row in rows(gzip.decompress(path.read_bytes()).decode())}
        for path in (person.folder / "pairs.jsonl.gz", person.folder / "pairs.test.jsonl.gz")
    ]
    assert sorted(sides) == [{"Q1"}, {"Q2"}] or sorted(sides) == [{"Q2"}, {"Q1"}]
    assert "train 2 pairs of 1 prompt to pairs.jsonl.gz" in told
    assert "test 2 pairs of 1 prompt to pairs.test.jsonl.gz" in told
    _, told = exported(person, "--test-size", "0.5", code=2)
    assert "--test-output" in told


def test_a_test_file_asks_for_a_share(person: Person) -> None:
    _, told = exported(person, "-o", "pairs.jsonl", "--test-output", "test.jsonl", code=2)
    assert "--test-output: no prompts are kept apart for it Say how many with --test-size" in told
    assert not (person.folder / "pairs.jsonl").exists()


def test_the_same_seed_gives_the_same_bytes(person: Person) -> None:
    arguments = ("--shuffle", "--test-size", "0.5", "--pairs", "1")
    for name in ("a", "b"):
        exported(person, *arguments, "-o", f"{name}.jsonl.gz", "--test-output", f"{name}.test")
    names = ("a.jsonl.gz", "b.jsonl.gz", "a.test", "b.test")
    files = [(person.folder / each).read_bytes() for each in names]
    assert files[0] == files[1]
    assert files[2] == files[3]
    orders = {exported(person, "--shuffle", "--seed", str(seed))[0] for seed in range(6)}
    assert len(orders) > 1
    assert len({tuple(sorted(each.splitlines())) for each in orders}) == 1


def test_csv_and_parquet(person: Person) -> None:
    exported(person, "--format", "csv", "-o", "pairs.csv", "--meta")
    text = (person.folder / "pairs.csv").read_bytes().decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(text, newline=""))
    assert head == ["system", "prompt", "chosen", "rejected", "meta"]
    assert [tuple(line[1:4]) for line in lines] == EXPECTED
    exported(person, "--format", "parquet", "-o", "pairs.parquet", "--meta")
    table = pq.read_table(person.folder / "pairs.parquet").to_pylist()
    assert [found(row, "trl") for row in table] == EXPECTED
    assert [json.loads(row["meta"])["weight"] for row in table] == [0.5] * 4


def test_a_name_promises_what_is_written(person: Person) -> None:
    _, told = exported(person, "-o", "e.parquet", code=2)
    assert "e.parquet: swift is written as JSON lines, not as Parquet" in told
    assert "Let the name end in .jsonl, or say --format parquet." in told
    split = ("-o", "e.jsonl", "--test-size", "0.5", "--test-output", "t.csv")
    assert "t.csv" in exported(person, *split, code=2)[1]
    _, told = exported(person, "-o", "e.jsonl", "--sidecar", "side.jsonl.xz", code=2)
    assert "side.jsonl.xz: a file is compressed as .gz or not at all" in told
    assert not [*person.folder.glob("[et].*")]


def test_nothing_is_written_over_by_mistake(person: Person) -> None:
    person.write("mine.jsonl", "mine")
    assert "--force" in exported(person, "-o", "mine.jsonl", code=2)[1]
    assert (person.folder / "mine.jsonl").read_text() == "mine"
    exported(person, "-o", "mine.jsonl", "--force")
    assert len(rows((person.folder / "mine.jsonl").read_text())) == 4
    dataset = person.write("live.jsonl", "live")
    with closing(SessionStore.open(person.folder / "s.db", annotator="ann")) as store:
        store.remember(dataset_path=dataset)
    for name in ("live.jsonl", "s.db"):
        assert "the session itself" in exported(person, "-o", name, "--force", code=2)[1]
    assert dataset.read_text() == "live"
    assert "no folder" in exported(person, "-o", "nowhere/x.jsonl", code=2)[1]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("-o R.md --card R.md", ("--card", "-o")),
        ("-o README.md --card", ("--card", "-o")),
        ("-o z.jsonl --test-size .5 --card z.test.jsonl", ("--card", "--test-size")),
        ("-o z.jsonl --sidecar z.jsonl", ("--sidecar", "-o")),
        ("-o z.jsonl --test-size .5 --sidecar z.test.jsonl", ("--sidecar", "--test-size")),
        ("-o z.jsonl --test-size .5 --test-output ../{name}/z.jsonl", ("--test-output", "-o")),
        ("-o to-z.jsonl --test-size .5 --test-output z.jsonl", ("--test-output", "-o")),
        ("-o z.json --dataset-info z.json --format llamafactory-alpaca", ("--dataset-info", "-o")),
        ("--sidecar -", ("--sidecar", "-o")),
        ("-o - --card -", ("--card", "-o")),
        ("-o z.jsonl --sidecar - --card -", ("--card", "--sidecar")),
    ],
)
def test_no_two_options_write_to_one_file(
    person: Person, arguments: str, options: tuple[str, str]
) -> None:
    (person.folder / "to-z.jsonl").symlink_to("z.jsonl")
    before = sorted(person.folder.iterdir())
    words = arguments.format(name=person.folder.name).split()
    out, told = exported(person, *words, "--force", code=2)
    option, other = options
    assert f"{option}: " in told
    assert f"is what {other} writes to Name another file." in told
    assert not out
    assert sorted(person.folder.iterdir()) == before


@pytest.mark.parametrize("option", ["-o", "--sidecar", "--card"])
def test_a_name_that_no_file_can_have_is_told(person: Person, option: str) -> None:
    (person.folder / "loop").symlink_to("loop")
    for name in ("x" * 300, "loop", "loop/x", "x" * 300 + "/x"):
        output = ("-o", "out.jsonl") if option != "-o" else ()
        _, told = exported(person, *output, option, name, "--force", code=2)
        assert f"{name} can't be written: " in told
        assert "Name another file." in told
    (path,) = person.folder.glob("[lo]*")
    assert path.is_symlink()


def test_a_folder_of_dataset_info_that_leads_to_itself_is_told(person: Person) -> None:
    (person.folder / "loop").symlink_to("loop")
    info = ("--dataset-info", "loop/dataset_info.json")
    _, told = exported(person, "--format", "llamafactory-alpaca", "-o", "o.jsonl", *info, code=2)
    assert "loop/dataset_info.json: can't be read" in told


def test_what_fails_leaves_nothing_behind(person: Person) -> None:
    before = sorted(person.folder.iterdir())
    exported(person, "--tag", "none", "-o", "new.jsonl", "--sidecar", "side.jsonl", code=2)
    assert sorted(person.folder.iterdir()) == before


def test_a_pipe_and_a_symlink_are_followed(person: Person) -> None:
    exported(person, "-o", "/dev/null", "--force")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    target = person.write("target.jsonl", "")
    (person.folder / "link.jsonl").symlink_to(target)
    exported(person, "-o", "link.jsonl", "--force")
    assert (person.folder / "link.jsonl").is_symlink()
    assert len(rows(target.read_text())) == 4


def test_what_is_odd_is_counted(person: Person) -> None:
    path = person.folder / "odd.db"
    long = "word " * 2000
    make_session(
        path,
        [
            prompt("near", "a rather long answer to this", "a rather long answer to that"),
            prompt("cut", long + "x", long + "y"),
            prompt(long, "good", "bad"),
            prompt("spaces", "one two", "one  two", "three"),
            prompt("risky", "a", "user"),
        ],
    )
    for group_id, marks in enumerate(["+-", "+-", "+-", "+--", "+-"], start=1):
        decide(path, group_id, marks)
    _, told = exported(person, "--session", "odd.db", "--format", "axolotl")
    assert "2: sides are 90% alike or more" in told
    assert "1: longer than 1024 tokens: trainers cut it" in told
    assert "1: the sides are the same in the first 1024 tokens" in told
    assert "1: the prompt alone fills 1024 tokens: trainers drop it" in told
    assert "lengths are estimated at 4 bytes a token" in told
    assert "2: an answer is so short that axolotl finds it in its template instead" in told
    assert "1: differ in white space only" in told
    assert "type: chat_template.default" in told
    _, told = exported(person, "--session", "odd.db", "--max-length", "100000")
    assert "100000" not in told


def test_dataset_info_is_told(person: Person) -> None:
    _, told = exported(person, "--format", "llamafactory-sharegpt", "-o", "pairs.jsonl")
    info = json.loads(told[told.index("{") :])
    assert info["pairs"]["file_name"] == "pairs.jsonl"


def test_dataset_info_is_added_to_a_file(person: Person) -> None:
    path = person.write("dataset_info.json", '{"other": {"file_name": "other.json"}}')
    arguments = ("--dataset-info", path.name, "--test-size", "0.5")
    exported(person, "--format", "llamafactory-alpaca", "-o", "pairs.jsonl", *arguments)
    info = json.loads(path.read_text())
    assert [*info] == ["other", "pairs", "pairs_test"]
    assert info["pairs_test"]["file_name"] == "pairs.test.jsonl"
    again = ("--format", "llamafactory-sharegpt", "-o", "new/pairs.jsonl")
    (person.folder / "new").mkdir()
    _, told = exported(person, *again, "--dataset-info", path.name, code=2)
    assert "another entry pairs" in told
    assert not [*(person.folder / "new").iterdir()]
    _, told = exported(person, "--format", "trl", "--dataset-info", "x.json", code=2)
    assert "has none" in told
    person.write("broken.json", "[")
    _, told = exported(person, *again, "--dataset-info", "broken.json", code=2)
    assert "broken.json" in told


def test_dataset_info_names_a_file_from_its_own_folder(person: Person) -> None:
    (person.folder / "data").mkdir()
    form = ("--format", "llamafactory-alpaca")
    exported(person, *form, "-o", "pairs.jsonl", "--dataset-info", "data/dataset_info.json")
    (person.folder / "linked").symlink_to("data")
    exported(person, *form, "-o", "data/more.jsonl", "--dataset-info", "linked/dataset_info.json")
    info = json.loads((person.folder / "data/dataset_info.json").read_text())
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "pairs": "../pairs.jsonl",
        "more": "more.jsonl",
    }


def test_tokens_are_counted_with_a_tokenizer(person: Person) -> None:
    tokenizer = Tokenizer(WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(person.folder / "tokenizer.json"))
    counting = ("--tokenizer", "tokenizer.json", "--max-length")
    _, told = exported(person, *counting, "4")  # system and question, and an answer of two tokens
    assert "warning" not in told
    _, told = exported(person, *counting, "2", "--tag", "second")
    assert "2: longer than 2 tokens" in told
    assert "2: the sides are the same in the first 2 tokens" in told
    assert "lengths are counted with tokenizer.json" in told
    _, told = exported(person, *counting, "1", "--tag", "second")
    assert "2: the prompt alone fills 1 tokens" in told
    assert "can't be read as a tokenizer" in exported(person, "--tokenizer", "s.db", code=2)[1]


def test_a_row_that_tells_the_schema_comes_first(person: Person) -> None:
    path = person.folder / "turns.db"
    last = prompt("last", "c", "d")
    turns = (Message("user", "first"), Message("assistant", "reply"), *last.messages)
    make_session(path, [prompt("Q", "a", "b"), last._replace(messages=turns)])
    decide(path, 1, "+-")
    decide(path, 2, "+-")
    out, _ = exported(person, "--session", "turns.db", "--format", "llamafactory-alpaca")
    assert [row["history"] for row in rows(out)] == [[["first", "reply"]], []]
    out, _ = exported(person, "--session", "turns.db", "--format", "trl")
    assert [len(row["prompt"]) for row in rows(out)] == [1, 3]


def test_help_names_every_format(person: Person) -> None:
    result = person.run("export", "--help", COLUMNS="500")
    assert all(name in result.stdout for name in FORMATS)
