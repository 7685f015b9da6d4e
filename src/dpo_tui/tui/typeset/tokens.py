"""The blocks and the inline parts of a text as tokens: markdown-it's, or ours where it is prose.

The parser is imported for the first text that needs it: that takes a tenth of the start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

MAX_NESTING = 20
"""Levels of lists and quotes; a list takes two. What is nested deeper is not parsed."""

MOST_LINES = 200
"""Of a paragraph, a table or a quote; what is longer goes on in a further one."""

# Only a line that begins otherwise opens anything but a paragraph, or makes one a heading or table.
_NO_PROSE = re.compile(r"^(?![^\W\d_]|[\"'(]).", re.MULTILINE)
_MARKUP = re.compile(r"[*_`~\[\\$]")


class Plain(NamedTuple):
    """A token that needed no parser, with the names of markdown-it's."""

    type: str
    nesting: int = 0
    level: int = 0
    content: str = ""
    map: Sequence[int] | None = None
    tag: str = ""
    info: str = ""
    markup: str = ""
    attrs: Mapping[str, object] = {}
    meta: Mapping[str, object] = {}


if TYPE_CHECKING:
    from markdown_it.token import Token as ParsedToken

    Token = Plain | ParsedToken


def parse_blocks(source: str) -> Sequence[Token]:
    """Block tokens; the `content` of inline ones is not parsed yet."""
    if not _NO_PROSE.search(source):
        return _paragraphs(source)
    from dpo_tui.tui.typeset.markdown import parser

    return parser().blocks(source)


def parse_inline(content: str) -> Sequence[Token]:
    """What stands in a paragraph, a heading or a cell of a table.

    `link_open` has what follows the label in meta `target`, `image` all of itself in meta `source`.
    """
    if not _MARKUP.search(content):
        return [Plain("text", content=content)]
    from dpo_tui.tui.typeset.markdown import parser

    return parser().inlines(content)


def _paragraphs(source: str) -> list[Token]:
    """The tokens of a text of paragraphs alone."""
    tokens: list[Token] = []
    lines = source.split("\n")
    begin = 0
    for at in range(len(lines) + 1):
        if at < len(lines) and lines[at] and at - begin < MOST_LINES:
            continue
        if begin < at:
            content = "\n".join(lines[begin:at]).rstrip()
            tokens += (
                Plain("paragraph_open", nesting=1, map=(begin, at)),
                Plain("inline", level=1, content=content),
                Plain("paragraph_close", nesting=-1),
            )
        begin = at if at < len(lines) and lines[at] else at + 1
    return tokens
