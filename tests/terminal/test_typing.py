"""Keys that a slow link brings together act as if they had come one by one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dpo_tui.domain.model import Mark
from tests.terminal.program import ENDS, Person
from tests.terminal.terminal import KEYS, Terminal

GROUP = '[[prompt]]\nuser = "question {0}"\nresponses = ["first {0}", "second {0}"]\n'
LEFT, BACKSPACE, CTRL_S = KEYS["left"], KEYS["backspace"], KEYS["ctrl+s"]


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    person.write("prompts.toml", "shuffle = false\n" + "".join(map(GROUP.format, range(1, 5))))
    return person


@pytest.fixture
def terminal(person: Person) -> Iterator[Terminal]:
    with person.annotate() as terminal:
        terminal.wait_for("second 1")
        yield terminal
        terminal.press("q")
        assert terminal.wait_exit() == 0


def test_what_is_typed_stays_in_its_order(terminal: Terminal) -> None:
    terminal.send(f"wteh{2 * BACKSPACE}he one{3 * LEFT}first {CTRL_S}")
    terminal.wait_for("response 3 is yours, and chosen")
    terminal.wait_for("the first one")
    terminal.send("inot tru\x7fue\r")
    terminal.wait_for("“not true”")


def test_a_decision_has_the_note_and_the_edit_before_it(person: Person) -> None:
    with person.annotate() as terminal:
        terminal.wait_for("second 1")
        terminal.send("iwhy not\r\r")
        terminal.wait_for("group 1 confirmed")
        terminal.send(f"e, better{CTRL_S}\r")
        terminal.wait_for("group 2 confirmed: 2 pairs")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    first, second, *_ = person.groups()
    assert first.decision
    assert first.decision.remarks.note == "why not"
    assert second.responses[-1].completion.text == "first 2, better"
    assert second.decision
    assert second.decision.marks[second.responses[-1].id] is Mark.CHOSEN


def test_who_leaves_at_once_has_typed_all_of_it(person: Person) -> None:
    with person.annotate() as terminal:
        terminal.wait_for("second 1")
        terminal.send("inot true\x03")
        assert terminal.wait_exit() == 0
    assert person.groups()[0].draft.remarks.note == "not true"


@pytest.mark.parametrize(("leave", "code"), ENDS)
def test_what_was_typed_last_is_kept_when_the_link_is_lost(
    person: Person, leave: Callable[[Terminal], None], code: int
) -> None:
    with person.annotate() as terminal:
        terminal.wait_for("second 1")
        terminal.send("inot true")
        terminal.wait_for("not true")
        leave(terminal)
        assert terminal.wait_exit() == code
    assert person.groups()[0].draft.remarks.note == "not true"


@pytest.mark.parametrize(("leave", "code"), ENDS)
def test_a_digit_that_could_have_a_second_one_is_a_number(
    person: Person, leave: Callable[[Terminal], None], code: int
) -> None:
    responses = [f"answer {number}" for number in range(12)]
    person.write("prompts.toml", f"[[prompt]]\nuser = 'q'\nresponses = {responses}\n")
    with person.annotate() as terminal:
        terminal.wait_for("answer")
        terminal.press("1")
        terminal.wait_for("response 1…")
        leave(terminal)
        assert terminal.wait_exit() == code
    assert list(person.groups()[0].draft.marks.values()) == [Mark.CHOSEN]


def test_what_follows_the_way_to_a_group_is_not_about_the_one_before(person: Person) -> None:
    with person.annotate() as terminal:
        terminal.wait_for("second 1")
        terminal.press("l")
        terminal.wait_for("4 groups")
        terminal.send("jj\r1")
        terminal.wait_for("✔ chosen")
        terminal.wait_for("first 3")
        terminal.send("g4\r2")
        terminal.wait_for("second 4")
        terminal.wait_for("✔ chosen")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    marks = [group.draft.marks for group in person.groups()]
    assert marks == [{}, {}, {0: Mark.CHOSEN}, {1: Mark.CHOSEN}]


def test_enter_twice_in_the_palette_is_no_fault(person: Person) -> None:
    with person.annotate() as terminal:
        terminal.wait_for("second 1")
        terminal.press("ctrl+p")
        terminal.wait_for("Search for commands")
        terminal.send("skip")
        terminal.wait_for("s: Leave the group out")
        terminal.send("\r\r")
        terminal.wait_for("group 2 confirmed")
        terminal.press("q")
        assert terminal.wait_exit() == 0
