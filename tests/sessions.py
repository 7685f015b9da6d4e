"""Sessions with decisions in them, made without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dpo_tui.domain.model import (
    Decision,
    Mark,
    Message,
    Prompt,
    Ready,
    Remarks,
    Verdict,
)
from dpo_tui.store.session import SessionStore

ANNOTATOR = "ann"
_MARKS = {"+": Mark.CHOSEN, "-": Mark.REJECTED, "x": Mark.EXCLUDED}


def prompt(user: str, *responses: str, system: str = "", tags: Sequence[str] = ()) -> Prompt:
    """A prompt with ready-made responses."""
    turns = (Message("user", user),)
    messages = (Message("system", system), *turns) if system else turns
    ready = tuple(Ready(each, "some-model") for each in responses)
    return Prompt(messages, name=user, tags=tuple(tags), responses=ready)


def make_session(path: Path, prompts: Sequence[Prompt]) -> None:
    """A session in which nothing is decided."""
    with closing(SessionStore.open(path, annotator=ANNOTATOR)) as store:
        store.import_prompts(prompts)


def decide(
    path: Path,
    group_id: int,
    marks: str,
    *,
    annotator: str = ANNOTATOR,
    remarks: Remarks | None = None,
    at: float = 1e9,
) -> None:
    """Confirm a group; `marks` has a sign for each response, or nothing for a skip.

    `+` is chosen, `-` rejected, `x` excluded. `remarks.best` is the number of a response, from 0.
    """
    with closing(SessionStore.open(path, annotator=annotator)) as store:
        shown = store.group(group_id, annotator).shown()
        ids = [each.id for each in shown] if marks else []
        signs = dict(zip(ids, marks, strict=True))
        said = remarks or Remarks()
        best = None if said.best is None else shown[said.best].id
        store.decide(
            Decision(
                group_id=group_id,
                annotator=annotator,
                verdict=Verdict.CONFIRMED if marks else Verdict.SKIPPED,
                set_no=1,
                marks={number: _MARKS[sign] for number, sign in signs.items()},
                order=tuple(signs),
                pair_count=0,
                decided_at=at,
                seconds=2.0,
                remarks=Remarks(said.tie, best, said.strength, said.note, said.labels),
            ),
            None,
        )
