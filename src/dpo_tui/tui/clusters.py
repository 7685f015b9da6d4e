"""Emoji of several characters: a line stays in its place whatever a terminal makes of them.

Terminals disagree on their width. tmux 3.3 takes a warning sign with U+FE0F for one cell and a hand
with a skin tone for four, Textual takes both for two: what follows would stand beside its place,
and what was there before would stay.
"""

from __future__ import annotations

import re

from dpo_tui.tui.typeset.cells import graphemes

_JOINING = ("\ufe0f", "\u200d", *map(chr, range(0x1F3FB, 0x1F400)))
"""Emoji presentation, zero width joiner, skin tones."""
_LINE = re.compile(r"(\x1b\[\d+;(\d+)H)((?:(?!\x1b\[\d+;\d+H)[^\n])+)")
"""Where a line is painted, its column, and the line."""
_CONTROL = re.compile(r"(\x1b\[[\d;?]*[A-Za-z])")


def in_place(data: str) -> str:
    """What is written to a terminal, with the column told before and behind each such emoji."""
    return _LINE.sub(_line_in_place, data) if _has_clusters(data) else data


def _has_clusters(text: str) -> bool:
    return any(each in text for each in _JOINING)


def _line_in_place(match: re.Match[str]) -> str:
    move, first, line = match.groups()
    if not _has_clusters(line):
        return match[0]
    column = int(first)
    told = [move]
    for index, text in enumerate(_CONTROL.split(line)):
        if index % 2:  # a control sequence
            told.append(text)
            continue
        for start, end, size in graphemes(text):
            cluster = text[start:end]
            if _has_clusters(cluster):
                # Blanks first: a terminal may leave some of its cells as they were.
                cluster = f"{' ' * size}\x1b[{column}G{cluster}\x1b[{column + size}G"
            told.append(cluster)
            column += size
    return "".join(told)
