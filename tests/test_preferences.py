import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpo_tui.errors import InputError
from dpo_tui.preferences import Preferences, load_preferences, save_preferences

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_is_loaded(tmp_path: Path, theme: str, layout: str) -> None:
    path = tmp_path / "state" / "preferences.json"
    save_preferences(path, Preferences(theme, layout))
    assert load_preferences(path) == Preferences(theme, layout)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_file_is_the_user_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "preferences.json"
    save_preferences(path, Preferences("dpo-light"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@given(st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_the_defaults(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "preferences.json"
    path.write_bytes(data)
    assert load_preferences(path) == Preferences()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"theme": 1}', '{"theme": "\\ud800"}', "null"])
def test_what_is_no_preference_is_the_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "preferences.json"
    path.write_text(text)
    assert load_preferences(path) == Preferences()


def test_what_a_newer_version_wrote_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    path.write_text('{"theme": "nord", "sounds": {"bell": true}}')
    assert load_preferences(path) == Preferences("nord")


def test_no_file_and_a_folder_in_its_place_are_the_defaults(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "missing" / "preferences.json") == Preferences()
    assert load_preferences(tmp_path) == Preferences()


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(InputError, match=r"state/preferences.json: can't be written") as caught:
        save_preferences(tmp_path / "state" / "preferences.json", Preferences())
    assert caught.value.remedy
    folder = tmp_path / "preferences.json"
    folder.mkdir()
    with pytest.raises(InputError, match="can't be written"):
        save_preferences(folder, Preferences())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["preferences.json", "state"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "preferences.json"
    choices = [Preferences("a" * 10_000), Preferences("b" * 10_000)]
    save_preferences(path, choices[0])

    def write() -> None:
        for number in range(200):
            save_preferences(path, choices[number % 2])

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        assert load_preferences(path) in choices
    writer.join()
