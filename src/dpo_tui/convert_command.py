"""What the command line asks of `convert`: from arguments to a job, and the summary at the end."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.text import Text

from dpo_tui.conversion import ConversionJob, convert
from dpo_tui.cores import usable_cores
from dpo_tui.datasets.endings import check_ending
from dpo_tui.datasets.formats import Format, format_named
from dpo_tui.datasets.output import STDOUT, check_output
from dpo_tui.display import display
from dpo_tui.errors import InputError
from dpo_tui.export_command import check_pairs, ruler_of, tell
from dpo_tui.output import Log
from dpo_tui.prompts import (
    PromptsFile,
    Reading,
    Tally,
    pipe_as_stdin,
    read_piped,
    read_prompts,
    stream_piped,
)
from dpo_tui.rewriting import Target
from dpo_tui.settings import Settings
from dpo_tui.trust import require_trust


def run_convert(arguments: Namespace, settings: Settings) -> None:
    """Write the file that was asked for, and say on standard error what was done.

    Raises:
        DpoTuiError: it can't be done; nothing was written then.
    """
    job = make_job(arguments, settings)
    check_ending(job.output, job.target.form, "--to")
    check_output(job.output, force=arguments.force)
    console = Log()
    tally = Tally()
    with _progress(console) as advance:
        report = convert(job, tally, advance)
    for line in tally.lines():
        console.print(Text(display(line)))
    tell(console, report, job.target.form, {"file": job.output})


def make_job(arguments: Namespace, settings: Settings) -> ConversionJob:
    """What the arguments ask for.

    Raises:
        InputError: they don't go together, or one of them is wrong.
    """
    form = format_named(arguments.to)
    check_pairs(arguments, form)
    if arguments.output == STDOUT and sys.stdout.isatty():
        raise InputError("a dataset is not for the screen", remedy="Name a file, or pipe it on.")
    reading = Reading.as_said(arguments.from_, arguments.columns, settings.bad_rows)
    return ConversionJob(
        prompts=_prompts(arguments.input, form),
        reading=reading,
        output=arguments.output,
        target=Target(
            form,
            policy=replace(settings.pair_policy, seed=arguments.seed),
            ruler=ruler_of(arguments),
            max_length=arguments.max_length,
        ),
        cores=usable_cores(),
    )


def _prompts(path: Path, form: Format) -> PromptsFile:
    path = pipe_as_stdin(path)
    if path != STDOUT:
        prompts = read_prompts(path)
        require_trust(prompts.loaders, allowed=False)
        return prompts
    # A format that has to know what is to come needs it twice.
    return read_piped() if form.tells_schema else stream_piped()


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[int], None]]:
    """A count on standard error if that is a terminal."""
    column = TextColumn("{task.completed:,} rows read")
    with Progress(column, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("rows", total=None)
        yield lambda done: progress.update(task, completed=done)
