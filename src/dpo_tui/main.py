"""The composition root: builds store, backend, service and app, and runs them.

With `opening`, the only module that knows every room.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from dpo_tui.collecting import Tidying
from dpo_tui.datasets.formats import format_named
from dpo_tui.domain.model import Progress
from dpo_tui.errors import DpoTuiError, StoreError
from dpo_tui.importing import Say
from dpo_tui.leaving import Leaving
from dpo_tui.opening import Job, Opened, fitted_plan, open_session
from dpo_tui.service.disk import Disk
from dpo_tui.service.filling import Filled, Filling
from dpo_tui.service.generation import Generation, GenerationOptions
from dpo_tui.service.labelling import Labelling
from dpo_tui.service.onscreen import LabellingOptions
from dpo_tui.service.ports import Role
from dpo_tui.settings import Settings
from dpo_tui.store.role import GeneratorRole
from dpo_tui.troubles import Troubles
from dpo_tui.words import plural

if TYPE_CHECKING:
    from dpo_tui.tui.app import DpoTuiApp
    from dpo_tui.tui.look import Look

_ROLE_SECONDS = 0.5
_ROLE_ATTEMPTS = 1200
_REASONS_TOLD = 5


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


class Outcome(Struct, frozen=True):
    """How a run ended."""

    exit_code: int
    progress: Progress
    dataset_path: Path
    dataset_trouble: DpoTuiError | None = None
    """Why the dataset is behind the session."""
    crash: BaseException | None = None


async def annotate(job: Job, look: Look, say: Say) -> Outcome:
    """Open the session, find a server, and label until the person leaves.

    Raises:
        DpoTuiError: it can't begin.
    """
    opened = await open_session(job, say, labels=True)
    disk, role = Disk(opened.store), GeneratorRole(opened.store.path, insists=False)
    generation = _generation(job, opened, disk, role)
    labelling = Labelling(
        disk,
        opened.dataset,
        generation,
        SystemClock(),
        job.annotator,
        _options(job.settings, opened),
    )
    exit_code, crash = 0, None
    leaving = Leaving(opened.stop_server)
    try:
        restored = await labelling.open()
        generation.start()
        news = "; ".join(filter(None, (opened.news, _told(restored))))
        app = await _app(labelling, job, opened, news, look)
        leaving.giving_back = app.giving_back
        leaving.on_signals(app.leave)
        leaving.on_hangup(app.leave)
        app.annotate.on_rest = Tidying().tidy
        await app.run_async(mouse=False)
        exit_code, crash = app.return_code or 0, app.crashed
    finally:
        leaving.within_grace(exit_code)
        try:
            await labelling.aclose()
        finally:
            opened.stop_server()
            leaving.done()
    return Outcome(
        exit_code, labelling.progress, opened.dataset.path, labelling.dataset_trouble, crash
    )


def _told(restored: int) -> str:
    if not restored:
        return ""
    return f"others changed the dataset: the pairs of {plural(restored, 'decision')} are back in it"


def _options(settings: Settings, opened: Opened) -> LabellingOptions:
    return LabellingOptions(
        allow_cut_off=settings.allow_cut_off,
        shuffle=settings.shuffle,
        blind=settings.blind,
        several_sources=max(map(len, (settings.sources, opened.routes, settings.temperatures))) > 1,
        show_lengths=settings.show_lengths,
        near_duplicates=settings.near_duplicates,
        reject_original=settings.reject_original,
        revisit_skipped=settings.skipped,
        policy=settings.pair_policy,
        unit=format_named(settings.live_format).unit,
        labels=tuple(settings.labels.items()),
    )


async def _app(labelling: Labelling, job: Job, opened: Opened, news: str, look: Look) -> DpoTuiApp:
    """The screen. Importing it takes most of the start: the first requests go out meanwhile."""
    # Textual reads these when it is imported; what the person has set themselves counts.
    if job.settings.slow_link:
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "256")
    # How often it looks whether there is something to paint: at 60 a key waits for up to 17 ms.
    os.environ.setdefault("TEXTUAL_FPS", "500")
    await asyncio.to_thread(import_module, "dpo_tui.tui.app")
    from dpo_tui.tui.app import DpoTuiApp  # noqa: PLC0415

    app = DpoTuiApp(
        labelling,
        name=job.prompts_path.name,
        dataset=str(opened.dataset.path),
        named=job.named,
        resume=job.resume,
        news=news,
        look=look,
    )
    labelling.generation.on_crash = app.crash
    return app


async def generate(
    job: Job, say: Say, limit: int | None, report: Callable[[Filled, Progress], None]
) -> int:
    """Generate what the undecided groups lack, at most `limit` groups, and return the exit code.

    `report` is told how far it has come after every response. Whatever ends it, what had come is
    in the session.

    Raises:
        DpoTuiError: it can't begin, or another `generate` is at it.
    """
    opened = await open_session(job, say, labels=False)
    disk, role = Disk(opened.store), GeneratorRole(opened.store.path, insists=True)
    leaving = Leaving(opened.stop_server)
    ended_by = 0
    try:
        await _await_role(role, say)
        generation = _generation(job, opened, disk, role)
        filling = Filling(disk, generation, job.annotator, limit)
        progress = opened.store.progress(job.annotator)
        work = asyncio.ensure_future(filling.run(lambda: report(filling.filled, progress)))
        crashes: list[BaseException] = []

        def crash(error: BaseException) -> None:
            crashes.append(error)
            work.cancel()

        def leave(code: int) -> None:
            nonlocal ended_by
            ended_by = code
            work.cancel()

        generation.on_crash = crash
        _tell_troubles(generation, say)
        leaving.on_signals(leave)
        generation.start()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await generation.aclose()
        if (task := asyncio.current_task()) and task.cancelling():
            raise asyncio.CancelledError  # by a Ctrl-C that came before it was for us to handle
        if crashes:
            raise crashes[0]
        for reason, count in filling.filled.reasons.most_common(_REASONS_TOLD):
            say(f"{count} failed: {reason}")
    finally:
        leaving.within_grace(ended_by)
        try:
            await disk.aclose()
        finally:
            opened.stop_server()
            leaving.done()
    return ended_by or int(filling.filled.broken > 0)


def _tell_troubles(generation: Generation, say: Say) -> None:
    """Say why nothing comes and when the next try is, and when an endpoint is back."""
    troubles, told = Troubles(), ""

    def tell() -> None:
        nonlocal told
        for line in troubles.news(generation.endpoints, time.monotonic()):
            say(line)
        trouble = str(generation.trouble or "")
        if trouble not in {told, ""}:
            say(trouble)
        told = trouble

    generation.on_change = tell


async def _await_role(role: Role, say: Say) -> None:
    """Wait until an `annotate` that generates has given way."""
    for attempt in range(_ROLE_ATTEMPTS):
        if role.take():
            return
        if attempt == 1:
            say("Waiting for the requests of another process on this session to end.")
        await asyncio.sleep(_ROLE_SECONDS)
    role.give()
    raise StoreError(
        "Another process generates for this session, and goes on.",
        remedy="Let it finish, or end it first.",
    )


def _generation(job: Job, opened: Opened, disk: Disk, role: Role) -> Generation:
    settings = job.settings
    plan = fitted_plan(settings, opened.routes)
    options = GenerationOptions(settings.n, plan, settings.ahead, settings.sources)
    return Generation(disk, opened.routes, options, SystemClock(), job.annotator, role)
