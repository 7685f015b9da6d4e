"""Between the domain's types and what stands in the columns.

Text of people and models is stored as bytes: it can hold lone surrogates, which SQLite's TEXT
can't.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict

from dpo_tui.domain.model import (
    Completion,
    Decision,
    Draft,
    ImportSummary,
    Mark,
    Message,
    Origin,
    Prompt,
    Ready,
    Remarks,
    Response,
    Sampling,
    Shelved,
    Source,
    State,
    Verdict,
)

Row = tuple[Any, ...]

_QUICK_ENCODE = msgspec.json.Encoder().encode
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

RESPONSE_COLUMNS = (
    "id, group_id, set_no, slot, state, origin, source, text, reasoning, finish_reason, error, "
    "prompt_tokens, completion_tokens, first_token_seconds, seconds"
)
DECISION_COLUMNS = (
    "id, group_id, annotator_id, verdict, set_no, marks, card_order, "
    "pair_count, decided_at, seconds, remarks"
)
_READY, _COMPLETE, _EMPTY = Origin.READY.value, State.COMPLETE.value, State.EMPTY.value
_UNSAID_SAMPLING = Sampling()
DRAFT_COLUMNS = "set_no, marks, shelved, remarks"


def pack(text: str) -> bytes:
    """Any text as bytes, lone surrogates and NUL included."""
    return text.encode("utf-8", "surrogatepass")


def unpack(data: bytes) -> str:
    """The text that was packed."""
    return data.decode("utf-8", "surrogatepass")


def pack_json(value: object) -> bytes:
    """A JSON value as bytes.

    Not ASCII-escaped: reading escapes back would join two lone surrogates into one character.
    """
    try:
        return _QUICK_ENCODE(value)
    except UnicodeEncodeError:  # a lone surrogate, which msgspec has no bytes for
        return pack(_ENCODE(value))


def unpack_json(data: bytes) -> Any:  # noqa: ANN401 - JSON is any shape
    """The JSON value that was packed."""
    return json.loads(unpack(data))


def _given(value: int | None) -> tuple[int, ...]:
    return () if value is None else (value,)


def _optional(text: str | None) -> bytes | None:
    return None if text is None else pack(text)


def _optional_text(data: bytes | None) -> str | None:
    return None if data is None else unpack(data)


def pack_summary(summary: ImportSummary) -> str:
    """What an import changed."""
    return json.dumps(asdict(summary))


def unpack_summary(data: str | None) -> ImportSummary:
    """What an import changed; nothing if none is kept."""
    return ImportSummary(**json.loads(data)) if data else ImportSummary()


def pack_path(path: Path | None) -> bytes | None:
    """A path as the operating system has it."""
    return None if path is None else os.fsencode(path)


def unpack_path(data: bytes | None) -> Path | None:
    """The path that was packed."""
    return None if data is None else Path(os.fsdecode(data))


def _sampling_fields(sampling: Sampling) -> dict[str, object]:
    if sampling == _UNSAID_SAMPLING:  # as most prompts of a file have it
        return {}
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    }
    fields: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    if sampling.stop:
        fields["stop"] = sampling.stop
    if sampling.extra:
        fields["extra"] = dict(sampling.extra)
    return fields


def _sampling(fields: Mapping[str, Any]) -> Sampling:
    return Sampling(**{**fields, "stop": tuple(fields.get("stop", ()))})


def pack_messages(messages: Iterable[Message]) -> bytes:
    """A conversation."""
    return pack_json([[message.role, message.content] for message in messages])


def settings_fields(prompt: Prompt) -> dict[str, object]:
    """What the prompts file says of a prompt beyond its messages and ready-made responses."""
    fields: dict[str, object] = {}
    if prompt.name is not None:
        fields["name"] = prompt.name
    if prompt.tags:
        fields["tags"] = list(prompt.tags)
    if prompt.n is not None:
        fields["n"] = prompt.n
    if sampling := _sampling_fields(prompt.sampling):
        fields["sampling"] = sampling
    if prompt.temperatures:
        fields["temperatures"] = list(prompt.temperatures)
    if prompt.reference is not None:
        fields["reference"] = prompt.reference
    return fields


def prompt_of(messages: bytes, settings: bytes, ready: Iterable[Ready]) -> Prompt:
    """The prompt of a row of `groups`."""
    fields = unpack_json(settings)
    turns = tuple(Message(role, content) for role, content in unpack_json(messages))
    if not turns:
        raise ValueError("there are no messages")
    return Prompt(
        messages=turns,
        name=fields.get("name"),
        tags=tuple(fields.get("tags", ())),
        n=fields.get("n"),
        sampling=_sampling(fields.get("sampling", {})),
        temperatures=tuple(fields.get("temperatures", ())),
        responses=tuple(ready),
        reference=fields.get("reference"),
    )


def response_values(
    response_id: int | None, group_id: int, set_no: int, slot: int, completion: Completion
) -> Row:
    """A response as RESPONSE_COLUMNS; without an id it gets the next one."""
    source = completion.source
    sampling = None if source.sampling is None else _sampling_fields(source.sampling)
    return (
        response_id,
        group_id,
        set_no,
        slot,
        completion.state.value,
        source.origin.value,
        pack_json([source.endpoint, source.model, sampling, *_given(source.edited_from)]),
        pack(completion.text),
        pack(completion.reasoning),
        _optional(completion.finish_reason),
        pack(completion.error),
        completion.prompt_tokens,
        completion.completion_tokens,
        completion.first_token_seconds,
        completion.seconds,
    )


def ready_values(response_id: int, group_id: int, slot: int, ready: Ready) -> Row:
    """A ready-made response of the first set as RESPONSE_COLUMNS.

    What `response_values` gives, several times as quick: files have millions.
    """
    state = _COMPLETE if ready.text.strip() else _EMPTY
    source, text = _ready_source(ready.model), pack(ready.text)
    place = response_id, group_id, 1, slot
    return (*place, state, _READY, source, text, b"", None, b"", None, None, None, None)


@lru_cache(256)
def _ready_source(model: str | None) -> bytes:
    return pack_json([None, model, None])


def response_of(row: Row) -> Response:
    """A row of RESPONSE_COLUMNS."""
    completion = Completion(
        text=unpack(row[7]),
        state=State(row[4]),
        source=source_of(row[5], row[6]),
        reasoning=unpack(row[8]),
        finish_reason=_optional_text(row[9]),
        error=unpack(row[10]),
        prompt_tokens=row[11],
        completion_tokens=row[12],
        first_token_seconds=row[13],
        seconds=row[14],
    )
    return Response(row[0], row[1], row[2], row[3], completion)


def source_of(origin: str, data: bytes) -> Source:
    """Who made a response, from the columns `origin` and `source`."""
    endpoint, model, sampling, *edited_from = unpack_json(data)
    settings = None if sampling is None else _sampling(sampling)
    return Source(Origin(origin), endpoint, model, settings, *edited_from)


def pack_marks(marks: Mapping[int, Mark]) -> str:
    """Marks by response id or slot."""
    return _QUICK_ENCODE(marks).decode()


def unpack_marks(data: str) -> dict[int, Mark]:
    """The marks that were packed."""
    return {int(number): Mark(mark) for number, mark in json.loads(data).items()}


def pack_remarks(remarks: Remarks) -> bytes | None:
    """What was said besides the marks; None if nothing was."""
    fields = _remarks_fields(remarks)
    return pack_json(fields) if fields else None


def unpack_remarks(data: bytes | None) -> Remarks:
    """The remarks that were packed."""
    return _remarks(unpack_json(data)) if data else Remarks()


def _remarks_fields(remarks: Remarks) -> dict[str, object]:
    """Those that say something."""
    return {name: value for name, value in asdict(remarks).items() if value != _UNSAID[name]}


_UNSAID = asdict(Remarks())


def _remarks(fields: Mapping[str, Any]) -> Remarks:
    return Remarks(**{**fields, "labels": tuple(fields.get("labels", ()))})


def draft_values(draft: Draft) -> Row:
    """Labelling in progress as DRAFT_COLUMNS."""
    shelved = {str(number): pack_marks(each.marks) for number, each in draft.shelved.items()}
    said = {number: each.remarks for number, each in draft.shelved.items()}
    said[draft.set_no] = draft.remarks
    remarks = {
        str(number): fields for number, each in said.items() if (fields := _remarks_fields(each))
    }
    return (
        draft.set_no,
        pack_marks(draft.marks),
        json.dumps(shelved),
        pack_json(remarks) if remarks else None,
    )


def draft_of_row(row: Row) -> Draft:
    """A row of DRAFT_COLUMNS."""
    set_no, marks, shelved, said = row
    remarks = {int(number): _remarks(each) for number, each in unpack_json(said or b"{}").items()}
    return Draft(
        set_no,
        unpack_marks(marks),
        {
            int(number): Shelved(unpack_marks(each), remarks.get(int(number), Remarks()))
            for number, each in json.loads(shelved).items()
        },
        remarks.get(set_no, Remarks()),
    )


def decision_columns(version: int) -> str:
    """What stands for DECISION_COLUMNS in a file of this schema version."""
    return DECISION_COLUMNS if version >= 3 else DECISION_COLUMNS.replace("remarks", "NULL")


def decision_values(decision: Decision, annotator_id: int) -> Row:
    """A decision as DECISION_COLUMNS without its id."""
    return (
        decision.group_id,
        annotator_id,
        decision.verdict.value,
        decision.set_no,
        pack_marks(decision.marks),
        _QUICK_ENCODE(decision.order).decode(),
        decision.pair_count,
        decision.decided_at,
        decision.seconds,
        pack_remarks(decision.remarks),
    )


def decision_of(row: Row, annotator: str) -> Decision:
    """A row of DECISION_COLUMNS."""
    return Decision(
        id=row[0],
        group_id=row[1],
        annotator=annotator,
        verdict=Verdict(row[3]),
        set_no=row[4],
        marks=unpack_marks(row[5]),
        order=tuple(json.loads(row[6])),
        pair_count=row[7],
        decided_at=row[8],
        seconds=row[9],
        remarks=unpack_remarks(row[10]),
    )
