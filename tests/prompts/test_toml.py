from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.errors import InputError
from dpo_tui.prompts.toml import TomlPrompts, read_toml
from dpo_tui.settings import resolve_settings

from .strategies import TOML_SCALARS, TOML_TEXT, prompts, row, tables


def _read(folder: Path, text: str) -> TomlPrompts:
    path = folder / "prompts.toml"
    path.write_text(text, encoding="utf-8", newline="")
    return read_toml(path)


def _said(toml: TomlPrompts) -> list[tuple[str | None, str]]:
    return [(each.system, each.turns[-1].content) for each in toml.prompts()]


@given(st.lists(prompts(TOML_TEXT), min_size=1, max_size=4))
def test_what_is_written_as_tables_is_read_back(scratch: Path, written: list[Prompt]) -> None:
    text = tomli_w.dumps({"prompt": [row(each) for each in written]})
    assert list(_read(scratch, text).prompts()) == written


@given(tables(TOML_SCALARS))
def test_any_table_is_a_prompts_file_or_an_input_error(scratch: Path, table: Any) -> None:
    with suppress(InputError):
        toml = _read(scratch, tomli_w.dumps(table))
        assert all(isinstance(each, Prompt) for each in toml.prompts())
        assert 2 <= resolve_settings({}, {}, toml.settings, {}).n <= 20


@given(st.lists(tables(TOML_SCALARS), max_size=2))
def test_any_prompt_table_is_a_prompt_or_an_input_error(scratch: Path, rows: list[Any]) -> None:
    with suppress(InputError):
        toml = _read(scratch, tomli_w.dumps({"prompt": rows}))
        assert len(list(toml.prompts())) == len(rows)


@given(st.binary(max_size=60) | st.text("a=[]{}\"'\n.#0", max_size=30).map(str.encode))
def test_any_bytes_are_a_prompts_file_or_an_input_error(scratch: Path, data: bytes) -> None:
    path = scratch / "prompts.toml"
    path.write_bytes(data)
    with suppress(InputError):
        read_toml(path)


def test_each_system_goes_with_each_user_and_tables_come_after(tmp_path: Path) -> None:
    toml = _read(
        tmp_path,
        'system = ["s1", "", "s2"]\nuser = ["u1", "u2"]\n[[prompt]]\nuser = "own"\n',
    )
    assert _said(toml) == [
        ("s1", "u1"),
        ("s1", "u2"),
        (None, "u1"),
        (None, "u2"),
        ("s2", "u1"),
        ("s2", "u2"),
        (None, "own"),
    ]


def test_single_texts_stand_for_lists_of_one(tmp_path: Path) -> None:
    assert _said(_read(tmp_path, 'system = "s"\nuser = "u"')) == [("s", "u")]
    assert _said(_read(tmp_path, 'user = "u"')) == [(None, "u")]


def test_a_byte_order_mark_and_crlf_are_fine(tmp_path: Path) -> None:
    assert _said(_read(tmp_path, '\ufeffuser = "u"\r\n# end\r\n')) == [(None, "u")]


def test_a_conversation_keeps_its_turns(tmp_path: Path) -> None:
    text = """
        [[prompt]]
        id = "talk"
        tags = ["a", "b"]
        n = 2
        messages = [
            { role = "user", content = "1" },
            { role = "assistant", content = "2" },
            { role = "user", content = " 3 " },
        ]
    """
    (prompt,) = _read(tmp_path, text).prompts()
    assert prompt.messages == (
        Message("user", "1"),
        Message("assistant", "2"),
        Message("user", " 3 "),
    )
    assert (prompt.name, prompt.tags, prompt.n) == ("talk", ("a", "b"), 2)


def test_settings_are_apart_from_prompts(tmp_path: Path) -> None:
    toml = _read(tmp_path, 'user = "u"\nn = 3\noutput = "o.jsonl"\n[sampling]\nseed = 1\n')
    assert toml.settings == {"n": 3, "output": tmp_path / "o.jsonl", "sampling.seed": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user = ", "not valid TOML: Invalid value (at end of document)"),
        ('user = "a"\nn = = 4', "not valid TOML: Invalid value (at line 2, column 5)"),
        (f"n = {'9' * 5000}", "not valid TOML"),
        (f"n = {'[' * 5000}", "nested"),
        ('usr = "a"', "key usr: not a known key here\nDid you mean user?"),
        ('user = "a"\ntemperature = 1', "It belongs in the table [sampling]."),
        ('[sampling]\nuser = "a"', "It belongs at the top of the file, above the first [table]."),
        ('api_key = "sk"', "name that variable with api_key_env"),
        ('user = ["a", ""]', "key user, number 2: expected text, found none"),
        ('user = ["a", 3]', "key user, number 2: expected text, found 3"),
        ("user = 3", "key user: expected text or a list, found 3"),
        ("user = []", "key user: expected text or a list of texts, found an empty list"),
        ('user = "a"\nsystem = []', "key system: expected text or a list of texts"),
        ('system = "a"\n[[prompt]]\nuser = "b"', "key system: needs user beside it"),
        ('[prompt]\nuser = "a"', "expected [[prompt]], found [prompt]"),
        ("prompt = [1]", "key prompt, number 1: expected a table, found 1"),
        (
            '[[prompt]]\nuser = "a"\n[[prompt]]\nn = 1',
            "[[prompt]] number 2, key n: expected a whole",
        ),
        ('[[prompt]]\nuser = "a"\ntags = 1979-01-01', "key tags: expected a list, found a date"),
        ('loader = "module"', "key loader: expected module:function"),
        ('loader = "a/b:c"', "key loader: expected module:function"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/prompts.toml: ")
    assert message in str(caught.value)


def test_what_is_no_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    path.write_bytes(b'# fine\nuser = "\xff"\n')
    with pytest.raises(InputError, match="line 2: not UTF-8 text"):
        read_toml(path)
