"""Two people label one session into one dataset file while a third process generates for it.

`python -m tests.crash.hammer 300` does it for so many groups.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from dpo_tui.domain.model import Group
from dpo_tui.store.session import SessionStore
from tests.servers.personas import persona
from tests.servers.wire import ChatServer
from tests.terminal.program import Person, are_ready, expected_rows, serving
from tests.terminal.terminal import Terminal

ANNOTATORS = ("ann", "bob")
RESPONSES = 3


def hammer(root: Path, groups: int, seed: int) -> int:
    """Let them work until everything is decided; how many decisions were made.

    Raises:
        AssertionError: something was lost or doubled.
    """
    with serving(ChatServer(persona("echo", 0.0, 64))) as server:
        person = Person(root, server=server.url)
        person.prompts(*(f"prompt {number}" for number in range(groups)))
        with ThreadPoolExecutor() as pool:
            labelling = [
                pool.submit(_label, person, name, groups, Random(f"{seed} {name}"))
                for name in ANNOTATORS
            ]
            generating = pool.submit(_generate, person)
            decisions = sum(each.result() for each in labelling)
            generating.result()
        asked = sum(each.n for each in server.requests)
    by_annotator = [_groups(person, name, groups) for name in ANNOTATORS]
    _look_at_responses(person, groups, asked)
    rows = [row for labelled in by_annotator for row in expected_rows(labelled)]
    wanted = Counter(json.dumps(row, ensure_ascii=False) for row in rows)
    there = Counter((person.folder / "prompts.dpo.jsonl").read_text().splitlines())
    assert there == wanted, f"too many: {there - wanted}, too few: {wanted - there}"
    return decisions


def _words(command: str, name: str) -> list[str]:
    return [command, "prompts.toml", "-n", str(RESPONSES), "--annotator", name]


def _generate(person: Person) -> None:
    ended = person.run(*_words("generate", "machine"))
    assert ended.returncode == 0, ended.stderr


def _label(person: Person, name: str, groups: int, random: Random) -> int:
    words = (*_words("annotate", name), "--output", "prompts.dpo.jsonl")
    with person.start(*words, cols=100, rows=36) as terminal:
        decisions = 0
        while not _is_over(terminal, groups):
            terminal.press(*_keys(random))
            terminal.press("enter")
            terminal.wait_for(lambda screen: " confirmed: " in screen)
            decisions += 1
            if random.random() < 0.15:
                terminal.press("u")
                terminal.wait_for("is open again")
                decisions -= 1
            elif decisions < groups:
                # So that the next confirmation can't be taken for this one.
                terminal.press("v")
                terminal.wait_for(lambda screen: " confirmed: " not in screen)
        terminal.press("q")
        assert terminal.wait_exit() == 0, terminal.picture()
    return decisions


def _is_over(terminal: Terminal, groups: int) -> bool:
    """Wait until there is a group to judge, or none any more."""

    def is_ready(screen: str) -> bool:
        return "Every group is decided" in screen or (
            f"/{groups} " in screen
            and any(are_ready(screen, f"{one}{two}{three}") for one, two, three in _MARKS)
        )

    return "Every group is decided" in terminal.wait_for(is_ready)


_MARKS = [(a, b, c) for a in "○✔✖" for b in "○✔✖" for c in "○✔✖"]


def _keys(random: Random) -> Sequence[str]:
    return random.choice(["1", "2", "3", "12", "1 ", "3x", "j2x"])


def _groups(person: Person, name: str, groups: int) -> list[Group]:
    with closing(SessionStore.open(person.session(), annotator=name)) as store:
        assert store.progress(name).confirmed == groups
        return [store.group(number, name) for number in range(1, groups + 1)]


def _look_at_responses(person: Person, groups: int, asked: int) -> None:
    with closing(sqlite3.connect(person.session())) as session:
        places = session.execute("SELECT group_id, set_no, slot FROM responses").fetchall()
        assert session.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert Counter(places) == Counter(
        (group, 1, slot) for group in range(1, groups + 1) for slot in range(RESPONSES)
    )
    assert asked == groups * RESPONSES, "something was generated twice"


def main() -> None:
    """Read the arguments and hammer."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.hammer")
    parser.add_argument("groups", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        decisions = hammer(Path(folder), arguments.groups, arguments.seed)
    print(f"{decisions} decisions of two people: nothing lost, nothing twice")  # noqa: T201 (a script)


if __name__ == "__main__":
    main()
