"""What is worth a warning about an example that is good enough to be written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from rapidfuzz.distance import Indel

from dpo_tui.datasets import axolotl
from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.lengths import Ruler
from dpo_tui.datasets.spreadsheet import MAX_CELL
from dpo_tui.datasets.transcript import needs_roles
from dpo_tui.domain.model import Message, Pair
from dpo_tui.domain.pairs import Example

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?Z?")


class Quality:
    """Looks at examples one after the other and counts what is odd."""

    def __init__(self, form: Format, ruler: Ruler, max_length: int, near: float) -> None:
        """Set up.

        `max_length` is where the trainer cuts, in tokens; pairs of which the sides are as similar
        as `near` (0 to 1) are told, 0 for none.
        """
        self.warnings: Counter[str] = Counter()
        """How often each thing was met, in the words of a person."""
        self._form = form
        self._ruler = ruler
        self._max_length = max_length
        self._near = near
        self._messages: tuple[Message, ...] = ()
        self._prompt_length = 0
        self._only_dates = True
        self._seen = 0

    def look(self, example: Example) -> None:
        """Take in an example."""
        self._seen += 1
        if example.messages is not self._messages:
            self._messages = example.messages
            self._prompt_length = sum(self._ruler.length(each.content) for each in self._messages)
        texts = self._texts(example)
        self._look_at_prompt()
        self._look_at_lengths(texts)
        if len(texts) == 2 and self._near and self._are_near(*texts):
            self.warnings[f"sides are {self._near:.0%} alike or more"] += 1
        if self._form.name == "axolotl" and any(map(axolotl.is_at_risk, texts)):
            self.warnings["a side is so short that axolotl finds it in its template instead"] += 1
        if self._form.ending == ".csv" and max(map(len, texts)) > MAX_CELL:
            self.warnings[f"a side is too long for a cell ({MAX_CELL:,} characters)"] += 1
        self._only_dates = self._only_dates and all(map(_DATE.fullmatch, texts))

    def finish(self) -> None:
        """Add what can only be said of all of them."""
        if self._seen and self._only_dates:
            self.warnings["every text is a date, which loaders turn into a number"] = self._seen

    def _texts(self, example: Example) -> Sequence[str]:
        return (example.chosen, example.rejected) if isinstance(example, Pair) else (example.text,)

    def _look_at_prompt(self) -> None:
        roles = [each.role for each in self._messages]
        turns = roles[roles[0] == "system" :]
        if any(one == next_one for one, next_one in pairwise(turns)) or turns[0] != "user":
            self.warnings["turns do not alternate, which many templates refuse"] += 1
        if self._form.name == "trl-standard" and needs_roles(self._messages):
            self.warnings["the prompt became a transcript; `trl` keeps its turns apart"] += 1

    def _look_at_lengths(self, texts: Sequence[str]) -> None:
        left = self._max_length - self._prompt_length
        if left <= 0:
            self.warnings[
                f"the prompt alone fills {self._max_length} tokens: trainers drop it"
            ] += 1
            return
        # As a rule the texts are short, and no vocabulary has more tokens than bytes.
        if all(len(each) * (1 if each.isascii() else 4) < left for each in texts):
            return
        if any(self._ruler.length(each) > left for each in texts):
            self.warnings[f"longer than {self._max_length} tokens: trainers cut it"] += 1
            starts = [self._ruler.start(each, left) for each in texts]
            if len(starts) == 2 and starts[0] == starts[1]:
                what = f"the sides are the same in the first {self._max_length} tokens"
                self.warnings[what] += 1

    def _are_near(self, one: str, other: str) -> bool:
        shorter, longer = sorted((len(one), len(other)))
        # All of the shorter one could be in common, and no more.
        if 2 * shorter < self._near * (shorter + longer):
            return False
        return Indel.normalized_similarity(one, other, score_cutoff=self._near) >= self._near
