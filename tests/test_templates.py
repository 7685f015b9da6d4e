import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dpo_tui.domain.model import Sampling
from dpo_tui.errors import InputError
from dpo_tui.inputs import Place
from dpo_tui.prompts import read_prompts
from dpo_tui.settings import SETTINGS, Settings, read_config, resolve_settings
from dpo_tui.templates import starter_config, starter_prompts, write_new
from dpo_tui.tui.actions import BY_NAME
from dpo_tui.tui.keymap import read_keymap

_EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_starter_prompts_work_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    write_new(path, starter_prompts())
    file = read_prompts(path)
    prompts = list(file)
    assert file.settings == {}
    assert len({each.key for each in prompts}) == 6
    assert [len(each.turns) for each in prompts] == [1, 1, 1, 1, 1, 3]


def test_what_the_starter_prompts_only_show_works_too(tmp_path: Path) -> None:
    path = tmp_path / "prompts.toml"
    path.write_text(re.sub(r"^# (?=[a-z_]+ = |\[)", "", starter_prompts(), flags=re.MULTILINE))
    (tmp_path / "more.jsonl").write_text('"one more"\n')
    (tmp_path / "questions.txt").write_text("another\n")
    (tmp_path / "my_prompts.py").write_text("def make(): return ['the last']\n")
    file = read_prompts(path)
    assert [each.turns[-1].content for each in file][-3:] == ["one more", "another", "the last"]
    shown = {each.name for each in SETTINGS} - {
        "ahead",
        "concurrency",
        "allow_cut_off",
        "slow_link",
        "shuffle",
        "blind",
        "show_lengths",
        "near_duplicates",
        "reject_original",
        "skipped",
        "theme",
        "title",
        "bell",
        "removed_pairs",
        "pairs",
        "best_over_chosen",
        "live_format",
        "bad_rows",
        "preferences",
        "journal",
        "model_file",
    }
    assert set(file.settings) == shown | {"sampling.extra.min_p"}


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(
            base_url="http://a/v1",
            model='a "b"',
            output=Path("/a/b"),
            allow_cut_off=True,
            sampling=Sampling(0.5, 0.9, 10, -1, ("a", "b"), {"min_p": 0.1, "x": {"y": [1]}}),
        ),
    ],
)
def test_the_starter_config_says_the_settings(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "config.toml"
    write_new(path, starter_config(settings))
    assert resolve_settings({}, {}, {}, read_config(path)) == settings


def test_the_keys_of_the_starter_config_work_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    _, _, keys = starter_config(Settings()).partition("# [keys]")
    path.write_text("[keys]" + keys.replace("# ", ""))
    keymap = read_keymap(resolve_settings({}, {}, {}, read_config(path)).keys, Place(str(path)))
    assert keymap.of(BY_NAME["skip"]) == ("S", "delete")
    assert keymap.of(BY_NAME["redo"]) == ("ctrl+r", "U")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text("mine")
    with pytest.raises(InputError, match="not overwritten") as caught:
        write_new(path, "other")
    assert caught.value.remedy
    assert path.read_text() == "mine"
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(InputError, match="not overwritten"):
        write_new(tmp_path / "dangling", "other")
    assert not (tmp_path / "nowhere").exists()


def test_a_private_file_and_its_new_folders_are_for_the_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_new(tmp_path / "a" / "b" / "config.toml", "x", private=True)
        write_new(tmp_path / "open.toml", "x")
    finally:
        os.umask(before)
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("a", "a/b", "a/b/config.toml", "open.toml")
    }
    assert modes == {"a": 0o700, "a/b": 0o700, "a/b/config.toml": 0o600, "open.toml": 0o666}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write_new(tmp_path / "no" / "prompts.toml", "x")


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    code = """if True:
        import resource, sys
        from pathlib import Path
        from dpo_tui.errors import InputError
        from dpo_tui.templates import write_new
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            write_new(Path(sys.argv[1]), "x" * 100)
        except InputError as error:
            print(error.message)
    """
    path = tmp_path / "prompts.toml"
    command = [sys.executable, "-c", code, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == f"{path}: can't be written: File too large\n"
    assert not path.exists()


def test_the_examples_are_read() -> None:
    counts = {path.name: len(list(read_prompts(path))) for path in _EXAMPLES.glob("prompts.*")}
    assert counts == {"prompts.toml": 13, "prompts.jsonl": 3, "prompts.txt": 3}
    settings = resolve_settings({}, {}, read_prompts(_EXAMPLES / "prompts.toml").settings, {})
    assert settings == Settings(n=4, sampling=Sampling(temperature=0.8, max_tokens=256))
