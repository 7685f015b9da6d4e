"""The settings of judging, from the command line to what is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpo_tui.domain.model import Verdict
from tests.terminal.program import ANNOTATOR, Person

QUESTIONS = ("first", "second", "third")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    rows = (
        {"user": text, "responses": [f"answer {letter} to {text}" for letter in "abcdef"]}
        for text in QUESTIONS
    )
    person.write("prompts.jsonl", "\n".join(map(json.dumps, rows)))
    return person


def test_skipped_groups_come_back_if_wanted(person: Person) -> None:
    words = ("annotate", "prompts.jsonl", "--annotator", ANNOTATOR)
    with person.start(*words, "--skipped", rows=40) as terminal:
        terminal.wait_for(" 1/3 ")
        terminal.press("s")
        terminal.wait_for(" 2/3 ")
        terminal.press("enter")
        terminal.wait_for(" 3/3 ")
        terminal.press("s")
        terminal.wait_for(" 1/3 ")
        terminal.press("enter")
        terminal.wait_for(" 3/3 ")
        terminal.press("s")
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    verdicts = [each.decision and each.decision.verdict for each in person.groups()]
    assert verdicts == [Verdict.CONFIRMED, Verdict.CONFIRMED, Verdict.SKIPPED]
    with person.start(*words, rows=40) as terminal:
        terminal.wait_for("Every group is decided")
        terminal.press("q")
        assert terminal.wait_exit() == 0


def test_cards_lie_by_chance_unless_that_is_not_wanted(person: Person) -> None:
    words = ("annotate", "prompts.jsonl", "--annotator", ANNOTATOR)
    with person.start(*words, "--no-shuffle", rows=40) as terminal:
        terminal.wait_for(lambda screen: _seen(screen) == [*"abcdef"])
        terminal.press("q")
        assert terminal.wait_exit() == 0
    with person.start(*words, rows=40) as terminal:
        first = terminal.wait_for(lambda screen: sorted(_seen(screen)) == [*"abcdef"])
        assert _seen(first) != [*"abcdef"]
        terminal.press("enter")
        terminal.wait_for(lambda screen: sorted(_seen(screen, "second")) == [*"abcdef"])
        terminal.press("u")
        terminal.wait_for(lambda screen: _seen(screen) == _seen(first))
        terminal.press("enter")
        terminal.wait_for(" 2/3 ")
        terminal.press("q")
        assert terminal.wait_exit() == 0
    group = person.groups()[0]
    assert group.decision
    texts = {each.id: each.completion.text for each in group.responses}
    order = [texts[each].split()[1] for each in group.decision.order]
    assert order == _seen(first)


def _seen(screen: str, question: str = "first") -> list[str]:
    """The letters of the answers to a question, top to bottom."""
    words = screen.split()
    starts = [place for place, word in enumerate(words) if word == "answer"]
    return [words[each + 1] for each in starts if words[each + 2 : each + 4] == ["to", question]]
