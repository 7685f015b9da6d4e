import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.errors import InputError
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.json_rows import LINES
from dpo_tui.prompts.rows import Reading, read_rows
from dpo_tui.prompts.tally import Tally

from .strategies import JSON_TEXT, prompts, row, tables

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=5)
)


def _rows(path: Path) -> Iterator[Prompt]:
    return iter(read_rows(Data(path), LINES, Reading(), Tally()))


def _read(folder: Path, data: str | bytes) -> list[Prompt]:
    path = folder / "prompts.jsonl"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(_rows(path))


@given(st.lists(prompts(JSON_TEXT), max_size=4), st.booleans())
def test_what_is_written_as_rows_is_read_back(
    scratch: Path, written: list[Prompt], escaped: bool
) -> None:
    lines = [json.dumps(row(each), ensure_ascii=escaped) for each in written]
    data = "\n".join(lines).encode("utf-8", "surrogatepass" if escaped else "replace")
    read = _read(scratch, data)
    if escaped:
        assert read == written
        assert [each.key for each in read] == [each.key for each in written]
    else:
        assert len(read) == len(written)


@given(tables(_SCALARS) | _SCALARS | st.lists(_SCALARS))
def test_any_json_is_a_prompt_or_an_input_error(scratch: Path, value: object) -> None:
    with suppress(InputError):
        assert all(isinstance(each, Prompt) for each in _read(scratch, json.dumps(value)))


@given(st.binary(max_size=60))
def test_any_bytes_are_prompts_or_an_input_error(scratch: Path, data: bytes) -> None:
    with suppress(InputError):
        _read(scratch, data)


def test_byte_order_mark_crlf_blank_lines_and_bare_strings_are_fine(tmp_path: Path) -> None:
    read = _read(tmp_path, '\ufeff{"user": "a"}\r\n\r\n  \r\n"b\u2028c"')
    assert [each.messages[0].content for each in read] == ["a", "b\u2028c"]


@pytest.mark.parametrize(
    "line",
    [
        '{"user": "hi", "system": "be kind"}',
        '{"prompt": "hi", "system": "be kind", "messages": null}',
        '{"messages": [{"role":"system","content":"be kind"}, {"role": "user", "content": "hi"}]}',
        '{"prompt": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]}',
    ],
)
def test_the_ways_to_say_the_same_prompt(tmp_path: Path, line: str) -> None:
    assert _read(tmp_path, line) == [Prompt((Message("system", "be kind"), Message("user", "hi")))]


@pytest.mark.parametrize(
    "line",
    [
        '{"user": "hi", "system": " "}',
        '{"messages": [{"role": "system", "content": ""}, {"role": "user", "content": "hi"}]}',
    ],
)
def test_a_blank_system_message_is_none(tmp_path: Path, line: str) -> None:
    assert _read(tmp_path, line) == [Prompt((Message("user", "hi"),))]


def test_a_number_may_be_an_id(tmp_path: Path) -> None:
    assert _read(tmp_path, '{"user": "hi", "id": 7}')[0].name == "7"


def test_rows_before_a_bad_one_are_read_first(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"user": "a"}\nnot json\n')
    rows = _rows(path)
    assert next(rows).messages[0].content == "a"
    with pytest.raises(InputError, match="line 2: not valid JSON"):
        next(rows)


_TURN = '{"role": "user", "content": "hi"}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"user": 3}', "key user: expected text, found 3"),
        ('{"user": ""}', "key user: expected text, found none"),
        ('{"user": "a", "n": 1}', "key n: expected a whole number, at least 2, found 1"),
        ('{"user": "a", "n": 21}', "key n: expected a whole number, at most 20, found 21"),
        ('{"user": "a", "n": "4"}', "key n: expected a whole number, found text '4'"),
        ('{"user": "a", "n": true}', "key n: expected a whole number, found true"),
        ('{"user": "a", "top_p": 0}', "key top_p: expected a number, more than 0.0, found 0"),
        ('{"user": "a", "temperature": 1e999}', "key temperature: expected a number, at most"),
        ('{"user": "a", "seed": 1' + "0" * 30 + "}", "found a huge number"),
        ('{"user": "a", "n": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"user": "a", "tags": ["x", 1]}', "key tags, number 2: expected text, found 1"),
        ('{"user": "a", "responses": []}', "key responses: expected a list of length at least 1"),
        ('{"user": "a", "responses": ["b", " "]}', "key responses, number 2: expected text"),
        ('{"user": "a", "usr": "b"}', "key usr: not a known key here\nDid you mean user?"),
        ('{"user": "a", "zzz": "b"}', "Known are: user, prompt, messages"),
        ('{"user": "a", "API-Key": "sk-1"}', "key API-Key: an API key doesn't belong in a file"),
        ('{"system": "a"}', "expected one of user and messages, found none"),
        (f'{{"user": "a", "messages": [{_TURN}]}}', "found user and messages"),
        (f'{{"system": "a", "messages": [{_TURN}]}}', "key system: doesn't go together with"),
        ('{"messages": []}', "key messages: the conversation must end with what the user says"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}', "must end with what the user"),
        ('{"messages": [{"role": "tool", "content": "a"}]}', "key messages, number 1, key role:"),
        ('{"messages": [{"role": "user", "content": ""}]}', "number 1, key content: expected text"),
        ('{"messages": [{"role": "user"}]}', "number 1: the key content is missing"),
        ('{"messages": [{"role": "user", "cont": ""}]}', "number 1, key cont: not a known key"),
        ('{"messages": [' + _TURN + ', {"role": "system", "content": "a"}]}', "only the first"),
        ("[]", "expected a prompt: text or a table, found an empty list"),
        ("null", "expected a prompt: text or a table, found null"),
        ('{"user": "a"', "not valid JSON: Expecting ',' delimiter at column 13"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_row_is_told(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, f'{{"user": "fine"}}\n{line}\n')
    assert f"{tmp_path}/prompts.jsonl: line 2" in str(caught.value)
    assert message in str(caught.value)


def test_what_is_no_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: not UTF-8 text"):
        _read(tmp_path, b'"a"\n"\xff"\n')
