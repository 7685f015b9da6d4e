"""Label Studio: tasks with their annotations, as JSON or JSON_MIN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from dpo_tui.domain.model import Preference, Prompt, Ready
from dpo_tui.prompts.shapes.fields import answers, question
from dpo_tui.prompts.shapes.shape import (
    FIRST_IS_CHOSEN,
    SECOND_IS_CHOSEN,
    Shape,
    Unfit,
    first_of,
    some,
)

_SIDES = {"left": FIRST_IS_CHOSEN, "right": SECOND_IS_CHOSEN}


class Result(Struct):
    """One thing that was said."""

    type: str
    value: dict[str, Any] = {}
    from_name: str | None = None
    """The question."""


class Annotation(Struct):
    """What one annotator said of a task."""

    result: list[Result]
    completed_by: Any = None
    was_cancelled: bool = False


class Task(Struct):
    """A task as the JSON export has it."""

    data: dict[str, Any]
    annotations: list[Annotation]


def _task(row: Task) -> Prompt:
    ids, responses = _answers(row.data)
    preferences = [
        each
        for annotation in row.annotations
        if not annotation.was_cancelled
        for result in annotation.result
        if (each := _preference(result.type, result.value, ids, _who(annotation.completed_by)))
    ]
    return Prompt(question(row.data), responses=responses, preferences=tuple(preferences))


def _preference(kind: str, value: Mapping[str, Any], ids: list[str], by: str) -> Preference | None:
    """None for the answer to another question than which response is better."""
    if kind == "pairwise" and len(ids) == 2:
        return Preference(_SIDES.get(str(value.get("selected")), {}), by=by)
    buckets = _buckets(kind, value)
    if len(buckets) == 1:
        (order,) = buckets.values()
        places = {str(each): place for place, each in enumerate(order)}
        return first_of([places.get(each) for each in ids], by=by)
    return None


def _buckets(kind: str, value: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The ids by bucket, where something is in it; none if it is no ranking."""
    buckets = value.get("ranker")
    if kind != "ranker" or not isinstance(buckets, dict):
        return {}
    return {name: ids for name, ids in buckets.items() if ids and isinstance(ids, list)}


def _bucketed(row: Task) -> Iterator[str]:
    """The rankings into several buckets: which of these is better, only their names tell."""
    for annotation in row.annotations:
        for result in annotation.result:
            buckets = _buckets(result.type, result.value)
            if len(buckets) > 1:
                yield f"{result.from_name or 'ranker'} (buckets: {', '.join(buckets)})"


def _who(completed_by: object) -> str:
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)


def _minimal(row: dict[str, Any]) -> Prompt:
    """A row of the JSON_MIN export: one annotation, under the names of its questions."""
    said = list(_selected(row))
    if not said or "annotation_id" not in row:
        raise Unfit("there is no annotation in it")
    ids, responses = _answers(row)
    if len(ids) != 2:
        raise Unfit(f"expected two answers, found {len(ids)}")
    by = _who(row.get("annotator"))
    preferences = (Preference(_SIDES.get(each, {}), by=by) for each in said)
    return Prompt(question(row), responses=responses, preferences=tuple(preferences))


def _selected(row: Mapping[str, Any]) -> Iterator[str]:
    for value in row.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and isinstance(each.get("selected"), str):
                yield each["selected"]


def _answers(data: Mapping[str, Any]) -> tuple[list[str], tuple[Ready, ...]]:
    """The answers, and the ids that a ranking calls them by."""
    if not isinstance(items := data.get("items"), list):
        return answers(data)
    texts = {str(each.get("id")): _text(each) for each in items if isinstance(each, dict)}
    return [*texts], some([Ready(each) for each in texts.values()], key="items")


def _text(item: Mapping[str, Any]) -> str:
    for key in ("body", "text", "html", "title"):
        if isinstance(text := item.get(key), str):
            return text
    raise Unfit("an item has no text", key="items")


SHAPES = (
    Shape("label-studio", "Label Studio tasks", Task, _task, unused_questions=_bucketed),
    Shape("label-studio-min", "Label Studio tasks (JSON_MIN)", dict[str, Any], _minimal),
)
