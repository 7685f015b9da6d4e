"""Finding words in texts, however they are capitalised."""

from __future__ import annotations

import re

_AROUND = 60
"""Characters of the text on each side of a match that are shown."""


class Query:
    """What is searched for."""

    def __init__(self, text: str) -> None:
        self._folded = text.casefold()
        self._pattern = re.compile(re.escape(text), re.IGNORECASE)

    def find(self, text: str) -> tuple[str, str, str] | None:
        """What stands before the first match, the match, and what stands behind it."""
        # Far quicker than the pattern, and most texts don't have it.
        if self._folded not in text.casefold():
            return None
        found = self._pattern.search(text)
        # Folding also makes `ß` and `ss` alike, which the pattern doesn't know.
        start, end = found.span() if found else (0, 0)
        return text[max(0, start - _AROUND) : start], text[start:end], text[end : end + _AROUND]
