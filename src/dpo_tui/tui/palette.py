"""From kinds of text to what the terminal is told: made once for a theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.style import Style as TerminalStyle
from textual.color import BLACK, WHITE, Color
from textual.style import Style

STYLES: Mapping[str, str] = {
    "body": "",
    "body.unusable": "$foreground-muted",
    "card": "",
    "card.current": "on $current",
    "card.number": "bold",
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

_LEAST_CONTRAST = 4.5
"""What WCAG 2 asks for text."""


def legible(color: Color, ground: Color) -> Color:
    """A colour that can be read on an opaque ground: lighter or darker than `color` if need be."""
    if color.ansi is not None or ground.ansi is not None:
        return color
    pole = max(BLACK, WHITE, key=lambda each: contrast(each, ground))
    shades = (color.blend(pole, step / 20) for step in range(20))
    return next((each for each in shades if contrast(each, ground) >= _LEAST_CONTRAST), pole)


def contrast(one: Color, other: Color) -> float:
    """From 1 to 21, as WCAG 2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4
        for each in color.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


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
            below = self._parsed(base)
            style = self._ground + below + self._parsed(kind)
            if below.background and style.background and style.foreground:
                # Themes choose their colours for text on their own grounds.
                color = legible(style.background + style.foreground, style.background)
                style += Style(foreground=color)
            found = self._styles[base, kind] = style.rich_style
        return found

    def _parsed(self, kind: str) -> Style:
        return Style.parse(self._written(kind), self._variables)
