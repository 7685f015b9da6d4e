"""From the text of a paragraph to spans: emphasis, code, links, TeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dpo_tui.tui.typeset.spans import Span, joined, plain
from dpo_tui.tui.typeset.tokens import parse_inline

if TYPE_CHECKING:
    from dpo_tui.tui.typeset.tokens import Token

# A paragraph of this many characters is no prose; its markup is shown rather than parsed.
_LONGEST = 20_000
# A newline behind a line of this length was put there by an editor, not by who writes verse,
# addresses or a paragraph a line.
_WRAPPED = re.compile(r"^(.{59,119}[^\s\\]) ?\n(?=\S)", re.MULTILINE)
_VERBATIM = {"code_inline": "code", "tex": "tex"}


def set_inline(content: str, kind: str = "text") -> list[Span]:
    """The spans of a text, newlines kept; `kind` is what plain text in it is."""
    content = _WRAPPED.sub(r"\1 ", content.replace("\t", "    "))
    if len(content) > _LONGEST:
        return [(content, kind)]
    return _Setter(kind).set(parse_inline(content))


class _Setter:
    """Goes through inline tokens and remembers what is open."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._open = {"strong": 0, "em": 0, "s": 0}
        self._links: list[tuple[int, str]] = []
        self._spans: list[Span] = []

    def set(self, tokens: Sequence[Token]) -> list[Span]:
        for token in tokens:
            if token.type == "text":
                self._spans.append((token.content, self._current()))
            elif token.type in _VERBATIM:
                self._spans.append((token.content, _VERBATIM[token.type]))
            elif token.type == "image":
                self._spans.append((str(token.meta["source"]), "link"))
            elif token.type == "link_open":
                self._links.append((len(self._spans), str(token.meta["target"])))
            elif token.type == "link_close":
                self._close_link()
            else:
                self._open[token.tag] += token.nesting
        return joined(self._spans)

    def _current(self) -> str:
        if self._links:
            return "link"
        if self._open["s"]:
            return "strike"
        if self._kind != "text":
            return self._kind
        if self._open["strong"]:
            return "strong-emphasis" if self._open["em"] else "strong"
        return "emphasis" if self._open["em"] else "text"

    def _close_link(self) -> None:
        """Show where the link leads, unless its label says so."""
        start, target = self._links.pop()
        if plain(self._spans[start:]) != target[1:-1]:
            self._spans.append((f" {target}", "dim"))
