"""What a set text is made of, and what is done with it whatever it says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[str, str]
"""Text that is safe for the terminal, without newlines or tabs, and its kind (see `kinds`)."""

Line = tuple[Span, ...]
"""One line on the screen."""


def plain(line: Iterable[Span]) -> str:
    """The text of a line, without kinds."""
    return "".join([text for text, _ in line])


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same spans, neighbours of one kind made one, empty ones left out."""
    result: list[Span] = []
    texts: list[str] = []
    last = ""
    for text, kind in spans:
        if not text:
            continue
        if kind != last and texts:
            result.append(("".join(texts), last))
            texts = []
        texts.append(text)
        last = kind
    if texts:
        result.append(("".join(texts), last))
    return result


def split_lines(spans: Iterable[Span]) -> list[list[Span]]:
    """Spans with newlines in them as the lines between the newlines."""
    lines: list[list[Span]] = [[]]
    for text, kind in spans:
        first, *others = text.split("\n")
        if first:
            lines[-1].append((first, kind))
        lines.extend([(other, kind)] if other else [] for other in others)
    return lines


def cut(spans: Sequence[Span], cuts: Iterable[tuple[int, int]]) -> list[Line]:
    """The pieces of a line between pairs of character offsets, which must ascend."""
    if len(spans) == 1:
        [(text, kind)] = spans
        return [((text[start:end], kind),) if end > start else () for start, end in cuts]
    lines: list[Line] = []
    index = offset = 0
    for start, end in cuts:
        while index < len(spans) and offset + len(spans[index][0]) <= start:
            offset += len(spans[index][0])
            index += 1
        line: list[Span] = []
        at, here = offset, index
        while at < end:
            text, kind = spans[here]
            line.append((text[max(start - at, 0) : end - at], kind))
            at += len(text)
            here += 1
        lines.append(tuple(line))
    return lines
