"""What a prompts file says of its ready-made responses, as marks or as decisions.

Several rows can be about one prompt. What was said of a response first counts. A decision joins
several only where each of its pairs was stated: that 9 beats 8 and 3 beats 1 says nothing of 3 and
8, and with A over B and B over C, B is neither good nor bad.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from itertools import product

from msgspec import Struct, field
from msgspec.structs import replace

from dpo_tui.domain.model import (
    Decision,
    Group,
    Mark,
    Origin,
    Preference,
    Prompt,
    Remarks,
    Verdict,
)
from dpo_tui.domain.pairs import make_pairs
from dpo_tui.store.decisions import add_decision
from dpo_tui.store.groups import load_group, save_draft
from dpo_tui.store.queue import add_annotator

_SET = 1
"""The set that ready-made responses are in."""


class PreferenceTaker(Struct):
    """Takes in the preferences of prompts whose groups are in the session."""

    connection: sqlite3.Connection
    annotator: str
    """Whom they are suggested to, as marks that can be changed."""
    source: str = ""
    """Whose decisions they are instead; behind it, `/` and who said it where the file tells."""
    now: float = 0.0
    """Unix time in seconds."""
    taken: int = 0
    contradicted: int = 0
    kept_apart: int = 0
    _ids: dict[str, int] = field(default_factory=dict)
    _has_newcomers: bool = False

    @property
    def decides(self) -> bool:
        """Whether they become decisions."""
        return bool(self.source)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Preferences taken, marks contradicted, preferences kept apart."""
        return self.taken, self.contradicted, self.kept_apart

    @property
    def has_moved(self) -> bool:
        """Whether what follows from queue and decisions is to be derived anew.

        Not before all prompts are in: until then old and new ones share places of the queue.
        """
        return self.decides or self._has_newcomers

    def take(self, group_id: int, prompt: Prompt) -> None:
        """Take in what is said of a prompt's responses."""
        for preference in prompt.preferences:
            if self.decides:
                name = f"{self.source}/{preference.by}" if preference.by else self.source
                self._decide(self._group(group_id, name), prompt, preference, name)
            else:
                self._suggest(self._group(group_id, self.annotator), prompt, preference)

    def _group(self, group_id: int, annotator: str) -> Group:
        if annotator not in self._ids:
            self._ids[annotator], is_new = add_annotator(self.connection, annotator)
            self._has_newcomers |= is_new
        return load_group(self.connection, group_id, self._ids[annotator], annotator)

    def _suggest(self, group: Group, prompt: Prompt, preference: Preference) -> None:
        """Mark what isn't marked yet, unless the person has decided or turned to another set."""
        if group.decision or group.draft.set_no != _SET:
            return
        slots = {each.id: each.slot for each in group.responses if each.set_no == _SET}
        said = {slots[each]: mark for each, mark in self._said(group, prompt, preference).items()}
        marks = self._joined(group.draft.marks, said)
        if marks != group.draft.marks:
            remarks = _with_strength(group.draft.remarks, preference)
            draft = replace(group.draft, marks=marks, remarks=remarks)
            save_draft(self.connection, group.id, self._ids[self.annotator], draft)
            self.taken += 1

    def _decide(self, group: Group, prompt: Prompt, preference: Preference, name: str) -> None:
        shown = [each for each in group.responses if each.set_no == _SET]
        before = group.decision
        marks: dict[int, Mark] = {each.id: Mark.EXCLUDED for each in shown}
        if before:
            marks |= before.marks
        spoken = {each: mark for each, mark in marks.items() if mark is not Mark.EXCLUDED}
        said = self._said(group, prompt, preference)
        # A label, which is of one response alone, says by itself that it is good or bad.
        is_label = len({*preference.marks.values()}) == 1
        if not is_label and not _pairs({**said, **spoken}) <= _pairs(spoken) | _pairs(said):
            self.kept_apart += 1
            return
        joined = self._joined(spoken, said)
        if joined == spoken:
            return
        marks |= joined
        remarks = _with_strength(before.remarks if before else Remarks(), preference)
        decision = Decision(
            group_id=group.id,
            annotator=name,
            verdict=Verdict.CONFIRMED,
            set_no=_SET,
            marks=marks,
            order=tuple(marks),
            pair_count=len(make_pairs(group.prompt, shown, marks).pairs),
            decided_at=self.now,
            seconds=0.0,
            remarks=remarks,
        )
        add_decision(self.connection, decision, self._ids[name], None, self.now)
        self.taken += 1

    def _said(self, group: Group, prompt: Prompt, preference: Preference) -> dict[int, Mark]:
        """The marks by response id; nothing of a text that is said to be better than itself."""
        ids = {
            each.completion.text: each.id
            for each in group.responses
            if each.set_no == _SET and each.completion.source.origin is Origin.READY
        }
        said: dict[int, set[Mark]] = {}
        for index, mark in preference.marks.items():
            said.setdefault(ids[prompt.responses[index].text], set()).add(mark)
        self.contradicted += sum(len(marks) > 1 for marks in said.values())
        return {each: marks.pop() for each, marks in said.items() if len(marks) == 1}

    def _joined(self, known: Mapping[int, Mark], said: Mapping[int, Mark]) -> Mapping[int, Mark]:
        self.contradicted += sum(known.get(each, mark) != mark for each, mark in said.items())
        return {**said, **known}


def _pairs(marks: Mapping[int, Mark]) -> set[tuple[int, int]]:
    chosen = [each for each, mark in marks.items() if mark is Mark.CHOSEN]
    rejected = [each for each, mark in marks.items() if mark is Mark.REJECTED]
    return {*product(chosen, rejected)}


def _with_strength(remarks: Remarks, preference: Preference) -> Remarks:
    if preference.strength is None or remarks.strength is not None:
        return remarks
    return replace(remarks, strength=preference.strength)
