"""Marks, remarks and responses of one's own, by key."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.events import Paste
from textual.widgets import Input

from dpo_tui.domain.model import Mark, Message, Prompt
from dpo_tui.errors import InputError
from dpo_tui.tui.editor import OutsideEditor
from dpo_tui.tui.keymap import Keymap
from dpo_tui.tui.look import Look
from dpo_tui.tui.screens import judging
from dpo_tui.tui.themes import DARK
from tests.samples import ready
from tests.service.desk import PLAIN
from tests.tui.pilot import ABC, screen

CHOSEN, REJECTED = Mark.CHOSEN, Mark.REJECTED
LABELLED = replace(PLAIN, labels=(("wrong", "not true"), ("long", "")))


def prompt(*responses: str, text: str = "question") -> Prompt:
    return Prompt((Message("user", text),), responses=ready(*responses))


async def test_all_none_and_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two", "three")]) as here:
        await here.until("three")
        await here.press("a")
        assert here.marks == [CHOSEN] * 3
        await here.press("a")
        assert here.marks == [None] * 3
        await here.press("0")
        assert here.marks == [REJECTED] * 3
        await here.until("○ rejected")


async def test_a_tie_and_the_best_exclude_each_other(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two", "three")]) as here:
        await here.until("three")
        await here.press("equals_sign")
        await here.until("the chosen ones are equally good")
        assert here.marks == [CHOSEN] * 3
        await here.press("b")
        await here.until("★ best")
        assert "equally good" not in here.text()
        await here.press("b")
        await here.until(lambda: "★" not in here.text())
        assert here.marks == [CHOSEN] * 3


async def test_strength_flag_and_note_are_shown(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("greater_than_sign", "greater_than_sign", "f")
        await here.until("strength 2 of 3")
        await here.until("⚑ flagged")
        await here.press("i", *"too long", "enter")
        await here.until("“too long”")
        await here.press("i", *"!", "escape")
        await here.until("“too long!”")
        await here.press("2", "enter")
        await here.until("Every group is decided")
        await here.press("u")
        await here.until("“too long!”")


async def test_a_note_is_shown_in_as_many_lines_as_it_takes(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("f", "i")
        await here.until("why?")
        here.app.screen.query_one(Input).value = "what the note says " * 5 + "to its end"
        await here.press("enter")
        await here.until(lambda: "to its end”" in " ".join(here.text().split()))
        await here.press("i")
        await here.until("enter and escape keep it")
        here.app.screen.query_one(Input).value = "what the note says " * 20
        await here.press("enter")
        await here.until("…\n")
        assert "two" in here.text()


async def test_numbers_of_two_digits(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt(*(f"text {n}" for n in range(12)))]) as here:
        await here.until("text 0")
        await here.press("1", "2")
        await here.until(lambda: here.marks[11] is CHOSEN)
        await here.press("1", "0")
        await here.until(lambda: here.marks[9] is CHOSEN)
        await here.press("1", "x")
        await here.until(lambda: here.marks[0] is not None)
        assert here.marks[0] is Mark.EXCLUDED, "the digit counted before the next key"
        await here.press("3")
        await here.until(lambda: here.marks[2] is CHOSEN)
        await here.press("1")
        await here.until(lambda: here.marks[0] is CHOSEN)


async def test_a_number_is_typed_with_the_keys_that_are_bound(tmp_path: Path) -> None:
    keys = Keymap({"choose_1": ("&",), "choose_2": ("A",), "skip": ("1",)})
    look = Look(theme=DARK.name, keymap=keys)
    group = prompt(*(f"text {n}" for n in range(12)))
    async with screen(tmp_path, ABC, [group, prompt("x")], look=look) as here:
        await here.until("text 0")
        await here.press("ampersand", "A")
        await here.until(lambda: here.marks[11] is CHOSEN)
        assert here.marks[:2] == [None, None]
        await here.press("ampersand", "1")
        await here.until("group 1 skipped")
        await here.press("u")
        await here.until("text 0")
        assert here.marks[0] is CHOSEN, "the digit counted before the skip"


async def test_a_digit_that_waits_counts_when_one_leaves(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt(*(f"text {n}" for n in range(12)))]) as here:
        await here.until("text 0")
        await here.press("1", "ctrl+c")
        await here.until(lambda: here.marks[0] is CHOSEN)
        assert not here.app.is_running


async def test_an_edit_becomes_another_card_chosen(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("e")
        await here.until("Edit response 1")
        await here.press(*" better", "ctrl+s")
        await here.until("response 3 is yours, and chosen")
        await here.until("one better")
        await here.until("edited")
        assert here.marks[2] is CHOSEN
        await here.press("enter")
        await here.until("2 pairs")
        assert {row["messages"][-1]["content"] for row in await here.desk.rows()} == {"one better"}


async def test_escape_keeps_what_is_typed(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("w")
        await here.until("Write a response")
        await here.press(*"my own", "escape")
        await here.until("w goes on with it")
        await here.press("w")
        await here.until("my own")
        await here.press("ctrl+s")
        await here.until("response 3 is yours")
        await here.until("written")


@pytest.mark.parametrize("key", ["e", "E", "w"])
async def test_nothing_is_typed_that_a_group_has_no_room_for(tmp_path: Path, key: str) -> None:
    full = prompt(*(f"text {n}" for n in range(20)))
    async with screen(tmp_path, ABC, [full]) as here:
        await here.until("text 0")
        await here.press(key)
        await here.until("a group has at most 20 responses")
        assert "ctrl-s" not in here.text()


async def test_nothing_changed_is_refused(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("e")
        await here.until("Edit response 1")
        await here.press("ctrl+s")
        await here.until("nothing was changed")
        assert len(here.marks) == 2


async def test_the_editor_shows_foreign_text_as_harmless(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one \x1b[31m \u202e two", "two")]) as here:
        await here.until("two")
        await here.press("e")
        await here.until("Edit response 1")
        await here.until("one ␛[31m \ufffd two")


async def test_enter_on_a_label_keeps_and_space_sets_it(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")], options=LABELLED) as here:
        await here.until("two")
        await here.press("i", "tab", "space", "down", "enter")
        await here.until(lambda: here.app.screen is here.app.annotate)
        assert here.desk.labelling.sheet
        assert here.desk.labelling.sheet.labels == ("wrong",)


async def test_a_label_that_is_set_is_told_by_a_character(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")], options=LABELLED) as here:
        await here.until("two")
        await here.press("i", "tab", "space")
        await here.until("▐X▌ wrong")
        await here.until("▐ ▌ long")
        await here.press("down", "space")
        await here.until("▐X▌ long")
        await here.press("up", "space")
        await here.until("▐ ▌ wrong")


async def test_a_mark_ends_the_news_of_what_was_before(tmp_path: Path) -> None:
    given = [prompt("one", "two"), prompt("three", "four", text="another")]
    async with screen(tmp_path, ABC, given) as here:
        await here.until("two")
        await here.press("1", "equals_sign")
        await here.until("a tie takes two responses")
        await here.press("2")
        await here.until(lambda: "a tie takes" not in here.text())
        await here.press("2", "enter")
        await here.until("group 1 confirmed")
        await here.press("j")
        await here.settled()
        assert "group 1 confirmed" in here.text()
        await here.press("space")
        await here.until(lambda: "group 1 confirmed" not in here.text())


async def test_a_mark_leaves_what_is_still_so(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two"), prompt("three")]) as here:
        await here.until("two")
        await here.press("1", "enter", "p")
        await here.until("enter decides it again")
        await here.press("2")
        await here.settled()
        assert "enter decides it again" in here.text()


async def test_a_number_is_not_ended_by_the_wait_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_DIGIT_SECONDS", 1.0)
    async with screen(tmp_path, ABC, [prompt(*(f"text {n}" for n in range(15)))]) as here:
        await here.until("text 0")
        await here.press("1", "5")
        await here.until(lambda: here.marks[14] is CHOSEN)
        await here.pilot.pause(0.6)
        await here.press("1")
        await here.pilot.pause(0.5)  # the wait of the first digit would be over
        await here.press("2")
        await here.until(lambda: here.marks[11] is CHOSEN)
        assert [n for n, mark in enumerate(here.marks) if mark] == [11, 14]


async def test_a_number_that_is_done_is_not_asked_for_any_more(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt(*(f"text {n}" for n in range(15)))]) as here:
        await here.until("text 0")
        await here.press("1")
        await here.until("response 1…")
        await here.press("2")
        await here.until(lambda: "response 1…" not in here.text())
        await here.press("1", "j")
        await here.until(lambda: "response 1…" not in here.text())


async def test_the_key_that_goes_on_with_a_text_is_the_one_that_is_bound(tmp_path: Path) -> None:
    look = Look(theme=DARK.name, keymap=Keymap({"edit": ("o",), "write": ("O",)}))
    async with screen(tmp_path, ABC, [prompt("one", "two")], look=look) as here:
        await here.until("two")
        for key in ("o", "O"):
            await here.press(key)
            await here.until("ctrl-s makes it")
            await here.press("escape")
            await here.until(lambda: "ctrl-s makes it" not in here.text())
            assert "kept" not in here.text(), "nothing was typed"
        await here.press("o", "s", "escape")
        await here.until("o goes on with it")
        await here.press("O", *"mine", "escape")
        await here.until("O goes on with it")


async def test_lines_that_are_pasted_into_a_note_become_one(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("i", *"a: ")
        here.app.post_message(Paste("too  long\r\n\r  and wrong\n"))
        await here.until("a: too  long and wrong")
        await here.press("enter")
        await here.until("“a: too  long and wrong”")


async def test_leaving_keeps_a_note_that_is_being_typed(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")], options=LABELLED) as here:
        await here.until("two")
        await here.press("i", *"too long", "tab", "space", "ctrl+c")
        assert here.desk.labelling.sheet
        assert here.desk.labelling.sheet.note == "too long"
        assert here.desk.labelling.sheet.labels == ("wrong",)


async def test_leaving_keeps_a_text_that_is_being_typed(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        await here.press("e")
        await here.until("Edit response 1")
        await here.press(*" ab", "ctrl+c")
        assert await here.desk.labelling.writing.kept_text(0) == "one ab"


async def test_what_went_wrong_and_what_to_do_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> str:
        raise InputError("vi ended with exit code 1: nothing was changed", remedy="Set $EDITOR.")

    monkeypatch.setattr(OutsideEditor, "edit", fails)
    async with screen(tmp_path, ABC, [prompt("one", "two")], size=(100, 24)) as here:
        await here.until("two")
        await here.press("E")
        await here.until("nothing was changed · Set $EDITOR.")
