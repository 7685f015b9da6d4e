"""From the launch of `annotate` to the first token on the screen, beside the least it can take.

That is: a bare Textual program's first frame, and the server's own time to its first token.

    .venv/bin/python -m benchmarks.first_token
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import monotonic
from urllib.parse import urlsplit

from benchmarks.bare_app import FIRST_FRAME
from benchmarks.common import note, print_table, workplace
from benchmarks.link import Link
from benchmarks.server import FIRST_WORD, Pace, serving

_PACE = Pace(slots=8, seconds=10.0, pieces=100)


def _seconds_to(sought: str, argv: Sequence[str], environment: Mapping[str, str]) -> float:
    with Link(argv, environment) as link:
        seen = link.wait_for(sought)
        assert seen is not None, bytes(link.received).decode(errors="replace")
        return seen - link.launched


def _annotate(base_url: str) -> float:
    with workplace(base_url, prompts=20) as place:
        return _seconds_to(FIRST_WORD, place.command("annotate", 4), place.environment)


def _bare_app() -> float:
    argv = [sys.executable, str(Path(__file__).with_name("bare_app.py"))]
    return _seconds_to(FIRST_FRAME, argv, {**os.environ, "TERM": "xterm-256color"})


def _server(base_url: str) -> float:
    connection = HTTPConnection(urlsplit(base_url).netloc, timeout=30)
    body = json.dumps({"messages": [], "stream": True})
    began = monotonic()
    connection.request("POST", "/v1/chat/completions", body)
    connection.getresponse().readline()
    seconds = monotonic() - began
    connection.close()
    return seconds


def _spread(values: Sequence[float]) -> tuple[str, str, str]:
    return f"{median(values):.3f}", f"{min(values):.3f}", f"{max(values):.3f}"


def main() -> None:
    """Measure in turns, so that what else the machine does hits all alike."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=10)
    given = parser.parse_args()
    ours, bare, server = [], [], []
    with serving(_PACE) as base_url:
        _annotate(base_url)  # compiles, and fills the disk cache
        for run in range(given.runs):
            note(f"run {run + 1} ...")
            ours.append(_annotate(base_url))
            bare.append(_bare_app())
            server.append(_server(base_url))
    least = median(bare) + median(server)
    print_table(
        f"seconds to the first token on the screen, {given.runs} runs in turns",
        ("", "median", "least", "most"),
        [
            ("annotate: launch to first token", *_spread(ours)),
            ("bare Textual program: launch to first frame", *_spread(bare)),
            ("the server: request to first token", *_spread(server)),
            ("annotate takes more", f"{median(ours) - least:+.3f}", "", ""),
        ],
    )


if __name__ == "__main__":
    main()
