"""The Textual app: themes, the screens, and the way out."""

from __future__ import annotations

from textual import events
from textual.app import App
from textual.screen import Screen

from dpo_tui.service.labelling import Labelling
from dpo_tui.tui.actions import Scope
from dpo_tui.tui.bindings import ALWAYS, bindings, textual_keymap
from dpo_tui.tui.commands import ActionCommands
from dpo_tui.tui.driver import Driver
from dpo_tui.tui.keymap import DEFAULT_KEYMAP, Keymap
from dpo_tui.tui.screens.annotate import AnnotateScreen
from dpo_tui.tui.screens.help import HelpScreen
from dpo_tui.tui.themes import DARK, OWN


class DpoTuiApp(App[None], inherit_bindings=False):
    """The labelling service on a screen."""

    CSS_PATH = "app.tcss"
    TITLE = "dpo-tui"
    BINDINGS = [*bindings(Scope.EVERYWHERE), ALWAYS]  # noqa: RUF012 (Textual's own way)
    COMMANDS = {ActionCommands}  # noqa: RUF012 (Textual's own way)

    def __init__(
        self,
        labelling: Labelling,
        *,
        name: str,
        dataset: str,
        resume: str,
        slow: bool = False,
        news: str = "",
        keymap: Keymap = DEFAULT_KEYMAP,
    ) -> None:
        super().__init__(driver_class=Driver)
        # A frame of an animation costs as many bytes over SSH as a page of text.
        self.animation_level = "none"
        for theme in OWN:
            self.register_theme(theme)
        self.theme = DARK.name
        self._keys = keymap
        self.set_keymap(textual_keymap(keymap))
        self.crashed: BaseException | None = None
        """What stopped the app, if it wasn't the person."""
        self.annotate = AnnotateScreen(
            labelling, name=name, dataset=dataset, resume=resume, slow=slow, news=news
        )

    def crash(self, error: BaseException) -> None:
        """Stop because of an error that nobody foresaw."""
        self.crashed = error
        self.exit(return_code=1)

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

    def action_help(self) -> None:
        """Show the keys and the rules."""
        self.push_screen(HelpScreen(self._keys))

    def on_resize(self, event: events.Resize) -> None:
        """Paint everything anew: a terminal that came back as large as it was may be blank.

        After a stop, or a window that was dragged to and fro; Textual sees no change then.
        """
        if event.size == self.size:
            self.screen.refresh()

    async def action_quit(self) -> None:
        """Leave; everything is on disk already."""
        self.exit()
