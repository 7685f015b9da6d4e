"""The screen that an annotator lives in: one group, its cards, and what the keys do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer

from dpo_tui.service.labelling import Labelling
from dpo_tui.service.sheet import Sheet
from dpo_tui.tui.actions import Scope
from dpo_tui.tui.alarm import Alarm
from dpo_tui.tui.bindings import NEEDS_GROUP, bindings
from dpo_tui.tui.layout import Layout
from dpo_tui.tui.look import Look
from dpo_tui.tui.render import remarks_line, session_line, trouble_lines
from dpo_tui.tui.screens.answering import AnsweringActions
from dpo_tui.tui.screens.browsing import BrowsingActions
from dpo_tui.tui.screens.judging import JudgingActions
from dpo_tui.tui.widgets.end_panel import EndPanel
from dpo_tui.tui.widgets.key_bar import KeyBar
from dpo_tui.tui.widgets.words import Words

REPAINT_SECONDS = 1 / 8
"""Streams and counters are repainted this often at most: each repaint crosses an SSH link."""
SLOW_REPAINT_SECONDS = 1 / 4
_ACTING_SECONDS = 0.05
_PREPARING_SECONDS = 0.1
"""From painting a group until the next one is made ready: keys and painting come first."""
WIDE = 160
"""Cells of a terminal from which on the cards stand side by side, unless the person said."""


class AnnotateScreen(JudgingActions, AnsweringActions, BrowsingActions):
    """Shows `labelling.sheet` and turns actions into its commands; holds no rule of its own."""

    # Escape is no key of the table: it leads back, and can come by itself on a slow link.
    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        *bindings(Scope.ANNOTATE),
        Binding("escape", "back", show=False),
    ]

    def __init__(
        self,
        labelling: Labelling,
        *,
        name: str,
        end: EndPanel,
        news: str,
        look: Look,
        remember_layout: Callable[[str], Awaitable[None]],
    ) -> None:
        """`remember_layout` keeps a choice of layout for the next time."""
        super().__init__(labelling, look.keymap)
        self._alarm = Alarm() if look.bell else None
        self._layout = look.preferences.layout
        self._remember_layout = remember_layout
        self._session_name = name
        self._first_news = news
        self._shown: tuple[int, int] | None = None
        """Group and set of the sheet that was painted last."""
        self.is_behind = False
        """Whether something has changed that isn't painted yet."""
        self._painted_at = 0.0
        self._preparing: Timer | None = None
        self.on_rest: Callable[[], None] = lambda: None
        """Called a little after a painting, when nothing is due."""
        self._repaint_seconds = SLOW_REPAINT_SECONDS if look.slow else REPAINT_SECONDS
        self._session_line = Words(id="session")
        self._remarks = Words(id="remarks")
        self._end = end
        self.cards.on_moved = self._show_below
        self._trouble = Words(id="trouble")

    def compose(self) -> ComposeResult:
        """Top line, prompt, cards; troubles, last news and keys at the bottom."""
        yield self._session_line
        yield self.prompt
        yield self._remarks
        yield self.cards
        yield self._end
        yield self._trouble
        yield self._news
        yield KeyBar()

    async def on_mount(self) -> None:
        """Begin to follow the service."""
        self.labelling.on_change = self._repaint_soon
        self.say(self._first_news)
        self.cards.lay_out_as(self.usual_layout)
        self.paint()

    async def on_resize(self) -> None:
        """The top line depends on the width."""
        if self.cards.layout_now in {Layout.LIST, Layout.COLUMNS}:
            self.cards.lay_out_as(self.usual_layout)
        self._paint_frame(self.labelling.sheet)

    async def on_key(self, event: events.Key) -> None:
        """A key was pressed: the person is there."""
        self.labelling.touch()
        if event.key not in self._digits:
            await self.end_number()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key is of use now; the key bar and the palette show only those that are."""
        del parameters
        return self.labelling.group is not None or action not in NEEDS_GROUP

    # --- painting ------------------------------------------------------------------------------

    def _repaint_soon(self) -> None:
        """Repaint at the next occasion; called from whatever task the service runs in."""
        if not self.is_behind and self.is_running:
            self.is_behind = True
            self.call_later(self._schedule_repaint)

    def _schedule_repaint(self) -> None:
        wait = self._painted_at + self._repaint_seconds - monotonic()
        if self.is_acting:
            # All that a key changes is painted in one go, if that doesn't take long.
            wait = max(wait, _ACTING_SECONDS)
        if wait > 0:
            self.set_timer(wait, self._repaint)
        else:
            self._repaint()

    def _repaint(self) -> None:
        """Paint unless a key has led to it meanwhile."""
        if self.is_behind:
            self.paint()

    def paint(self) -> None:
        """Paint what has changed. Widgets know what that is; nothing else is redrawn."""
        self.is_behind = False
        self._painted_at = monotonic()
        sheet = self.labelling.sheet
        with self.app.batch_update():
            self.cards.display = sheet is not None
            if self._end.display is not (sheet is None):
                self._end.display = sheet is None
                self.refresh_bindings()
            if sheet is None:
                self._shown = None
                self._end.show(self.labelling.progress, self.labelling.seconds_per_group)
            else:
                is_other_group = self._shown is None or self._shown[0] != sheet.group_id
                is_other_set = self._shown != (sheet.group_id, sheet.set_no)
                self._shown = sheet.group_id, sheet.set_no
                if is_other_group:
                    self.prompt.show(sheet.messages)
                layout = self.cards.layout_now
                if (is_other_set and layout is Layout.COMPARE) or (
                    is_other_group and layout is Layout.READER
                ):
                    self.cards.lay_out_as(self.usual_layout)
                self.cards.show(sheet.cards, is_new=is_other_set)
            self.prompt.display = sheet is not None and self.cards.layout_now is not Layout.READER
            self._paint_frame(sheet)
            self._show_below()
        if self._preparing is None:
            self._preparing = self.set_timer(_PREPARING_SECONDS, self._prepare)
        if self._alarm and self._alarm.is_due(sheet, self.labelling.generation.endpoints):
            self.app.bell()

    def _prepare(self) -> None:
        """Make ready what will most likely be shown next."""
        self._preparing = None
        if sheet := self.labelling.next_sheet:
            self.cards.prepare(sheet.cards)
        self.call_later(self.on_rest)

    def _paint_frame(self, sheet: Sheet | None) -> None:
        labelling = self.labelling
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
        self._session_line.show(line)
        remarks = remarks_line(sheet)
        self._remarks.show(remarks)
        self._remarks.display = bool(remarks)
        trouble = trouble_lines(endpoints, generation.trouble or labelling.dataset_trouble)
        self._trouble.show(trouble)
        self._trouble.display = bool(trouble)

    def _show_below(self) -> None:
        """Say how much is left to read below."""
        cards = self.cards.cards_below
        said = f"▼ {cards} below" if cards else "▼ more" if self.cards.lines_below else ""
        self._news.show_below(said if self.labelling.group else "")

    # --- layouts -------------------------------------------------------------------------------

    def reference(self) -> str | None:
        """The reference answer of the prompt on screen."""
        sheet = self.labelling.sheet
        return sheet.reference if sheet else None

    @property
    def usual_layout(self) -> Layout:
        """What the person likes, else what suits the terminal."""
        if self._layout in {Layout.LIST, Layout.COLUMNS}:
            return Layout(self._layout)
        return Layout.COLUMNS if self.app.size.width >= WIDE else Layout.LIST

    async def remember_layout(self, layout: Layout) -> None:
        """Begin with this layout the next time too."""
        self._layout = layout
        await self._remember_layout(layout)
