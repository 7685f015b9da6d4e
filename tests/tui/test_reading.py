"""What the keys do that only change what is seen."""

from pathlib import Path

import pytest

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.preferences import Preferences
from dpo_tui.tui.layout import Layout
from tests.samples import ready
from tests.service.desk import prompts
from tests.tui.pilot import ABC, Screen, screen

MARKDOWN = "# Heading\n\n**bold** words\n\n" + "\n\n".join(f"paragraph {n}" for n in range(30))


def prompt(*responses: str, text: str = "question", reference: str | None = None) -> Prompt:
    return Prompt((Message("user", text),), responses=ready(*responses), reference=reference)


def layout(here: Screen) -> Layout:
    return here.app.annotate.cards.layout_now


async def test_m_shows_the_text_as_it_is_stored(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt(MARKDOWN, "other")]) as here:
        await here.until("bold words")
        assert "**" not in here.text()
        await here.press("m")
        await here.until("**bold** words")
        await here.until("# Heading")
        await here.press("m")
        await here.until("Markdown set in type")
        assert "**" not in here.text()


async def test_the_reader_shows_one_card_and_goes_on_to_the_next(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt(MARKDOWN, "other text")]) as here:
        await here.until("bold words")
        await here.press("z")
        await here.until(lambda: layout(here) is Layout.READER)
        assert "question" not in here.text()
        assert "other text" not in here.text()
        await here.press("j")
        await here.until("other text")
        assert "bold words" not in here.text()
        await here.press("space", "escape")
        await here.until("question")
        await here.until("✔ chosen")
        assert layout(here) is Layout.LIST


async def test_what_is_below_is_told_and_scrolled_to_by_line_and_page(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt(MARKDOWN, "other text")]) as here:
        await here.until("▼")
        await here.press("J")
        await here.until(lambda: here.app.annotate.cards.top == 1)
        text = here.text().splitlines()
        assert "unmarked" in text[2], "the title stays"
        await here.press("K", "pagedown")
        await here.until("paragraph 9")
        await here.press("end")
        await here.until("other text")
        await here.until(lambda: "▼" not in here.text())


async def test_columns_side_by_side_and_back(tmp_path: Path) -> None:
    given = [prompt("left text", "right text")]
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("right text")
        await here.press("c")
        await here.until(
            lambda: any("left" in x and "right" in x for x in here.text().splitlines())
        )
        assert here.current == 0
        await here.press("right")
        assert here.current == 1
        await here.press("left", "c")
        await here.until(lambda: layout(here) is Layout.LIST)


async def test_columns_come_by_themselves_where_there_is_room(tmp_path: Path) -> None:
    given = [prompt("left text", "right text")]
    async with screen(tmp_path, ABC, given, size=(180, 30)) as here:
        await here.until(lambda: layout(here) is Layout.COLUMNS)
        await here.pilot.resize_terminal(80, 24)
        await here.until(lambda: layout(here) is Layout.LIST)


async def test_a_terminal_too_narrow_for_columns_says_so(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("left text", "right text")]) as here:
        await here.until("right text")
        await here.press("c")
        await here.until("too narrow for columns")


async def test_the_layout_is_remembered(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("left text", "right text")], size=(130, 30)) as here:
        await here.until("right text")
        await here.press("c")
        await here.until(lambda: here.app.preferences == Preferences(layout="columns"))


async def test_a_narrow_comparison_has_all_of_both_texts(tmp_path: Path) -> None:
    left, right = ("one two three four five", "six seven eight nine ten")
    async with screen(tmp_path, ABC, [prompt(left, right)], size=(40, 20)) as here:
        await here.until("ten")
        await here.press("d")
        await here.until(lambda: layout(here) is Layout.COMPARE)
        await here.settled()
        assert set(f"{left} {right}".split()) <= set(here.text().split())


async def test_a_search_unfolds_the_prompt_that_has_the_text(tmp_path: Path) -> None:
    lines = "\n".join(f"line {number}" for number in range(40))
    async with screen(tmp_path, ABC, [prompt("one", "two", text=lines)]) as here:
        await here.until("line 3")
        await here.press("tab")
        await here.until("line 0 line 1")
        await here.press("slash", *"one", "enter")
        await here.until("escape ends the search")
        await here.until("line 0 line 1")
        await here.press("slash", *"line 25", "enter")
        await here.until("line 26")
        assert "line 0" not in here.text()


async def test_the_way_back_stays_told_until_it_is_gone(tmp_path: Path) -> None:
    given = [prompt("one", "two", "three", text="first"), prompt("four", "five", text="second")]
    async with screen(tmp_path, ABC, given) as here:
        await here.until("three")
        await here.press("d", "m")
        await here.until("as it is stored · d goes back")
        await here.press("space")
        await here.until(lambda: "as it is stored" not in here.text())
        assert "d goes back" in here.text()
        await here.press("z", "3")
        await here.until("response 3 chosen · 2 chosen · z goes back")
        await here.press("slash", *"four", "enter")
        await here.until("escape ends the search")
        await here.press("m")
        await here.until("text as it is stored · escape ends the search")
        await here.press("escape", "p", "z", "enter")
        await here.until("group 1 confirmed")
        await here.settled()
        assert "goes back" not in here.text()
        await here.press("1", "z", "enter")
        await here.until("Every group is decided")
        await here.until("group 2 confirmed")
        assert "goes back" not in here.text()


async def test_compare_shows_two_and_changes_either_side(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat", "the cow stood")]
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("the cow stood")
        await here.press("d")
        await here.until(lambda: layout(here) is Layout.COMPARE)
        await here.until(lambda: any("cat" in x and "dog" in x for x in here.text().splitlines()))
        assert "cow" not in here.text()
        await here.press("right", "j")
        await here.until(lambda: any("cat" in x and "cow" in x for x in here.text().splitlines()))
        await here.press("space")
        assert [bool(mark) for mark in here.marks] == [False, False, True]
        await here.until("d goes back")
        await here.press("d")
        await here.until("the dog sat")
        assert layout(here) is Layout.LIST
        await here.until(lambda: "d goes back" not in here.text())


async def test_the_next_group_comes_in_the_usual_layout(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog stood up"), prompt("one", "two", text="another")]
    async with screen(tmp_path, ABC, given, size=(180, 30)) as here:
        await here.until("the dog stood up")
        await here.press("d")
        await here.until(lambda: layout(here) is Layout.COMPARE)
        await here.press("space", "enter")
        await here.until("another")
        assert layout(here) is Layout.COLUMNS


async def test_compare_with_the_reference(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat", reference="the mouse sat")]
    given.append(prompt("a", "b", text="another question"))
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("the dog sat")
        await here.press("D")
        await here.until("reference")
        await here.until(lambda: any("mouse" in x and "cat" in x for x in here.text().splitlines()))
        await here.press("escape", "n")
        await here.until("2/2")
        await here.press("D")
        await here.until("this prompt has no reference")


async def test_one_response_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("the same", "the same ")], size=(130, 30)) as here:
        await here.until("the same as 1")
        await here.press("d")
        await here.until("no other response to compare with")


async def test_copies_are_passed_over_and_said_to_be_copies(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two", "one ")]) as here:
        await here.until("the same as 1")
        await here.until("2 times")
        await here.press("j", "j", "j")
        assert here.current == 1
        await here.press("space", "enter")
        await here.until("1 pair")


async def test_near_copies_are_told(tmp_path: Path) -> None:
    long = "a long text about the very same thing, again and again, "
    async with screen(tmp_path, ABC, [prompt(long * 3 + "x", long * 3 + "y")]) as here:
        await here.until("≈ 1 (99%)")


@pytest.mark.parametrize("size", [(80, 24), (20, 8), (200, 50)])
async def test_odd_texts_fit_everywhere(tmp_path: Path, size: tuple[int, int]) -> None:
    odd = [
        "x" * 10_000,
        "日本語" * 300,
        "👩‍👩‍👧‍👦" * 50,
        "שלום עולם " * 50,
        "```\n" + "code\n" * 500,
    ]
    async with screen(tmp_path, ABC, [prompt(*odd)], size=size) as here:
        await here.until("unmarked")
        for key in ("end", "home", "z", "pagedown", "z", "m", "d", "d", "c", "c"):
            await here.press(key)
            await here.pilot.pause()
        await here.press("2", "enter")
        await here.until("is decided.")
        assert "▼" not in here.text()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_next_group_is_set_in_type_while_this_one_is_read(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    given = [prompt("**one**", "two", text="first"), prompt("* three", "`four`", text="second")]
    async with screen(tmp_path, ABC, given, size=size) as here:
        cards = here.app.annotate.cards
        await here.until(lambda: cards._next)
        assert cards._next
        _, page = cards._next
        await here.press("space", "enter")
        await here.until("three")
        assert cards._page is page
        shown = here.text()
        cards.toggle_raw()
        await here.until("* three")
        cards.toggle_raw()
        await here.until(lambda: here.text() == shown)
        assert cards._page is not page


async def test_what_was_set_in_type_ahead_does_not_outlive_a_change_of_the_look(
    tmp_path: Path,
) -> None:
    given = [prompt("**one**", "two", text="first"), prompt("**three**", "four", text="second")]
    async with screen(tmp_path, ABC, given) as here:
        cards = here.app.annotate.cards
        await here.until(lambda: cards._next)
        foretold = here.desk.labelling.next_sheet
        assert foretold
        cards.toggle_raw()
        cards.show(foretold.cards, is_new=True)
        await here.until("**three**")


async def test_news_of_several_lines_get_them_and_give_them_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, [prompt("one", "two")]) as here:
        await here.until("two")
        before = here.text().splitlines()[:-2]
        here.app.annotate.say(" ".join(f"word{number}" for number in range(20)))
        await here.until("word19")
        here.app.annotate.say("short")
        await here.until(lambda: here.text().splitlines()[:-2] == before)
        assert "short" in here.text()


async def test_a_prompt_of_another_height_gets_its_lines(tmp_path: Path) -> None:
    given = [prompt("one", text="short"), prompt("two", text="line a\nline b\nline c")]
    async with screen(tmp_path, ABC, [*given, prompt("three", text="brief")]) as here:
        await here.until("short")
        await here.press("s")
        await here.until("line c")
        await here.press("s")
        await here.until("brief")
        assert here.text().splitlines()[2].lstrip().startswith("1")


async def test_the_prompts_thumb_tells_of_the_prompt_on_screen(tmp_path: Path) -> None:
    def lines(count: int) -> str:
        return "\n".join(f"line {number}" for number in range(count))

    given = [prompt("one", text=lines(20)), prompt("two", text=lines(200))]
    async with screen(tmp_path, ABC, given) as here:
        await here.until("line 1")
        thumb = here.app.annotate.prompt._thumb
        await here.until(lambda: len(thumb.rows) > 1)
        await here.press("s")
        await here.until("2/2")
        assert len(thumb.rows) == 1


async def test_an_edit_while_comparing_is_compared_in_the_place_of_what_was_edited(
    tmp_path: Path,
) -> None:
    given = [prompt("the cat sat", "the dog sat")]
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("the dog sat")
        await here.press("d", "e")
        await here.until("Edit response 1")
        await here.press(*" down", "ctrl+s")
        await here.until("response 3 is yours, and chosen")
        await here.until(lambda: any("down" in x and "dog" in x for x in here.text().splitlines()))
        assert here.current == 2
        assert any(x.startswith("  3") and "chosen" in x for x in here.text().splitlines())


async def test_what_is_written_while_comparing_is_seen(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat")]
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("the dog sat")
        await here.press("d", "right", "w")
        await here.until("Write a response")
        await here.press(*"the cow", "ctrl+s")
        await here.until("response 3 is yours, and chosen")
        await here.until(lambda: any("cat" in x and "cow" in x for x in here.text().splitlines()))
        assert here.current == 2


async def test_a_search_turns_the_reader_to_the_first_place(tmp_path: Path) -> None:
    given = [prompt("the cat sat", MARKDOWN)]
    async with screen(tmp_path, ABC, given, size=(80, 24)) as here:
        await here.until("the cat sat")
        await here.press("z", "slash", *"paragraph 29", "enter")
        await here.until("escape ends the search")
        await here.until("paragraph 29")
        assert layout(here) is Layout.READER
        assert here.current == 1
        await here.press("escape", "slash", *"the cat", "enter")
        await here.until("escape ends the search")
        await here.until("the cat sat")
        assert here.current == 0


async def test_a_comparison_turns_into_one_with_the_reference(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat", reference="the mouse sat")]
    given.append(prompt("a", "b", text="another question"))
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("the dog sat")
        await here.press("d", "right", "D")
        await here.until(lambda: any("mouse" in x and "dog" in x for x in here.text().splitlines()))
        assert here.current == 1
        await here.press("D")
        await here.until(lambda: layout(here) is Layout.LIST)
        await here.press("n")
        await here.until("another question")
        await here.press("d", "D")
        await here.until("this prompt has no reference")
        assert layout(here) is Layout.COMPARE


async def test_a_search_that_finds_the_reference_leaves_the_current_card(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat", reference="the mouse sat")]
    async with screen(tmp_path, ABC, given, size=(130, 30)) as here:
        await here.until("the dog sat")
        await here.press("D", "slash", *"sat", "enter")
        await here.until("escape ends the search")
        await here.until(lambda: any("mouse" in x and "cat" in x for x in here.text().splitlines()))
        assert here.current == 0


async def test_a_search_brings_a_response_into_the_comparison(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat", MARKDOWN)]
    async with screen(tmp_path, ABC, given, size=(130, 24)) as here:
        await here.until("the dog sat")
        await here.press("d", "right", "slash", *"the cat", "enter")
        await here.until("escape ends the search")
        assert here.current == 0
        await here.press("escape", "slash", *"paragraph 29", "enter")
        await here.until("escape ends the search")
        await here.until("paragraph 29")
        assert layout(here) is Layout.COMPARE
        assert here.current == 2


async def test_home_and_end_go_through_a_comparison(tmp_path: Path) -> None:
    given = [prompt("the cat sat", "the dog sat", "the *cow* sat")]
    async with screen(tmp_path, ABC, given, size=(130, 24)) as here:
        await here.until("the cow sat")
        await here.press("d", "end")
        await here.until(lambda: any("cow" in x and "dog" in x for x in here.text().splitlines()))
        assert here.current == 2
        await here.press("right", "home")
        assert here.current == 0
        await here.press("m")
        await here.until("a comparison shows the text as it is stored")
        await here.press("d")
        await here.until("the cow sat")


async def test_the_next_group_is_shown_with_its_prompt(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second question")) as here:
        await here.until("gamma text")
        await here.press("1", "z")
        await here.until("z goes back")
        await here.press("enter")
        await here.until("second question")
        assert layout(here) is Layout.LIST
