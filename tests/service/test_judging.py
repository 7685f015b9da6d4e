"""What can be said of responses, and what is seen of them before and after a decision."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from msgspec.structs import replace

from dpo_tui.domain.model import (
    Completion,
    Draft,
    Mark,
    Message,
    Origin,
    Prompt,
    Ready,
    Remarks,
    Source,
    State,
)
from dpo_tui.service.onscreen import LabellingOptions
from dpo_tui.service.outcomes import Refused
from dpo_tui.service.sheet import Twin
from dpo_tui.service.stopwatch import PAUSE_SECONDS
from dpo_tui.store.session import SessionStore
from tests.servers import replies
from tests.servers.wire import ChatServer, Exchange
from tests.service.desk import PLAIN, Desk, begun_and_endless, desk

LONG = "The quick brown fox jumps over the lazy dog, and then it sleeps for a while."


def ready(*texts: str, models: tuple[str | None, ...] = (), **more: object) -> Prompt:
    """A prompt with ready-made responses."""
    made = tuple(Ready(text, models[place] if models else None) for place, text in enumerate(texts))
    return Prompt((Message("user", f"say {texts[0]}"),), responses=made, **more)  # type: ignore[arg-type]


def marks(here: Desk) -> list[Mark | None]:
    return [card.mark for card in here.cards]


ABCD = ready("a", "b", "c", "d")


async def test_all_none_tie_best_and_strength_are_kept_as_they_are_said(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD]) as here:
        marking = here.labelling.marking
        await marking.toggle(3, Mark.EXCLUDED)
        await marking.choose_all()
        assert marks(here) == [Mark.CHOSEN] * 3 + [Mark.EXCLUDED]
        await marking.choose_all()
        assert marks(here) == [None] * 3 + [Mark.EXCLUDED]
        await marking.choose_none()
        assert marks(here) == [Mark.REJECTED] * 3 + [Mark.EXCLUDED]
        await marking.choose_none()
        assert isinstance(await marking.toggle_best(1), type(await marking.next_strength()))
    async with desk(tmp_path, None, [ABCD]) as here:
        assert [card.best for card in here.cards] == [False, True, False, False]
        assert here.labelling.sheet
        assert here.labelling.sheet.strength == 1
        assert marks(here) == [None, Mark.CHOSEN, None, Mark.EXCLUDED]
        assert isinstance(await here.labelling.marking.toggle_tie(), Refused)
        await here.labelling.marking.toggle(0, Mark.CHOSEN)
        await here.labelling.marking.toggle_tie()
        assert here.labelling.sheet.tie
        assert not any(card.best for card in here.cards)


async def test_a_tie_of_nothing_is_a_tie_of_all(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD]) as here:
        await here.labelling.marking.toggle_tie()
        assert marks(here) == [Mark.CHOSEN] * 4
        await here.label()
        group = await here.disk.run(here.store.group, 1, "ann")
        assert group.decision
        assert group.decision.remarks.tie
        assert await here.rows() == []


async def test_remarks_go_with_the_decision_and_come_back_with_undo(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD]) as here:
        await here.labelling.marking.toggle_best(2)
        await here.labelling.marking.annotate_note("  because ", ["wrong", "wrong", "long"])
        await here.label()
        decided = (await here.disk.run(here.store.group, 1, "ann")).decision
        assert decided
        said = Remarks(best=decided.order[2], note="because", labels=("wrong", "long"))
        assert decided.remarks == said
        await here.labelling.undo()
        assert here.labelling.group
        assert here.labelling.group.draft.remarks == replace(said, best=2)
        await here.labelling.redo()
        await here.labelling.undo()
        await here.labelling.skip()
        skipped = (await here.disk.run(here.store.group, 1, "ann")).decision
        assert skipped
        assert skipped.remarks == Remarks(note="because", labels=("wrong", "long"))


async def test_a_flag_is_no_part_of_a_decision(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD, ready("e", "f")]) as here:
        await here.labelling.marking.toggle_flag()
        assert here.labelling.sheet
        assert here.labelling.sheet.flagged
        await here.label(0)
        assert not here.labelling.sheet.flagged
        await here.labelling.undo()
        assert here.labelling.sheet.flagged
        await here.labelling.marking.toggle_flag()
    async with desk(tmp_path, None, [ABCD]) as here:
        assert here.labelling.sheet
        assert not here.labelling.sheet.flagged


async def test_cards_lie_by_chance_and_keys_mean_what_is_seen(tmp_path: Path) -> None:
    groups = [ready(*(f"{number}{letter}" for letter in "abcd")) for number in range(12)]
    orders = set()
    shuffled = replace(PLAIN, shuffle=True)
    async with desk(tmp_path, None, groups, options=shuffled) as here:
        while here.labelling.group:
            assert [card.number for card in here.cards] == [1, 2, 3, 4]
            seen = [card.text for card in here.cards]
            orders.add(tuple(text[-1] for text in seen))
            position = here.labelling.group.position
            await here.labelling.marking.toggle(here.cards[1].slot, Mark.CHOSEN)
            assert marks(here) == [None, Mark.CHOSEN, None, None]
            await here.labelling.confirm()
            rows = [row for row in (await here.rows()) if row["messages"][-1]["content"] == seen[1]]
            assert [row["rejected_response"] for row in rows] == [seen[0], seen[2], seen[3]]
            decided = await here.disk.run(here.store.group, position + 1, "ann")
            texts = {each.id: each.completion.text for each in decided.responses}
            assert decided.decision
            assert [texts[each] for each in decided.decision.order] == seen
    assert len(orders) > 4
    async with desk(tmp_path, None, groups, options=shuffled) as here:
        await here.labelling.undo()
        assert [card.text for card in here.cards] == seen


async def test_what_is_added_comes_behind_what_was_shuffled(tmp_path: Path) -> None:
    options = replace(PLAIN, shuffle=True)
    async with (
        ChatServer(replies.completion("a", "b", "c", "d")) as server,
        desk(
            tmp_path, server.url, [Prompt((Message("user", "one"),))], n=4, options=options
        ) as here,
    ):
        await here.until_ended()
        before = [card.slot for card in here.cards]
        await here.labelling.writing.write("mine")
        await here.labelling.supply.add_response()
        await here.until_ended()
        await here.labelling.writing.edit(before[0], "better")
        assert [card.slot for card in here.cards] == [*before, 4, 5, 6]
        assert [card.text for card in here.cards][4::2] == ["mine", "better"]


async def test_sources_are_hidden_until_the_group_is_decided(tmp_path: Path) -> None:
    mixed = ready("a", "b", models=("big/model", "small"))
    alike = ready("c", "d", models=("big", "big"))
    async with desk(tmp_path, None, [mixed, alike]) as here:
        assert here.labelling.sheet
        assert here.labelling.sheet.blind
        assert [(card.source, card.origin) for card in here.cards] == [("", None)] * 2
        await here.labelling.writing.write("mine")
        assert [card.origin for card in here.cards] == [None, None, Origin.WRITTEN]
        assert [card.source for card in here.cards] == [""] * 3
        await here.label(0)
        assert not here.labelling.sheet.blind
        assert [card.source for card in here.cards] == ["", ""], "one source is no news"
        await here.labelling.open_neighbour(-1)
        assert not here.labelling.sheet.blind
        assert [card.source for card in here.cards] == ["big/model", "small", "written"]
        await here.labelling.undo()
        assert here.labelling.sheet.blind
        await here.labelling.skip()
        await here.labelling.open_group(1)
        assert here.labelling.sheet.blind
        await here.labelling.undo()
    for blind in (True, False):
        async with desk(tmp_path, None, [mixed], options=replace(PLAIN, blind=blind)) as here:
            assert here.labelling.sheet
            assert here.labelling.sheet.blind == blind
            assert any(card.source for card in here.cards) != blind


async def test_where_there_will_be_several_sources_the_first_one_is_hidden_too(
    tmp_path: Path,
) -> None:
    options = replace(PLAIN, several_sources=True)
    async with (
        ChatServer(replies.silence) as server,
        desk(tmp_path, server.url, [Prompt((Message("user", "one"),))], options=options) as here,
    ):
        assert here.labelling.sheet
        assert here.labelling.sheet.blind


async def test_lengths_can_be_hidden_until_the_group_is_decided(tmp_path: Path) -> None:
    options = replace(PLAIN, show_lengths=False)
    async with desk(tmp_path, None, [ready("a", "b")], options=options) as here:
        counted = Completion("c", State.COMPLETE, Source(Origin.MODEL), completion_tokens=3)
        await here.disk.run(here.store.add_response, 1, 1, 2, counted)
        await here.labelling.open_group(1)
        assert [card.tokens for card in here.cards] == [None, None, None]
        await here.label(0)
        await here.labelling.open_group(1)
        assert [card.tokens for card in here.cards] == [None, None, 3]


async def test_what_repeats_another_response_is_folded_and_stands_for_it(tmp_path: Path) -> None:
    async with desk(
        tmp_path, None, [ready("same", "other", " same\n", "sa\n\nme", "same ")]
    ) as here:
        assert [card.folded for card in here.cards] == [False, False, True, False, True]
        assert [card.copies for card in here.cards] == [3, 1, 3, 1, 3]
        assert [card.twin for card in here.cards][2::2] == [Twin(1, 1.0)] * 2
        await here.labelling.marking.toggle(2, Mark.CHOSEN)
        assert marks(here) == [Mark.CHOSEN, None, Mark.EXCLUDED, None, Mark.EXCLUDED]
        await here.labelling.marking.choose_all()
        outcome = await here.label()
        assert (outcome.pairs, outcome.dropped) == (0, ())
        await here.labelling.undo()
        assert marks(here) == [Mark.CHOSEN] * 2 + [Mark.EXCLUDED, Mark.CHOSEN, Mark.EXCLUDED]
        await here.labelling.marking.toggle(4, Mark.CHOSEN)
        outcome = await here.label()
        assert (outcome.pairs, outcome.dropped) == (2, ())


async def test_near_duplicates_are_found_after_a_while(tmp_path: Path) -> None:
    near = LONG.replace("lazy", "sleepy")
    group = ready(LONG, "something else altogether", near, f"{near}!", LONG + " \ud83d")
    async with desk(tmp_path, None, [group]) as here:
        await here.until(lambda: all(here.cards[slot].twin for slot in (2, 3, 4)))
        twins = [card.twin for card in here.cards]
        assert twins[0] is twins[1] is None
        assert twins[2]
        assert twins[3]
        assert twins[4]
        assert [each.number for each in (twins[2], twins[3], twins[4])] == [1, 3, 1]
        assert 0.9 <= twins[2].similarity < twins[3].similarity < 1
        assert not any(card.folded for card in here.cards)
    async with desk(tmp_path, None, [group], options=replace(PLAIN, near_duplicates=0.0)) as here:
        assert [card.twin for card in here.cards] == [None] * 5


async def test_very_long_responses_are_not_compared(tmp_path: Path) -> None:
    long = LONG * 700
    async with desk(tmp_path, None, [ready(long, f"{long}!", LONG, f"{LONG}!")]) as here:
        await here.until(lambda: here.cards[3].twin is not None)
        assert [card.twin is None for card in here.cards] == [True, True, True, False]


async def test_an_unusable_response_is_folded(tmp_path: Path) -> None:
    reply = replies.events(
        replies.chunk(0, "whole", "stop"), replies.chunk(1, "cut", "length"), replies.DONE
    )
    async with (
        ChatServer(reply) as server,
        desk(tmp_path, server.url, [Prompt((Message("user", "one"),))]) as here,
    ):
        cards = await here.until_ended()
        assert [(card.state, card.folded) for card in cards] == [
            (State.COMPLETE, False),
            (State.CUT_OFF, True),
        ]
        assert isinstance(await here.labelling.marking.toggle_best(1), Refused)
        await here.labelling.marking.choose_all()
        assert marks(here) == [Mark.CHOSEN, Mark.EXCLUDED]


async def test_an_edit_becomes_a_chosen_response_and_keeps_its_origin(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD]) as here:
        writing = here.labelling.writing
        await writing.keep_text(1, "b and")
        edited = await writing.edit(1, "b and more")
        assert not isinstance(edited, Refused)
        assert (edited.slot, edited.completion.text) == (4, "b and more")
        assert marks(here) == [None] * 4 + [Mark.CHOSEN]
        assert here.cards[4].origin is Origin.EDITED
        assert await writing.kept_text(1) is None
        outcome = await here.label()
        assert outcome.pairs == 4
    async with desk(tmp_path, None, [ABCD]) as here:
        group = await here.disk.run(here.store.group, 1, "ann")
        original, made = group.responses[1], group.responses[4]
        assert made.completion.source.edited_from == original.id
        assert original.completion.text == "b"


async def test_an_original_can_be_rejected_against_its_edit(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD], options=replace(PLAIN, reject_original=True)) as here:
        await here.labelling.marking.toggle_best(1)
        await here.labelling.writing.edit(1, "better")
        assert marks(here) == [None, Mark.REJECTED, None, None, Mark.CHOSEN]
        assert not any(card.best for card in here.cards)


async def test_text_that_changes_nothing_is_refused_and_kept(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD]) as here:
        writing = here.labelling.writing
        await writing.keep_text(None, "half a")
        await writing.keep_text(0, "a ")
        assert isinstance(await writing.edit(0, "a "), Refused)
        assert isinstance(await writing.edit(0, " \n"), Refused)
        assert isinstance(await writing.write(""), Refused)
        assert len(here.cards) == 4
    async with desk(tmp_path, None, [ABCD]) as here:
        writing = here.labelling.writing
        assert (await writing.kept_text(None), await writing.kept_text(0)) == ("half a", "a ")
        assert await writing.kept_text(1) is None
        await writing.keep_text(0, "")
        await writing.write("whole")
        assert (await writing.kept_text(None), await writing.kept_text(0)) == (None, None)
        await here.label()
    with closing(sqlite3.connect(here.store.path)) as session:
        assert session.execute("SELECT count(*) FROM typed").fetchone() == (0,)


async def test_a_group_never_has_more_than_twenty_responses(tmp_path: Path) -> None:
    full = ready(*(f"{number}" for number in range(20)))
    async with desk(tmp_path, None, [full]) as here:
        assert isinstance(await here.labelling.writing.write("one more"), Refused)
        assert len(here.cards) == 20


async def test_what_is_written_by_hand_is_not_regenerated(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, [Prompt((Message("user", "one"),))]) as here,
    ):
        await here.until_ended()
        await here.labelling.writing.write("mine")
        assert isinstance(await here.labelling.supply.regenerate_one(2), Refused)
        await here.labelling.supply.regenerate_one(0)
        await here.until_ended()
        assert [card.text for card in here.cards] == ["a", "b", "mine"]
        assert len(server.requests) == 2


async def test_a_failed_response_that_is_tried_again_after_undo_is_unmarked(tmp_path: Path) -> None:
    async with ChatServer(replies.completion("mended")) as server:
        empty = replies.events(
            replies.chunk(0, "fine", "stop"), replies.chunk(1, "", "stop"), replies.DONE
        )
        server.script(empty)
        server.reply = replies.completion("")
        async with desk(tmp_path, server.url, [Prompt((Message("user", "one"),))]) as here:
            await here.until_ended()
            await here.label(0)
            await here.labelling.undo()
            assert marks(here) == [Mark.CHOSEN, Mark.EXCLUDED]
            server.reply = replies.completion("mended")
            await here.labelling.supply.regenerate()
            await here.until_ended()
            assert marks(here) == [Mark.CHOSEN, None]


async def test_what_another_annotator_types_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    gate = replies.Gate()
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, [Prompt((Message("user", "one"),))]) as here,
    ):
        await here.until_ended()
        server.reply = replies.events(replies.chunk(0, "late", "stop"), replies.DONE, gate=gate)
        await here.labelling.supply.add_response()
        await gate.reached()
        bob = SessionStore.open(here.store.path, annotator="bob")
        own = Completion("of bob", State.COMPLETE, Source(Origin.WRITTEN))
        bob.add_own(1, "bob", 1, 2, own, lambda slot: Draft(1, {slot: Mark.CHOSEN}), 0)
        bob.close()
        gate.open(10)
        await here.until(lambda: len(here.cards) == 4)
        await here.until_ended()
        assert [card.text for card in here.cards] == ["a", "b", "of bob", "late"]
        mine = await here.labelling.writing.write("of ann")
        assert not isinstance(mine, Refused)
        assert mine.slot == 4
        assert len(server.requests) == 2


async def test_skipped_groups_come_back_at_the_end(tmp_path: Path) -> None:
    groups = [ready(*pair) for pair in ("ab", "cd", "ef", "gh")]
    options = replace(PLAIN, revisit_skipped=True)
    async with desk(tmp_path, None, groups, options=options) as here:

        def position() -> int | None:
            return here.labelling.group.position if here.labelling.group else None

        for expected in (0, 1, 2):
            assert position() == expected
            await here.labelling.skip()
        await here.label(0)
        assert position() == 0
        assert here.labelling.sheet
        assert here.labelling.sheet.verdict
        await here.label(0)
        assert position() == 1
        await here.labelling.skip()
        assert position() == 2
        await here.labelling.undo()
        assert position() == 1
        await here.labelling.skip()
        await here.label(0)
        assert position() is None
    async with desk(tmp_path, None, groups, options=options) as here:
        assert position() == 1
    async with desk(tmp_path, None, groups) as here:
        assert position() is None


class HandClock:
    """Time that goes on only when it is told to."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time


async def test_a_pause_is_no_time(tmp_path: Path) -> None:
    clock = HandClock()
    groups = [ready(*pair) for pair in ("ab", "cd", "ef")]
    async with desk(tmp_path, None, groups, clock=clock) as here:
        for step in (5.0, 7.0, 3600.0, 2.0):
            clock.time += step
            here.labelling.touch()
        clock.time += 1.0
        await here.label(0)
        group = await here.disk.run(here.store.group, 1, "ann")
        assert group.decision
        assert group.decision.seconds == 15.0 + PAUSE_SECONDS
        clock.time += 10.0
        await here.label(0)
        assert here.labelling.seconds_per_group == (15.0 + PAUSE_SECONDS + 10.0) / 2
        assert here.labelling.eta_seconds == here.labelling.seconds_per_group


async def test_labels_and_reference_are_on_the_sheet(tmp_path: Path) -> None:
    options: LabellingOptions = replace(PLAIN, labels=(("wrong", "not true"),))
    group = ready("a", "b", reference="the answer")
    async with desk(tmp_path, None, [group], options=options) as here:
        assert here.labelling.sheet
        assert here.labelling.sheet.known_labels == (("wrong", "not true"),)
        assert here.labelling.sheet.reference == "the answer"


async def test_undo_marks_no_response_that_was_not_judged(tmp_path: Path) -> None:
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, [Prompt((Message("user", "one"),))]) as here,
    ):
        await here.until_ended()
        await here.label(0)
        await here.labelling.open_neighbour(-1)
        server.reply = replies.completion("another")
        await here.labelling.supply.regenerate_one(0)
        await here.until_ended()
        await here.labelling.undo()
        assert [card.text for card in here.cards] == ["another", "b"]
        assert marks(here) == [None, None]


async def test_undo_marks_no_response_that_is_about_to_be_replaced(tmp_path: Path) -> None:
    gate = replies.Gate()
    async with (
        ChatServer(replies.completion("a", "b")) as server,
        desk(tmp_path, server.url, [Prompt((Message("user", "one"),))]) as here,
    ):
        await here.until_ended()
        await here.label(0)
        await here.labelling.open_neighbour(-1)
        server.reply = replies.completion("another", gate=gate)
        await here.labelling.supply.regenerate_one(0)
        await gate.reached()
        await here.labelling.undo()
        assert marks(here) == [None, None]
        gate.open(10)
        await here.until_ended()
        assert [card.text for card in here.cards] == ["another", "b"]
        assert marks(here) == [None, None]
        kept = await here.disk.run(here.store.group, 1, "ann")
        assert kept.draft.marks == {}


async def test_undo_of_a_skip_brings_the_marks_back(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD, ready("x", "y")]) as here:
        await here.labelling.marking.toggle(0, Mark.EXCLUDED)
        await here.labelling.marking.toggle_best(2)
        assert here.labelling.group
        draft = here.labelling.group.draft
        await here.labelling.skip()
        await here.labelling.undo()
        assert here.labelling.group.draft == draft
        await here.labelling.redo()
        await here.labelling.open_neighbour(-1)
        assert here.labelling.group.draft == draft


async def test_undo_keeps_what_was_marked_since(tmp_path: Path) -> None:
    async with desk(tmp_path, None, [ABCD, ready("x", "y")]) as here:
        await here.labelling.marking.toggle(0, Mark.CHOSEN)
        await here.labelling.confirm()
        await here.labelling.open_group(1)
        await here.labelling.marking.toggle(1, Mark.CHOSEN)
        await here.labelling.undo()
        assert marks(here) == [Mark.CHOSEN, Mark.CHOSEN, None, None]


async def test_a_mark_goes_with_the_text_that_broke_off(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def half(exchange: Exchange) -> None:
        await exchange.start_stream()
        await exchange.chunk(replies.chunk(0, "half a"))
        await hold.wait()
        exchange.cut()

    async with ChatServer(replies.completion("whole")) as server:
        server.script(half)
        async with desk(tmp_path, server.url, [Prompt((Message("user", "one"),))], n=1) as here:
            await here.until(lambda: bool(here.cards and here.cards[0].text))
            await here.labelling.marking.toggle(0, Mark.CHOSEN)
            assert marks(here) == [Mark.CHOSEN]
            hold.set()
            await here.until_ended()
            assert [(card.text, card.mark) for card in here.cards] == [("whole", None)]
            kept = await here.disk.run(here.store.group, 1, "ann")
            assert kept.draft.marks == {}


@pytest.mark.parametrize("is_being_saved", [True, False])
async def test_a_mark_in_the_instant_of_a_new_beginning_goes_too(
    tmp_path: Path, is_being_saved: bool
) -> None:
    async with desk(tmp_path, None, [ABCD]) as here:
        group = here.labelling.group
        assert group
        hold = Event()
        busy = asyncio.create_task(here.disk.run(hold.wait))
        await asyncio.sleep(0)
        marking = asyncio.create_task(here.labelling.marking.toggle(0, Mark.CHOSEN))
        if is_being_saved:
            await asyncio.sleep(0)
        here.generation.on_broken_off(group, {0})
        hold.set()
        await asyncio.gather(busy, marking)
        kept = await here.disk.run(here.store.group, group.id, "ann")
        assert here.labelling.group
        assert here.labelling.group.draft.marks == kept.draft.marks == {}


async def test_a_mark_on_what_streamed_ends_with_the_process(tmp_path: Path) -> None:
    given = [Prompt((Message("user", "one"),))]
    async with ChatServer(begun_and_endless("whole")) as server:
        async with desk(tmp_path, server.url, given) as here:
            await here.until(lambda: len(here.cards) > 1 and bool(here.cards[1].text))
            await here.until(lambda: here.cards[0].phase is None)
            await here.labelling.marking.toggle(0, Mark.EXCLUDED)
            await here.labelling.marking.toggle(1, Mark.CHOSEN)
        server.reply = replies.completion("other")
        async with desk(tmp_path, server.url, given) as here:
            await here.until_ended()
            assert [card.text for card in here.cards] == ["whole", "other"]
            assert marks(here) == [Mark.EXCLUDED, None]


async def test_only_a_response_that_has_come_can_be_marked(tmp_path: Path) -> None:
    gate = replies.Gate()
    begun = [replies.chunk(0, "and on "), replies.chunk(1, "")]
    given = [Prompt((Message("user", "one"),))]
    async with (
        ChatServer(replies.events(*begun, gate=gate, ends=False)) as server,
        desk(tmp_path, server.url, given) as here,
    ):
        marking = here.labelling.marking
        for slot in range(2):
            assert isinstance(await marking.toggle(slot, Mark.CHOSEN), Refused)
            assert isinstance(await marking.toggle(slot, Mark.EXCLUDED), Refused)
            assert isinstance(await marking.toggle_best(slot), Refused)
        gate.open(2)
        await here.until(lambda: bool(here.cards[0].text))
        assert not isinstance(await marking.toggle(0, Mark.CHOSEN), Refused)
        assert isinstance(await marking.toggle(1, Mark.CHOSEN), Refused)
        assert marks(here) == [Mark.CHOSEN, None]
