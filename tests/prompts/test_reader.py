import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dpo_tui.errors import InputError
from dpo_tui.prompts import read_prompts


def _texts(path: Path) -> list[str]:
    return [each.turns[-1].content for each in read_prompts(path)]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_the_extension_says_the_form(tmp_path: Path) -> None:
    assert _texts(_write(tmp_path / "a.toml", 'user = "x"')) == ["x"]
    assert _texts(_write(tmp_path / "a.jsonl", '"x"')) == ["x"]
    assert _texts(_write(tmp_path / "a.NDJSON", '"x"')) == ["x"]
    assert _texts(_write(tmp_path / "a.txt", '"x"')) == ['"x"']


def test_only_toml_has_settings(tmp_path: Path) -> None:
    assert read_prompts(_write(tmp_path / "a.toml", 'user = "x"\nn = 2')).settings == {"n": 2}
    assert read_prompts(_write(tmp_path / "a.txt", "n = 2")).settings == {}


def test_includes_are_read_in_order_and_relative_to_their_file(tmp_path: Path) -> None:
    _write(tmp_path / "sub" / "more.toml", 'user = "2"\ninclude = "rows.jsonl"')
    _write(tmp_path / "sub" / "rows.jsonl", '"3"\n"4"')
    _write(tmp_path / "last.txt", "5\n")
    path = _write(
        tmp_path / "main.toml", 'include = ["sub/more.toml", "last.txt"]\n[[prompt]]\nuser = "1"'
    )
    assert _texts(path) == ["1", "2", "3", "4", "5"]


def test_a_file_may_be_included_twice(tmp_path: Path) -> None:
    _write(tmp_path / "b.toml", 'user = "b"')
    assert _texts(_write(tmp_path / "a.toml", 'include = ["b.toml", "b.toml"]')) == ["b", "b"]


def test_iterating_again_reads_again(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt", "1\n")
    file = read_prompts(path)
    assert len(list(file)) == 1
    _write(path, "1\n2\n")
    assert len(list(file)) == 2


def test_a_circle_of_includes_is_told_with_the_way_around(tmp_path: Path) -> None:
    a = _write(tmp_path / "a.toml", 'include = "b.toml"')
    b = _write(tmp_path / "b.toml", 'include = "./a.toml"')
    with pytest.raises(InputError) as caught:
        read_prompts(a)
    assert caught.value.message == f"{a}: includes itself (included by {a} > {b})"


def test_a_missing_include_is_told_before_any_prompt_is_read(tmp_path: Path) -> None:
    a = _write(tmp_path / "a.toml", 'user = "x"\ninclude = "b.toml"')
    b = _write(tmp_path / "b.toml", 'include = ["c.jsonl"]')
    with pytest.raises(InputError) as caught:
        read_prompts(a)
    message = f"{tmp_path}/c.jsonl: there is no such file (included by {a} > {b})"
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ("with_settings.toml", "has settings (n), but is included"),
        ("prompts.docx", "not a form of prompts file"),
        (".", "this is a folder"),
        ("a\\u0000b.txt", "not a path"),
        ("a\\u0000b.toml", "not a path"),
        ("loop.toml", "can't be read: Too many levels of symbolic links"),
    ],
)
def test_a_bad_include_is_told(tmp_path: Path, include: str, message: str) -> None:
    _write(tmp_path / "with_settings.toml", 'user = "x"\nn = 4')
    _write(tmp_path / "prompts.docx", "x")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    path = _write(tmp_path / "a.toml", f'include = ["{include}"]')
    with pytest.raises(InputError) as caught:
        read_prompts(path)
    assert message in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["a.toml", "a.jsonl", "a.txt"])
def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_prompts(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="this is a folder"):
        read_prompts(tmp_path / name)


@pytest.fixture
def _not_root() -> Iterator[None]:
    """Root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("_not_root")
@pytest.mark.parametrize("name", ["a.toml", "a.jsonl", "a.txt"])
def test_a_file_that_may_not_be_read_is_told(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = _write(Path(folder) / name, "")
        path.chmod(0)
        with pytest.raises(InputError, match="you may not read this file"):
            read_prompts(path)


@pytest.mark.parametrize("name", ["a.toml", "a.jsonl", "a.txt"])
def test_a_file_without_prompts_is_told_when_read_through(tmp_path: Path, name: str) -> None:
    file = read_prompts(_write(tmp_path / name, "\n\n"))
    with pytest.raises(InputError, match="there are no prompts in it"):
        list(file)


def test_a_form_that_is_not_supported_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_prompts(_write(tmp_path / "a.docx", "x"))
    assert "Supported are .toml, .jsonl, .ndjson, .json, .csv, .tsv" in caught.value.remedy
