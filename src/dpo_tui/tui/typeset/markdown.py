"""Which Markdown is understood, and that nothing of a text is lost by understanding it.

markdown-it parses; what it would drop or change is turned off or replaced here. HTML, entities,
reference definitions and autolinks are shown as they were written: decoded entities would bring
back characters that were made safe before, and definitions would vanish. Newlines stay newlines.
TeX is left alone: between its delimiters nothing is an escape, emphasis or a list.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, lheading, paragraph, table
from markdown_it.rules_inline import StateInline, image, link
from markdown_it.token import Token

from dpo_tui.tui.typeset.tokens import MAX_NESTING, MOST_LINES

BlockRule = Callable[[StateBlock, int, int, bool], bool]

# With the rules that they may interrupt, as in the parser.
_LONG_RULES: list[tuple[str, BlockRule, list[str]]] = [
    ("table", table, ["paragraph", "reference"]),
    ("blockquote", blockquote, ["paragraph", "reference", "blockquote", "list"]),
    ("lheading", lheading, []),
    ("paragraph", paragraph, []),
]
_UNUSED = ["entity", "html_block", "html_inline", "autolink", "reference", "newline"]
# What a backslash protects from being Markdown. Others, as in `\(`, `\{` or `\%`, keep it: TeX.
_PROTECTED = frozenset("*_`#~|.-+!<>")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_TEX_CLOSERS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
# As in Pandoc: no space inside the dollars and no digit behind, so that prices are left alone.
_DOLLARS = re.compile(r"\$(?=[^\s$])[^$\n]*(?<![\s\\])\$(?!\d)")
_URL = re.compile(r"(?<=http|ttps)://[^\s<>()\[\]*`|\"\\]*[^\s<>()\[\]*`|\"\\_~.,;:!?]")
_TEX_BLOCK = re.compile(r"\\\[|\$\$|\\begin\{(\w+\*?)\}")


class Parser(MarkdownIt):
    """The parser, and the rules that differ from CommonMark's."""

    def blocks(self, source: str) -> list[Token]:
        """Block tokens; the `content` of inline ones is not parsed yet."""
        tokens: list[Token] = []
        self.block.parse(source, self, {}, tokens)
        return tokens

    def inlines(self, content: str) -> list[Token]:
        """The tokens of one paragraph, heading or cell."""
        return self.inline.parse(content, self, {}, [])

    def normalizeLink(self, url: str) -> str:
        """Links are not followed: they are shown as they were written."""
        return url


@functools.cache
def parser() -> Parser:
    """The parser; making it takes a millisecond."""
    made = Parser("commonmark", {"maxNesting": MAX_NESTING})
    made.enable(["table", "strikethrough"]).disable(_UNUSED)
    made.block.ruler.before(
        "fence", "tex", _tex_block, {"alt": ["paragraph", "blockquote", "list"]}
    )
    for name, rule, alt in _LONG_RULES:
        made.block.ruler.at(name, _capped(rule), {"alt": alt})
    made.inline.ruler.at("escape", _escape)
    made.inline.ruler.at("link", _link)
    made.inline.ruler.at("image", _image)
    made.inline.ruler.before("escape", "tex", _tex)
    made.inline.ruler.before("escape", "url", _url)
    return made


def _capped(rule: BlockRule) -> BlockRule:
    """The rule for a block that goes on in a further one after so many lines.

    The parser asks every rule at every line of a paragraph, twice, and what grows is set anew until
    it ends: a listing of thousands of lines would take seconds.
    """

    def capped(state: StateBlock, first: int, last: int, silent: bool) -> bool:
        if silent:
            return rule(state, first, last, silent)
        most, state.lineMax = state.lineMax, min(state.lineMax, first + MOST_LINES)
        try:
            return rule(state, first, min(last, first + MOST_LINES), silent)
        finally:
            state.lineMax = most

    return capped


def _tex_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Display mathematics: from a delimiter that its own line doesn't close, to the closing one.

    An empty line ends it too, as in TeX: so what follows never changes what came before.
    """
    start = state.bMarks[first] + state.tShift[first]
    opener = _TEX_BLOCK.match(state.src, start, state.eMarks[first])
    if opener is None or state.is_code_block(first):
        return False
    closer = f"\\end{{{opener[1]}}}" if opener[1] else _TEX_CLOSERS[opener[0]]
    if state.src.find(closer, opener.end(), state.eMarks[first]) >= 0:
        return False
    if silent:
        return True
    end = first + 1
    while end < last and not state.isEmpty(end) and state.sCount[end] >= state.blkIndent:
        end += 1
        if state.src.find(closer, state.bMarks[end - 1], state.eMarks[end - 1]) >= 0:
            break
    token = state.push("tex_block", "", 0)
    token.content = state.getLines(first, end, state.blkIndent, keepLastLF=False)
    token.map = [first, end]
    state.line = end
    return True


def _tex(state: StateInline, silent: bool) -> bool:
    start = state.pos
    opener = state.src[start : start + 2]
    if closer := _TEX_CLOSERS.get(opener):
        end = _find_closer(state, closer)
    elif opener[0] == "$" and (match := _DOLLARS.match(state.src, start, state.posMax)):
        end = match.end()
    else:
        return False
    if end < 0:
        return False
    if not silent:
        token = state.push("tex", "", 0)
        token.content = state.src[start:end]
    state.pos = end
    return True


def _url(state: StateInline, silent: bool) -> bool:
    """A bare address, whose underscores are no emphasis."""
    match = _URL.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if not silent:
        state.pending += match[0]
    state.pos = match.end()
    return True


def _find_closer(state: StateInline, closer: str) -> int:
    """Where the delimiter ends, or -1. One that was sought in vain is not sought again."""
    if state.env.get(closer) == state.posMax:
        return -1
    found = state.src.find(closer, state.pos + 2, state.posMax)
    if found < 0:
        state.env[closer] = state.posMax
        return -1
    return found + 2


def _escape(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "\\":
        return False
    following = state.src[state.pos + 1 : min(state.pos + 2, state.posMax)]
    if following == "\n":
        shown = "\n"
    elif following in _PUNCTUATION:
        shown = following if following in _PROTECTED else "\\" + following
    else:
        return False
    if not silent:
        state.pending += shown
    state.pos += 2
    return True


def _link(state: StateInline, silent: bool) -> bool:
    start, count = state.pos, len(state.tokens)
    if not link(state, silent):
        return False
    if not silent:
        label_end = state.md.helpers.parseLinkLabel(state, start, disableNested=True)
        opened = next(token for token in state.tokens[count:] if token.type == "link_open")
        opened.meta = {"target": state.src[label_end + 1 : state.pos]}
    return True


def _image(state: StateInline, silent: bool) -> bool:
    start = state.pos
    if not image(state, silent):
        return False
    if not silent:
        state.tokens[-1].meta = {"source": state.src[start : state.pos]}
    return True
