"""What a terminal would show: pyte, taught what today's programs send.

It answers no query, as the dumbest terminal wouldn't.
"""

import codecs
import re
from copy import deepcopy
from typing import Any

import pyte
from wcwidth import iter_graphemes, wcswidth, wcwidth

# What pyte doesn't know and would show as text, or take for something else (ECMA-48 5.4, 8.3).
_UNKNOWN = re.compile(
    r"\x1b[P\]X^_].*?(?:\x07|\x1b\\)"  # DCS, OSC, SOS, PM, APC: strings
    r"|\x1b\[[<=>][0-?]*[ -/]*[@-~]"  # private parameters: kitty keyboard, device attributes
    r"|\x1b\[[0-?]*[ -/]+[@-~]"  # intermediate bytes: DECRQM, cursor shapes
    r"|\x1b\[[0-?]*:[0-?]*[@-~]",  # subparameters: curly underlines
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\x1b(?:[P\]X^_](?:(?!\x07|\x1b\\).)*|\[[0-?]*[ -/]*)?\Z", re.DOTALL)
_ALTERNATE_SCREEN = 1049


class Emulator:
    """A screen of `cols` x `rows` cells and the stream that paints it."""

    def __init__(self, cols: int, rows: int) -> None:
        self._screen = _Screen(cols, rows)
        self._stream = pyte.Stream(self._screen)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def feed(self, data: bytes) -> None:
        """Paint what a program wrote. It may be cut anywhere."""
        text = _UNKNOWN.sub("", self._held + self._decode(data))
        unfinished = _UNFINISHED.search(text)
        whole = unfinished.start() if unfinished else len(text)
        self._held = text[whole:]
        self._stream.feed(text[:whole])

    def resize(self, cols: int, rows: int) -> None:
        """Change the size; the program has to repaint."""
        self._screen.resize(rows, cols)

    def text(self) -> str:
        """All rows, top to bottom, without the white space at their ends."""
        screen = self._screen
        return "\n".join(
            "".join(screen.buffer[row][col].data for col in range(screen.columns)).rstrip()
            for row in range(screen.lines)
        )


class _Screen(pyte.Screen):
    """pyte's screen with grapheme clusters and the alternate screen."""

    _main: tuple[Any, Any] | None = None

    def draw(self, data: str) -> None:
        """Put text at the cursor, one cluster (an emoji family, a letter with its marks) a cell."""
        if data.isascii():
            super().draw(data)
            return
        for cluster in iter_graphemes(data):
            super().draw(cluster[0])
            width = wcwidth(cluster[0])
            if len(cluster) > 1 and width > 0:
                self._complete(cluster, width)

    def _complete(self, cluster: str, drawn: int) -> None:
        """Make the character that was just drawn the cluster that it begins."""
        line = self.buffer[self.cursor.y]
        start = self.cursor.x - drawn
        line[start] = line[start]._replace(data=cluster)
        for _ in range(wcswidth(cluster) - drawn):
            if self.cursor.x < self.columns:
                line[self.cursor.x] = line[start]._replace(data="")
                self.cursor.x += 1

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        """Switch modes on; entering the alternate screen keeps the main one."""
        super().set_mode(*modes, **kwargs)
        if kwargs.get("private") and _ALTERNATE_SCREEN in modes and self._main is None:
            self._main = deepcopy(self.buffer), deepcopy(self.cursor)
            self.erase_in_display(2)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        """Switch modes off; leaving the alternate screen brings the main one back."""
        super().reset_mode(*modes, **kwargs)
        if kwargs.get("private") and _ALTERNATE_SCREEN in modes and self._main is not None:
            (self.buffer, self.cursor), self._main = self._main, None
