"""What runs in the embedded server's own process: llama.cpp's HTTP server and nothing else.

Started by `embedded` as `python -m dpo_tui.backend.embedded_server`. One JSON line on stdin says
what to serve (the key among it, so that it stands in no process list); one line on stdout gives the
address once the model is loaded; stderr takes llama.cpp's errors until then.

stdin stays open as long as the app lives. However the app dies, the kernel closes its end, and that
ends this process.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
from typing import TYPE_CHECKING

import xllamacpp

if TYPE_CHECKING:
    from dpo_tui.backend.embedded import Job

_STDIN, _STDOUT, _STDERR = range(3)


def main() -> None:
    """Serve until stdin ends."""
    reply = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)  # whatever a library prints must not be taken for the address
    job: Job = json.loads(sys.stdin.buffer.readline())
    _die_when_stdin_closes()
    try:
        server = xllamacpp.Server(_parameters(job))
    except RuntimeError:
        os._exit(1)  # llama.cpp has said why
    os.write(reply, server.listening_address.encode() + b"\n")
    os.close(reply)
    # From here on errors go to whoever asked; a log would only grow.
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDERR)
    os.read(_STDIN, 1)  # where pipes raise no SIGIO this is what notices
    os._exit(0)  # llama.cpp has no orderly end that is worth waiting for


def _die_when_stdin_closes() -> None:
    """Let the kernel kill this process when the other end of stdin is gone.

    A thread that waits for the end of stdin can't do that: xllamacpp holds the GIL while it loads a
    model, which takes a minute for a big one. fcntl(2): O_ASYNC, F_SETOWN.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(_STDIN, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(_STDIN, fcntl.F_GETFL)
    fcntl.fcntl(_STDIN, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([_STDIN], [], [], 0)[0]:
        os._exit(0)  # it was gone before the kernel was asked to tell


def _parameters(job: Job) -> xllamacpp.CommonParams:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = job["model_file"]
    parameters.model_alias = {job["alias"]}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [job["key"]]
    parameters.n_parallel = job["slots"]
    parameters.n_ctx = job["slots"] * job["context"]
    parameters.n_batch = parameters.n_ubatch = 512
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = job["threads"]
    parameters.cont_batching = True
    parameters.use_jinja = True
    parameters.endpoint_slots = parameters.endpoint_props = True
    parameters.cache_ram_mib = 256  # its default is 8 GiB
    parameters.ui = False
    parameters.verbosity = 1  # errors
    return parameters


if __name__ == "__main__":
    main()
