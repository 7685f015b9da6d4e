"""That prose needs no parser, and gets what the parser would make of it."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from dpo_tui.display import display
from dpo_tui.tui.typeset.markdown import parser
from dpo_tui.tui.typeset.tokens import MOST_LINES, parse_blocks, parse_inline
from tests.tui.typeset.texts import anything

starts = st.sampled_from(
    ["A", "é", "日", "ß", '"so', "(", "'t", "word", "https://a.b", "\u00e9", ""]
)
endings = st.sampled_from(
    ["", " ", "\t", "\u00a0", "|", "===", "---", ":", " - a", "\\", "\v", "`"]
)
prose = st.lists(st.builds("{}{}{}".format, starts, st.text(max_size=9), endings), max_size=9).map(
    "\n".join
)


def told(tokens: Sequence[Any]) -> list[tuple[object, ...]]:
    """What is read of block tokens."""
    return [
        (each.type, each.nesting, each.level, each.content, each.info, each.markup, each.attrs)
        + ((list(each.map),) if each.map and each.type != "inline" else ())
        for each in tokens
    ]


@given(prose | anything)
@example("a\n" * (2 * MOST_LINES + 1))
@example("a\n" * MOST_LINES + "\nb")
@example("\n\na\n\n\nb \n")
def test_blocks_are_those_of_the_parser(text: str) -> None:
    text = display(text)
    assert told(parse_blocks(text)) == told(parser().blocks(text))


@given(prose | anything)
def test_inline_parts_are_those_of_the_parser(text: str) -> None:
    text = display(text)
    ours, theirs = parse_inline(text), parser().inlines(text)
    assert [(each.type, each.content) for each in ours] == [
        (each.type, each.content) for each in theirs
    ] or text == ""


def test_prose_is_set_without_the_parser() -> None:
    code = (
        "import sys; from dpo_tui.tui.typeset import typeset\n"
        "typeset('Well, this is prose.\\n\\n\"And so on\", he said: 3 - 1 is 2.', 80)\n"
        "assert 'markdown_it' not in sys.modules\n"
        "typeset('- an item', 80)\n"
        "assert 'markdown_it' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
