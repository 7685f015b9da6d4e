"""The table of actions is whole, and what is made from it follows it."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from dpo_tui.inputs import Place
from dpo_tui.tui.actions import ACTIONS, Action, Scope
from dpo_tui.tui.app import DpoTuiApp
from dpo_tui.tui.key_page import sections
from dpo_tui.tui.keymap import DEFAULT_KEYMAP, read_keymap, textual_name
from dpo_tui.tui.look import Look
from dpo_tui.tui.screens.annotate import AnnotateScreen
from tests.servers import replies
from tests.service.desk import begun_and_endless, prompts
from tests.tui.pilot import ABC, screen

OWNERS = {Scope.ANNOTATE: AnnotateScreen, Scope.EVERYWHERE: DpoTuiApp}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda each: each.name)
def test_every_action_is_whole(action: Action) -> None:
    assert action.keys
    assert action.label
    assert len(action.label) <= 24
    assert action.help.endswith(".")
    assert callable(getattr(OWNERS[action.scope], action.method))


def test_names_labels_and_ranks_are_unique() -> None:
    assert len({each.name for each in ACTIONS}) == len(ACTIONS)
    assert len({each.label for each in ACTIONS}) == len(ACTIONS)
    ranks = [each.bar_rank for each in ACTIONS if each.bar_rank is not None]
    assert len(set(ranks)) == len(ranks)


def test_every_action_is_on_the_page_once() -> None:
    names = [name for _, lines in sections(DEFAULT_KEYMAP) for line in lines for name in line.names]
    assert sorted(names) == sorted(each.name for each in ACTIONS)


def test_the_document_is_made_from_the_table() -> None:
    page: str = runpy.run_path(str(ROOT / "docs" / "keys.py"))["page"]()
    said = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
    assert said == page, "make it anew: python docs/keys.py"
    for action in ACTIONS:
        assert f"`{action.name}`" in page or action.number not in {None, 1, 9}


def rebound(**table: Any) -> Any:
    return read_keymap(table, Place("config.toml"))


async def test_every_binding_is_of_the_table_or_one_of_the_fixed_ones(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        bound = {
            (key, each.binding.action)
            for key, each in here.app.screen.active_bindings.items()
            if each.binding.id is None
        }
        assert bound <= {
            ("ctrl+c", "quit"),
            ("escape", "back"),
            # Textual's own, of every screen.
            ("shift+tab", "app.focus_previous"),
            ("super+c", "screen.copy_text"),
        }


async def test_a_rebound_key_works_and_the_old_one_no_longer_does(tmp_path: Path) -> None:
    keys = rebound(choose=["ö", "="] if _is_free("=") else "ö", skip="X")
    async with screen(tmp_path, ABC, prompts("first", "second"), look=Look(keys)) as here:
        await here.until("gamma text")
        await here.press("space")
        assert not any(here.marks)
        await here.press("ö")
        assert any(here.marks)
        await here.press("s")
        assert "1/2" in here.text()
        await here.press("X")
        await here.until("2/2")


def _is_free(key: str) -> bool:
    return all(key not in each.keys for each in ACTIONS)


async def test_swapped_keys_do_what_was_said(tmp_path: Path) -> None:
    keys = rebound(choose="x", exclude="space")
    async with screen(tmp_path, ABC, prompts("first"), look=Look(keys)) as here:
        await here.until("gamma text")
        await here.press("x")
        await here.until("✔ chosen")
        await here.press("space")
        await here.until("✖ excluded")


async def test_the_key_bar_shows_the_keys_as_they_are_bound(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("space choose")
        bar = here.text().splitlines()[-1]
        for shown in ("space choose", "enter confirm", "s skip", "u undo", "? help", "q quit"):
            assert shown in bar
        assert len(bar) <= 80
    (tmp_path / "2").mkdir()
    keys = rebound(choose="pagedown", page_down="f1", help="f2")
    async with screen(tmp_path / "2", ABC, prompts("first"), look=Look(keys)) as here:
        await here.until("pgdn choose")
        await here.until("f2 help")


async def test_a_key_that_is_no_ascii_character_is_told_as_it_is(tmp_path: Path) -> None:
    look = Look(rebound(choose="§", confirm="«", skip="ß"))
    async with screen(tmp_path, ABC, prompts("first"), look=look) as here:
        await here.until("§ choose")
        await here.until("« confirm  ß skip")


async def test_at_the_end_only_keys_of_use_are_shown_and_work(tmp_path: Path) -> None:
    look = Look(rebound(undo="Z", quit="Q"))
    async with screen(tmp_path, ABC, prompts("first"), look=look) as here:
        await here.until("gamma text")
        await here.press("1", "enter")
        await here.until("Every group is decided")
        await here.until(lambda: "choose" not in here.text())
        bar = here.text().splitlines()[-1]
        for shown in ("Z undo", "? help", "Q quit"):
            assert shown in bar
        assert "confirm" not in bar
        await here.until("Z takes the last decision back")
        await here.press("space", "enter", "s", "x", "r", "1")
        assert here.desk.labelling.progress.confirmed == 1
        await here.press("Z")
        await here.until("space choose")


async def test_texts_tell_keys_as_they_are_bound(tmp_path: Path) -> None:
    look = Look(rebound(confirm="C", columns="f1", previous_group="P"))
    async with screen(tmp_path, ABC, prompts("first", "second"), look=look) as here:
        await here.until("gamma text")
        await here.press("1", "C")
        await here.until("2/2")
        await here.press("P")
        await here.until("decided already: C decides it again")


@pytest.mark.parametrize("width", [20, 40, 200])
async def test_the_key_bar_keeps_what_matters_most(tmp_path: Path, width: int) -> None:
    async with screen(tmp_path, ABC, prompts("first"), size=(width, 24)) as here:
        await here.until("space choose")
        bar = here.text().splitlines()[-1]
        assert ("q quit" in bar) is (width > 40)


async def test_help_shows_the_rules_and_every_key_and_leaves_by_the_same_one(
    tmp_path: Path,
) -> None:
    keys = rebound(skip="S", help="H")
    async with screen(tmp_path, ABC, prompts("first"), size=(80, 120), look=Look(keys)) as here:
        await here.until("gamma text")
        await here.press("H")
        await here.until("Rules")
        text = " ".join(here.text().split())
        for _, lines in sections(keys):
            for line in lines:
                assert f"{' '.join(line.keys)} {line.help[:24]}" in text
        assert "S Leave the group out" in text
        assert "Unmarked responses count as rejected" in text
        await here.press("H")
        await here.until("gamma text")


@pytest.mark.parametrize("key", ["escape", "q", "enter", "question_mark"])
async def test_help_leads_back_and_decides_nothing(tmp_path: Path, key: str) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("gamma text")
        await here.press("question_mark")
        await here.until("Judge")
        await here.press("s", "x", key)
        await here.until("gamma text")
        assert not any(here.marks)
        assert here.desk.labelling.progress.left == 1


async def test_help_has_two_columns_where_there_is_room(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first"), size=(140, 60)) as here:
        await here.press("question_mark")
        await here.until("next start shows this group")
        assert any(
            "Judge" in line and "Move within a group" in line for line in here.text().splitlines()
        )


async def test_help_scrolls_at_80x24(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.press("question_mark")
        await here.until("Judge")
        assert "next start shows this group" not in here.text()
        await here.press("end")
        await here.until("next start shows this group")
        await here.press("home")
        await here.until("Choose the response, or take that back")
        await here.press("j", "j", "j", "j")
        await here.until(lambda: "Choose the response, or take that back" not in here.text())
        await here.press("k", "k", "k", "k")
        await here.until("Choose the response, or take that back")


async def test_the_palette_does_what_is_chosen_there(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.press("ctrl+p")
        await here.until("space: Choose the response")
        # Keys that judge, move or leave are text here.
        await here.press(*"skip")
        await here.until("s: Leave the group out")
        await here.until(lambda: "space: Choose" not in here.text())
        await here.press("enter")
        await here.until("group 1 skipped")


async def test_q_is_text_in_the_palette_and_escape_leads_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("gamma text")
        await here.press("ctrl+p")
        await here.until("space: Choose")
        await here.press("q")
        await here.until("q: Leave")
        await here.press("escape")
        await here.until("gamma text")
        assert here.app.return_code is None


async def test_ctrl_c_leaves_from_where_text_is_typed(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("gamma text")
        await here.press("ctrl+p")
        await here.until("space: Choose")
        await here.press("ctrl+c")
        await here.until(lambda: not here.app.is_running)


async def test_every_action_is_in_the_palette(tmp_path: Path) -> None:
    reply = replies.completion("a", "b", "c")
    async with screen(tmp_path, reply, prompts("first"), size=(100, 260)) as here:
        await here.press("ctrl+p")
        await here.until("Leave; everything is saved already.")
        text = here.text()
        for action in ACTIONS:
            assert action.name == "palette" or action.help[:60] in text, action.name


LEAVES = {"quit", "edit_outside"}
"""These give the terminal away, which is for a real one to test."""


@pytest.mark.parametrize("state", ["complete", "streaming", "failed", "ended"])
async def test_no_key_breaks_anything_in_any_state(tmp_path: Path, state: str) -> None:
    reply = {
        "streaming": begun_and_endless("alpha text"),
        "failed": replies.error(400, "refused, gamma text"),
    }.get(state, ABC)
    given = prompts("first") if state == "ended" else prompts("first", "second", "third")
    async with screen(tmp_path, reply, given) as here:
        await here.until("alpha text" if state == "streaming" else "gamma text")
        if state == "ended":
            await here.press("1", "enter")
            await here.until("Every group is decided")
        for action in ACTIONS:
            for key in action.keys if action.name not in LEAVES else ():
                await here.press(textual_name(key))
                await here.press("escape")
                await here.pilot.pause()
                assert here.app.is_running, (action.name, key)
                assert here.app.crashed is None, (action.name, key)
        while len(here.app.screen_stack) > 1:
            await here.press("escape")
            await here.pilot.pause()
        await here.until("? help")
