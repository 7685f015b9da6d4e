"""Responses that the person types: from an edit of another one, or from scratch."""

from __future__ import annotations

from dpo_tui.domain.marking import clear, toggle, with_marks
from dpo_tui.domain.model import (
    MAX_RESPONSES,
    Completion,
    Draft,
    Group,
    Mark,
    Origin,
    Response,
    Source,
    State,
)
from dpo_tui.service.onscreen import OnScreen
from dpo_tui.service.outcomes import ALL_DECIDED, Refused
from dpo_tui.service.supply import FULL

_FROM_SCRATCH = 0
"""In the place of a response's id."""


class Writing:
    """The commands of the editor. Text that is being typed survives a crash."""

    def __init__(self, screen: OnScreen) -> None:
        self._screen = screen

    @property
    def refusal(self) -> Refused | None:
        """Why no response can be added to the group on screen; None if one can."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        return FULL if self._screen.generation.size(group) >= MAX_RESPONSES else None

    async def edit(self, slot: int, text: str) -> Refused | Response:
        """Add an edit of a response as a new one, chosen; the original stays as it is.

        What was kept of the text is forgotten then.
        """
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        original = self._screen.arrangement(group).response(slot)
        if original is None:
            return Refused("this response is still on its way")
        if text.strip() == original.completion.text.strip():
            return Refused("nothing was changed")
        source = Source(Origin.EDITED, edited_from=original.id)
        return await self._add(group, text, source, original)

    async def write(self, text: str) -> Refused | Response:
        """Add a response of the person's own, chosen; what was kept of the text is forgotten."""
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        return await self._add(group, text, Source(Origin.WRITTEN), None)

    async def keep_text(self, slot: int | None, text: str) -> Refused | str:
        """Keep what is being typed, of an edit of a slot's response or, without one, from scratch.

        Empty text is forgotten.
        """
        group = self._screen.group
        if group is None:
            return ALL_DECIDED
        store, annotator = self._screen.disk.store, self._screen.annotator
        about = self._about(group, slot)
        self._screen.stopwatch.touch()
        await self._screen.disk.run(store.keep_text, group.id, annotator, about, text)
        return text

    async def kept_text(self, slot: int | None) -> str | None:
        """What was being typed last, if it was kept."""
        group = self._screen.group
        if group is None:
            return None
        store, annotator = self._screen.disk.store, self._screen.annotator
        about = self._about(group, slot)
        return await self._screen.disk.run(store.kept_text, group.id, annotator, about)

    def _about(self, group: Group, slot: int | None) -> int:
        """The id of the response that is edited."""
        original = None if slot is None else self._screen.arrangement(group).response(slot)
        return original.id if original else _FROM_SCRATCH

    async def _add(
        self, group: Group, text: str, source: Source, original: Response | None
    ) -> Refused | Response:
        if not text.strip():
            return Refused("there is no text in it")
        if refused := self.refusal:
            return refused
        draft = self._screen.draft(group)
        if original and self._screen.options.reject_original:
            draft = with_marks(draft, {**draft.marks, original.slot: Mark.REJECTED})
        response = await self._screen.disk.run(
            self._screen.disk.store.add_own,
            group.id,
            self._screen.annotator,
            draft.set_no,
            self._screen.generation.size(group),
            Completion(text, State.COMPLETE, source),
            lambda slot: _chosen(draft, slot),
            original.id if original else _FROM_SCRATCH,
        )
        await self._screen.load(group.id)
        return response


def _chosen(draft: Draft, slot: int) -> Draft:
    return toggle(clear(draft, [slot]), slot, Mark.CHOSEN)
