"""From the blocks of a Markdown text to lines: paragraphs, lists, quotes, code, tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dpo_tui.tui.typeset.cells import cells
from dpo_tui.tui.typeset.highlight import highlight
from dpo_tui.tui.typeset.inline import set_inline
from dpo_tui.tui.typeset.spans import Line, Span, cut, plain, split_lines
from dpo_tui.tui.typeset.tables import Table
from dpo_tui.tui.typeset.tokens import MAX_NESTING, parse_blocks
from dpo_tui.tui.typeset.wrap import chop, wrap

if TYPE_CHECKING:
    from dpo_tui.tui.typeset.tokens import Token

_NARROWEST = 8
"""Cells below which indents and bars are left out rather than text squeezed."""

_TAB = 4
_LONGEST_RULE = 40
_HEADINGS = {"h1": "title", "h2": "heading"}
_LETTERS = re.compile(r"[^\W_]+")
_WRAPPERS = ("bullet_list_open", "ordered_list_open", "bullet_list_close", "ordered_list_close")

Block = tuple[int, int]
"""The first and the last token of a block."""


class Blocks:
    """The blocks of a text, each set on its own. Every item of an outer list is one of them.

    What a block looks like depends only on its own lines and on whether an empty line stands
    before it, so that a text can be set in parts.
    """

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._tokens = parse_blocks(source)
        self._setters: dict[str, Callable[[int, int, int, str], list[Line]]] = {
            "paragraph_open": self._set_paragraph,
            "heading_open": self._set_heading,
            "list_item_open": self._set_item,
            "blockquote_open": self._set_quote,
            "fence": self._set_code,
            "code_block": self._set_code,
            "tex_block": self._set_tex,
            "hr": self._set_rule,
            "table_open": self._set_table,
        }

    def __iter__(self) -> Iterator[Block]:
        return self._siblings(0, len(self._tokens))

    def first_line(self, block: Block) -> int:
        """The number of the source line that a block begins at, from 0."""
        return _span(self._tokens[block[0]])[0]

    def follows_gap(self, block: Block) -> bool:
        """Whether an empty line, or a quote's empty line, stands before a block."""
        line = self.first_line(block)
        return line > 0 and not self._lines[line - 1].strip(" \t>")

    @property
    def last_line(self) -> int:
        """The number of the last source line, which may not be whole."""
        return len(self._lines) - 1

    def rest(self, block: Block) -> str:
        """The source from a block on."""
        return "\n".join(self._lines[self.first_line(block) :])

    def set(self, block: Block, width: int) -> list[Line]:
        """The lines of one block, at least one."""
        first, last = block
        if any(token.level >= MAX_NESTING - 1 for token in self._tokens[first : last + 1]):
            return self._set_source(first, width)
        return self._set_block(first, last, width, "text")

    def _siblings(self, start: int, end: int) -> Iterator[Block]:
        """The blocks from one token to another, lists taken apart into their items."""
        at = start
        while at < end:
            token = self._tokens[at]
            first = at
            if token.type in _WRAPPERS:
                at += 1
                continue
            if token.nesting == 1:
                while self._tokens[at].level != token.level or self._tokens[at].nesting != -1:
                    at += 1
            yield first, at
            at += 1

    def _set_block(self, first: int, last: int, width: int, kind: str) -> list[Line]:
        return self._setters[self._tokens[first].type](first, last, width, kind)

    def _set_inner(self, first: int, last: int, width: int, kind: str) -> list[Line]:
        """The blocks between two tokens, with the empty lines that the text has between them."""
        lines: list[Line] = []
        for block in self._siblings(first + 1, last):
            if lines and self.follows_gap(block):
                lines.append(())
            lines += self._set_block(*block, width, kind)
        return lines

    def _set_paragraph(self, first: int, _last: int, width: int, kind: str) -> list[Line]:
        lines: list[Line] = []
        for spans in split_lines(set_inline(self._tokens[first + 1].content, kind)):
            lines += _set_line(spans, width)
        return lines

    def _set_heading(self, first: int, _last: int, width: int, _kind: str) -> list[Line]:
        kind = _HEADINGS.get(self._tokens[first].tag, "subheading")
        return self._set_paragraph(first, first, width, kind)

    def _set_item(self, first: int, last: int, width: int, kind: str) -> list[Line]:
        token = self._tokens[first]
        marker: Span = (f"{token.info}{token.markup} " if token.info else "• ", "bullet")
        indent = cells(marker[0])
        if width - indent < _NARROWEST:
            return [*wrap([marker], width), *self._set_inner(first, last, width, kind)]
        lines = self._set_inner(first, last, width - indent, kind) or [()]
        return [(marker, *lines[0]), *(_indented(line, indent) for line in lines[1:])]

    def _set_quote(self, first: int, last: int, width: int, _kind: str) -> list[Line]:
        bar: Span = ("▌ ", "bar")
        if width - cells(bar[0]) < _NARROWEST:
            return self._set_inner(first, last, width, "quote") or [()]
        lines = self._set_inner(first, last, width - cells(bar[0]), "quote") or [()]
        return [(bar, *line) for line in lines]

    def _set_code(self, first: int, _last: int, width: int, _kind: str) -> list[Line]:
        token = self._tokens[first]
        label = " ".join(token.info.split())
        begin, end = _span(token)
        is_open = token.type == "fence" and end - begin < len(token.content.splitlines()) + 2
        code = token.content.removesuffix("\n").expandtabs(_TAB)
        lines: list[Line] = []
        if label:
            lines += self._barred([(label, "dim")], width)
        for spans in split_lines(highlight(code, label.partition(" ")[0], is_open=is_open)):
            lines += self._barred(spans, width)
        return lines

    def _barred(self, spans: list[Span], width: int) -> list[Line]:
        """A line of code; what doesn't fit goes on behind a broken bar."""
        if width - 2 < _NARROWEST:
            return chop(spans, width)
        first, *others = chop(spans, width - 2)
        return [(("│ ", "bar"), *first), *((("┆ ", "bar"), *line) for line in others)]

    def _set_tex(self, first: int, _last: int, width: int, _kind: str) -> list[Line]:
        content = self._tokens[first].content.expandtabs(_TAB)
        return [line for text in content.split("\n") for line in _set_line([(text, "tex")], width)]

    def _set_rule(self, _first: int, _last: int, width: int, _kind: str) -> list[Line]:
        return [(("─" * min(width, _LONGEST_RULE), "rule"),)]

    def _set_table(self, first: int, last: int, width: int, kind: str) -> list[Line]:
        """The table, or its source where it is too wide, or has cells that no column shows."""
        rows: list[list[list[Span]]] = []
        alignment: list[str] = []
        shown: list[str] = []
        for token in self._tokens[first:last]:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "th_open":
                alignment.append(str(token.attrs.get("style", "")).removeprefix("text-align:"))
            elif token.type == "inline":
                shown += _LETTERS.findall(token.content)
                rows[-1].append(set_inline(token.content, kind if len(rows) > 1 else "strong"))
        begin, end = _span(self._tokens[first])
        written = _LETTERS.findall("\n".join(self._lines[begin:end]))
        lines = Table(rows, alignment).set(width) if "".join(shown) == "".join(written) else None
        return lines if lines is not None else self._set_source(first, width)

    def _set_source(self, first: int, width: int) -> list[Line]:
        """A block as it was written."""
        begin, end = _span(self._tokens[first])
        source = "\n".join(self._lines[begin:end]).rstrip("\n").expandtabs(_TAB)
        return [line for text in source.split("\n") for line in wrap([(text, "text")], width)]


def _span(token: Token) -> tuple[int, int]:
    """The source lines of a block: the first, and the one behind the last."""
    begin, end = token.map or (0, 0)
    return begin, end


def _indented(line: Line, indent: int) -> Line:
    return ((" " * indent, "text"), *line) if line else line


def _set_line(spans: list[Span], width: int) -> list[Line]:
    """One line of a paragraph; its indent is kept for all that it is broken into."""
    text = plain(spans)
    indent = len(text) - len(text.lstrip(" "))
    if not indent and not text.endswith(" "):
        return wrap(spans, width)
    [body] = cut(spans, [(indent, len(text.rstrip(" ")))])
    if not indent or width - indent < _NARROWEST:
        return wrap(body, width)
    return [_indented(line, indent) for line in wrap(body, width - indent)]
