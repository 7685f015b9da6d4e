import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.errors import InputError
from dpo_tui.prompts import read_prompts

_CODE = """
def make():
    yield "plain"
    yield {"system": "s", "user": "u", "n": 3}

def bad_item():
    yield "fine"
    yield 7

def bad_row():
    yield {"user": "u", "nn": 3}

def raising():
    yield "fine"
    raise KeyError("boo")

def inner():
    import json
    return json.loads("{")

def leaving():
    raise SystemExit

def text():
    return "abc"

def table():
    return {"user": "u"}

def nothing():
    return []

def wanting(argument):
    return []

value = 3
"""


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "own_prompts.py").write_text(_CODE)
    (tmp_path / "broken.py").write_text("\ndef make(:\n")
    (tmp_path / "needy.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "json.py").write_text("def make(): return ['x']\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "deep.py").write_text("def make(): return ['deep']\n")
    before, path = set(sys.modules), list(sys.path)
    yield
    assert sys.path == path
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"own_prompts", "broken", "needy", "package"}:
            del sys.modules[name]


def _read(folder: Path, spec: str) -> list[Prompt]:
    path = folder / "prompts.toml"
    path.write_text(f'loader = "{spec}"\n')
    return list(read_prompts(path))


def test_texts_and_tables_become_prompts(tmp_path: Path) -> None:
    assert _read(tmp_path, "own_prompts:make") == [
        Prompt((Message("user", "plain"),)),
        Prompt((Message("system", "s"), Message("user", "u")), n=3),
    ]
    assert len(_read(tmp_path, "package.deep:make")) == 1


def test_nothing_is_imported_before_the_prompts_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    path.write_text('loader = "own_prompts:make"\n')
    file = read_prompts(path)
    assert "own_prompts" not in sys.modules
    assert len(list(file)) == len(list(file)) == 2


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("own_prompts:bad_item", ", item 2: expected a prompt: text or a table, found 7"),
        ("own_prompts:bad_row", ", item 1, key nn: not a known key here"),
        ("own_prompts:raising", ": KeyError: 'boo' ({folder}/own_prompts.py, line 15)"),
        (
            "own_prompts:inner",
            "double quotes: line 1 column 2 (char 1) ({folder}/own_prompts.py, line",
        ),
        ("own_prompts:leaving", ": SystemExit ({folder}/own_prompts.py, line 22)"),
        ("own_prompts:text", ": expected an iterable of prompts, found text 'abc'"),
        ("own_prompts:table", ": expected an iterable of prompts, found a table"),
        ("own_prompts:wanting", "missing 1 required positional argument"),
        ("own_prompts:missing", ": there is no function missing in {folder}/own_prompts.py"),
        ("own_prompts:value", ": there is no function value in"),
        ("broken:make", ": SyntaxError: invalid syntax ({folder}/broken.py, line 2)"),
        ("needy:make", "named 'there_is_no_such_module' ({folder}/needy.py, line 1)"),
        ("there_is_no_such_loader:make", ": there is no module there_is_no_such_loader"),
        ("package.no:make", ": there is no module package.no"),
        ("json:make", ": another module named json is in use already, from "),
    ],
)
def test_a_failing_loader_is_told(tmp_path: Path, spec: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, spec)
    assert caught.value.message.startswith(f"{tmp_path}/prompts.toml: loader {spec}")
    assert message.format(folder=tmp_path) in caught.value.message


def test_a_loader_without_prompts_is_a_file_without_prompts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no prompts in it"):
        _read(tmp_path, "own_prompts:nothing")
