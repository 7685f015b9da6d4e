"""Telling a model's reasoning from its answer where the server doesn't: `<think>` in the text.

vLLM and SGLang without a reasoning parser, TGI, and llama.cpp with `reasoning_format: none` send
the tags as text. Templates of reasoning models often open `<think>` in the prompt already: then
only `</think>` comes, after text that has been passed on.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

_OPEN = "<think>"
_CLOSE = "</think>"
_LONGEST_BLANK = 64
"""White space before the text that is held back because `<think>` may follow."""


class Split(NamedTuple):
    """What a piece of content turned out to be."""

    text: str = ""
    reasoning: str = ""
    recast: bool = False
    """All text before this piece was reasoning."""


class _Place(Enum):
    START = auto()
    REASONING = auto()
    TEXT = auto()
    """Nothing was seen of tags yet; `</think>` at the start of a line would still recast it."""
    ANSWER = auto()
    """Tags are text from here on."""


class ThinkSplitter:
    """Splits the content of one choice, fed piece by piece as it streams.

    Reasoning is what stands between `<think>` at the very start (after white space) and the first
    `</think>`; if it never comes, everything. Without an opening tag, a `</think>` that starts a
    line says that the text before it was reasoning, unless a `<think>` stands in that text. Other
    tags are text. At most a partial tag, or a little white space at the start, is held back.
    """

    def __init__(self) -> None:
        self._place = _Place.START
        self._held = ""
        self._at_line_start = True

    def saw_reasoning(self) -> None:
        """The server keeps reasoning apart itself: tags in the text are text."""
        if self._place in {_Place.START, _Place.TEXT}:
            self._place = _Place.ANSWER

    def feed(self, content: str) -> Split:
        """Take the next piece of content."""
        content, self._held = self._held + content, ""
        if self._place is _Place.START:
            if not self._knows_start(content):
                self._held = content
                return Split()
            if content.lstrip().startswith(_OPEN):
                self._place = _Place.REASONING
                content = content.lstrip().removeprefix(_OPEN)
            else:
                self._place = _Place.TEXT
        match self._place:
            case _Place.REASONING:
                return self._reason(content)
            case _Place.TEXT:
                return self._tell(content)
            case _:
                return Split(content)

    def finish(self) -> Split:
        """No more comes: give what was held back."""
        held, self._held = self._held, ""
        return Split("", held) if self._place is _Place.REASONING else Split(held)

    @staticmethod
    def _knows_start(content: str) -> bool:
        start = content.lstrip()
        if not start:
            return len(content) > _LONGEST_BLANK
        return len(start) >= len(_OPEN) or not _OPEN.startswith(start)

    def _reason(self, content: str) -> Split:
        reasoning, closed, answer = content.partition(_CLOSE)
        if closed:
            self._place = _Place.ANSWER
            return Split(answer, reasoning)
        reasoning, self._held = _cut_partial_tag(content, (_CLOSE,))
        return Split("", reasoning)

    def _tell(self, content: str) -> Split:
        found = [place for tag in (_OPEN, _CLOSE) if (place := content.find(tag)) >= 0]
        if not found:
            text, self._held = _cut_partial_tag(content, (_OPEN, _CLOSE))
            self._follow_line(text)
            return Split(text)
        self._place = _Place.ANSWER
        before, rest = content[: min(found)], content[min(found) :]
        self._follow_line(before)
        if rest.startswith(_CLOSE) and self._at_line_start:
            return Split(rest.removeprefix(_CLOSE), before, recast=True)
        return Split(content)

    def _follow_line(self, text: str) -> None:
        *lines, last = text.rsplit("\n", 1)
        self._at_line_start = not last.strip() and (bool(lines) or self._at_line_start)


def _cut_partial_tag(content: str, tags: tuple[str, ...]) -> tuple[str, str]:
    """The content and, cut off, a tail that may turn out to be the beginning of a tag."""
    start = content.rfind("<", max(0, len(content) - len(_CLOSE) + 1))
    if start >= 0 and any(tag.startswith(content[start:]) for tag in tags):
        return content[:start], content[start:]
    return content, ""
