"""What the command line asks of `export`: from arguments to a job, and the summary at the end."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from dpo_tui.datasets.formats import Format, format_named
from dpo_tui.datasets.lengths import Estimate, Ruler, TokenizerRuler
from dpo_tui.datasets.output import STDOUT, check_output
from dpo_tui.display import display, display_line
from dpo_tui.errors import InputError
from dpo_tui.exporting import TEST, TRAIN, ExportJob, export
from dpo_tui.reports.export import ExportReport, summary
from dpo_tui.settings import Settings
from dpo_tui.store.info import describe


def run_export(arguments: Namespace, session: Path, settings: Settings, user: str) -> None:
    """Write the files that were asked for, and say on standard error what was done.

    Raises:
        DpoTuiError: it can't be done; nothing was written then.
    """
    job = make_job(arguments, session, settings, user)
    files = [*job.outputs.values(), *([job.sidecar] if job.sidecar else [])]
    _protect(session, files, arguments.prompts)
    for path in files:
        check_output(path, force=arguments.force)
    console = Console(stderr=True, highlight=False)
    with _bar(console) as advance:
        report = export(job, advance)
    tell(console, report, job.form, job.outputs)


def make_job(arguments: Namespace, session: Path, settings: Settings, user: str) -> ExportJob:
    """What the arguments ask for.

    Raises:
        InputError: they don't go together, or one of them is wrong.
    """
    form = format_named(arguments.format)
    if not 0 <= arguments.test_size < 1:
        raise InputError("--test-size: expected a share of the prompts, as in 0.05")
    return ExportJob(
        session=session,
        form=form,
        outputs=_outputs(arguments),
        policy=replace(settings.pair_policy, seed=arguments.seed),
        ruler=ruler_of(arguments),
        user=user,
        annotator=arguments.annotator,
        since=_since(arguments.since) if arguments.since else 0.0,
        tags=frozenset(arguments.tag),
        test_size=arguments.test_size,
        shuffle=arguments.shuffle,
        meta=arguments.meta,
        sidecar=arguments.sidecar,
        max_length=arguments.max_length,
        near_duplicates=settings.near_duplicates,
    )


def ruler_of(arguments: Namespace) -> Ruler:
    """What lengths are measured with.

    Raises:
        InputError: there is nothing to measure up to, or the tokenizer can't be used.
    """
    if arguments.max_length < 1:
        raise InputError("--max-length: expected a number of at least 1")
    return TokenizerRuler(arguments.tokenizer) if arguments.tokenizer else Estimate()


def _outputs(arguments: Namespace) -> dict[str, Path]:
    output: Path = arguments.output or STDOUT
    if output == STDOUT and sys.stdout.isatty():
        raise InputError(
            "a dataset is not for the screen", remedy="Name a file with -o, or pipe it on."
        )
    if not arguments.test_size:
        return {TRAIN: output}
    if arguments.test_output is None and output == STDOUT:
        raise InputError(
            "--test-size makes a second file", remedy="Name it with --test-output, or both with -o."
        )
    test = arguments.test_output or _beside(output)
    if test == output:
        raise InputError("--test-output: this is the file for training too")
    return {TRAIN: output, TEST: test}


def _beside(output: Path) -> Path:
    """`pairs.test.jsonl.gz` beside `pairs.jsonl.gz`."""
    stem, dot, endings = output.name.partition(".")
    return output.with_name(f"{stem}.test{dot}{endings}")


def _since(text: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError):
        raise InputError(
            f"--since: expected a date such as 2026-01-31 or 2026-01-31T18:00, found {text!r}"
        ) from None


def _protect(session: Path, files: list[Path], prompts: Path | None) -> None:
    """Refuse to write over what the decisions are made from, --force or not."""
    own = {session.resolve()}
    if prompts:
        own.add(prompts.resolve())
    own |= {each.resolve() for each in describe(session).dataset_paths.values()}
    for path in files:
        if path != STDOUT and path.resolve() in own:
            raise InputError(
                f"{path}: the session itself lives on this file", remedy="Name another one."
            )


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error if that is a terminal."""
    columns = TextColumn("groups"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("groups", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def tell(console: Console, report: ExportReport, form: Format, outputs: Mapping[str, Path]) -> None:
    """The summary, and what a trainer has to be told of the files."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    paths = {split: _shown(path) for split, path in outputs.items()}
    for title, text in summary(report, paths):
        table.add_row(Text(title), Text(display_line(text)))
    console.print(table)
    train = next(iter(outputs.values()))
    name = "dataset.jsonl" if train == STDOUT else train.name
    if form.config:
        console.print(Text(display(f"\n{form.name}:\n{form.config(name)}")))
    if form.dataset_info:
        entries = {Path(each.name).stem: form.dataset_info(each.name) for each in outputs.values()}
        console.print(Text(display(f"\ndataset_info.json:\n{json.dumps(entries, indent=2)}")))


def _shown(path: Path) -> str:
    return "standard output" if path == STDOUT else str(path)
