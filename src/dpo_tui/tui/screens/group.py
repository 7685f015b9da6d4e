"""What every part of the annotate screen stands on: the service, and how to tell the person."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from textual.screen import Screen

from dpo_tui.display import display_line
from dpo_tui.errors import StoreError
from dpo_tui.service.labelling import Labelling
from dpo_tui.service.outcomes import Refused
from dpo_tui.tui.bindings import rebind, told_key
from dpo_tui.tui.keymap import Keymap
from dpo_tui.tui.render import dotted, error_words
from dpo_tui.tui.widgets.card_list import CardList
from dpo_tui.tui.widgets.prompt_pane import PromptPane
from dpo_tui.tui.widgets.words import News

_Result = TypeVar("_Result")

_MUTED = "$foreground-muted"
GOOD = "$text-success"
BAD = "bold $text-error"
ODD = "$text-warning"


class GroupScreen(Screen[None]):
    """Shows one group; its actions are in the classes that are made from it."""

    def __init__(self, labelling: Labelling, keymap: Keymap) -> None:
        super().__init__()
        rebind(self, keymap)
        self.labelling = labelling
        self.keymap = keymap
        self.prompt = PromptPane()
        self.cards = CardList()
        self.is_acting = False
        """Whether a command runs, that ends with painting what it changed."""
        self._news = News(id="news")
        self._news_lasts = False
        """Whether what was told last stays true while responses are marked."""

    def paint(self) -> None:
        """Paint what has changed."""
        raise NotImplementedError

    @property
    def way_back(self) -> str:
        """How to leave what is shown in another way than usual; empty where nothing is."""
        return ""

    def say(self, text: str, style: str = _MUTED, *, lasts: bool = False) -> None:
        """Tell the person something, above the keys; if it `lasts`, a mark doesn't end it.

        The way back is told with it, as long as there is one.
        """
        self._news_lasts = lasts
        told = [(display_line(text), style), (self.way_back, _MUTED)]
        self._news.show(dotted(each for each in told if each[0]))

    def end_news(self) -> None:
        """Take away what was told of something that is over."""
        if not self._news_lasts:
            self.say("")

    def key(self, action: str) -> str:
        """The key of an action, to be told in a text."""
        return told_key(self, action)

    async def do(
        self, command: Coroutine[Any, Any, Refused | _Result], failed: str
    ) -> _Result | None:
        """Run a command of the service; None, and the reason on screen, if it did nothing."""
        self.is_acting = True
        try:
            outcome = await command
        except StoreError as error:
            self.say(f"{failed}: {error_words(error)}", BAD)
            return None
        finally:
            self.is_acting = False
        if isinstance(outcome, Refused):
            self.say(outcome.reason, ODD)
            return None
        self.paint()
        return outcome
