"""What is worth a warning about an example that is good enough to be written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf

from msgspec import Struct, field

from dpo_tui.datasets import axolotl
from dpo_tui.datasets.alike import are_alike
from dpo_tui.datasets.dates import Dates
from dpo_tui.datasets.formats import Format
from dpo_tui.datasets.lengths import Ruler
from dpo_tui.datasets.spreadsheet import MAX_CELL
from dpo_tui.datasets.transcript import needs_roles
from dpo_tui.domain.model import Message
from dpo_tui.domain.pairs import Example


class Findings(Struct):
    """What was met in some examples; what was met in others can be added."""

    warnings: Counter[str] = field(default_factory=Counter)
    """How often each thing was met, in the words of a person."""
    seen: int = 0
    """Examples."""
    dates: Dates = field(default_factory=Dates)
    """Which columns hold dates."""

    def add(self, other: Findings) -> None:
        """Take in what was met in other examples."""
        self.warnings.update(other.warnings)
        self.seen += other.seen
        self.dates.add(other.dates)

    def told(self) -> Counter[str]:
        """The warnings, and what can only be said of all examples."""
        told = Counter(self.warnings)
        for column in sorted(self.dates.columns):
            told[f"every {column} is a date, and loaders turn a column of dates into times"] = (
                self.seen
            )
        return told


class Quality:
    """Looks at examples one after the other and counts what is odd."""

    def __init__(self, form: Format, ruler: Ruler, max_length: int, near: float) -> None:
        """Set up.

        `max_length` is where the trainer cuts, in tokens; pairs of which the sides are as similar
        as `near` (0 to 1) are told, 0 for none.
        """
        self.found = Findings()
        self._form = form
        self._is_axolotl = form.name == "axolotl"
        self._is_csv = form.ending == ".csv"
        self._ruler = ruler
        self._max_length = max_length
        self._near = near
        self._messages: tuple[Message, ...] = ()
        self._odd_prompt: Sequence[str] = ()
        self._left = 0
        self._sure: float = 0
        """So many characters fit, whatever they are; in a prompt that fills all by itself, all."""
        self._looks_at_texts = self._is_axolotl or self._is_csv
        """Whether there is something to say of a text by itself."""

    def look(self, examples: Iterable[Example]) -> None:
        """Take in examples."""
        form, near = self._form, self._near
        found, warnings = self.found, self.found.warnings
        for each in examples:
            # Every row has every column, so that one tells most of what there is to know.
            if form.is_lines and (not found.seen or found.dates.columns):
                found.dates.look(form.row(each))
            found.seen += 1
            if each[0] is not self._messages:
                self._turn_to(each[0])
            texts = each[1:-1]  # between the messages and what is said of them
            for warning in self._odd_prompt:
                warnings[warning] += 1
            if self._looks_at_texts:
                for text in texts:
                    self._look_at_text(text)
            if near and len(texts) == 2 and are_alike(*texts, near):
                warnings[f"sides are {near:.0%} alike or more"] += 1
            for text in texts:
                # No vocabulary has more tokens than bytes, so that most surely fit.
                if (size := len(text)) > self._sure and (size > self._left or not text.isascii()):
                    self._look_at_cut(texts)
                    break

    def _turn_to(self, messages: tuple[Message, ...]) -> None:
        """Find out what is to be said of every example of a prompt."""
        self._messages = messages
        self._left = self._max_length
        for each in messages:
            self._left -= self._ruler.length(each.content)
        odd = []
        turns = messages[messages[0].role == "system" :]
        roles = [each.role for each in turns]
        if len(roles) > 1 and not ({*roles[::2]} <= {"user"} and {*roles[1::2]} <= {"assistant"}):
            odd.append("turns do not alternate, which many templates refuse")
        in_one_text = turns if self._is_csv else messages  # CSV has the system message apart
        if (self._is_csv or self._form.name == "trl-standard") and needs_roles(in_one_text):
            odd.append("the prompt became a transcript; `trl` keeps its turns apart")
        self._sure = self._left // 4 if self._left > 0 else inf
        if self._left <= 0:
            odd.append(f"the prompt alone fills {self._max_length} tokens: trainers drop it")
        self._odd_prompt = odd

    def _look_at_text(self, text: str) -> None:
        if self._is_axolotl and axolotl.is_at_risk(text):
            self.found.warnings[
                "an answer is so short that axolotl finds it in its template instead"
            ] += 1
        if self._is_csv and len(text) > MAX_CELL:
            self.found.warnings[f"an answer is too long for a cell ({MAX_CELL:,} characters)"] += 1

    def _look_at_cut(self, texts: Sequence[str]) -> None:
        if any(self._ruler.length(each) > self._left for each in texts):
            self.found.warnings[f"longer than {self._max_length} tokens: trainers cut it"] += 1
            starts = [self._ruler.start(each, self._left) for each in texts]
            if len(starts) == 2 and starts[0] == starts[1]:
                what = f"the sides are the same in the first {self._max_length} tokens"
                self.found.warnings[what] += 1
