"""Bringing a prompts file into its session, and telling what that changed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

from dpo_tui.domain.model import ImportSummary, Prompt
from dpo_tui.store.session import SessionStore

Say = Callable[[str], None]
"""Tells the person one line while there is no screen yet."""

_LOOK_EVERY = 1024
"""Prompts between two looks at the clock."""
_TELL_SECONDS = 1.0


def bring_in(
    store: SessionStore, prompts: Iterable[Prompt], fingerprint: bytes | None, say: Say
) -> str:
    """Make the queue what the prompts file says, unless it is known to say that already.

    Returns what a person should know of it. Interrupted, it leaves the session as it was.

    Raises:
        DpoTuiError: the prompts can't be read, or not be stored.
        KeyboardInterrupt: the person has pressed Ctrl-C.
    """
    if fingerprint is not None and store.is_imported(fingerprint):
        return ""
    with _interruptible():
        summary = store.import_prompts(_watched(prompts, say), fingerprint)
    told = [f"{summary.duplicates:,} repeated, merged with the first"] if summary.duplicates else []
    if summary.known or summary.removed:
        told += changes(summary)
    news = f"prompts: {', '.join(told)}" if told else ""
    if news:
        say(news)
    return news


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
