"""What the keys do that is kept: marks, remarks and decisions."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from textual.timer import Timer

from dpo_tui.domain.model import Mark
from dpo_tui.service.labelling import Labelling
from dpo_tui.service.outcomes import Confirmed, Refused
from dpo_tui.tui.actions import BY_NAME
from dpo_tui.tui.keymap import Keymap, textual_name
from dpo_tui.tui.screens.group import GOOD, GroupScreen
from dpo_tui.words import group_at, plural

_Saved = TypeVar("_Saved")

_STRENGTHS = {
    None: "strength unsaid",
    1: "strength 1 of 3: the chosen ones are slightly better",
    2: "strength 2 of 3: the chosen ones are clearly better",
    3: "strength 3 of 3: the chosen ones are better by far",
}
_DIGITS = ("choose_none", *(f"choose_{digit}" for digit in range(1, 10)))
_DIGIT_SECONDS = 0.7
"""How long a first digit waits for a second one, where a number can have two."""


class JudgingActions(GroupScreen):
    """The judging half of the annotate screen."""

    _digit = 0
    """The first digit of a number that can have a second one; 0 when none is waiting."""
    _digit_wait: Timer | None = None
    """Ends the number when no second digit comes."""

    def __init__(self, labelling: Labelling, keymap: Keymap) -> None:
        super().__init__(labelling, keymap)
        self._digits = frozenset(
            textual_name(key) for name in _DIGITS for key in keymap.of(BY_NAME[name])
        )
        """The keys that a number is typed with, by Textual's names."""

    async def keep_now(self) -> bool:
        """Who leaves in the middle of a number has typed all of it."""
        await self.end_number()
        return True

    # --- marks ---------------------------------------------------------------------------------

    async def _save(self, command: Coroutine[Any, Any, Refused | _Saved]) -> _Saved | None:
        """Run a command that says something of the group on screen."""
        saved = await self.do(command, "not saved")
        if saved is not None:
            self.end_news()
        return saved

    async def _mark(self, slot: int, mark: Mark) -> None:
        await self._save(self.labelling.marking.toggle(slot, mark))

    async def action_choose(self) -> None:
        """Choose the current response, or take that back."""
        await self._mark(self.cards.current, Mark.CHOSEN)

    async def action_exclude(self) -> None:
        """Exclude the current response, or take that back."""
        await self._mark(self.cards.current, Mark.EXCLUDED)

    async def action_choose_number(self, digit: int) -> None:
        """Choose a response by its number, or take that back; 10 and more have two digits."""
        if first := self._take_digit():
            if self.cards.slot_of(10 * first + digit) is not None:
                await self._choose_number(10 * first + digit)
                return
            await self._choose_number(first)
        if 10 * digit <= len(self.cards.cards):
            self._digit = digit
            self.say(f"response {digit}…")
            self._digit_wait = self.set_timer(_DIGIT_SECONDS, self.end_number)
        else:
            await self._choose_number(digit)

    async def end_number(self) -> None:
        """Take the digit that waits as the whole number."""
        if number := self._take_digit():
            await self._choose_number(number)

    def _take_digit(self) -> int:
        """The digit that waits, if one does; it waits no longer."""
        digit, self._digit = self._digit, 0
        if self._digit_wait is not None:
            self._digit_wait.stop()
        return digit

    async def _choose_number(self, number: int) -> None:
        slot = self.cards.slot_of(number)
        if slot is None:
            self.say(f"there is no response {number}", "$text-warning")
        elif await self._save(self.labelling.marking.toggle(slot, Mark.CHOSEN)):
            self._tell_unseen(slot)

    def _tell_unseen(self, slot: int) -> None:
        """Tell what became of a response whose title doesn't show it."""
        card = self.cards.card(slot)
        if card is None:
            return
        said = f"response {card.number}"
        if card.twin and card.twin.similarity == 1:
            said += f" is the same as {card.twin.number}:"
            card = next(each for each in self.cards.cards if each.number == card.twin.number)
        elif self.cards.is_in_view(slot):
            return
        said += f" {card.mark or 'unmarked'}"
        chosen = sum(each.mark is Mark.CHOSEN for each in self.cards.cards)
        self.say(f"{said} · {chosen} chosen")

    async def action_choose_all(self) -> None:
        """Say that every response is acceptable, or take that back."""
        await self._save(self.labelling.marking.choose_all())

    async def action_choose_none(self) -> None:
        """Say that no response is acceptable; as the second digit of a number, the zero."""
        if self._digit:
            await self.action_choose_number(0)
        else:
            await self._save(self.labelling.marking.choose_none())

    async def action_tie(self) -> None:
        """Say that the chosen ones are equally good, or take that back."""
        await self._save(self.labelling.marking.toggle_tie())

    async def action_best(self) -> None:
        """Say that the current response is the best one, or take that back."""
        await self._save(self.labelling.marking.toggle_best(self.cards.current))

    async def action_strength(self) -> None:
        """Say how clear it is."""
        if draft := await self._save(self.labelling.marking.next_strength()):
            self.say(_STRENGTHS[draft.remarks.strength])

    async def action_flag(self) -> None:
        """Flag the group for later, or take that back."""
        await self._save(self.labelling.marking.toggle_flag())

    async def action_note(self) -> None:
        """Write down why, and give the group labels."""
        sheet = self.labelling.sheet
        if sheet is None:
            return
        # Imported when it is opened, so that the first frame doesn't wait for it.
        from dpo_tui.tui.screens.note import NoteScreen  # noqa: PLC0415

        async def keep(note: str, labels: Sequence[str]) -> None:
            await self.labelling.marking.annotate_note(note, labels)
            self.end_news()
            self.paint()

        known = dict(sheet.known_labels)
        self.app.push_screen(NoteScreen(sheet.note, sheet.labels, known, keep))

    # --- decisions -----------------------------------------------------------------------------

    async def action_confirm(self) -> None:
        """Decide the group and go on."""
        if confirmed := await self.do(self.labelling.confirm(), "not confirmed"):
            self.say(_confirmed(confirmed), GOOD)

    async def action_skip(self) -> None:
        """Leave the group out and go on."""
        if skipped := await self.do(self.labelling.skip(), "not skipped"):
            self.say(f"{group_at(skipped.position)} skipped")

    async def action_undo(self) -> None:
        """Take the last decision back and go to its group."""
        if group := await self.do(self.labelling.undo(), "not undone"):
            again = "is decided as before" if group.decision else "is open again"
            self.say(f"{group_at(group.position)} {again}")

    async def action_redo(self) -> None:
        """Let the decision that was taken back last count again."""
        if redone := await self.do(self.labelling.redo(), "not redone"):
            pairs = f": {plural(redone.pairs, 'pair')}" if redone.pairs else ""
            self.say(f"{group_at(redone.position)} {redone.verdict} again{pairs}")


def _confirmed(outcome: Confirmed) -> str:
    said = [f"{group_at(outcome.position)} confirmed: {plural(outcome.pairs, 'pair')}"]
    if outcome.dropped:
        reasons = sorted({each.reason for each in outcome.dropped})
        said.append(f"{len(outcome.dropped)} left out ({', '.join(reasons)})")
    if outcome.unfinished:
        said.append(f"in no pair: {plural(outcome.unfinished, 'response')} that had not ended")
    return " · ".join(said)
