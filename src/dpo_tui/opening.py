"""From what was asked for to an open session and a server: the same for every command that works.

Part of the composition root, like `main`.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from dpo_tui.datasets.file import check_writable
from dpo_tui.datasets.formats import FORMATS, Format, format_named
from dpo_tui.datasets.live import LiveDataset
from dpo_tui.datasets.matching import lines_of
from dpo_tui.datasets.output import FOREIGN_PACKING, PACKING
from dpo_tui.domain.sources import SamplingPlan
from dpo_tui.errors import MAY_PASS, BackendError, InputError, StoreError
from dpo_tui.importing import Incoming, Say, bring_in
from dpo_tui.inputs import Place
from dpo_tui.paths import known_as, own_dataset_path, resolved, session_path, sessions_dir
from dpo_tui.service.endpoint import seconds_to_probe
from dpo_tui.service.generation import Route
from dpo_tui.settings import DEFAULT_MAX_TOKENS, Settings
from dpo_tui.store.database import Journal
from dpo_tui.store.info import SessionInfo, describe
from dpo_tui.store.session import SessionStore

if TYPE_CHECKING:  # HTTP takes a fifth of the start, and ready-made responses need none
    from dpo_tui.backend.embedded import EmbeddedServer
    from dpo_tui.routes import KeyOf


class Job(Struct, frozen=True):
    """What a command was asked to do."""

    prompts_path: Path
    incoming: Incoming
    session_path: Path
    settings: Settings
    key_of: KeyOf
    annotator: str
    local: bool
    """Whether to start the embedded server."""
    named: str
    """The session as other commands are told of it."""
    resume: str
    """The command that goes on with this session."""
    place_of: Callable[[str], Place] = Place
    """Where a setting was said."""
    waits: bool = False
    """Whether to wait for a server that can't be asked yet."""


class Opened(Struct, frozen=True):
    """A session that is ready to be worked on, and who answers for it."""

    store: SessionStore
    dataset: LiveDataset
    routes: Sequence[Route]
    """None when no server is needed, or none answers and there is something to label."""
    embedded: EmbeddedServer | None
    news: str
    """What an edit of the prompts file has changed; empty if nothing worth telling."""

    def stop_server(self) -> None:
        """End the embedded server, if there is one; safe at any time and from any thread."""
        if self.embedded:
            self.embedded.stop()


async def open_session(job: Job, say: Say, *, labels: bool) -> Opened:
    """Open or make the session, bring the prompts in, and find a server.

    `labels` holds the session for the annotator.

    Raises:
        DpoTuiError: it can't be done; a session file that was made for it is gone again.
    """
    embedded = _embedded(job.settings) if job.local else None
    is_new = not job.session_path.exists()
    store = SessionStore.open(
        job.session_path,
        annotator=job.annotator,
        labels=labels,
        journal=Journal(job.settings.journal) if job.settings.journal else None,
    )
    try:
        before = store.info().dataset_paths.get(job.annotator)
        dataset = _dataset(job, store, labels=labels)
        store.keep_removed(drops=job.settings.removed_pairs == "drop")
        moved = _moved(before, store.info().dataset_paths.get(job.annotator), say)
        changed = bring_in(store, job.incoming, say)
        news = "; ".join(filter(None, (moved, changed, _left_behind(job, store.info(), say))))
        needs_server = store.needs_server()
        routes = []
        if embedded or needs_server:
            try:
                routes = await _routes(job, store, embedded, say, labels=labels)
            except MAY_PASS as error:
                if embedded or not job.waits:
                    raise
                is_new = False  # it stays: another process may have begun to use it
                routes = await _await_routes(job, say, error)
    except BaseException:
        if embedded:
            embedded.stop()
        if is_new:
            store.discard()
        else:
            store.close()
        raise
    return Opened(store, dataset, routes, embedded, news)


def _embedded(settings: Settings) -> EmbeddedServer:
    from dpo_tui.backend.embedded import EmbeddedServer, find_model_file

    return EmbeddedServer(find_model_file(settings.model_file))


def _dataset(job: Job, store: SessionStore, *, labels: bool) -> LiveDataset:
    """The dataset file: the one that was named, else the annotator's own."""
    others = dict(store.info().dataset_paths)
    own = others.pop(job.annotator, None)
    path = job.settings.output or own
    form = _live_format(job.settings.live_format, job.place_of("live_format"))
    dataset = LiveDataset(
        path or own_dataset_path(job.prompts_path, job.annotator, others.values()), form.line
    )
    if labels:
        _check_output(job, dataset.path)
        _check_form(store, dataset.path, form)
        check_writable(dataset.path)
        store.remember(dataset_path=dataset.path)
    store.remember(prompts_path=known_as(job.prompts_path))
    return dataset


def _check_output(job: Job, path: Path) -> None:
    """Refuse a file that is something else already, or that readers would take for compressed.

    Raises:
        InputError: it is.
    """
    if resolved(path) in map(resolved, (job.session_path, *job.incoming.files)):
        raise InputError(
            f"output: {path}: the session itself lives on this file", remedy="Name another one."
        )
    if path.suffix.lower() in (PACKING, *FOREIGN_PACKING):
        raise InputError(
            f"output: {path}: a dataset that grows row by row isn't compressed",
            remedy=f"Leave {path.suffix} out; `dpo-tui export` writes {PACKING} at any time.",
        )


def _moved(before: Path | None, now: Path | None, say: Say) -> str:
    """Tell that the pairs go to another file than before, and that the old one still has them."""
    if before is None or before == now or not _may_be_there(before):
        return ""
    told = f"dataset: all pairs go to {now} now; {before} stays as it is"
    say(told)
    return told


def _may_be_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # its folder can't be looked into
        return True


def _left_behind(job: Job, own: SessionInfo, say: Say) -> str:
    """Where nothing is decided yet, name a session of the same prompts that has been worked on.

    Its prompts file is gone, and this is where it was moved to; or it was gone on with from here.
    """
    if own.decided:
        return ""
    name = session_path(job.prompts_path).stem  # also of those that were begun anew
    mine = resolved(job.session_path)
    for path in sorted(sessions_dir().glob("*.db")):
        # Not our own file: to look at it once more would drop the locks that SQLite has on it.
        if path.name.startswith(name) or resolved(path) == mine:
            continue
        with suppress(StoreError):
            other = describe(path)
            place = other.prompts_path
            if (
                other.decided
                and (other.total, other.first_key) == (own.total, own.first_key)
                and place
                and place.is_absolute()
                and (place == own.prompts_path or not _may_be_there(place))
            ):
                words = ["dpo-tui", "annotate", str(job.prompts_path), "--session", path.stem]
                told = f"these prompts have a session with {other.decided:,} decided, of {place}: "
                say(told := told + shlex.join(words))
                return told
    return ""


def _live_format(name: str, place: Place) -> Format:
    """The form of the dataset file.

    Raises:
        InputError: it is none, or none that can grow row by row.
    """
    try:
        form = format_named(name)
    except InputError as error:
        raise place.error(error.message, remedy=error.remedy) from None
    if not form.is_live:
        live = ", ".join(each.name for each in FORMATS.values() if each.is_live)
        raise place.error(
            f"a dataset can't grow row by row as {name}",
            remedy=f"These can: {live}. `dpo-tui export --format {name}` writes it at any time.",
        )
    return form


def _check_form(store: SessionStore, path: Path, form: Format) -> None:
    """Refuse to mix forms in one file, which no trainer would read.

    Raises:
        InputError: the session has put rows of another form there.
    """
    entry = next(chain(store.unsettled(), store.settled()), None)
    if entry and not form.is_like(lines_of(entry)):
        raise InputError(
            f"live_format: {path} was begun in another form than {form.name}",
            remedy="Leave the setting as it was; `dpo-tui export` writes any form at any time.",
        )


async def _routes(
    job: Job, store: SessionStore, embedded: EmbeddedServer | None, say: Say, *, labels: bool
) -> list[Route]:
    from dpo_tui.backend.client import HttpChatClient
    from dpo_tui.backend.embedded import SLOTS
    from dpo_tui.routes import find_routes

    if embedded:
        base_url = await embedded.start(say)
        client = HttpChatClient(base_url, embedded.model, embedded.key)
        return [Route(client, min(job.settings.concurrency, SLOTS))]
    has_work = labels and _has_something_to_show(store, job.annotator)
    return await find_routes(job.settings, job.key_of, say, has_work=has_work)


async def _await_routes(job: Job, say: Say, error: BackendError) -> list[Route]:
    """Look for a server until one can be asked; what is in the way is told once."""
    from dpo_tui.routes import find_routes

    told: set[str] = set()

    def say_once(text: str) -> None:
        if text not in told:
            told.add(text)
            say(text)

    say_once(str(error))
    say("Waiting for the server; Ctrl-C ends.")
    for strike in count():
        await asyncio.sleep(seconds_to_probe(error, strike))
        try:
            routes = await find_routes(job.settings, job.key_of, say_once, has_work=False)
        except MAY_PASS as again:
            error = again
            say_once(str(error))
        else:
            say(f"{' and '.join(each.client.endpoint for each in routes)}: here it is.")
            return routes
    raise AssertionError  # `count` has no end


def _has_something_to_show(store: SessionStore, annotator: str) -> bool:
    group_id = store.next_undecided(annotator, -1)
    return group_id is None or bool(store.group(group_id, annotator).shown())


def fitted_plan(settings: Settings, routes: Sequence[Route]) -> SamplingPlan:
    """The sampling of the session, with a token limit that the smallest context has room for.

    vLLM refuses every request whose limit is above its context. A limit that the person has set is
    theirs to change; the default one takes half of a context that is too small for it.
    """
    plan = settings.plan
    contexts = [route.client.context for route in routes if route.client.context]
    limit = plan.sampling.max_tokens
    if contexts and limit == DEFAULT_MAX_TOKENS and min(contexts) < 2 * limit:
        return replace(plan, sampling=replace(plan.sampling, max_tokens=max(1, min(contexts) // 2)))
    return plan
