"""How quickly a session becomes a dataset, beside an encoder that has the same rows at hand.

    python -m benchmarks.export [--groups 30000] [--folder /a/disk]

Makes a session of decided groups of four responses, exports it in every format in processes of
their own, and writes the same rows with msgspec alone. Rates are told by the clock, with every core
that may be used, and by the processor's time of one process that does it alone. Memory is the
largest that the process had and each of its helpers, with a tenth of the groups too.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import msgspec
from msgspec.structs import replace

from benchmarks.common import ROOT, note, print_table
from dpo_tui.cores import usable_cores
from dpo_tui.datasets.formats import FORMATS, Format
from dpo_tui.datasets.lengths import Estimate
from dpo_tui.domain.model import Decision, Mark, Message, Prompt, Ready, Remarks, Verdict
from dpo_tui.domain.pairs import PairPolicy
from dpo_tui.export_job import TRAIN, ExportJob
from dpo_tui.exporting import export
from dpo_tui.store import decisions
from dpo_tui.store.session import SessionStore

_ME = "ann"
_WORDS = (
    *("a", "the", "model", "prefers", "answers", "that", "are", "short", "clear", "correct", "and"),
    *("complete", "with", "examples", "in", "python", "rust", "prose", "about", "trains", "stars"),
)


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=int, default=30_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", nargs=2, help="for the processes that it starts")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(_measure(FORMATS[given.measure[0]], Path(given.measure[1]))))
        return
    with TemporaryDirectory(prefix="dpo-tui-export-", dir=given.folder) as name:
        small, large = Path(name) / "small.db", Path(name) / "large.db"
        note(f"deciding {given.groups:,} groups")
        _make_session(small, given.groups // 10)
        _make_session(large, given.groups)
        rows = [_row(each, small, large) for each in FORMATS]
    headings = (
        *("format", "rows", "rows/s", "of CPU, alone", "bare msgspec", "ratio"),
        *("MB", "MB, 1/10"),
    )
    print_table(f"Export of {given.groups:,} groups", headings, rows)


def _row(form: str, small: Path, large: Path) -> list[str]:
    note(form)
    before, now = (_in_a_process(form, path) for path in (small, large))
    return [
        form,
        f"{now['rows']:,.0f}",
        f"{now['rate']:,.0f}",
        f"{now['cpu']:,.0f}",
        f"{now['bare']:,.0f}" if now["bare"] else "-",
        f"{now['bare'] / now['cpu']:.1f}" if now["bare"] else "-",
        f"{now['rss']:.0f}, {now['helpers']:.0f}",
        f"{before['rss']:.0f}, {before['helpers']:.0f}",
    ]


def _in_a_process(form: str, session: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.export", "--measure", form, str(session)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _measure(form: Format, session: Path) -> dict[str, float]:
    output = session.with_name(f"{form.name}{form.ending}")
    job = ExportJob(
        session=session,
        form=form,
        outputs={TRAIN: output},
        policy=PairPolicy(),
        ruler=Estimate(),
        user=_ME,
        cores=usable_cores(),
    )
    began = perf_counter()
    rows = export(job, _in_silence).rows.total()
    took = perf_counter() - began
    own, helpers = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    worked = process_time()
    export(replace(job, cores=1), _in_silence)
    cpu = process_time() - worked
    bare = _bare(output) if form.is_lines else 0.0
    output.unlink()
    rates = {"rate": rows / took, "cpu": rows / cpu, "bare": bare}
    return {"rows": rows, **rates, "rss": own, "helpers": helpers}


def _in_silence(_done: int, _total: int) -> None:
    """Nobody wants to know how far it has come."""


def _bare(output: Path) -> float:
    """Rows a second of CPU of an encoder and a file, with the rows in memory already."""
    rows = [msgspec.json.decode(line) for line in output.read_bytes().splitlines()[:20_000]]
    encode = msgspec.json.Encoder().encode
    with output.with_suffix(".bare").open("wb") as file:
        worked = process_time()
        for row in rows:
            file.write(encode(row))
            file.write(b"\n")
        return len(rows) / (process_time() - worked)


def _make_session(path: Path, count: int) -> None:
    words = random.Random(1)

    def text(length: int) -> str:
        return " ".join(words.choices(_WORDS, k=length))

    prompts = (
        Prompt(
            (Message("system", "You are helpful."), Message("user", f"{number}: {text(20)}")),
            responses=tuple(Ready(text(80)) for _ in range(4)),
        )
        for number in range(count)
    )
    with closing(SessionStore.open(path, annotator=_ME)) as store:
        store.import_prompts(prompts)
        with store._database.large_transaction() as connection:
            for group_id in range(1, count + 1):
                decisions.add_decision(connection, _decision(group_id), 1, None, 0.0)


def _decision(group_id: int) -> Decision:
    """One or two of four are chosen, so that a group gives three or four pairs."""
    ids = tuple(range(4 * group_id - 3, 4 * group_id + 1))
    chosen = ids[: 1 + group_id % 2]
    marks = {each: Mark.CHOSEN if each in chosen else Mark.REJECTED for each in ids}
    remarks = Remarks(strength=1 + group_id % 3)
    return Decision(group_id, _ME, Verdict.CONFIRMED, 1, marks, ids, 3, 1e9, 2.0, remarks=remarks)


if __name__ == "__main__":
    main()
