"""Foreign text as lines of spans that may go to a terminal. Pure: no widget, no screen."""

from dpo_tui.tui.typeset.compare import compare
from dpo_tui.tui.typeset.find import find
from dpo_tui.tui.typeset.spans import Line, Span
from dpo_tui.tui.typeset.text import Text, typeset

__all__ = ["Line", "Span", "Text", "compare", "find", "typeset"]
