"""The screen that an annotator lives in: one group, its cards, and what the keys do."""

from __future__ import annotations

from collections.abc import Coroutine
from time import monotonic
from typing import Any, TypeVar

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from dpo_tui.display import display_line
from dpo_tui.domain.model import Mark
from dpo_tui.errors import StoreError
from dpo_tui.service.labelling import Labelling
from dpo_tui.service.outcomes import Confirmed, Refused
from dpo_tui.service.sheet import Sheet
from dpo_tui.tui.actions import Scope
from dpo_tui.tui.alarm import Alarm
from dpo_tui.tui.bindings import bindings
from dpo_tui.tui.render import plural, session_line, trouble_line
from dpo_tui.tui.widgets.card_list import CardList
from dpo_tui.tui.widgets.end_panel import EndPanel
from dpo_tui.tui.widgets.key_bar import KeyBar
from dpo_tui.tui.widgets.prompt_pane import PromptPane

_Result = TypeVar("_Result")

REPAINT_SECONDS = 1 / 8
"""Streams and counters are repainted this often at most: each repaint crosses an SSH link."""
SLOW_REPAINT_SECONDS = 1 / 4


class AnnotateScreen(Screen[None]):
    """Shows `labelling.sheet` and turns actions into its commands; holds no rule of its own."""

    BINDINGS = bindings(Scope.ANNOTATE)

    def __init__(
        self,
        labelling: Labelling,
        *,
        name: str,
        dataset: str,
        resume: str,
        slow: bool,
        bell: bool,
        news: str,
    ) -> None:
        super().__init__()
        self._alarm = Alarm() if bell else None
        self._labelling = labelling
        self._session_name = name
        self._news = news
        self._shown: tuple[int, int] | None = None
        """Group and set of the sheet that was painted last."""
        self.is_behind = False
        """Whether something has changed that isn't painted yet."""
        self._painted_at = 0.0
        self._repaint_seconds = SLOW_REPAINT_SECONDS if slow else REPAINT_SECONDS
        self._session_line = Static(id="session", markup=False)
        self._prompt = PromptPane()
        self.cards = CardList()
        self._end = EndPanel(dataset, resume)
        self._trouble = Static(id="trouble", markup=False)
        self._status = Static(id="status", markup=False)

    def compose(self) -> ComposeResult:
        """Top line, prompt, cards; troubles, last news and keys at the bottom."""
        yield self._session_line
        yield self._prompt
        yield self.cards
        yield self._end
        yield self._trouble
        yield self._status
        yield KeyBar()

    async def on_mount(self) -> None:
        """Begin to follow the service."""
        self._labelling.on_change = self._repaint_soon
        self._say(self._news)
        await self._repaint()

    async def on_resize(self) -> None:
        """The top line depends on the width."""
        self._paint_frame(self._labelling.sheet)

    # --- painting ------------------------------------------------------------------------------

    def _repaint_soon(self) -> None:
        """Repaint at the next occasion; called from whatever task the service runs in."""
        if not self.is_behind and self.is_running:
            self.is_behind = True
            self.call_later(self._schedule_repaint)

    async def _schedule_repaint(self) -> None:
        wait = self._painted_at + self._repaint_seconds - monotonic()
        if wait > 0:
            self.set_timer(wait, self._repaint)
        else:
            await self._repaint()

    async def _repaint(self) -> None:
        """Show what the service has now."""
        self.is_behind = False
        self._painted_at = monotonic()
        await self._paint(grow=True)
        endpoints = self._labelling.generation.endpoints
        if self._alarm and self._alarm.is_due(self._labelling.sheet, endpoints):
            self.app.bell()

    async def _paint(self, *, grow: bool) -> None:
        """Paint what has changed. Widgets know what that is; nothing else is redrawn.

        Without `grow`, text that streams in stays as it is: the layout of the whole list would hold
        up the answer to a key.
        """
        sheet = self._labelling.sheet
        with self.app.batch_update():
            self._prompt.display = self.cards.display = sheet is not None
            self._end.display = sheet is None
            if sheet is None:
                self._shown = None
                self._end.show(self._labelling.progress)
            else:
                is_other_group = self._shown is None or self._shown[0] != sheet.group_id
                is_other_set = self._shown != (sheet.group_id, sheet.set_no)
                self._shown = sheet.group_id, sheet.set_no
                if is_other_group:
                    self._prompt.show(sheet.messages)
                await self.cards.show(sheet.cards, is_new=is_other_set, grow=grow)
            self._paint_frame(sheet)

    def _paint_frame(self, sheet: Sheet | None) -> None:
        labelling = self._labelling
        generation = labelling.generation
        endpoints = generation.endpoints
        line = session_line(
            name=self._session_name,
            sheet=sheet,
            progress=labelling.progress,
            pace=labelling.seconds_per_group,
            eta=labelling.eta_seconds,
            ready_ahead=generation.ready_ahead if endpoints and labelling.group else None,
            endpoints=endpoints,
            width=self.size.width - 2,
        )
        _show(self._session_line, line, layout=False)
        trouble = trouble_line(endpoints, generation.trouble or labelling.dataset_trouble)
        _show(self._trouble, trouble, layout=True)
        self._trouble.display = bool(trouble.plain)

    def _say(self, text: str, style: str = "$foreground-muted") -> None:
        _show(self._status, Content.styled(display_line(text), style), layout=True)

    # --- judging -------------------------------------------------------------------------------

    async def _do(
        self, command: Coroutine[Any, Any, Refused | _Result], failed: str
    ) -> _Result | None:
        """Run a command of the service; None, and the reason on screen, if it did nothing."""
        try:
            outcome = await command
        except StoreError as error:
            self._say(f"{failed}: {error}", "bold $text-error")
            return None
        if isinstance(outcome, Refused):
            self._say(outcome.reason, "$text-warning")
            return None
        await self._paint(grow=False)
        return outcome

    async def _mark(self, slot: int, mark: Mark) -> None:
        await self._do(self._labelling.marking.toggle(slot, mark), "not saved")

    async def action_choose(self) -> None:
        """Choose the current response, or take that back."""
        await self._mark(self.cards.current, Mark.CHOSEN)

    async def action_choose_number(self, number: int) -> None:
        """Choose a response by its number, or take that back."""
        slot = self.cards.slot_of(number)
        if slot is None:
            self._say(f"there is no response {number}", "$text-warning")
        else:
            await self._mark(slot, Mark.CHOSEN)

    async def action_exclude(self) -> None:
        """Exclude the current response, or take that back."""
        await self._mark(self.cards.current, Mark.EXCLUDED)

    async def action_confirm(self) -> None:
        """Decide the group and go on."""
        if confirmed := await self._do(self._labelling.confirm(), "not confirmed"):
            self._say(_confirmed(confirmed), "$text-success")

    async def action_skip(self) -> None:
        """Leave the group out and go on."""
        if skipped := await self._do(self._labelling.skip(), "not skipped"):
            self._say(f"group {skipped.position + 1} skipped")

    async def action_undo(self) -> None:
        """Take the last decision back and go to its group."""
        if group := await self._do(self._labelling.undo(), "not undone"):
            again = "is decided as before" if group.decision else "is open again"
            self._say(f"group {group.position + 1} {again}")

    async def action_redo(self) -> None:
        """Let the decision that was taken back last count again."""
        if redone := await self._do(self._labelling.redo(), "not redone"):
            pairs = f": {plural(redone.pairs, 'pair')}" if redone.pairs else ""
            self._say(f"group {redone.position + 1} {redone.verdict} again{pairs}")

    async def action_regenerate(self) -> None:
        """Try broken responses again, or ask for a new set."""
        if asked := await self._do(self._labelling.supply.regenerate(), "not regenerated"):
            self._say(f"asking again for {plural(asked, 'response')}")

    async def action_regenerate_one(self) -> None:
        """Ask for another response in the place of the current one."""
        number = self.cards.place + 1
        command = self._labelling.supply.regenerate_one(self.cards.current)
        if await self._do(command, "not regenerated"):
            self._say(f"asking again for response {number}")

    async def action_add_response(self) -> None:
        """Ask for one more response."""
        if size := await self._do(self._labelling.supply.add_response(), "not added"):
            self._say(f"asking for response {size}")

    async def action_other_set(self) -> None:
        """Show the set before this one."""
        if set_no := await self._do(self._labelling.supply.other_set(), "not shown"):
            self._say(f"this is set {set_no}")

    # --- moving --------------------------------------------------------------------------------

    async def action_neighbour(self, step: int) -> None:
        """Go to the next or the previous group."""
        if group := await self._do(self._labelling.open_neighbour(step), "not shown"):
            self._say("decided already: enter decides it again" if group.decision else "")

    def action_next_card(self) -> None:
        """Go to the next response."""
        self.cards.go(self.cards.place + 1)

    def action_previous_card(self) -> None:
        """Go to the previous response."""
        self.cards.go(self.cards.place - 1)

    def action_first_card(self) -> None:
        """Go to the first response."""
        self.cards.go(0)

    def action_last_card(self) -> None:
        """Go to the last response."""
        self.cards.go(len(self.cards.children) - 1)

    def action_page(self, pages: int) -> None:
        """Scroll the responses by pages."""
        self.cards.page(pages)

    def action_half_page(self, halves: int) -> None:
        """Scroll the responses by half pages."""
        self.cards.page(halves / 2)

    def action_fold_prompt(self) -> None:
        """Fold or unfold the prompt."""
        self._prompt.toggle_fold()

    def action_scroll_prompt(self, lines: int) -> None:
        """Scroll the prompt by a few lines."""
        self._prompt.scroll_relative(y=3 * lines, animate=False)


def _show(widget: Static, content: Content, *, layout: bool) -> None:
    """Show other content, the same one costs nothing; `layout` if it may have another size."""
    shown = widget.content
    if not (isinstance(shown, Content) and shown.is_same(content)):
        widget.update(content, layout=layout)


def _confirmed(outcome: Confirmed) -> str:
    said = [f"group {outcome.position + 1} confirmed: {plural(outcome.pairs, 'pair')}"]
    if outcome.dropped:
        reasons = sorted({each.reason for each in outcome.dropped})
        said.append(f"{len(outcome.dropped)} left out ({', '.join(reasons)})")
    if outcome.unfinished:
        said.append(f"in no pair: {plural(outcome.unfinished, 'response')} that had not ended")
    return " · ".join(said)
