"""What `doctor` tells of an endpoint: lines of a table, advice, and the same for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import tomli_w
from msgspec import Struct, to_builtins

from dpo_tui.backend.diagnosis import Check, Diagnosis, SeedUse, Speed
from dpo_tui.domain.model import MIN_RESPONSES
from dpo_tui.settings import DEFAULT_KEY_VARIABLE, DEFAULT_MAX_TOKENS, Settings
from dpo_tui.values import MAX_CONCURRENCY

_REASONING_MAX_TOKENS = 4096
_SHOWN = 8
_GAIN = 1.2
"""How much faster many streams together have to be for it to be worth sending them."""
_LONG_SECONDS = 120.0
"""For one response, from which on a person should know of it before they begin."""
_SEEDS = {
    SeedUse.HONOURED: "works: the same seed gives the same text",
    SeedUse.UNSTABLE: "the same seed gives different texts",
    SeedUse.IGNORED: "ignored: every seed gives the same text",
}


class Advice(Struct, frozen=True):
    """The settings that suit an endpoint."""

    n: int
    concurrency: int
    max_tokens: int
    notes: tuple[str, ...]


def advise(diagnosis: Diagnosis) -> Advice:
    """What to set, from what was found out; where nothing was, the default."""
    default = Settings()
    wire, choices = diagnosis.wire, diagnosis.choices
    max_tokens = _REASONING_MAX_TOKENS if wire and wire.reasoning else DEFAULT_MAX_TOKENS
    if diagnosis.context:
        max_tokens = max(1, min(max_tokens, diagnosis.context // 2))
    given = choices.given if choices else default.n
    return Advice(
        # As near to the default as whole requests go.
        n=default.n - default.n % given if MIN_RESPONSES <= given < default.n else default.n,
        concurrency=_concurrency(diagnosis, default.concurrency),
        max_tokens=max_tokens,
        notes=(*_notes(diagnosis), *_caveats(diagnosis, max_tokens)),
    )


def _concurrency(diagnosis: Diagnosis, default: int) -> int:
    if diagnosis.slots:
        return min(diagnosis.slots, MAX_CONCURRENCY)
    one, streams = diagnosis.one_stream, diagnosis.streams
    if one is None or streams is None:
        return default
    if streams.tokens_per_second < _GAIN * one.tokens_per_second:
        return 1
    return streams.answered


def _notes(diagnosis: Diagnosis) -> Iterator[str]:
    wire = diagnosis.wire
    if wire and not wire.streams:
        yield (
            "It doesn't stream: a response shows when it is whole, and the server may go on with "
            "one that nobody wants any more."
        )
    if wire and not wire.usage:
        yield "It doesn't count tokens: speeds and token counts are estimates."
    if wire and wire.reasoning:
        yield "The model reasons before it answers, and max_tokens covers both."
    if diagnosis.choices and diagnosis.choices.given == 1:
        yield "It gives one choice a request: the prompt is sent once for every response."
    if diagnosis.seed and diagnosis.seed is not SeedUse.HONOURED:
        yield "Don't rely on seed: a response can't be made again with it."


def _caveats(diagnosis: Diagnosis, max_tokens: int) -> Iterator[str]:
    """How far the advice can be trusted."""
    one, streams, failures = diagnosis.one_stream, diagnosis.streams, diagnosis.failures
    guessed = ["n"] if Check.CHOICES in failures else []
    if not diagnosis.slots and failures.keys() & {Check.ONE_STREAM, Check.STREAMS}:
        guessed.append("concurrency")
    if guessed:
        yield (
            f"Not found out, and left at the default: {', '.join(guessed)}. The table says why; "
            "look again when nothing else keeps the server busy."
        )
    elif streams and streams.answered < streams.streams and not diagnosis.slots:
        yield (
            f"Only {streams.answered} of {streams.streams} streams were served in time: look again "
            "when nothing else keeps the server busy."
        )
    seconds = max_tokens / one.tokens_per_second if one and one.tokens_per_second > 0 else 0.0
    if seconds > _LONG_SECONDS:
        yield (
            f"It is slow: a response of {max_tokens} tokens takes about {seconds / 60:.0f} minutes."
            " Lower max_tokens, or let `dpo-tui generate` run beforehand."
        )


def prompts_toml(diagnosis: Diagnosis) -> str:
    """The lines for a prompts file, or the user's config, that set what is advised."""
    advice = advise(diagnosis)
    table: dict[str, Any] = {"base_url": diagnosis.base_url, "model": diagnosis.model or ""}
    if diagnosis.key_name not in ("", DEFAULT_KEY_VARIABLE):
        table["api_key_env"] = diagnosis.key_name
    table |= {"n": advice.n, "concurrency": advice.concurrency}
    return tomli_w.dumps({**table, "sampling": {"max_tokens": advice.max_tokens}}).strip()


def lines(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    """What was found out, as rows of label and value; foreign text among it."""
    models = ", ".join(diagnosis.models[:_SHOWN])
    more = len(diagnosis.models) - _SHOWN
    models += f" and {more} more" if more > 0 else ""
    if diagnosis.problem:
        rows = [
            ("server", diagnosis.server),
            ("models", models),
            ("problem", diagnosis.problem),
            ("what to do", diagnosis.remedy),
        ]
        return [(label, value) for label, value in rows if value]
    rows = [
        ("server", diagnosis.server or "unknown"),
        ("models", models or "none listed"),
        ("tried", diagnosis.model or ""),
        ("context", f"{diagnosis.context} tokens" if diagnosis.context else "not told"),
        ("slots", str(diagnosis.slots) if diagnosis.slots else "not told"),
        *_wire_lines(diagnosis),
    ]
    choices, seed = diagnosis.choices, diagnosis.seed
    first = diagnosis.first_token_seconds
    told = {
        Check.CHOICES: choices and _choices_words(choices.asked, choices.given),
        Check.SEED: seed and _SEEDS[seed],
        Check.ONE_STREAM: first is not None and f"{first:.2f} s",
    }
    labels = {Check.CHOICES: "n", Check.SEED: "seed", Check.ONE_STREAM: "first token"}
    rows += [(label, told[check] or _failed(diagnosis, check)) for check, label in labels.items()]
    for label, check, speed in (
        ("1 stream", Check.ONE_STREAM, diagnosis.one_stream),
        ("streams", Check.STREAMS, diagnosis.streams),
    ):
        rows.append((label, _speed_words(speed) if speed else _failed(diagnosis, check)))
    return rows


def _wire_lines(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    wire = diagnosis.wire
    if wire is None:
        return [("streaming", _failed(diagnosis, Check.STREAM))]
    return [
        ("streaming", "works" if wire.streams else "no: the answer comes in one piece"),
        ("usage", "told" if wire.usage else "not told"),
        ("reasoning", f"in {wire.reasoning}" if wire.reasoning else "none seen"),
    ]


def _choices_words(asked: int, given: int) -> str:
    if given == asked:
        return f"works ({asked} choices in one request)"
    return "no: one choice a request" if given == 1 else f"limited to {given} choices a request"


def _speed_words(speed: Speed) -> str:
    words = f"{speed.tokens_per_second:.0f} tokens/s"
    if speed.streams > 1:
        words += f" with {speed.streams} streams"
    if speed.answered < speed.streams:
        words += f", of which {speed.answered} were served in time"
    return words


def _failed(diagnosis: Diagnosis, check: Check) -> str:
    return f"failed: {diagnosis.failures[check]}" if check in diagnosis.failures else "not tried"


def as_json(diagnoses: Sequence[Diagnosis], problem: str = "", remedy: str = "") -> dict[str, Any]:
    """All of it for machines; the keys stay what they are."""
    return {
        "usable": any(each.is_usable for each in diagnoses),
        "problem": problem,
        "remedy": remedy,
        "endpoints": [_endpoint_json(each) for each in diagnoses],
    }


def _endpoint_json(diagnosis: Diagnosis) -> dict[str, Any]:
    wire = diagnosis.wire
    advice = {**to_builtins(advise(diagnosis)), "prompts_toml": prompts_toml(diagnosis)}
    return {
        "base_url": diagnosis.base_url,
        "usable": diagnosis.is_usable,
        "problem": diagnosis.problem,
        "remedy": diagnosis.remedy,
        "server": diagnosis.server,
        "models": list(diagnosis.models),
        "model": diagnosis.model,
        "context": diagnosis.context,
        "slots": diagnosis.slots,
        "streaming": wire.streams if wire else None,
        "usage": wire.usage if wire else None,
        "reasoning": wire.reasoning if wire else None,
        "n": diagnosis.choices and to_builtins(diagnosis.choices),
        "seed": diagnosis.seed,
        "first_token_seconds": diagnosis.first_token_seconds,
        "one_stream": diagnosis.one_stream and to_builtins(diagnosis.one_stream),
        "streams": diagnosis.streams and to_builtins(diagnosis.streams),
        "failures": dict(diagnosis.failures),
        "advice": advice if diagnosis.is_usable else None,
    }
