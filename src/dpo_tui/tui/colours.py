"""Colours told as what changes from one piece of text to the next.

Textual sets all of a style in front of each piece and resets it behind: half of what crosses the
link is colours, most of them the same as before. The codes are those of SGR: ECMA-48 8.3.117, and
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html for colours.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# A style, or the end of one with the next behind it, if nothing is painted between them.
_STYLE = re.compile(r"\x1b\[0m((?:\n|\x1b\[\d+;\d+H)*)\x1b\[([1-9][\d;]*)m|\x1b\[([\d;]*)m")
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
"""What ends an attribute; bold and dim have one end."""
_FOREGROUND = re.compile(r"3[0-79]|9[0-7]|38;2;\d+;\d+;\d+|38;5;\d+")
_BACKGROUND = re.compile(r"4[0-79]|10[0-7]|48;2;\d+;\d+;\d+|48;5;\d+")
_CODE = re.compile(r"[34]8;2;\d+;\d+;\d+|[34]8;5;\d+|\d+")


def told_shortly(data: str) -> str:
    """What is written to a terminal, without colours and attributes that it has already."""
    style: str | None = ""
    """The codes that count; empty for none, None where they aren't known."""

    def change(match: re.Match[str]) -> str:
        nonlocal style
        between, codes, alone = match.groups()
        if codes is None:
            is_end = alone in {"", "0"}
            style = "" if is_end else alone if style == "" else None
            return match[0]
        before, style = style, codes
        return between + (f"\x1b[0;{codes}m" if before is None else _change(before, codes))

    return _STYLE.sub(change, data)


class _Style(NamedTuple):
    attributes: frozenset[str]
    foreground: str = "39"
    background: str = "49"


@lru_cache(maxsize=4096)
def _change(before: str, after: str) -> str:
    """What makes one style the other."""
    anew = f"\x1b[0;{after}m"
    old, new = _parsed(before), _parsed(after)
    if old is None or new is None:
        return anew
    ends = {_OFF[each] for each in old.attributes - new.attributes}
    codes = sorted(ends)
    codes += sorted(
        each for each in new.attributes if each not in old.attributes or _OFF[each] in ends
    )
    if new.foreground != old.foreground:
        codes.append(new.foreground)
    if new.background != old.background:
        codes.append(new.background)
    return min(f"\x1b[{';'.join(codes)}m", anew, key=len) if codes else ""


@lru_cache(maxsize=1024)
def _parsed(codes: str) -> _Style | None:
    """A style by its codes; None if one of them isn't known here."""
    style = _Style(frozenset())
    if "" in codes.split(";"):
        return None
    for code in _CODE.findall(codes):
        if code in _OFF:
            style = style._replace(attributes=style.attributes | {code})
        elif _FOREGROUND.fullmatch(code):
            style = style._replace(foreground=code)
        elif _BACKGROUND.fullmatch(code):
            style = style._replace(background=code)
        else:
            return None
    return style
