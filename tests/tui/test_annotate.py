from pathlib import Path

import pytest

from dpo_tui.domain.model import Mark, Message, Prompt
from tests.samples import ready
from tests.servers import replies
from tests.service.desk import prompts
from tests.tui.pilot import ABC, screen


async def test_space_enter_and_on_to_the_next_group(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        assert "1/2" in here.text()
        await here.press("space", "enter")
        await here.until("group 1 confirmed: 2 pairs")
        await here.until("second")
        assert "2/2" in here.text()
        assert [row["rejected_response"] for row in await here.desk.rows()] == [
            "beta text",
            "gamma text",
        ]


async def test_digits_and_x_mark_and_take_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("gamma text")
        await here.press("2", "j", "j", "x")
        assert here.marks == [None, Mark.CHOSEN, Mark.EXCLUDED]
        text = here.text()
        assert "✔ chosen" in text
        assert "✖ excluded" in text
        await here.press("2", "x", "9")
        assert here.marks == [None, None, None]
        assert "there is no response 9" in here.text()


@pytest.mark.parametrize(
    ("keys", "current"),
    [
        (["j"], 1),
        (["down", "down"], 2),
        (["j", "j", "j", "j"], 2),
        (["j", "k"], 0),
        (["up"], 0),
        (["end"], 2),
        (["end", "home"], 0),
    ],
)
async def test_moving_between_cards(tmp_path: Path, keys: list[str], current: int) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("gamma text")
        await here.press(*keys)
        assert here.current == current


async def test_skip_and_undo(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.press("s")
        await here.until("group 1 skipped")
        await here.press("u")
        await here.until("group 1 is open again")
        await here.press("u")
        await here.until("there is nothing to undo")
        assert "1/2" in here.text()


async def test_redo_brings_the_decision_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.press("2", "enter")
        await here.until("2/2")
        rows = await here.desk.rows()
        await here.press("u", "U")
        await here.until("group 1 confirmed again: 2 pairs")
        assert "2/2" in here.text()
        assert await here.desk.rows() == rows
        await here.press("U")
        await here.until("there is nothing to redo")


async def test_n_and_p_show_decided_groups_and_enter_decides_again(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.press("2", "enter")
        await here.until("2/2")
        await here.press("p")
        await here.until("decided: confirmed")
        assert here.marks == [Mark.REJECTED, Mark.CHOSEN, Mark.REJECTED]
        await here.press("p")
        await here.until("this is the first group")
        await here.press("3")
        assert here.marks == [None, Mark.CHOSEN, Mark.CHOSEN]
        await here.until("changed since it was decided: a confirm decides it again")
        await here.press("3")
        await here.until(lambda: "changed since" not in here.text())
        assert here.marks == [Mark.REJECTED, Mark.CHOSEN, Mark.REJECTED]
        await here.press("3", "n", "p")
        await here.until("changed since it was decided: a confirm decides it again")
        await here.press("enter")
        await here.until("group 1 confirmed: 2 pairs")
        assert {row["rejected_response"] for row in await here.desk.rows()} == {"alpha text"}
        await here.press("u")
        await here.until("group 1 is decided as before")
        assert "decided: confirmed" in here.text()
        assert here.marks == [Mark.REJECTED, Mark.CHOSEN, Mark.REJECTED]
        await here.press("n")
        await here.until("2/2")
        await here.press("n")
        await here.until("this is the last group")


async def test_undo_of_a_decision_whose_prompt_left_the_file(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("one")) as here:
        await here.until("gamma text")
        await here.press("1", "enter")
        await here.until("Every group is decided")
    async with screen(tmp_path, ABC, prompts("two")) as here:
        await here.until("1/1")
        await here.press("u")
        await here.until("a prompt that is no longer in the file is open again")
        assert "removed" in here.text().splitlines()[0]
        assert "0/1" not in here.text()


async def test_another_response_in_a_decided_group_is_told(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.press("2", "enter", "p")
        await here.until("decided: confirmed")
        await here.press("R")
        await here.until("changed since it was decided")
        await here.until(lambda: all(card.phase is None for card in here.desk.cards))
        await here.until("changed since it was decided")
        assert here.marks == [None, Mark.CHOSEN, None]


async def test_undo_brings_the_marks_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.press("2", "enter")
        await here.until("2/2")
        await here.press("u")
        await here.until("1/2")
        assert here.marks == [None, Mark.CHOSEN, None]
        assert await here.desk.rows() == []


async def test_regenerate_asks_for_a_new_set(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first")) as here:
        await here.until("gamma text")
        here.server.reply = replies.completion("delta", "epsilon", "zeta")
        await here.press("1", "r")
        await here.until("zeta")
        assert "alpha" not in here.text()
        assert here.marks == [None, None, None]


async def test_the_end_says_what_was_done_and_undo_leads_back(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first"), size=(120, 30)) as here:
        await here.until("gamma text")
        await here.press("1", "enter")
        await here.until("Every group is decided")
        text = here.text()
        assert "1 group confirmed, 0 skipped, 2 pairs" in text
        assert "pairs.jsonl" in text
        assert "dpo-tui annotate prompts.toml" in text
        await here.press("u")
        await here.until("alpha text")


async def test_a_failed_card_says_why_and_r_tries_it_again(tmp_path: Path) -> None:
    refusal = replies.error(400, "the prompt is longer than the context")
    async with screen(tmp_path, refusal, prompts("first")) as here:
        why = "the prompt is longer than the context"
        await here.until(lambda: why in " ".join(here.text().split()))
        await here.press("space")
        await here.until("can't be part of a pair")
        here.server.reply = ABC
        await here.press("r")
        await here.until("gamma text")


async def test_a_dead_server_is_on_the_screen_with_what_to_do(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first", "second")) as here:
        await here.until("gamma text")
        await here.until(lambda: here.desk.generation.ready_ahead == 1)
        await here.server.stop()
        await here.press("r")
        await here.until("○ down")
        assert here.server.url in here.text()


async def test_help_shows_every_key_and_leaves_by_the_same_one(tmp_path: Path) -> None:
    async with screen(tmp_path, ABC, prompts("first"), size=(80, 100)) as here:
        await here.press("question_mark")
        await here.until("Keep it out of every pair")
        assert "Unmarked responses count as rejected" in here.text()
        await here.press("question_mark")
        await here.until("gamma text")


async def test_a_long_prompt_leaves_room_and_folds(tmp_path: Path) -> None:
    long = "\n".join(f"line {number}" for number in range(50))
    conversation = Prompt((Message("system", "Be brief."), Message("user", long)))
    async with screen(tmp_path, ABC, [conversation]) as here:
        await here.until("gamma text")
        await here.press("full_stop")
        await here.until(lambda: "line 0" not in here.text())
        await here.press("tab")
        await here.until(lambda: "Be brief." not in here.text() and "line 0 line 1" in here.text())


async def test_foreign_text_is_neither_markup_nor_escape(tmp_path: Path) -> None:
    nasty = "[/b] [red]x[/] \x1b[31m \u202e &#27; \ud800"
    async with screen(
        tmp_path, replies.completion(nasty, "[@click=app.quit]b[/]"), prompts(nasty), n=2
    ) as here:
        await here.until("[@click=app.quit]b[/]")
        text = here.text()
        assert text.count("[/b] [red]x[/] ␛[31m <U+202E> &#27; \ufffd") == 2


async def test_more_cards_than_before_and_fewer_again(tmp_path: Path) -> None:
    given = [
        Prompt((Message("user", "few"),), responses=ready("a", "b")),
        Prompt((Message("user", "many"),), responses=ready(*"klmnopqrst")),
        Prompt((Message("user", "few again"),), responses=ready("y", "z")),
    ]
    async with screen(tmp_path, ABC, given, size=(80, 60)) as here:
        await here.until("few")
        await here.press("2", "enter")
        await here.until("many")
        await here.until("10  ○ unmarked")
        await here.press("end", "space", "enter")
        await here.until("few again")
        assert "10  ○" not in here.text()
        await here.press("j", "j", "space")
        assert here.marks == [None, Mark.CHOSEN]


async def test_text_above_the_view_does_not_move_what_is_being_read(tmp_path: Path) -> None:
    """Card 1 streams on while card 3 is read: nothing may jump, and nothing is missing later."""
    gate = replies.Gate()
    words = replies.tokens(" ".join(f"word{number}" for number in range(300)))
    blocks = [replies.chunk(index, f"short {index}", "stop") for index in (1, 2)]
    blocks += [replies.chunk(0, "\n".join(f"line {number}" for number in range(40)))]
    blocks += [replies.chunk(0, word) for word in words]
    blocks += [replies.chunk(0, " the end", "stop"), replies.DONE]
    reply = replies.events(*blocks, gate=gate)
    async with screen(tmp_path, reply, prompts("first")) as here:
        gate.open(3)
        await here.until("line 5")
        await here.press("j", "j")
        await here.until(" 3  ○ unmarked")
        await here.settled()
        row = [line.startswith("  3") for line in here.text().splitlines()].index(True)
        gate.open(len(blocks))
        await here.until(lambda: all(card.phase is None for card in here.desk.cards))
        await here.settled()
        assert here.text().splitlines()[row].startswith("  3")
        await here.press("k", "k")
        await here.until("line 0")
        await here.press("pagedown", "pagedown", "pagedown")
        await here.until("the end")
