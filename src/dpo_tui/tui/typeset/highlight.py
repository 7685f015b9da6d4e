"""The colours of code, by pygments; its lexers are loaded when a language is first met."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from dpo_tui.tui.typeset.spans import Span, joined, plain

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

# Characters of one block: a lexer takes about 2 ms for 1,000 of them. What follows is plain. Code
# that isn't closed may still be arriving, and is set anew each time.
_LONGEST = 20_000
_LONGEST_OPEN = 4_000

_KINDS = {
    "Keyword": "keyword",
    "Name.Function": "name",
    "Name.Class": "name",
    "Name.Decorator": "name",
    "Name.Tag": "name",
    "Name.Attribute": "name",
    "Literal.String": "string",
    "Literal.Number": "number",
    "Comment": "comment",
    "Generic.Inserted": "added",
    "Generic.Deleted": "removed",
    "Generic.Heading": "heading",
    "Generic.Subheading": "heading",
}


def highlight(code: str, language: str, *, is_open: bool = False) -> list[Span]:
    """The spans of code, newlines kept; an unknown language gives one of kind `code-block`."""
    limit = _LONGEST_OPEN if is_open else _LONGEST
    head = code if len(code) <= limit else code[: code.rfind("\n", 0, limit) + 1]
    return [*_coloured(head, language.lower()), (code[len(head) :], "code-block")]


@functools.lru_cache(maxsize=32)
def _coloured(code: str, language: str) -> list[Span]:
    """All of the code in its colours. Kept, since the same is set anew as a text grows."""
    lexer = _lexer(language) if language else None
    if lexer is None:
        return [(code, "code-block")]
    spans = joined((text, _kind(token)) for token, text in lexer.get_tokens(code))
    # Some lexers leave things out.
    return spans if plain(spans) == code else [(code, "code-block")]


@functools.cache
def _known() -> frozenset[str]:
    """What languages are called. An unknown name would make pygments look for plug-ins."""
    from pygments.lexers import get_all_lexers

    return frozenset(alias for _, names, _, _ in get_all_lexers(plugins=False) for alias in names)


@functools.lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if language not in _known():
        return None
    from pygments.lexers import get_lexer_by_name

    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


@functools.cache
def _kind(token: _TokenType) -> str:
    names = [".".join(token[: length + 1]) for length in range(len(token))]
    return next((_KINDS[name] for name in reversed(names) if name in _KINDS), "code-block")
