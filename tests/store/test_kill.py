"""What a call has returned survives `kill -9` of the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpo_tui.domain.model import Draft, Mark
from dpo_tui.store.database import Journal
from dpo_tui.store.session import SessionStore

ME = "ann"
WORK = """
import sys
from itertools import count
from pathlib import Path
from dpo_tui.domain.ledger import Region
from dpo_tui.domain.model import *
from dpo_tui.store.database import Journal
from dpo_tui.store.session import SessionStore

store = SessionStore.open(Path(sys.argv[1]), annotator="ann", journal=Journal(sys.argv[2]))
store.import_prompts(Prompt((Message("user", str(number)),)) for number in range(20))
for number in count():
    group_id = number % 20 + 1
    store.save_draft(group_id, "ann", Draft(number, {0: Mark.CHOSEN}))
    print("draft", number, flush=True)
    made = store.add_response(
        group_id, number, 0, Completion(str(number), State.COMPLETE, Source(Origin.MODEL))
    )
    print("response", made.id, flush=True)
    store.keep_text(group_id, "ann", 0, f"typed {number}")
    print("typed", number, flush=True)
    made = store.add_own(
        group_id, "ann", number, 1, Completion("own", State.COMPLETE, Source(Origin.WRITTEN)),
        lambda slot: Draft(number, {0: Mark.CHOSEN, slot: Mark.CHOSEN}), 0,
    )
    store.set_flag(group_id, "ann", flagged=True)
    print("own", made.id, flush=True)
    decision = Decision(group_id, "ann", Verdict.CONFIRMED, number, {}, (), 1, 0.0, 0.0)
    made = store.decide(decision, Region(number, b"line\\n"))
    print("decision", made.id, flush=True)
    store.settle(store.unsettled())
"""


@pytest.mark.parametrize("journal", Journal)
@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 51, 133])
def test_what_was_returned_is_there(tmp_path: Path, journal: Journal, lines: int) -> None:
    path = tmp_path / "s.db"
    command = [sys.executable, "-c", WORK, str(path), journal.value]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    last = {what: int(number) for what, number in map(str.split, said) if number}
    store = SessionStore.open(path, annotator=ME, journal=journal)
    ask = store._database.connection.execute
    assert ask("PRAGMA integrity_check").fetchone() == ("ok",)
    (responses,) = ask("SELECT count(*) FROM responses").fetchone()
    assert responses >= max(last.get("response", 0), last.get("own", 0))
    (flags,) = ask("SELECT count(*) FROM flags").fetchone()
    assert flags >= min(last.get("own", 0) // 2, 20)
    newest = last.get("typed", -1)
    if newest >= 0:
        typed = store.kept_text(newest % 20 + 1, ME, 0)
        (own,) = ask(
            "SELECT count(*) FROM responses WHERE origin = 'written' AND set_no = ?", (newest,)
        ).fetchone()
        assert typed == (None if own else f"typed {newest}")
    (decisions,) = ask("SELECT count(*) FROM decisions").fetchone()
    assert decisions >= last.get("decision", 0)
    assert store.progress(ME).confirmed == min(decisions, 20)
    assert len(store.unsettled()) + len(list(store.settled())) >= min(decisions, 20)
    if decisions <= last["draft"]:
        group = store.group(last["draft"] % 20 + 1, ME)
        is_typed = any(each.slot == 1 for each in group.shown())
        marks = {0: Mark.CHOSEN, 1: Mark.CHOSEN} if is_typed else {0: Mark.CHOSEN}
        assert group.draft == Draft(last["draft"], marks)
    store.close()
