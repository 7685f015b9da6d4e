"""Bringing a prompts file into its session, and telling what that changed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, time

from msgspec import Struct

from dpo_tui.domain.model import ImportSummary, PreferenceUse, Prompt
from dpo_tui.prompts import PromptsFile, Reading, Tally
from dpo_tui.store.session import SessionStore

Say = Callable[[str], None]
"""Tells the person one line while there is no screen yet."""

_LOOK_EVERY = 1024
"""Prompts between two looks at the clock."""
_TELL_SECONDS = 1.0


class Incoming(Struct, frozen=True):
    """Prompts that are to be brought in."""

    read: Callable[[Tally], Iterable[Prompt]]
    fingerprint: bytes | None = None
    """The same as long as they are; None if that can't be known."""
    use: PreferenceUse = PreferenceUse.IGNORE
    source: str = ""
    """What the annotator is called whose decisions preferences in them can be."""
    files: tuple[Path, ...] = ()
    """Where they are read from."""

    @staticmethod
    def of(prompts: PromptsFile, reading: Reading, said: str, use: PreferenceUse) -> Incoming:
        """The prompts of a file; `said` is what the person said of how to read it."""
        return Incoming(
            read=partial(prompts.read, reading),
            fingerprint=prompts.fingerprint(time(), f"{said} {use}"),
            use=use,
            source=prompts.path.name,
            files=prompts.files,
        )


def bring_in(store: SessionStore, incoming: Incoming, say: Say) -> str:
    """Make the queue what the prompts say, unless it is known to be that already.

    Returns what a person should know of it. Interrupted, it leaves the session as it was.

    Raises:
        DpoTuiError: the prompts can't be read, or not be stored.
        KeyboardInterrupt: the person has pressed Ctrl-C.
    """
    if incoming.fingerprint is not None and store.is_imported(incoming.fingerprint):
        return ""
    tally = Tally()
    with _interruptible():
        summary = store.import_prompts(
            _watched(incoming.read(tally), say),
            incoming.fingerprint,
            use=incoming.use,
            source=incoming.source,
        )
    for line in tally.lines():
        say(line)
    told = [f"{summary.duplicates:,} repeated, merged with the first"] if summary.duplicates else []
    if summary.known or summary.removed:
        told += changes(summary)
    news = [f"prompts: {', '.join(told)}"] if told else []
    news += _preferences(summary, incoming)
    for line in news:
        say(line)
    return "; ".join(filter(None, (tally.summary(), *news)))


def _preferences(summary: ImportSummary, incoming: Incoming) -> list[str]:
    """What became of the preferences in the file."""
    if not summary.judged:
        return []
    judged = summary.judged - summary.ties
    match incoming.use:
        case PreferenceUse.IGNORE:
            told = f"preferences for {judged:,} prompts are not used: --preferences suggest|decide"
        case PreferenceUse.SUGGEST:
            told = f"{summary.preferred:,} preferences are suggested as marks"
        case PreferenceUse.DECIDE:
            told = f"{summary.preferred:,} preferences are decisions of {incoming.source}"
    if summary.ties:
        told += f", {summary.ties:,} {'tie says' if summary.ties == 1 else 'ties say'} nothing"
    if summary.contradicted:
        told += f", {summary.contradicted:,} marks contradict earlier ones, which count"
    if summary.kept_apart:
        told += (
            f", {summary.kept_apart:,} left out: with earlier ones of their prompts they would make"
            " pairs that the file doesn't state (`convert` keeps each pair as it is)"
        )
    return [told]


def changes(summary: ImportSummary) -> list[str]:
    """What an edit of the prompts file has changed, in a few words each."""
    return [
        f"{count:,} {what}"
        for count, what in (
            (summary.added, "new"),
            (summary.returned, "back again"),
            (summary.changed, "with other settings"),
            (summary.removed, "removed (decisions kept)"),
        )
        if count
    ]


def _watched(prompts: Iterable[Prompt], say: Say) -> Iterator[Prompt]:
    """The prompts, with word of how far it has come."""
    began = told = monotonic()
    for number, prompt in enumerate(prompts):
        if number % _LOOK_EVERY == 0 and (now := monotonic()) - told >= _TELL_SECONDS:
            told = now
            say(f"{number:,} prompts read, {number / (now - began):,.0f} a second")
        yield prompt


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C act at once: asyncio would cancel a task that notices only when all is done."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
