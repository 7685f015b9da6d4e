"""Finding other groups, and going there."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event

from textual.content import Content
from textual.events import Key
from textual.widgets import Static

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.tui.keymap import Keymap
from dpo_tui.tui.look import Look
from dpo_tui.tui.themes import DARK
from tests.samples import ready
from tests.tui.pilot import ABC, Screen, screen


def groups(count: int) -> list[Prompt]:
    return [
        Prompt(
            (Message("user", f"question {n}"),),
            name=f"id-{n}",
            tags=("odd",) if n % 2 else (),
            responses=ready(f"first answer {n}", f"second answer {n} about whales"),
        )
        for n in range(count)
    ]


async def test_g_goes_to_a_number_or_an_id(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(12)) as here:
        await here.until("1/12")
        await here.press("g", *"7", "enter")
        await here.until("7/12")
        await here.press("g", *"id-2", "enter")
        await here.until("3/12")
        await here.press("g", *"nope", "enter")
        await here.until("no group with the number or id nope")
        await here.press("g", "escape")
        await here.until("3/12")


async def test_the_list_goes_by_the_keys_that_are_bound(tmp_path: Path) -> None:
    keys = {
        "next_card": ("down", "n"),
        "next_group": ("N",),
        "previous_card": ("E",),
        "find": ("ctrl+f",),
        "groups": ("L",),
    }
    look = Look(theme=DARK.name, keymap=Keymap(keys))
    async with screen(tmp_path, ABC, groups(4), look=look) as here:
        await here.until("1/4")
        await here.press("L")
        await here.until("ctrl-f finds")
        await here.press("q", "l", "j", "slash", "n", "n", "E", "enter")
        await here.until("2/4")
        await here.press("L", "ctrl+f", *"answer 3", "enter")
        await here.until("4/4")


async def test_letters_in_the_list_do_nothing_to_the_group(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(4)) as here:
        await here.until("1/4")
        await here.press("l")
        await here.until("enter goes there")
        await here.press(*"else q", "x", "s")
        await here.until("enter goes there")
        await here.press("escape")
        await here.until("first answer 0")
        assert "0 skipped" in here.text()
        assert here.marks == [None, None]


async def test_a_place_that_is_chosen_is_gone_to(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(4), size=(80, 24)) as here:
        await here.until("1/4")
        await here.press("s", "slash", *"answer 0")
        await here.until("2 places")
        await here.press("down", "down", "enter")
        await here.until("1/4")
        await here.until(lambda: here.app.annotate.cards.current == 1)


async def test_the_list_filters_and_goes_there(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(4), size=(80, 24)) as here:
        await here.until("1/4")
        await here.press("space", "enter")
        await here.until("2/4")
        await here.press("s")
        await here.until("3/4")
        await here.press("l")
        await here.until("id-3: question 3")
        await here.until("confirmed")
        await here.press("tab")
        await here.until("2 groups")
        assert "id-0" not in here.text()
        await here.press("tab")
        await here.until("1 group ")
        await here.press("enter")  # the first is highlighted
        await here.until("decided: skipped")
        assert "2/4" in here.text()


async def test_the_tags_of_all_groups_are_filters(tmp_path: Path) -> None:
    rows = [each._replace(tags=(f"kind{n % 3}",)) for n, each in enumerate(groups(7))]
    async with screen(tmp_path, ABC, rows, size=(100, 30)) as here:
        await here.until("1/7")
        await here.press("l")
        await here.until("kind2")
        await here.press("shift+tab")
        await here.until("2 groups")
        assert "question 2" in here.text()
        assert "question 3" not in here.text()


async def test_a_list_can_be_long(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(250), size=(100, 30)) as here:
        await here.until("1/250")
        await here.press("l")
        await here.until("100 groups and more")
        await here.press("end")
        await here.until("200 groups and more")
        await here.press("end", "end")
        await here.until("250 groups")
        await here.press("end", "enter")
        await here.until("250/250")


async def test_a_list_begins_at_the_group_on_screen(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(400), size=(100, 30)) as here:
        await here.until("1/400")
        await here.press("g", *"250", "enter")
        await here.until("250/400")
        await here.press("l")
        await here.until("200 groups and more")
        await here.until("question 249")
        assert "question 240" in here.text()
        assert "question 257" in here.text()
        await here.press("up", "enter")
        await here.until("249/400")

        await here.press("l")
        await here.until("200 groups and more")
        await here.press("home")
        await here.until("300 groups and more")
        assert "question 148" in here.text()  # the row that was the first stays where it is
        await here.press("home")
        await here.until("348 groups and more")
        await here.press("home", "enter")
        await here.until(" 1/400")


async def test_a_filter_goes_on_from_the_group_on_screen(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(40), size=(100, 30)) as here:
        await here.until("1/40")
        await here.press("s", "g", *"39", "enter")
        await here.until("39/40")
        await here.press("l", "tab", "enter")  # undecided
        await here.until("39/40")
        await here.press("l", "tab", "tab")  # skipped: there is none behind
        await here.until("1 group ")
        await here.press("enter")
        await here.until(" 1/40")


async def test_a_list_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(4), size=(80, 24)) as here:
        await here.until("1/4")
        with closing(sqlite3.connect(tmp_path / "session.db")) as session, session:
            session.execute("UPDATE groups SET messages = ?", (b'[["user", 5]]',))
        await here.press("l")
        await here.until("Session ")
        assert "there is none" not in here.text()
        assert "dpo-tui verify" in here.text()  # at the end of it, however long the path is


async def test_a_search_finds_prompts_and_responses_and_marks_them(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(3), size=(100, 30)) as here:
        await here.until("1/3")
        await here.press("slash", *"2 about WHALES")
        await here.until("1 place")
        await here.press("enter")
        await here.until("3/3")
        await here.until("escape ends the search")
        await here.press("escape")
        await here.until(lambda: "escape ends the search" not in here.text())
        await here.press("slash", *"nothing like it")
        await here.until("0 places")
        await here.press("escape")
        await here.until("3/3")


async def test_enter_right_behind_a_search_goes_to_the_first_place(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(3), size=(100, 30)) as here:
        await here.until("1/3")
        await here.press("slash")
        await here.until("3 groups")
        await here.press(*"2 about", "enter")
        await here.until("escape ends the search")
        assert "3/3" in here.text()


async def test_enter_behind_a_changed_search_goes_by_the_change(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(3), size=(100, 30)) as here:
        await here.until("1/3")
        await here.press("slash", *"answer 1")
        await here.until("2 places")
        await here.press("backspace", "2", "enter")
        await here.until("escape ends the search")
        assert "3/3" in here.text()


async def test_enter_right_behind_a_search_for_nothing_stays_and_says_so(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(3), size=(100, 30)) as here:
        await here.until("1/3")
        await here.press("slash")
        await here.until("3 groups")
        await here.press(*"nope", "enter")
        await here.until("0 places")
        await here.press("enter")
        await here.until("0 places")
        await here.press("escape")
        await here.until("1/3")


async def test_keys_that_come_faster_than_the_disk_list_each_row_once(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(250), size=(100, 30)) as here:
        await here.until("1/250")
        await here.press("l")
        for key in ("tab", "shift+tab"):
            await here.press("slash", *"whales", key, "end", "shift+tab", "tab", "end", key)
            await here.press("slash", "w", key, "end", key, "end")
        await here.until("200 groups and more")
        await here.press("end")
        await here.until("250 groups")


async def test_keys_behind_the_one_that_lists_wait_for_the_groups(tmp_path: Path) -> None:
    is_free = Event()
    async with screen(tmp_path, ABC, groups(6)) as here:
        await here.until("1/6")
        busy = asyncio.ensure_future(here.desk.disk.run(is_free.wait))
        for key in ("l", "j", "j", "enter"):
            here.app.post_message(Key(key, None))
        await asyncio.sleep(0.3)
        is_free.set()
        await busy
        await here.until(lambda: (group := here.desk.labelling.group) and group.position == 2)


def lit(here: Screen) -> str:
    """The filter that the list says is in force."""
    line = here.app.screen.query_one("#filters", Static).content
    assert isinstance(line, Content)
    return " ".join(
        line.plain[s.start : s.end].strip() for s in line.spans if "bold" in str(s.style)
    )


async def test_the_filter_in_force_is_in_sight(tmp_path: Path) -> None:
    tags = tuple(f"a tag of some length {number}" for number in range(30))
    rows = [groups(1)[0]._replace(tags=tags)]
    async with screen(tmp_path, ABC, rows, size=(80, 24)) as here:
        await here.until("1/1")
        await here.press("l")
        await here.until("a tag of some length 3 ")
        assert "all    undecided" in here.text()
        for name in (*tags[::-1], "failed"):
            await here.press("shift+tab")
            assert f" {name} " in here.text()
            assert lit(here) == name
            assert "…" in here.text()


async def test_filters_take_no_more_lines_than_they_need(tmp_path: Path) -> None:
    def lines() -> int:
        text = here.text()
        return text[: text.index("id-0")].count("\n") - text[: text.index("  all  ")].count("\n")

    async with screen(tmp_path, ABC, groups(3), size=(40, 20)) as here:
        await here.until("1/3")
        await here.press("l")
        await here.until("3 groups")
        await here.until(lambda: lines() == 3)
        await here.pilot.resize_terminal(100, 20)
        await here.until(lambda: lines() == 1)


async def test_a_search_heeds_no_filter_and_none_is_lit(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, groups(3), size=(80, 24)) as here:
        await here.until("1/3")
        await here.press("l", "tab")
        await here.until(lambda: lit(here) == "undecided")
        await here.press("slash", *"whales")
        await here.until("3 places")
        assert not lit(here)
        await here.press("tab")
        await here.until("there is none")
        assert lit(here) == "skipped"
