"""All shapes, and which of them rows are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dpo_tui.errors import InputError
from dpo_tui.prompts.shapes import (
    argilla,
    candidates,
    fields,
    instructed,
    label_studio,
    labelled,
    message_pairs,
    scored,
    text_pairs,
    verdicts,
)
from dpo_tui.prompts.shapes.shape import Shape, Unfit, Unkept

_UNJUDGED = (*candidates.SHAPES, *fields.SHAPES, *instructed.SHAPES)
_SIDES = ("chosen", "rejected")

SHAPES: tuple[Shape, ...] = (
    *message_pairs.SHAPES,
    *labelled.SHAPES,
    *scored.SHAPES,
    *verdicts.SHAPES,
    *text_pairs.SHAPES,
    *argilla.SHAPES,
    *label_studio.SHAPES,
    *_UNJUDGED,
)
"""What asks for more stands before what asks for less: the first that fits is meant."""

_ALSO = {
    "trl-reward": "trl-implicit",
    "openrlhf": "trl-implicit",
    "torchtune": "trl-implicit",
    "sft": "messages",
    "csv": "trl-standard",
    "parquet": "trl",
}
"""Other names of some: what trainers share, and what `export` calls it."""


def shape_named(name: str) -> Shape:
    """The shape of a name.

    Raises:
        InputError: there is none.
    """
    by_name = {each.name: each for each in SHAPES}
    shape = by_name.get(_ALSO.get(name, name))
    if shape is None:
        raise InputError(
            f"--from: there is no format {name!r}",
            remedy=f"There are: {', '.join((*by_name, *_ALSO))}.",
        )
    return shape


def recognised(rows: Sequence[object], *, strict: bool) -> Shape | None:
    """The shape that these rows fit; None if none fits any.

    It need not be the one that most of them fit, since some ask for very little: it is the first
    that half as many fit. Rows that can't be kept count only if there are no others. Not `strict`,
    text also stands for what it spells.
    """
    for kept in (True, False):
        counts = [
            sum(_fits(row, each, strict=strict, kept=kept) for row in rows) for each in SHAPES
        ]
        enough = max(1, max(counts) / 2)
        for shape, count in zip(SHAPES, counts, strict=True):
            if count >= enough:
                return shape
    return None


def rank(rows: Sequence[object], shape: Shape | None, *, strict: bool) -> int:
    """How well rows can be read, less being better: how many don't fit a shape, if it is known.

    If not, the place of the one that they do fit: the first ones ask for most.
    """
    if shape:
        return sum(not _fits(row, shape, strict=strict) for row in rows)
    fitting = recognised(rows, strict=strict)
    return SHAPES.index(fitting) if fitting else len(SHAPES)


def _fits(row: object, shape: Shape, *, strict: bool, kept: bool = True) -> bool:
    if shape in _UNJUDGED and _is_pair(row):
        return False
    try:
        shape.prompt(msgspec.convert(row, shape.row, strict=strict))
    except Unkept:
        return not kept
    except (msgspec.ValidationError, UnicodeEncodeError, Unfit):
        return False
    return True


def _is_pair(row: object) -> bool:
    """Whether it has two sides, which must not get lost even if nothing else is understood."""
    return isinstance(row, Mapping) and all(row.get(each) is not None for each in _SIDES)
