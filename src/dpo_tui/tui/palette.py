"""From kinds of text to what the terminal is told: made once for a theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.style import Style as TerminalStyle
from textual.style import Style

STYLES: Mapping[str, str] = {
    "body": "",
    "body.unusable": "$foreground-muted",
    "title": "",
    "title.current": "on $current",
    "number": "bold",
    "mark.chosen": "bold $text-success",
    "mark.best": "bold $text-success",
    "mark.excluded": "$text-warning",
    "mark.rejected": "$text-error",
    "mark.none": "$foreground-muted",
    "streaming": "$text-accent",
    "warning": "$text-warning",
    "error": "bold $text-error",
    "role": "bold",
    "thumb": "$foreground-muted",
}
"""What the kinds of the screen's own text look like, beside those of the typesetter."""


class Palette:
    """The styles of one theme on one background."""

    def __init__(
        self, ground: Style, variables: Mapping[str, str], written: Callable[[str], str]
    ) -> None:
        """`ground` is the style below everything; `written` says how each kind is written."""
        self._ground = ground
        self._variables = dict(variables)
        self._written = written
        self._styles: dict[tuple[str, str], TerminalStyle] = {}

    def style(self, base: str, kind: str) -> TerminalStyle:
        """The style of a kind of text on a line of kind `base`."""
        found = self._styles.get((base, kind))
        if found is None:
            style = self._ground + self._parsed(base) + self._parsed(kind)
            found = self._styles[base, kind] = style.rich_style
        return found

    def _parsed(self, kind: str) -> Style:
        return Style.parse(self._written(kind), self._variables)
