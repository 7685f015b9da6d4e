"""The Textual app: themes, the screens, what is remembered, and the way out."""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec.structs import replace
from textual import events
from textual.app import App
from textual.command import CommandPalette
from textual.screen import Screen
from textual.theme import Theme

from dpo_tui.display import display_line
from dpo_tui.errors import DpoTuiError
from dpo_tui.preferences import save_preferences
from dpo_tui.service.labelling import Labelling
from dpo_tui.tui.actions import ALWAYS_QUITS, Scope
from dpo_tui.tui.bindings import ALWAYS, bindings, rebind
from dpo_tui.tui.commands import ActionCommands, ThemeCommands
from dpo_tui.tui.driver import Driver
from dpo_tui.tui.in_turn import InTurn, Passed
from dpo_tui.tui.keymap import key_name
from dpo_tui.tui.look import Look
from dpo_tui.tui.render import error_words
from dpo_tui.tui.screens.annotate import AnnotateScreen
from dpo_tui.tui.screens.help import HelpScreen
from dpo_tui.tui.screens.typed import Typed
from dpo_tui.tui.themes import OWN, first_theme, terminal_colors, with_own_variables
from dpo_tui.tui.widgets.end_panel import EndPanel

_LEAVING_SECONDS = 0.3
"""How long the key that always leaves waits for those before it."""


class DpoTuiApp(App[None], inherit_bindings=False):
    """The labelling service on a screen."""

    CSS_PATH = "app.tcss"
    TITLE = "dpo-tui"
    SUSPENDED_SCREEN_CLASS = "-covered"
    BINDINGS = [*bindings(Scope.EVERYWHERE), ALWAYS]  # noqa: RUF012 (Textual's own way)
    COMMANDS = {ActionCommands}  # noqa: RUF012 (Textual's own way)

    def __init__(
        self,
        labelling: Labelling,
        *,
        name: str,
        dataset: str,
        named: str,
        resume: str,
        news: str = "",
        look: Look | None = None,
    ) -> None:
        self._look = look = look or Look()
        self.preferences = look.preferences
        """What the person has chosen with a key, this time or before."""
        # First of all, and unwatched: a change of theme would parse all styles a second time.
        theme = first_theme(look.theme, self.preferences.theme, terminal_colors())
        self.set_reactive(DpoTuiApp.theme, theme)
        super().__init__(driver_class=Driver)
        # A frame of an animation costs as many bytes over SSH as a page of text.
        self.animation_level = "none"
        self._remembering = asyncio.Lock()
        self._typed = InTurn(super().on_event, lambda: self.focused or self.screen)
        self.title = display_line(f"dpo-tui: {name}") if look.title else ""
        rebind(self, look.keymap)
        self._gave_notice = False
        """Whether the person knows that leaving loses what is being typed."""
        self.crashed: BaseException | None = None
        """What stopped the app, if it wasn't the person."""
        self.annotate = AnnotateScreen(
            labelling,
            name=name,
            end=EndPanel(dataset, named, resume),
            news=news,
            look=look,
            remember_layout=lambda layout: self.remember(layout=layout),
        )

    def crash(self, error: BaseException) -> None:
        """Stop because of an error that nobody foresaw."""
        self.crashed = error
        self.exit(return_code=1)

    def leave(self, code: int) -> None:
        """Leave on a signal; what is being typed, also in another editor, is put on disk first."""
        self.run_worker(self._keep_and_leave(code))

    def giving_back(self) -> str:
        """What gives the terminal back; nothing if it has been given back."""
        return self._driver.giving_back if isinstance(self._driver, Driver) else ""

    async def _keep_and_leave(self, code: int) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Typed):
                await screen.keep_now()
        await self.annotate.outside.end()
        self.exit(return_code=code)

    async def on_event(self, event: events.Event) -> None:
        """Take in whatever comes; keys one after the other."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        await self._typed.take(event)
        is_urgent = isinstance(event, events.Key) and event.key == ALWAYS_QUITS
        if is_urgent and self._typed.is_waiting(event):
            # A key before it may wait for a disk that never answers.
            self.set_timer(_LEAVING_SECONDS, partial(self._typed.hurry, event))

    async def on_passed(self, passed: Passed) -> None:
        """A key has acted."""
        passed.stop()
        await self._typed.passed()

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback with the values of local variables, a key among them.
        # Its own bookkeeping is kept: tests learn of the error through it.
        self.crashed = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def get_default_screen(self) -> Screen[None]:
        """Start where the work is."""
        return self.annotate

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Our own themes and Textual's, by name."""
        return {theme.name: theme for theme in OWN} | super().available_themes

    def get_css_variables(self) -> dict[str, str]:
        """Colours of our own beside Textual's."""
        self.theme_variables = with_own_variables(self.theme, super().get_css_variables())
        return self.theme_variables

    async def remember(self, *, theme: str | None = None, layout: str | None = None) -> None:
        """Begin with this choice the next time too."""
        chosen = {"theme": theme, "layout": layout}
        said = {name: value for name, value in chosen.items() if value is not None}
        self.preferences = replace(self.preferences, **said)
        if path := self._look.preferences_file:
            async with self._remembering:
                try:
                    await asyncio.to_thread(save_preferences, path, self.preferences)
                except DpoTuiError as error:
                    self.notify(display_line(error_words(error)), severity="warning", markup=False)

    def search_themes(self) -> None:
        """Let the person choose a theme; Textual's own list would not be remembered."""
        self.push_screen(CommandPalette([ThemeCommands], placeholder="Search for themes…"))

    async def action_use_theme(self, name: str) -> None:
        """Change the colours, for this time and the next."""
        self.theme = name
        await self.remember(theme=name)
        if self._look.theme:
            self.notify("Until you leave: the setting theme says otherwise.", markup=False)

    def action_help(self) -> None:
        """Show the keys and the rules."""
        self.push_screen(HelpScreen(self._look.keymap))

    def action_shell(self) -> None:
        """Give the terminal to the shell until that leads back."""
        if isinstance(self._driver, Driver):
            self._driver.go_to_shell(without=self._tell_no_shell)

    def _tell_no_shell(self) -> None:
        self.notify("There is no shell that could lead back.", severity="warning", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """Paint everything anew: a terminal that came back as large as it was may be blank.

        After a stop, or a window that was dragged to and fro. Textual sees no change then, nor
        where the sizes in between came too fast for the screen to be laid out for them.
        """
        if event.size in {self.size, self.screen.outer_size}:
            self.screen.refresh()

    async def action_quit(self) -> None:
        """Leave; what is being typed is put on disk first, all else is there already.

        A disk that takes nothing holds a person up once.
        """
        for screen in self.screen_stack:
            if isinstance(screen, Typed) and not await screen.keep_now() and not self._gave_notice:
                self._gave_notice = True
                told = f"Not on disk: {key_name(ALWAYS_QUITS)} again leaves without it."
                self.notify(told, severity="warning", markup=False)
                return
        self.exit()
