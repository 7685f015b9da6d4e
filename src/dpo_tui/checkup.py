"""The `doctor` command: looks at the endpoints and prints what it found."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.status import Status
from rich.table import Table
from rich.text import Text

from dpo_tui.backend.diagnosis import Diagnosis
from dpo_tui.backend.discovery import CANDIDATES, Candidate, nothing_found
from dpo_tui.backend.doctor import Patient, Say, diagnose, found_patients
from dpo_tui.display import display, display_line
from dpo_tui.output import Log, Output
from dpo_tui.reports.doctor import advise, as_json, lines, prompts_toml
from dpo_tui.routes import KeyOf
from dpo_tui.settings import Settings


async def check_up(
    settings: Settings, key_of: KeyOf, say: Say, candidates: Sequence[Candidate] = CANDIDATES
) -> list[Diagnosis]:
    """Look at the endpoints that were named, or else at those that run on this machine.

    One after the other: they may share a GPU.

    Raises:
        InputError: a base URL is none.
    """
    patients: Sequence[Patient | Diagnosis] = [
        Patient(each.base_url, each.model, key_of(each), each.api_key_env, each.concurrency)
        for each in settings.named_endpoints
    ]
    if not patients:
        say("Looking at the usual ports of this machine")
        patients = await found_patients(settings.model, settings.concurrency, candidates)
    return [each if isinstance(each, Diagnosis) else await diagnose(each, say) for each in patients]


def progress_line() -> AbstractContextManager[Callable[[str], None]]:
    """One line on standard error that says what is being tried; nothing if that is no terminal."""
    console = Log()
    return _Progress(console.status(Text(""))) if console.is_terminal else nullcontext(_no_words)


class _Progress(AbstractContextManager[Callable[[str], None]]):
    def __init__(self, status: Status) -> None:
        self._status = status

    def __enter__(self) -> Callable[[str], None]:
        self._status.start()
        return lambda text: self._status.update(Text(display_line(text), overflow="ellipsis"))

    def __exit__(self, *_: object) -> None:
        self._status.stop()


def _no_words(_: str) -> None:
    pass


def print_json(diagnoses: Sequence[Diagnosis]) -> None:
    """Print all of it for machines."""
    error = None if diagnoses else nothing_found()
    report = as_json(diagnoses, *((error.message, error.remedy) if error else ()))
    Output().out(display(json.dumps(report, indent=2)), highlight=False)


def print_report(diagnoses: Sequence[Diagnosis]) -> None:
    """Print it as a table, with advice.

    Raises:
        ConnectError: there is nothing to print.
    """
    if not diagnoses:
        raise nothing_found()
    console = Output(highlight=False)
    for diagnosis in diagnoses:
        console.print(Text(display_line(diagnosis.base_url), style="bold"))
        console.print(_table(diagnosis))
        if diagnosis.is_usable:
            console.print()
            for note in advise(diagnosis).notes:
                console.print(Text(note))
            console.print(Text("For your prompts file or config.toml:"))
            # Not folded at the terminal's width: it is there to be copied.
            console.print(Text(display(prompts_toml(diagnosis))), soft_wrap=True)
        console.print()


def _table(diagnosis: Diagnosis) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for label, value in lines(diagnosis):
        table.add_row(Text(f"  {label}"), Text(display_line(value)))
    return table
