"""What the keys do to get other responses: from the server, from an editor, from the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpo_tui.errors import DpoTuiError, StoreError
from dpo_tui.tui.editor import OutsideEditor
from dpo_tui.tui.render import error_words
from dpo_tui.tui.screens.group import BAD, ODD, GroupScreen
from dpo_tui.words import plural

if TYPE_CHECKING:
    from dpo_tui.service.labelling import Labelling
    from dpo_tui.service.sheet import Card
    from dpo_tui.tui.keymap import Keymap
    from dpo_tui.tui.screens.edit import Edited


class AnsweringActions(GroupScreen):
    """The part of the annotate screen that makes responses."""

    def __init__(self, labelling: Labelling, keymap: Keymap) -> None:
        super().__init__(labelling, keymap)
        self.outside = OutsideEditor()

    # --- from the server -----------------------------------------------------------------------

    async def action_regenerate(self) -> None:
        """Try broken responses again, or ask for a new set."""
        if asked := await self.do(self.labelling.supply.regenerate(), "not regenerated"):
            self.say(f"asking again for {plural(asked, 'response')}")

    async def action_regenerate_one(self) -> None:
        """Ask for another response in the place of the current one."""
        number = self.cards.number_of(self.cards.current)
        if await self.do(
            self.labelling.supply.regenerate_one(self.cards.current), "not regenerated"
        ):
            self.say(f"asking again for response {number}")

    async def action_add_response(self) -> None:
        """Ask for one more response."""
        if size := await self.do(self.labelling.supply.add_response(), "not added"):
            self.say(f"asking for response {size}")

    async def action_other_set(self) -> None:
        """Show the set before this one."""
        if set_no := await self.do(self.labelling.supply.other_set(), "not shown"):
            self.say(f"this is set {set_no}")

    # --- by hand -------------------------------------------------------------------------------

    async def action_edit(self) -> None:
        """Write a better version of the current response."""
        if card := self._editable():
            await self._write_in(f"Edit response {card.number}", card.slot, card.text)

    async def action_write(self) -> None:
        """Write a response of one's own."""
        if self._has_room():
            await self._write_in("Write a response", None, "")

    def _has_room(self) -> bool:
        """Whether a response can be added; if not, says why before anything is typed."""
        if refused := self.labelling.writing.refusal:
            self.say(refused.reason, ODD)
        return refused is None

    def _editable(self) -> Card | None:
        """The current response, if it can be edited; else says why not."""
        card = self.cards.card(self.cards.current)
        if not self._has_room():
            return None
        if card is None or card.phase is not None or not card.text.strip():
            self.say(
                f"there is no text to edit here; {self.key('write')} writes a response of your own",
                ODD,
            )
            return None
        return card

    async def _write_in(
        self, heading: str, slot: int | None, text: str, unsaved: str | None = None
    ) -> None:
        """Open the editor on what is `unsaved`, else on what was typed before, else on `text`."""
        # Imported when it is opened, so that the first frame doesn't wait for it.
        from dpo_tui.tui.screens.edit import EditScreen  # noqa: PLC0415

        labelling = self.labelling
        kept = await labelling.writing.kept_text(slot)

        async def keep(typed: str) -> None:
            await labelling.writing.keep_text(slot, typed)

        async def close(edited: Edited | None) -> None:
            if edited is None:
                return
            if edited.is_done:
                await self._answer(slot, edited.text)
            elif edited.text != text:
                key = self.key("write" if slot is None else "edit")
                self.say(f"your text is kept: {key} goes on with it", lasts=True)

        typed = next(each for each in (unsaved, kept, text) if each is not None)
        self.app.push_screen(EditScreen(heading, text, typed, keep, is_kept=unsaved is None), close)

    async def action_edit_outside(self) -> None:
        """Write a better version of the current response in the editor of the environment."""
        if (card := self._editable()) is None:
            return
        slot = card.slot
        async with self.outside.open:
            kept = await self.labelling.writing.kept_text(slot)
            shown = card.text if kept is None else kept
            try:
                typed = await self.outside.edit(self.app, shown)
            except DpoTuiError as error:
                self.say(error_words(error), BAD)
                return
            if self.outside.is_ended and typed == shown:
                return
            try:
                await self.labelling.writing.keep_text(slot, typed)
            except StoreError:
                # The file that was edited is gone: the editor of the app holds the text.
                await self._write_in(f"Edit response {card.number}", slot, card.text, unsaved=typed)
                return
        if not self.outside.is_ended:
            await self._answer(slot, typed)

    async def _answer(self, slot: int | None, text: str) -> None:
        """Keep what was typed as a response, chosen."""
        writing = self.labelling.writing
        command = writing.write(text) if slot is None else writing.edit(slot, text)
        if response := await self.do(command, "not saved, your text is kept"):
            self.cards.go(response.slot)
            self.say(f"response {self.cards.number_of(response.slot)} is yours, and chosen")
