"""What Markdown looks like, and what is not taken for it."""

import pytest

from dpo_tui.tui.typeset import Line, Text, typeset
from tests.tui.typeset.test_text import texts_of


def kinds_of(lines: list[Line], kind: str) -> list[str]:
    return [text for line in lines for text, its in line if its == kind]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# One\ntext", ["One", "text"]),
        ("Two\n===\n\n\n\ntext", ["Two", "", "text"]),
        ("a\nb", ["a", "b"]),
        ("a  \nb\\\nc", ["a", "b", "c"]),
        ("  verse\n    indented", ["verse", "    indented"]),
        ("- a\n- b\n\n- c", ["• a", "• b", "", "• c"]),
        ("3. a\n4. b\n   - c\n     1) d", ["3. a", "4. b", "   • c", "     1) d"]),
        ("9. a\n10. b\n\n    c", ["9. a", "10. b", "", "    c"]),
        ("- [ ] a\n- [x] b", ["• [ ] a", "• [x] b"]),
        ("- \n- b", ["• ", "• b"]),
        ("> a\n> > b\n>\n> c", ["▌ a", "▌ ▌ b", "▌ ", "▌ c"]),
        ("a\n\n---\nb", ["a", "", "─" * 40, "b"]),
        ("```python\nx\n\n\ty\n```\nb", ["│ python", "│ x", "│ ", "│     y", "b"]),
        ("```\n```", ["│ "]),
        ("    x\n      y", ["│ x", "│   y"]),
        ("[a](http://b.c) [http://d](http://d)", ["a (http://b.c) http://d"]),
        ("![a](b.png)", ["![a](b.png)"]),
        ("[1] [a][b]\n\n[b]: http://c", ["[1] [a][b]", "", "[b]: http://c"]),
        ("<div>\n  a &amp; b\n</div>", ["<div>", "  a &amp; b", "</div>"]),
        ("https://a.b/_c_d_ snake_case_ ~5 ~6", ["https://a.b/_c_d_ snake_case_ ~5 ~6"]),
        ("`a` ``b`c`` **d**_e_~~f~~ \\*g\\*", ["a b`c def *g*"]),
    ],
)  # fmt: skip
def test_markdown_is_shown_as_what_it_means(text: str, lines: list[str]) -> None:
    assert texts_of(typeset(text, 60)) == lines


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 or $10, *not* $x$5",
        r"\(a_1 * b_1\) and \[c_1 * d * e\] and $f_*$ and $$g_* h_*$$",
        "\\[\nx_1 = a\n- b * c * d\n= e\n===\n\\]",
        "$$\n# a\n1. b\n$$",
        "\\begin{align}\n- a &= b \\\\\n+ c &= d\n\\end{align}",
        r"\{x\} \% \& \$ \\ \, \alpha_1 \beta_1",
    ],
)
def test_tex_is_left_as_it_was_written(text: str) -> None:
    assert texts_of(typeset(text.replace("*not*", "not"), 60)) == text.replace(
        "*not*", "not"
    ).split("\n")


def test_display_mathematics_ends_where_it_is_closed() -> None:
    assert texts_of(typeset("$$\na\n$$\n*b*\n\\[\nc\n\n- *d*", 60)) == [
        *["$$", "a", "$$", "b", "\\[", "c", "", "• d"],
    ]


def test_spans_say_what_they_are() -> None:
    lines = typeset(
        "# T\n## H\n### S\n**a** *b* ***c*** ~~d~~ `e` [f](g)\n> q **r**\n"
        "```py\nif 1: 'x' # y\n```",
        60,
    )
    expected = {
        "title": ["T"], "heading": ["H"], "subheading": ["S"], "strong": ["a"], "emphasis": ["b"],
        "strong-emphasis": ["c"], "strike": ["d"], "link": ["f"], "quote": ["q r"],
        "keyword": ["if"], "number": ["1"], "string": ["'x'"], "comment": ["# y"],
        "dim": [" (g)", "py"],
    }  # fmt: skip
    assert {kind: kinds_of(lines, kind) for kind in expected} == expected


def test_what_an_editor_wrapped_is_one_paragraph() -> None:
    wrapped = (
        "This is one paragraph in lines of the length that an editor makes them,\nand no verse."
    )
    assert texts_of(typeset(wrapped, 200)) == [wrapped.replace("\n", " ")]
    assert texts_of(typeset(wrapped.replace(",\n", ",  \n"), 200)) == wrapped.split("\n")
    paragraphs = "A paragraph in one line. " * 10 + "\nAnother."
    assert len(texts_of(typeset(paragraphs, 300))) == 2


TABLE = "| way | new | how it is done |\n|:--|--:|:-:|\n| `a` | 1 | in place |\n| b | 22 | x |"


def test_a_table_has_columns() -> None:
    assert texts_of(typeset(TABLE, 60)) == [
        "way │ new │ how it is done",
        "────┼─────┼───────────────",
        "a   │   1 │    in place",
        "b   │  22 │       x",
    ]


def test_a_wide_table_is_wrapped_in_its_cells() -> None:
    assert texts_of(typeset(TABLE, 22)) == [
        "way │ new │ how it is",
        "    │     │    done",
        "────┼─────┼───────────",
        "a   │   1 │  in place",
        "────┼─────┼───────────",
        "b   │  22 │     x",
    ]


def test_a_table_without_room_is_shown_as_it_was_written() -> None:
    wide = "|a long one|b long one|c long one|\n|-|-|-|\n|d|e|f|"
    assert texts_of(typeset(wide, 18)) == [
        *["|a long one|b long", "one|c long one|", "|-|-|-|", "|d|e|f|"],
    ]


@pytest.mark.parametrize(
    ("language", "kind"),
    [("python", "number"), ("", "code-block"), ("no-such-language", "code-block")],
)
def test_code_is_coloured_if_its_language_is_known(language: str, kind: str) -> None:
    assert kinds_of(typeset(f"```{language}\n42\n```", 60), kind) == ["42"]


def test_of_very_long_code_the_start_is_coloured() -> None:
    lines = typeset("```python\n" + "x = 42\n" * 5_000 + "```", 60)
    assert lines[1][-1] == ("42", "number")
    assert lines[-1] == (("│ ", "bar"), ("x = 42", "code-block"))
    assert len(lines) == 5_001


@pytest.mark.parametrize("end", ["", "x = 42", "x = 42\n"])
def test_code_that_is_not_closed_is_coloured_up_to_a_length(end: str) -> None:
    lines = typeset("```python\n" + "x = 42\n" * 1_000 + end, 60)
    assert (lines[1][-1], lines[-1][-1]) == (("42", "number"), ("x = 42", "code-block"))
    closed = typeset("```python\n" + "x = 42\n" * 1_000 + "```", 60)
    assert closed[-1][-1] == ("42", "number")


def test_too_little_room_costs_indents_not_text() -> None:
    assert texts_of(typeset("- a\n  - b\n    > c words\n    >> d", 12)) == [
        *["• a", "  • b", "    c words", "    d"],
    ]
    assert texts_of(typeset("- a\n  - b word", 10)) == ["• a", "  • ", "  b word"]


def test_a_paragraph_of_thousands_of_lines_is_taken_apart() -> None:
    lines = [f"line {number}" for number in range(5_000)]
    assert texts_of(typeset("\n".join(lines), 60)) == lines
    text = Text(60)
    text.append("\n".join(lines))
    assert len(text.first(10)) < 1_000
    quoted = typeset("\n".join(f"> {line}" for line in lines), 60)
    assert texts_of(quoted) == [f"▌ {line}" for line in lines]


def test_a_table_of_thousands_of_rows_goes_on_as_it_was_written() -> None:
    lines = texts_of(typeset("|a|b|\n|-|-|\n" + "|c|d|\n" * 5_000, 60))
    assert (lines[2], lines[-1], len(lines)) == ("c │ d", "|c|d|", 5_002)
