"""A text set for reading: at once, as far as it is looked at, or as it grows."""

from __future__ import annotations

from collections.abc import Iterable

from dpo_tui.display import display
from dpo_tui.tui.typeset.blocks import Block, Blocks
from dpo_tui.tui.typeset.spans import Line
from dpo_tui.tui.typeset.wrap import wrap

_NARROWEST = 4
_TAB = 4
_SLICE = 4_096
"""Characters that are looked at in one go: about 5 ms."""


def typeset(text: str, width: int, *, raw: bool = False) -> list[Line]:
    """Foreign text as lines for the terminal, none wider than `width` cells; nothing in it acts.

    Markdown is shown as what it means; `raw` shows the text as it is stored.
    """
    whole = Text(width, raw=raw)
    whole.append(text)
    return whole.lines


class Text:
    """Foreign text that is set block by block, and may grow at its end.

    Its lines are those of `typeset` for the whole text. Finished blocks are kept, so that growing
    by a few words sets only the last block anew.
    """

    def __init__(self, width: int, *, raw: bool = False) -> None:
        self._width = max(width, _NARROWEST)
        self._raw = raw
        self._done: list[Line] = []
        self._unfinished = ""  # from the first line of the first block that may still change
        self._after_gap = False  # whether an empty line stood before that one
        self._waiting = ""  # not looked at yet
        self._ends_in_return = False  # the other half of a line end may still come
        self._last_lines: list[Line] | None = None  # of what is unfinished

    def append(self, more: str) -> None:
        """Let the text grow; this costs nothing yet."""
        if self._ends_in_return:
            more = "\r" + more
        self._ends_in_return = more.endswith("\r")
        self._waiting += display(more.removesuffix("\r"))
        self._last_lines = None

    @property
    def is_complete(self) -> bool:
        """Whether all of the text has been looked at."""
        return not self._waiting

    @property
    def lines(self) -> list[Line]:
        """All lines."""
        while self._waiting:
            self._advance()
        if self._last_lines is None:
            self._last_lines = self._set_unfinished()
        return self._done + self._last_lines

    def first(self, count: int) -> list[Line]:
        """At least that many lines from the start, or all; no more of the text is set than that."""
        while self._waiting and len(self._done) < count:
            self._advance()
        return list(self._done) if self._waiting else self.lines

    def _advance(self) -> None:
        """Look at some more of the text, and set what can't change any more."""
        size = max(_SLICE, len(self._unfinished))
        self._unfinished += self._waiting[:size]
        self._waiting = self._waiting[size:]
        if self._raw:
            *whole, self._unfinished = self._unfinished.split("\n")
            self._done += [line for text in whole for line in self._set_raw(text)]
        else:
            self._finish_blocks()

    def _finish_blocks(self) -> None:
        """Keep the lines of the blocks behind which another begins with two whole lines.

        Two, because a table shows by its second line; nothing else looks as far ahead.
        """
        source = Blocks(self._unfinished)
        blocks = list(source)
        count = len([block for block in blocks if source.first_line(block) + 2 <= source.last_line])
        finished = max(0, count - 1)
        if finished:
            self._done += self._set_blocks(source, blocks[:finished])
            self._after_gap = source.follows_gap(blocks[finished])
            self._unfinished = source.rest(blocks[finished])
        if not self._waiting and not self._ends_in_return:
            self._last_lines = self._set_blocks(source, blocks[finished:])

    def _set_unfinished(self) -> list[Line]:
        rest = self._unfinished + (display("\r") if self._ends_in_return else "")
        if self._raw:
            return self._set_raw(rest) if rest or self._done else []
        source = Blocks(rest)
        return self._set_blocks(source, source)

    def _set_blocks(self, source: Blocks, blocks: Iterable[Block]) -> list[Line]:
        """The lines of blocks that follow on what is done."""
        lines: list[Line] = []
        for block in blocks:
            if self._after_gap if not lines else source.follows_gap(block):
                lines.append(())
            lines += source.set(block, self._width)
        return lines

    def _set_raw(self, line: str) -> list[Line]:
        return wrap([(line.expandtabs(_TAB), "text")], self._width)
