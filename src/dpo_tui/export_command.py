"""What the command line asks of `export`: from arguments to a job, and the summary at the end."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from dpo_tui.cores import usable_cores
from dpo_tui.datasets.dataset_info import add_dataset_info, check_dataset_info
from dpo_tui.datasets.endings import check_ending
from dpo_tui.datasets.formats import Format, format_named
from dpo_tui.datasets.hub import CARD, send_folder
from dpo_tui.datasets.lengths import Estimate, Ruler, TokenizerRuler
from dpo_tui.datasets.output import STDOUT, check_output, writing_whole
from dpo_tui.display import display, display_line
from dpo_tui.domain.pairs import Unit
from dpo_tui.errors import InputError
from dpo_tui.export_job import TEST, TRAIN, ExportJob
from dpo_tui.exporting import export
from dpo_tui.paths import resolved
from dpo_tui.reports.card import CardFacts, Provenance, card
from dpo_tui.reports.export import ExportReport, summary
from dpo_tui.settings import Settings
from dpo_tui.store.info import describe


def run_export(arguments: Namespace, session: Path, settings: Settings, user: str) -> None:
    """Write the files that were asked for, and say on standard error what was done.

    Raises:
        DpoTuiError: it can't be done; no dataset was written then.
    """
    job = make_job(arguments, session, settings, user, _outputs(arguments))
    card_path = _card_path(arguments.card, job.outputs[TRAIN]) if arguments.card else None
    _keep_apart(_named(arguments, job, card_path))
    files = [*job.outputs.values(), *filter(None, (job.sidecar, card_path))]
    _protect(session, files, arguments.prompts)
    for path in job.outputs.values():
        check_ending(path, job.form, "--format")
    for path in files:
        check_output(path, force=arguments.force)
    if arguments.dataset_info:
        entries = dataset_info_entries(job.form, job.outputs, arguments.dataset_info.parent)
        check_dataset_info(arguments.dataset_info, entries, force=arguments.force)
    console = Console(stderr=True, highlight=False)
    with _bar(console) as advance:
        report = export(job, advance)
    if card_path:
        title = arguments.prompts or session
        write_card(card_path, job, report, title=title.stem)
    if arguments.dataset_info:
        add_dataset_info(arguments.dataset_info, entries)
    has_dataset_info = arguments.dataset_info is not None
    tell(console, report, job.form, job.outputs, has_dataset_info=has_dataset_info)


def run_push(arguments: Namespace, session: Path, settings: Settings, user: str) -> None:
    """Make the files and their card, and send them to the hub unless it is a dry run.

    Raises:
        DpoTuiError: it can't be done.
    """
    console = Console(stderr=True, highlight=False)
    with TemporaryDirectory(prefix="dpo-tui-push-") as name:
        folder = Path(name)
        ending = format_named(arguments.format).ending
        splits = (TRAIN, TEST) if arguments.test_size else (TRAIN,)
        outputs = {each: folder / f"{each}{ending}" for each in splits}
        arguments.card, arguments.sidecar = CARD, None
        job = make_job(arguments, session, settings, user, outputs)
        with _bar(console) as advance:
            report = export(job, advance)
        write_card(folder / CARD, job, report, title=arguments.repo.rpartition("/")[2])
        tell(console, report, job.form, {split: Path(each.name) for split, each in outputs.items()})
        if arguments.dry_run:
            console.print(Text(display((folder / CARD).read_text(encoding="utf-8"))))
            console.print(Text("dry run: nothing was sent"))
            return
        with console.status("sending to the hub"):
            address = send_folder(
                folder, arguments.repo, public=arguments.public, keep_card=not arguments.force
            )
    console.print(Text(display(f"sent       {address}")))


def make_job(
    arguments: Namespace,
    session: Path,
    settings: Settings,
    user: str,
    outputs: Mapping[str, Path],
) -> ExportJob:
    """What the arguments ask for.

    Raises:
        InputError: they don't go together, or one of them is wrong.
    """
    form = format_named(arguments.format)
    check_pairs(arguments, form)
    if not 0 <= arguments.test_size < 1:
        raise InputError("--test-size: expected a share of the prompts, as in 0.05")
    return ExportJob(
        session=session,
        form=form,
        outputs=outputs,
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
        provenance=Provenance() if arguments.card else None,
        max_length=arguments.max_length,
        near_duplicates=settings.near_duplicates,
        cores=usable_cores(),
    )


def check_pairs(arguments: Namespace, form: Format) -> None:
    """Refuse to take a part of the pairs where a row is none.

    Raises:
        InputError: that is asked for.
    """
    if form.unit is Unit.PAIR:
        return
    asked = f"--pairs {arguments.pairs}" if (arguments.pairs or "").isdecimal() else ""
    if asked or getattr(arguments, "best_over_chosen", None):
        raise InputError(
            f"{asked or '--best-over-chosen'}: a row of {form.name} is one response, not a pair",
            remedy="Leave it out; --pairs best takes the best chosen response of a group.",
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
        if arguments.test_output:
            raise InputError(
                "--test-output: no prompts are kept apart for it",
                remedy="Say how many with --test-size, as in --test-size 0.05.",
            )
        return {TRAIN: output}
    if arguments.test_output is None and output == STDOUT:
        raise InputError(
            "--test-size makes a second file", remedy="Name it with --test-output, or both with -o."
        )
    return {TRAIN: output, TEST: arguments.test_output or _beside(output)}


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


def dataset_info_entries(
    form: Format, outputs: Mapping[str, Path], folder: Path | None = None
) -> dict[str, object]:
    """What LLaMA-Factory has to be told of the files, by the name that it calls each.

    It looks for a file from the folder of its `dataset_info.json`; without one, beside it.

    Raises:
        InputError: the format is not one of LLaMA-Factory's.
    """
    if form.dataset_info is None:
        raise InputError(
            f"--dataset-info: {form.name} has none", remedy="LLaMA-Factory's formats have."
        )
    entries: dict[str, object] = {}
    for split, path in outputs.items():
        name = _dataset_name(path) + ("_test" if split == TEST else "")
        entries[name] = form.dataset_info(_seen_from(folder, path))
    return entries


def _dataset_name(path: Path) -> str:
    return "dataset" if path == STDOUT else path.name.partition(".")[0]


def _seen_from(folder: Path | None, path: Path) -> str:
    if path == STDOUT:
        return "dataset.jsonl"
    if folder is None:
        return path.name
    # Of links, `..` is what they lead to; the name itself stays as it was given.
    return os.path.relpath(resolved(path.parent) / path.name, resolved(folder))


def _named(arguments: Namespace, job: ExportJob, card_path: Path | None) -> dict[str, Path]:
    """All that is to be written, by the option that asks for it."""
    asked = {
        "-o": job.outputs[TRAIN],
        "--test-output" if arguments.test_output else "--test-size": job.outputs.get(TEST),
        "--sidecar": job.sidecar,
        "--card": card_path,
        "--dataset-info": arguments.dataset_info,
    }
    return {option: path for option, path in asked.items() if path}


def _keep_apart(named: Mapping[str, Path]) -> None:
    """Refuse to write two things to one place: the second would replace the first."""
    taken: dict[Path, str] = {}
    for option, path in named.items():
        place = path if path == STDOUT else resolved(path)
        if (other := taken.setdefault(place, option)) != option:
            raise InputError(
                f"{option}: {_shown(path)} is what {other} writes to", remedy="Name another file."
            )


def _protect(session: Path, files: list[Path], prompts: Path | None) -> None:
    """Refuse to write over what the decisions are made from, --force or not."""
    own = {resolved(session)}
    if prompts:
        own.add(resolved(prompts))
    own |= {resolved(each) for each in describe(session).dataset_paths.values()}
    for path in files:
        if path != STDOUT and resolved(path) in own:
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


def _card_path(asked: str, output: Path) -> Path:
    """Where the card goes: where it was asked for, else beside the dataset."""
    if asked != CARD:
        return Path(asked)
    if output == STDOUT:
        raise InputError("--card: beside which file?", remedy="Name one: --card FILE, or -o FILE.")
    return output.with_name(CARD)


def write_card(path: Path, job: ExportJob, report: ExportReport, *, title: str) -> None:
    """Write the card of what was exported.

    Raises:
        DatasetError: the disk refused.
    """
    share = f"{job.test_size:.3g} of the prompts are kept apart for testing"
    facts = CardFacts(
        title=title,
        format=job.form.name,
        readers=job.form.readers,
        policy=job.policy.told(job.form.unit),
        has_cut_off=job.policy.allow_cut_off,
        split=f"{share}, near-identical ones on the same side" if TEST in job.outputs else "",
        files={split: each.name for split, each in job.outputs.items()},
    )
    with writing_whole(path) as file:
        file.write(card(facts, report, job.provenance or Provenance()).encode(errors="replace"))


def tell(
    console: Console,
    report: ExportReport,
    form: Format,
    outputs: Mapping[str, Path],
    *,
    has_dataset_info: bool = False,
) -> None:
    """The summary, and what a trainer has to be told of the files."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    paths = {split: _shown(path) for split, path in outputs.items()}
    for title, text in summary(report, paths):
        table.add_row(Text(title), Text(display_line(text)))
    console.print(table)
    train = next(iter(outputs.values()))
    if form.config:
        config = form.config("dataset.jsonl" if train == STDOUT else str(train))
        console.print(Text(display(f"\n{form.name}:\n{config}")))
    if form.dataset_info and not has_dataset_info:
        entries = json.dumps(dataset_info_entries(form, outputs), indent=2)
        console.print(Text(display(f"\ndataset_info.json:\n{entries}")))


def _shown(path: Path) -> str:
    return "standard output" if path == STDOUT else str(path)
