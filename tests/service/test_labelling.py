from pathlib import Path

import pytest
from msgspec.structs import replace

from dpo_tui.datasets.formats import FORMATS
from dpo_tui.domain.model import Mark, Message, Prompt, State
from dpo_tui.domain.pairs import pair_policy
from dpo_tui.service.outcomes import Confirmed, Refused
from tests.samples import ready
from tests.servers import replies
from tests.servers.wire import ChatServer
from tests.service.desk import PLAIN, begun_and_endless, desk, prompts

LETTERS = Prompt((Message("user", "Q"),), responses=ready(*"abcd"))


async def test_a_confirmed_group_becomes_pairs_and_the_next_one_is_shown(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("good", "bad", "worse")) as server,
        desk(tmp_path, server.url, prompts("one", "two"), n=3) as here,
    ):
        await here.until_ended()
        outcome = await here.label(0)
        assert (outcome.pairs, outcome.unfinished) == (2, 0)
        assert await here.rows() == [
            {
                "messages": [
                    {"role": "user", "content": "one"},
                    {"role": "assistant", "content": "good"},
                ],
                "rejected_response": rejected,
            }
            for rejected in ("bad", "worse")
        ]
        assert here.labelling.sheet
        assert here.labelling.sheet.position == 1
        assert here.labelling.progress.pairs == 2


async def test_the_next_group_does_not_wait_for_the_dataset(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [LETTERS, *prompts("more")]) as here:
        await here.label(0)
        assert here.labelling.sheet
        assert here.labelling.sheet.position == 1
        assert not here.dataset.exists()
    assert len(await here.rows()) == 3


async def test_the_next_sheet_is_known_when_all_its_responses_are_there(tmp_path: Path) -> None:
    gate = replies.Gate()
    async with (
        ChatServer(replies.completion("good", "bad", gate=gate)) as server,
        desk(tmp_path, server.url, [LETTERS, *prompts("two")], n=2) as here,
    ):
        await here.until(lambda: len(here.labelling.generation.window) == 2)
        assert here.labelling.next_sheet is None
        gate.open(1000)
        await here.until(lambda: here.labelling.next_sheet is not None)
        foretold = here.labelling.next_sheet
        await here.label(0)
        assert here.labelling.sheet == foretold
        assert here.labelling.next_sheet is None


async def test_an_excluded_response_is_in_no_pair(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("good", "bad", "odd")) as server,
        desk(tmp_path, server.url, prompts("one"), n=3) as here,
    ):
        await here.until_ended()
        await here.labelling.marking.toggle(2, Mark.EXCLUDED)
        await here.label(0)
        assert [row["rejected_response"] for row in await here.rows()] == ["bad"]


async def test_marks_in_progress_survive_a_restart(tmp_path: Path) -> None:
    async with ChatServer(replies.completion("a", "b")) as server:
        async with desk(tmp_path, server.url, prompts("one")) as here:
            await here.until_ended()
            await here.labelling.marking.toggle(1, Mark.CHOSEN)
        async with desk(tmp_path, server.url, prompts("one")) as here:
            assert [card.mark for card in here.cards] == [None, Mark.CHOSEN]
            assert [card.text for card in here.cards] == ["a", "b"]
        assert len(server.requests) == 1


async def test_undo_takes_the_pairs_back_and_shows_the_marks_again(tmp_path: Path) -> None:
    async with ChatServer(replies.completion("a", "b")) as server:
        async with desk(tmp_path, server.url, prompts("one", "two")) as here:
            await here.until_ended()
            await here.label(0)
            assert len(await here.rows()) == 1
        async with desk(tmp_path, server.url, prompts("one", "two")) as here:
            assert not isinstance(await here.labelling.undo(), Refused)
            assert await here.rows() == []
            assert here.labelling.sheet
            assert here.labelling.sheet.position == 0
            assert [card.mark for card in here.cards] == [Mark.CHOSEN, None]
            assert here.labelling.progress.confirmed == 0
            assert isinstance(await here.labelling.undo(), Refused)


async def test_skipped_groups_give_no_pairs_and_do_not_come_back(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts("one", "two")) as here,
    ):
        await here.labelling.skip()
        await here.until_ended()
        await here.label(0)
        assert here.labelling.group is None
        assert isinstance(await here.labelling.confirm(), Refused)
        progress = here.labelling.progress
        assert (progress.confirmed, progress.skipped, progress.left) == (1, 1, 0)
        assert len(await here.rows()) == 1


async def test_ready_made_responses_need_no_server(tmp_path: Path) -> None:
    given = [Prompt((Message("user", "2 + 2?"),), responses=ready("4", "5"))]
    async with desk(tmp_path, None, given) as here:
        assert [card.text for card in here.cards] == ["4", "5"]
        await here.label(0)
        assert (await here.rows())[0]["rejected_response"] == "5"


async def test_confirming_waits_for_nothing(tmp_path: Path) -> None:
    async with (
        ChatServer(begun_and_endless("a", "b")) as server,
        desk(tmp_path, server.url, prompts("one"), n=3) as here,
    ):
        await here.until(lambda: [card.phase is None for card in here.cards][:2] == [True] * 2)
        await here.labelling.marking.toggle(2, Mark.CHOSEN)
        outcome = await here.label(0)
        assert (outcome.pairs, outcome.unfinished) == (1, 1)
        assert [row["rejected_response"] for row in await here.rows()] == ["b"]


async def test_nothing_has_come_so_nothing_can_be_confirmed(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.silence) as server,
        desk(tmp_path, server.url, prompts("one")) as here,
    ):
        assert isinstance(await here.labelling.confirm(), Refused)
        assert here.labelling.progress.confirmed == 0


@pytest.mark.parametrize("allow_cut_off", [False, True])
async def test_cut_off_text_is_usable_only_if_it_is_allowed(
    tmp_path: Path, *, allow_cut_off: bool
) -> None:
    reply = replies.events(
        replies.chunk(0, "whole", "stop"), replies.chunk(1, "cut", "length"), replies.DONE
    )
    async with (
        ChatServer(reply) as server,
        desk(
            tmp_path,
            server.url,
            prompts("one"),
            options=replace(PLAIN, allow_cut_off=allow_cut_off),
        ) as here,
    ):
        cards = await here.until_ended()
        assert [card.state for card in cards] == [State.COMPLETE, State.CUT_OFF]
        assert (
            isinstance(await here.labelling.marking.toggle(1, Mark.CHOSEN), Refused)
            != allow_cut_off
        )
        await here.labelling.marking.toggle(1, Mark.CHOSEN)
        outcome = await here.label(0)
        assert len(await here.rows()) == outcome.pairs == int(allow_cut_off)


async def test_a_response_that_repeats_another_one_counts_once(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("same", " same\n", "other")) as server,
        desk(tmp_path, server.url, prompts("one"), n=3) as here,
    ):
        await here.until_ended()
        outcome = await here.label(0)
        assert (outcome.pairs, outcome.dropped) == (1, ())
        group = await here.disk.run(here.store.group, 1, "ann")
        assert group.decision
        assert [*group.decision.marks.values()] == [Mark.CHOSEN, Mark.EXCLUDED, Mark.REJECTED]


async def test_a_dataset_that_cannot_be_written_stops_nobody_and_catches_up(
    tmp_path: Path,
) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, prompts("one", "two", "three")) as here,
    ):
        await here.until_ended()
        here.dataset.mkdir()
        assert isinstance(await here.labelling.confirm(), Confirmed)
        await here.until_ended()
        await here.label(0)
        await here.labelling.settle()
        assert here.labelling.dataset_trouble
        here.dataset.rmdir()
        await here.until_ended()
        await here.label(1)
        await here.labelling.settle()
        assert here.labelling.dataset_trouble is None
        assert [row["messages"][0]["content"] for row in await here.rows()] == ["two", "three"]


async def test_a_dataset_that_was_deleted_is_written_again(tmp_path: Path) -> None:
    async with ChatServer(replies.completion("a", "b")) as server:
        async with desk(tmp_path, server.url, prompts("one", "two")) as here:
            await here.until_ended()
            await here.label(0)
        here.dataset.unlink()
        async with desk(tmp_path, server.url, prompts("one", "two")) as here:
            assert len(await here.rows()) == 1


async def test_the_dataset_follows_the_policy_that_was_set(tmp_path: Path) -> None:
    options = replace(PLAIN, policy=replace(pair_policy("best"), best_over_chosen=True))
    async with desk(tmp_path, None, [LETTERS], options=options) as here:
        await here.labelling.marking.toggle(0, Mark.CHOSEN)
        await here.labelling.marking.toggle_best(1)
        outcome = await here.label()
        assert outcome.pairs == here.labelling.progress.pairs == 3
    rows = await here.rows()
    sides = [(row["messages"][-1]["content"], row["rejected_response"]) for row in rows]
    assert sides == [("b", "c"), ("b", "d"), ("b", "a")]


async def test_an_unpaired_dataset_has_a_row_for_every_response(tmp_path: Path) -> None:
    form = FORMATS["trl-kto"]
    options = replace(PLAIN, unit=form.unit)
    async with desk(tmp_path, None, [LETTERS], options=options, encode=form.line) as here:
        await here.labelling.marking.toggle(3, Mark.EXCLUDED)
        outcome = await here.label(1)
        assert outcome.pairs == 3
        labels = {row["completion"][0]["content"]: row["label"] for row in await here.rows()}
        assert labels == {"a": False, "b": True, "c": False}
        await here.labelling.undo()
    assert await here.rows() == []
