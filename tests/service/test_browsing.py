"""Going to other groups: by number, by id, from a list, by what they say."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

from dpo_tui.domain.listing import Filter
from dpo_tui.domain.model import Mark, Message, Prompt, Ready
from dpo_tui.service.outcomes import Refused
from tests.service.desk import Desk, desk


def groups(count: int) -> list[Prompt]:
    return [
        Prompt(
            (Message("user", f"question {number}"),),
            name=f"id-{number}" if number != 5 else "3",
            tags=("odd",) if number % 2 else (),
            responses=(Ready(f"Yes {number}"), Ready(f"no {number}")),
        )
        for number in range(1, count + 1)
    ]


def position(here: Desk) -> int:
    assert here.labelling.group
    return here.labelling.group.position


async def test_a_number_or_an_id_leads_to_a_group(tmp_path: Path) -> None:
    async with desk(tmp_path, None, groups(90)) as here:
        go_to = here.labelling.browsing.go_to
        for text, place in (("7", 6), (" id-2 ", 1), ("id-90", 89), ("3", 2), ("90", 89)):
            group = await go_to(text)
            assert not isinstance(group, Refused)
            assert group.position == position(here) == place
        for text in ("", "0", "91", "id", "9" * 5000, "\u00b2", "-1", "\ud800"):
            assert isinstance(await go_to(text), Refused)
            assert position(here) == 89


async def test_a_list_has_what_its_filter_lets_through(tmp_path: Path) -> None:
    async with desk(tmp_path, None, groups(8)) as here:
        await here.labelling.skip()
        await here.labelling.marking.toggle_flag()
        await here.label(0)
        await here.labelling.writing.write("better")
        listed = here.labelling.browsing.groups

        async def places(filter_: Filter, tag: str | None = None) -> list[int]:
            found: list[int] = []
            while page := await listed(filter_, tag, found[-1] if found else -1, 3):
                found += (row.position for row in page)
            return found

        assert await places(Filter.ALL) == [*range(8)]
        assert await places(Filter.UNDECIDED) == [*range(2, 8)]
        assert await places(Filter.SKIPPED) == [0]
        assert await places(Filter.FLAGGED) == [1]
        assert await places(Filter.EDITED) == [2]
        assert await places(Filter.FAILED) == []
        assert await places(Filter.UNDECIDED, "odd") == [2, 4, 6]
        assert len(await listed()) == 8

        async def before(place: int, limit: int) -> list[int]:
            rows = await listed(Filter.UNDECIDED, "odd", place, limit, backwards=True)
            return [row.position for row in rows]

        assert await before(6, 9) == [4, 2]
        assert await before(6, 1) == [4]
        assert await before(2, 9) == []


async def test_a_search_begins_on_screen_and_goes_on_in_order(tmp_path: Path) -> None:
    async with desk(tmp_path, None, groups(100)) as here:
        search = here.labelling.browsing.search
        await here.labelling.browsing.go_to("50")
        found = [(each.position, each.slot) async for each in search("YES")]
        assert found == [(49, 0), *((place, 0) for place in range(100) if place != 49)]
        only = [each async for each in search("question 77")]
        assert [(each.position, each.slot, each.name) for each in only] == [(76, None, "id-77")]
        assert [each async for each in search("  ")] == []
        while here.labelling.group:
            await here.labelling.skip()
        assert len([each async for each in search("question 1")]) == 12


async def test_a_search_can_be_left_and_holds_up_no_key(tmp_path: Path) -> None:
    async with desk(tmp_path, None, groups(100)) as here:
        async with aclosing(here.labelling.browsing.search("no ")) as results:
            async for each in results:
                if each.position == 3:
                    await here.labelling.marking.toggle(0, Mark.CHOSEN)
                    break
        assert here.cards[0].mark is Mark.CHOSEN
