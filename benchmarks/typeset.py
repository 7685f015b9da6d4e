"""How long texts take from what is stored to lines on the screen, beside what Rich needs.

.venv/bin/python -m benchmarks.typeset
"""

from __future__ import annotations

import argparse
import gc
import io
import itertools
import time
from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.common import print_table
from dpo_tui.tui.typeset import Text, compare, find, typeset

_WIDTH = 100
_ROWS = 60
_UPDATES = 200
_NUMBERS = itertools.count()

_PROSE = (
    "Sorting keeps the order of equal items, which is called stable. That matters when a list is "
    "sorted twice, first by one key and then by another: the first order is kept where the second "
    "key is equal. Most languages promise it today, but not all of them did from the start.\n\n"
)
_MARKDOWN = """## How to sort a list

There are **two** ways to sort a list in *Python*: `sorted()`, which returns a new list, and
`list.sort()`, which sorts in place. See [the manual](https://docs.python.org/3/howto/sorting.html).

1. Use `sorted(items)` when the **original order** is needed later.
2. Use `items.sort()` when memory matters.
   - It returns `None`, so don't assign it.
   - It is *stable*, as is `sorted`.

```python
def NAME(words: list[str]) -> list[str]:
    return sorted(words, key=len)  # shortest first
```

| way      | new list | stable |
|----------|:--------:|-------:|
| `sorted` |   yes    |    yes |
| `sort`   |    no    |    yes |

> Both take \\(O(n \\log n)\\) comparisons, fewer if parts are in order already.

"""
_JAPANESE = (
    "並べ替えでは、等しい要素の元の順序が保たれます。これを安定な並べ替えと呼びます。"
    "リストを「最初の鍵」で並べ、次に「別の鍵」で並べるとき、Pythonでも順序は保たれます。\n\n"
)
_CODE = (
    "```python\n" + "def NAME(one: int, other: int) -> int:\n    return one + other\n" * 250 + "```"
)


def _of_size(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


def _fresh(text: str) -> str:
    """The same text with other names in its code, so that no colours are known from before."""
    return text.replace("NAME", f"name_{next(_NUMBERS)}")


def _milliseconds(work: Callable[[str], object], text: str, runs: int) -> float:
    """Processor time, the median of some runs after one that loads what is needed."""
    times: list[float] = []
    for _ in range(runs + 1):
        fresh = _fresh(text)
        gc.collect()
        began = time.process_time()
        work(fresh)
        times.append((time.process_time() - began) * 1000)
    return median(times[1:])


def _first(text: str) -> None:
    partial = Text(_WIDTH)
    partial.append(text)
    partial.first(_ROWS)


def _grow(text: str) -> None:
    growing = Text(_WIDTH)
    step = len(text) // _UPDATES + 1
    for start in range(0, len(text), step):
        growing.append(text[start : start + step])
        assert growing.lines


def _rich(text: str) -> None:
    console = Console(file=io.StringIO(), width=_WIDTH, color_system="truecolor")
    console.render_lines(Markdown(text, hyperlinks=False))


def _row(name: str, text: str, runs: int) -> tuple[str, ...]:
    lines = typeset(text, _WIDTH)
    other = text.replace("order", "sequence").replace("one", "1")
    works: list[Callable[[str], object]] = [
        lambda fresh: typeset(fresh, _WIDTH),
        _first,
        lambda fresh: typeset(fresh, _WIDTH, raw=True),
        lambda fresh: compare(fresh, other, _WIDTH // 2),
        lambda _: find(lines, "the"),
        _rich,
    ]
    figures = [_milliseconds(work, text, runs) for work in works]
    figures.insert(2, _milliseconds(_grow, text, 1) / _UPDATES)
    return (name, *(f"{figure:.2f}" for figure in figures))


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=20)
    given = parser.parse_args()
    texts = {
        f"{name}, {size:,} characters": _of_size(text, size)
        for name, text in (("prose", _PROSE), ("Markdown", _MARKDOWN), ("Japanese", _JAPANESE))
        for size in (1_000, 2_000, 100_000)
    }
    texts["500 lines of code"] = _CODE
    texts["a word of 10,000 characters"] = "x" * 10_000
    print_table(
        f"Milliseconds of processor time, {_WIDTH} cells wide (median of {given.runs})",
        ("", "all", f"first {_ROWS} rows", "an update", "raw", "compared", "searched", "Rich"),
        [_row(name, text, given.runs) for name, text in texts.items()],
    )


if __name__ == "__main__":
    main()
