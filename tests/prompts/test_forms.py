"""The forms of files: the same rows come out of every one of them."""

import csv
import gzip
import io
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dpo_tui.domain.model import Prompt
from dpo_tui.errors import InputError
from dpo_tui.prompts import Reading, Tally, read_prompts
from dpo_tui.prompts.data import STANDARD_INPUT, Data
from dpo_tui.prompts.forms.table import form_of

from .foreign import SAMPLES, Sample
from .reading import read, texts

PAIRS = [
    {"prompt": f'Question {number}, or "{number}"?\nSay.', "chosen": "yes", "rejected": "no, 1"}
    for number in range(3)
]
TEXTS = [f"{row['prompt']} > yes > no, 1" for row in PAIRS]


def write_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], delimiter=delimiter)
        writer.writeheader()
        writer.writerows(
            {
                key: json.dumps(value) if isinstance(value, list | dict) else value
                for key, value in row.items()
            }
            for row in rows
        )
    return path


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv", "\t"), ("A.CSV", ",")])
def test_a_table_with_names_in_its_first_line(tmp_path: Path, name: str, delimiter: str) -> None:
    path = write_csv(tmp_path / name, PAIRS, delimiter)
    prompts, tally = read(path)
    assert texts(prompts) == TEXTS
    assert tally.files[0].shape.name == "trl-standard"


def test_a_table_as_spreadsheets_save_it(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\ufeffuser,system,n,tags\r\nHi,,3,\r\n\r\nHo,Be brief.,,\r\n".encode())
    prompts, _ = read(path)
    assert [(each.turns[0].content, each.system, each.n) for each in prompts] == [
        ("Hi", None, 3),
        ("Ho", "Be brief.", None),
    ]


def test_a_cell_can_hold_a_list_if_all_of_its_column_do(tmp_path: Path) -> None:
    rows = [{"user": "[1] or [2]?", "responses": ["a", "b"]}, {"user": "[3]", "responses": ["c"]}]
    prompts, _ = read(write_csv(tmp_path / "a.csv", rows))
    assert texts(prompts) == ["[1] or [2]? > a > b", "[3] > c"]


@pytest.mark.parametrize(
    "reading",
    [
        Reading(),
        Reading.as_said("trl-standard", None, 0.0),
        Reading.as_said(None, "prompt=prompt,chosen=chosen,rejected=rejected", 0.0),
    ],
)
def test_answers_can_be_json(tmp_path: Path, reading: Reading) -> None:
    rows = [{"prompt": "q", "chosen": '{"a":  1}', "rejected": "[2]"}] * 60
    rows += [{"prompt": "q", "chosen": "{broken", "rejected": "text"}]
    prompts, tally = read(write_csv(tmp_path / "a.csv", rows), reading)
    assert texts(prompts) == ['q > {"a":  1} > [2]'] * 60 + ["q > {broken > text"]
    assert tally.files[0].left_out == 0


def test_messages_in_cells_are_messages(tmp_path: Path) -> None:
    for sample in SAMPLES:
        if sample.shape in {"trl", "trl-implicit", "swift", "openpipe", "helpsteer3", "nectar"}:
            prompts, tally = read(write_csv(tmp_path / "a.csv", [sample.row]))
            assert (prompts, tally.files[0].shape.name) == ([sample.prompt], sample.shape)


def test_messages_as_pandas_writes_them_are_messages(tmp_path: Path) -> None:
    def said(answer: str) -> list[dict[str, str]]:
        question = {"role": "user", "content": "It's \\d?\n"}
        return [question, {"role": "assistant", "content": answer}]

    rows = [{"chosen": str(said("yes")), "rejected": str(said('"no"'))}] * 60
    prompts, tally = read(write_csv(tmp_path / "a.csv", rows))
    assert texts(prompts) == ['It\'s \\d?\n > yes > "no"'] * 60
    assert tally.files[0].shape.name == "trl-implicit"
    with_text = [{"prompt": "q", **row, "messages": str(said("yes"))} for row in rows]
    assert read(write_csv(tmp_path / "b.csv", with_text))[0] == prompts
    broken = {**rows[0], "chosen": "[{'role': 'user'"}
    _, tally = read(write_csv(tmp_path / "a.csv", [*rows, broken]))
    assert [*tally.files[0].reasons] == ["column chosen: not a list or table as in the rows before"]


def test_messages_as_numpy_prints_them_are_told(tmp_path: Path) -> None:
    one = "[{'role': 'user', 'content': 'q'}]"
    two = "[{'role': 'user', 'content': 'q'}\n {'role': 'assistant', 'content': 'a'}]"
    rows = [{"prompt": one, "chosen": one}, {"prompt": one, "chosen": two}]
    with pytest.raises(InputError, match=r"a.csv: column chosen: lists as NumPy") as caught:
        read(write_csv(tmp_path / "a.csv", rows))
    assert "to_json or to_parquet" in caught.value.remedy


def test_answers_can_be_python(tmp_path: Path) -> None:
    rows = [{"prompt": "q", "chosen": "{'a': \\d}", "rejected": "[{'a': 1}]"}] * 2
    rows[1] = {**rows[1], "chosen": "{}"}
    prompts, _ = read(write_csv(tmp_path / "a.csv", rows))
    assert texts(prompts) == ["q > {'a': \\d} > [{'a': 1}]", "q > {} > [{'a': 1}]"]


@pytest.mark.parametrize(
    "content",
    [
        ",user,n\n0,x,3\n1,y\n",
        'user,,n,\nx,"{""a"": 1}",3,\ny,\n',
        "user;n\nx;3\ny;\n",
        '\ufeff"user";"n"\r\n"x";3\r\n"y";\r\n',
        "user\tn\nx\t3\ny\t\n",
        "\ufeffsep=;\r\nuser;n\r\nx;3\r\ny;\r\n",
        "sep=|\nuser|n\nx|3\ny|\n",
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_a_table_with_an_index_or_another_separator(
    tmp_path: Path, content: str, ending: str
) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text(content)
    prompts, _ = read(path)
    assert [(each.turns[0].content, each.n) for each in prompts] == [("x", 3), ("y", None)]


def test_a_cell_can_be_long(tmp_path: Path) -> None:
    rows = [{"user": "x" * 300_000}]
    assert texts(read(write_csv(tmp_path / "a.csv", rows))[0]) == ["x" * 300_000]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv.gz", "a.txt.gz", "a.json.gz"])
def test_packed_files(tmp_path: Path, name: str) -> None:
    content = {
        "a.jsonl.gz": '{"user": "x"}\n{"user": "y"}\n',
        "a.csv.gz": "user\nx\ny\n",
        "a.txt.gz": "x\ny\n",
        "a.json.gz": '[{"user": "x"}, {"user": "y"}]',
    }
    path = tmp_path / name
    path.write_bytes(gzip.compress(content[name].encode()))
    assert texts(read(path)[0]) == ["x", "y"]
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(InputError, match="not a whole gzip file"):
        read(path)
    path.write_bytes(gzip.compress(content[name].encode())[:12] + b"broken off here")
    with pytest.raises(InputError, match="not a whole gzip file"):
        read(path)


@pytest.mark.parametrize(
    "sample", [each for each in SAMPLES if each.shape != "argilla"], ids=lambda each: each.shape
)
def test_parquet_means_the_same_as_lines(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist([_of_one_kind(sample.row)]), path)
    assert read(path)[0] == [sample.prompt]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1], pa.timestamp("ns")),
        pa.array([1], pa.timestamp("ns", "UTC")),
        pa.array([2**62], pa.timestamp("us")),
        pa.array([1], pa.duration("ns")),
        pa.array([1], pa.time64("ns")),
        pa.array([10**9], pa.date32()),
        pa.array([[{"at": 1}]], pa.list_(pa.struct([("at", pa.timestamp("ns"))]))),
        pa.array([[1, 2]], pa.list_(pa.timestamp("ns"), 2)),
        pa.array([[1, 2]], pa.large_list(pa.timestamp("ns"))),
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.timestamp("ns"))),
        pa.array([1], pa.timestamp("ns")).dictionary_encode(),
        pa.array([[{"at": 1, "image": None}]]),
        pa.array([None], pa.null()),
        pa.array(["x"]).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_a_column_that_nobody_needs_can_hold_anything(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "a.parquet"
    named = {"prompt": ["q"], "chosen": ["a"], "rejected": ["b"], "x": column}
    parquet.write_table(pa.table(named), path)
    assert texts(read(path)[0]) == ["q > a > b"]


def test_text_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    column = pa.array([b"ok"] * 1000 + [b"\xff"]).view(pa.string())
    parquet.write_table(pa.table({"user": column}), path)
    with pytest.raises(InputError, match=r"a.parquet: after row 1000: a value can't be read"):
        read(path)


def _of_one_kind(value: Any) -> Any:
    """Columns have one type and no table without fields."""
    if isinstance(value, dict):
        return {key: _of_one_kind(each) for key, each in value.items() if each not in ({}, [])}
    if isinstance(value, list) and {type(each) for each in value} == {str, dict}:
        return [{"response": each} if isinstance(each, str) else each for each in value]
    return [_of_one_kind(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("library", "spec", "extra"),
    [("pyarrow", "a.parquet", "parquet"), ("huggingface_hub", "hf:acme/pairs", "hub")],
)
def test_a_missing_extra_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, spec: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"needs {library}") as caught:
        read(Path(spec))
    assert f"dpo-tui[{extra}]" in caught.value.remedy


def test_a_list_in_json_can_be_large_and_is_no_copy_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"user": str(number)} for number in range(1000)], indent=1))
    assert texts(read(path)[0]) == [str(number) for number in range(1000)]


def test_lines_of_json_can_be_called_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in PAIRS))
    assert texts(read(path)[0]) == TEXTS
    path.write_text('\ufeff{"user": "q"}\n\n3\n')
    with pytest.raises(InputError, match=r"row 3: expected a prompt"):
        read(path)


def test_a_list_in_json_can_be_called_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for indent in (None, 1):
        path.write_text("\ufeff" + json.dumps(PAIRS, indent=indent))
        assert texts(read(path)[0]) == TEXTS
    path.write_text("[1]\n[2]\n")
    with pytest.raises(InputError, match=r"row 1: expected a prompt"):
        read(path)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt", "a.jsonl.gz"])
def test_another_encoding_is_told(tmp_path: Path, name: str) -> None:
    data = '{"user": "x"}'.encode("utf-16")
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    with pytest.raises(InputError, match=f"{name}: UTF-16 text, not UTF-8") as caught:
        read(tmp_path / name)
    assert caught.value.remedy == "Save it as UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW"


def test_lines_that_are_none_are_told_with_what_makes_some(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(PAIRS[0], indent=1))
    with pytest.raises(InputError, match=r"a.jsonl: line 1: not valid JSON") as caught:
        read(tmp_path / "a.jsonl")
    assert "jq -c ." in caught.value.remedy
    assert "--from" not in caught.value.remedy


def test_images_are_told(tmp_path: Path) -> None:
    parts = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"user": parts}))
    with pytest.raises(InputError, match="expected text, found a list") as caught:
        read(tmp_path / "a.jsonl")
    assert caught.value.remedy.startswith("Only text can be labelled: rows with images")
    row = {"prompt": [{"role": "user", "content": parts}], "chosen": [], "rejected": []}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    with pytest.raises(InputError, match=r"a message holds more than text, .*: image"):
        read(tmp_path / "a.jsonl", Reading.as_said("trl", None, 0.0))


def piped(content: str) -> Data:
    """What comes in without a name."""
    stream = cast("io.BufferedReader", io.BufferedReader(io.BytesIO(content.encode())))
    return Data(Path("-"), STANDARD_INPUT, stream)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ('{"data": [{"user": "x"}]}', "JSON"),
        ('{"version": "1.0", "n": 2, "data": [{"user": "x"}]}\n', "JSON"),
        ('{"data": [{"user": "x"}]}\n{"data": []}\n', "JSON lines"),
        ('{"user": "x", "responses": ["y"]}', "JSON lines"),
        ('{\n"user": "x"}', "JSON"),
        ('"user"\n"x, y","z"\n', "JSON lines"),
        ('"a \\"b\\",\\"c\\" d"\n', "JSON lines"),
        ("prompt,chosen\n", "CSV"),
        ("user query,answer-1,answer (2)\r\n", "CSV"),
        ('"prompt","chosen","rejected"\n', "CSV"),
        ('\ufeff"the prompt, as text";chosen\n', "CSV"),
        (",prompt,chosen\n", "CSV"),
        ("user query\tthe answer\n", "TSV"),
        ("Roses are red, violets are blue\n", None),
        ("Say it in French,please.\n", None),
        ("Hello\n", None),
    ],
)
def test_what_comes_in_is_of_the_form_that_its_start_tells(content: str, form: str | None) -> None:
    found = form_of(piped(content))
    assert (found and found.title) == form


@pytest.mark.parametrize("name", [("trl", None), (None, "prompt=q")])
def test_plain_text_is_no_table(tmp_path: Path, name: tuple[str | None, str | None]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("What, why?\n")
    with pytest.raises(InputError, match=r"a.txt: plain text, a prompt a line, has no columns"):
        read(path, Reading.as_said(*name, 0.0))


def test_half_a_surrogate_pair_in_a_list_is_text_like_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('\ufeff{"rows": [{"user": "a \\ud83d"}, {"user": "b"}]}')
    assert texts(read(path)[0]) == ["a \ud83d", "b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "user,user\nx,y\n", "a.csv: line 1: two columns are named 'user'"),
        ("a.csv", ",\nx,y\n", "a.csv: line 1: no column has a name"),
        ("a.csv", ",user\n0,x,y\n", "a.csv: line 2: 3 cells under 2 names"),
        ("a.csv", "user\nx,y\n", "a.csv: line 2: 2 cells under 1 names"),
        ("a.csv", 'sep=,\nuser\n"x" y\n', "a.csv: line 3: not a valid table"),
        ("a.csv", 'user\n"x" y\n', "a.csv: line 2: not a valid table"),
        ("a.csv", 'user\n"x\n', "not a valid table"),
        ("a.csv", b"user\nx\n\xff\n", "a.csv: not UTF-8 text\nSave the file as UTF-8, which"),
        ("a.csv", "user,n\nx,many\n", "a.csv: line 2, key n: expected a whole number"),
        ("a.json", "[1", "a.json: not valid JSON"),
        ("a.json", '[{"user": "a"},\n {"user": NaN}]', "row 2: expected one of user and messages"),
        ("a.json", '[{"user": "a"}, 3]', "a.json: row 2: expected a prompt"),
        ("a.json", "3", "a.json: expected a list of rows"),
        ("a.json", "", "a.json: not valid JSON"),
        ("a.parquet", "PAR1", "a.parquet: can't be read as Parquet"),
        ("a.csv", "", "there are no prompts in it"),
        ("a.csv", "user\n", "there are no prompts in it"),
        ("a.json", "[]", "there are no prompts in it"),
    ],
)
def test_a_broken_file_is_told(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read(path)
    assert message in str(caught.value)


@pytest.mark.parametrize("blank", ["NaN", "Infinity", "-Infinity"])
def test_what_json_dumps_writes_for_no_number_is_null(tmp_path: Path, blank: str) -> None:
    sides = f'"chosen": "x", "rejected": "y", "score": {blank}, "system": {blank}'
    rows = [f'{{"prompt": "{each}", {sides}}}' for each in "ab"]
    lines, document = tmp_path / "a.jsonl", tmp_path / "a.json"
    lines.write_text("\n".join(rows))
    document.write_text(f"[{', '.join(rows)}]")
    for path in (lines, document):
        prompts, tally = read(path)
        assert texts(prompts) == ["a > x > y", "b > x > y"]
        assert tally.files[0].left_out == 0


@given(
    st.sampled_from([".csv", ".tsv", ".json", ".parquet", ".jsonl.gz", ".txt.gz"]),
    st.binary(max_size=60) | st.text("[]{},:\"\n\r\tua1' ", max_size=60).map(str.encode),
)
def test_any_bytes_are_prompts_or_an_input_error(scratch: Path, ending: str, data: bytes) -> None:
    path = scratch / f"a{ending}"
    path.write_bytes(data)
    with suppress(InputError):
        prompts = read_prompts(path).read(Reading(bad_rows=1.0), Tally())
        assert all(isinstance(each, Prompt) for each in prompts)


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(str.strip)


@given(st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=1, max_size=4))
def test_what_csv_writers_write_is_read_back(
    scratch: Path, rows: list[tuple[str, str, str]]
) -> None:
    named = [dict(zip(("prompt", "chosen", "rejected"), row, strict=True)) for row in rows]
    prompts, _ = read(write_csv(scratch / "a.csv", named), Reading.as_said("csv", None, 0))
    assert texts(prompts) == [" > ".join(row) for row in rows]
