"""What goes over the link to the terminal: each text once."""

import json
from pathlib import Path

from tests.terminal.program import Person


def test_the_first_frame_shows_the_responses(tmp_path: Path) -> None:
    person = Person(tmp_path)
    row = {"prompt": "first question", "responses": ["first answer", "second answer"]}
    person.write("prompts.jsonl", json.dumps(row))
    with person.start("annotate", "prompts.jsonl") as terminal:
        terminal.wait_for("second answer")
        before, _, _ = terminal.raw.partition(b" answer")
        assert before.count(b"first question") == 1
        terminal.press("q")
        terminal.wait_exit()
