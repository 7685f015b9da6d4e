import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpo_tui import paths
from dpo_tui.errors import InputError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share" / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def _no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_no_umask")
def test_folders_are_made_for_the_user_alone(home: Path) -> None:
    folder = paths.sessions_dir()
    assert folder == home / "share/data/dpo-tui/sessions"
    while folder != home:
        assert _mode(folder) == 0o700
        folder = folder.parent


def test_own_folders_that_others_may_enter_are_closed() -> None:
    paths.sessions_dir().chmod(0o755)
    paths.data_dir().chmod(0o755)
    assert _mode(paths.sessions_dir()) == 0o700
    assert _mode(paths.data_dir()) == 0o700


def test_folders_of_others_are_left_as_they_are(home: Path) -> None:
    home.chmod(0o755)
    paths.make_private(home)
    assert _mode(home) == 0o755


def test_nothing_is_made_on_import_or_by_asking_for_the_config_file(home: Path) -> None:
    code = "import dpo_tui.paths as p; print(p.config_file())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(home / "config/dpo-tui/config.toml")
    assert list(home.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(home: Path) -> None:
    (home / "share").write_text("a file")
    with pytest.raises(InputError, match="can't be used as a folder") as caught:
        paths.sessions_dir()
    assert "XDG_DATA_HOME" in caught.value.remedy


def test_the_same_prompts_file_has_the_same_session(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    prompts = home / "prompts.toml"
    prompts.write_text("")
    (home / "link.toml").symlink_to(prompts)
    expected = paths.session_path(prompts)
    assert expected.parent == paths.sessions_dir()
    assert paths.session_path(Path("prompts.toml")) == expected
    assert paths.session_path(Path("x/../prompts.toml")) == expected
    assert paths.session_path(Path("link.toml")) == expected
    assert paths.session_path(Path("sub/prompts.toml")) != expected


def test_a_session_that_is_called_like_a_link_is_found(home: Path) -> None:
    prompts = home / "prompts.toml"
    own = paths.session_path(prompts)
    older = own.with_name(own.name.replace("prompts-", "link-"))
    older.touch()
    assert paths.session_path(prompts) == older
    own.touch()
    assert paths.session_path(prompts) == own


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=300))
def test_a_session_file_name_is_safe_and_short(stem: str) -> None:
    path = paths.session_path(Path("/prompts") / f"{stem}.toml")
    assert len(os.fsencode(path.name)) < 120
    assert path.name == path.name.strip(" .-")
    assert not set(path.name) & set(" \n\t:*?\"'\\<>|$`")
    assert path.suffix == ".db"


def test_names_that_are_no_text_have_a_session_too() -> None:
    assert paths.session_path(Path(os.fsdecode(b"\xff\xfe.toml"))).name.startswith("_-")
    assert paths.session_path(Path("/.toml")).name.startswith("toml-")
    assert paths.session_path(Path("/--.toml")).name.startswith("prompts-")


def test_a_session_is_named_by_name_or_path() -> None:
    assert paths.session_named("mine") == paths.sessions_dir() / "mine.db"
    assert paths.session_named("mine.2") == paths.sessions_dir() / "mine.2.db"
    assert paths.session_named("mine.db") == Path("mine.db")
    assert paths.session_named("sub/mine") == Path("sub/mine")
    with pytest.raises(InputError, match="--session"):
        paths.session_named(" ")
    with pytest.raises(InputError, match=r"--session: .*too long"):
        paths.session_named("s" * 250)
    with pytest.raises(InputError, match="folder"):
        paths.session_named("/")


def test_starting_over_makes_the_newest_which_is_then_gone_on_with(home: Path) -> None:
    prompts = home / "prompts.v2.toml"
    first = paths.session_path(prompts)
    names: list[Path] = []
    for _ in range(11):
        assert paths.latest_session_path(prompts) == (names[-1] if names else first)
        fresh = paths.fresh_session_path(first)
        assert not fresh.exists()
        fresh.touch()
        names.append(fresh)
    assert names[0] == first
    assert names[1] == first.with_name(f"{first.stem}.2.db")
    assert names[-1] == first.with_name(f"{first.stem}.11.db")


def test_a_gap_in_the_numbers_is_not_filled(home: Path) -> None:
    prompts = home / "prompts.toml"
    first = paths.session_path(prompts)
    first.with_name(f"{first.stem}.3.db").touch()
    for other in (f"{first.stem}.9.db-wal", f"{first.stem}.09.db", f"x{first.stem}.9.db"):
        first.with_name(other).touch()
    assert paths.latest_session_path(prompts).name == f"{first.stem}.3.db"
    assert paths.fresh_session_path(first).name == f"{first.stem}.4.db"


def test_starting_over_where_nothing_is_yet(home: Path) -> None:
    assert paths.fresh_session_path(home / "no" / "own.db") == home / "no" / "own.db"


@pytest.mark.parametrize(
    ("annotator", "others", "name"),
    [
        ("ann", [], "b.v2.dpo.jsonl"),
        ("ann", ["else.jsonl"], "b.v2.dpo.jsonl"),
        ("bob", ["b.v2.dpo.jsonl"], "b.v2.bob.dpo.jsonl"),
        ("../bob \udc80", ["b.v2.dpo.jsonl"], "b.v2._bob_.dpo.jsonl"),
        ("Bob", ["b.v2.dpo.jsonl", "b.v2.bob.dpo.jsonl"], "b.v2.Bob-cd9fb1e1.dpo.jsonl"),
    ],
)
def test_the_dataset_is_beside_the_prompts_file_and_the_annotators_own(
    tmp_path: Path, annotator: str, others: list[str], name: str
) -> None:
    prompts = tmp_path / "b.v2.toml"
    taken = [tmp_path / each for each in others]
    assert paths.own_dataset_path(prompts, annotator, taken) == tmp_path / name
