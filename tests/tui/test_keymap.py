import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import KEY_NAME_REPLACEMENTS, key_to_character

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place
from dpo_tui.tui.actions import ACTIONS, BY_NAME
from dpo_tui.tui.keymap import (
    DEFAULT_KEYMAP,
    NAMED_KEYS,
    PRESETS,
    Keymap,
    key_name,
    read_keymap,
    textual_name,
)

FILE = Place("/home/ann/config.toml")


def keymap(**table: object) -> Keymap:
    return read_keymap(table, FILE)


def refusal(**table: object) -> str:
    with pytest.raises(InputError) as caught:
        keymap(**table)
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    return str(caught.value)


def conflicts(keys: Keymap) -> list[str]:
    """Keys that two actions have."""
    bound = [key for each in ACTIONS for key in keys.of(each)]
    return [key for key in set(bound) if bound.count(key) > 1]


def test_no_table_is_every_action_s_own_keys() -> None:
    assert [keymap().of(each) for each in ACTIONS] == [each.keys for each in ACTIONS]


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_have_no_conflicts_and_only_known_keys(preset: str) -> None:
    keys = keymap(preset=preset)
    assert conflicts(keys) == []
    # Said by hand, they are accepted too: nothing in a preset is a key that doesn't arrive.
    table = {name: list(each) for name, each in PRESETS[preset].items() if name in BY_NAME}
    assert keymap(**table) == keys


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.name)
def test_every_action_can_be_rebound(action: Any) -> None:
    assert keymap(**{action.name: "ö"}).of(action) == ("ö",)
    assert keymap(**{action.name: ["ö", "f5"]}).of(action) == ("ö", "f5")


def test_two_actions_can_swap_their_keys() -> None:
    keys = keymap(choose="x", exclude="space")
    assert keys.of(BY_NAME["choose"]) == ("x",)
    assert keys.of(BY_NAME["exclude"]) == ("space",)


def test_what_is_said_wins_over_the_preset() -> None:
    keys = keymap(preset="vim", page_down="f2")
    assert keys.of(BY_NAME["page_down"]) == ("f2",)
    assert keys.of(BY_NAME["page_up"]) == ("ctrl+b", "pageup")


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("question_mark", "?"),
        ("equals_sign", "="),
        ("plus", "+"),
        ("slash", "/"),
        ("PgDn", "pagedown"),
        ("del", "delete"),
        ("return", "enter"),
        (" ", "space"),
        ("Ctrl+D", "ctrl+d"),
        ("ctrl-d", "ctrl+d"),
        ("-", "-"),
        (",", ","),
        ("Ä", "Ä"),
        ("F12", "f12"),
        ("shift+tab", "shift+tab"),
    ],
)
def test_a_key_has_several_spellings(said: str, key: str) -> None:
    # The keys that an action had are free once it is bound to others.
    free = {"help": "f1", "add_response": "f2", "prompt_up": "f3", "confirm": "f4"}
    free |= {"choose": "f5", "half_page_down": "f6", "page_down": "f7"}
    if "find" in BY_NAME:
        free["find"] = "f8"
    if "tie" in BY_NAME:
        free["tie"] = "f9"
    assert keymap(**free, skip=said).of(BY_NAME["skip"]) == (key,)


@given(
    st.sampled_from(NAMED_KEYS)
    | st.sampled_from(string.ascii_letters + string.digits + string.punctuation)
)
def test_a_key_is_understood_as_it_is_told(key: str) -> None:
    taken_from = {
        each.name: f"f{number}"
        for number, each in enumerate((e for e in ACTIONS if key in e.keys), start=1)
    }
    taken_from.pop("skip", None)
    if key not in {"f1", "f2"}:
        table = {**taken_from, "skip": key_name(key)}
        assert keymap(**table).of(BY_NAME["skip"]) == (key,)


@pytest.mark.parametrize("character", string.punctuation)
def test_characters_have_textual_s_own_names(character: str) -> None:
    name = textual_name(character)
    back = {new: old for old, new in KEY_NAME_REPLACEMENTS.items()}.get(name, name)
    assert key_to_character(back) == character


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("ctrl+1", "not sent by every terminal"),
        ("ctrl+enter", "not sent by every terminal"),
        ("shift+enter", "not sent by every terminal"),
        ("alt+x", "not sent by every terminal"),
        ("ctrl+shift+x", "not sent by every terminal"),
        ("shift+up", "not sent by every terminal"),
        ("shift+x", "written as the character that it gives: 'X'"),
        ("ctrl+s", "stops or starts the output"),
        ("ctrl+q", "stops or starts the output"),
        ("ctrl+i", "same as tab"),
        ("ctrl+m", "same as enter"),
        ("ctrl+c", "always leaves"),
        ("escape", "always leads back"),
        ("hyperspace", "no key that is known here"),
        ("f13", "no key that is known here"),
        ("", "no key that is known here"),
        ("\x1b", "no key that is known here"),
        ("\u200b", "no key that is known here"),
    ],
)
def test_keys_that_do_not_arrive_everywhere_are_refused(key: str, why: str) -> None:
    said = refusal(skip=key)
    assert "/home/ann/config.toml: key keys.skip: " in said
    assert why in said
    assert "A key is a character" in said


def test_a_conflict_names_the_file_both_actions_and_the_key() -> None:
    said = refusal(skip="u")
    assert said.startswith("/home/ann/config.toml: key keys.skip: 'u' is also the key of undo")
    assert 'undo = "..." in the table [keys]' in said


def test_a_conflict_of_two_that_were_said_is_told() -> None:
    assert "'f5' is also the key of" in refusal(skip="f5", undo="f5")


def test_what_works_everywhere_conflicts_with_what_works_on_a_screen() -> None:
    assert "'s' is also the key of skip" in refusal(quit="s")


def test_unknown_names_are_told_with_what_was_likely_meant() -> None:
    assert "key keys.confrim: not a known key here" in refusal(confrim="x")
    assert "Did you mean confirm?" in refusal(confrim="x")
    assert "there is no preset 'emacs'" in refusal(preset="emacs")
    assert "Presets are: default, vim." in refusal(preset="emacs")


@pytest.mark.parametrize("value", [1, True, {"key": "x"}, [1], [["x"]]])
def test_what_is_no_text_is_told(value: object) -> None:
    with pytest.raises(InputError, match=r"config.toml: key keys.skip"):
        keymap(skip=value)


def test_an_action_keeps_a_key() -> None:
    assert "an action needs a key" in refusal(skip=[])


KEYS = st.sampled_from(
    (*NAMED_KEYS, *string.ascii_letters, *string.punctuation, "ctrl+d", "ctrl+1", "escape", "")
)


@given(
    st.dictionaries(
        st.sampled_from([*BY_NAME, "unknown"]), KEYS | st.lists(KEYS, max_size=3), max_size=6
    )
)
def test_any_table_is_a_keymap_without_conflicts_or_an_input_error(table: Any) -> None:
    try:
        keys = read_keymap(table, FILE)
    except InputError:
        return
    assert conflicts(keys) == []
    assert all(keys.of(each) for each in ACTIONS)


def test_the_actions_own_keys_are_such_as_arrive_everywhere() -> None:
    assert conflicts(DEFAULT_KEYMAP) == []
    for action in ACTIONS:
        assert keymap(**{action.name: list(action.keys)}).of(action) == action.keys
        # tmux and screen take these for themselves.
        assert not {"ctrl+a", "ctrl+b"}.intersection(action.keys)
        assert not any(key.startswith("f") and len(key) > 1 for key in action.keys)
