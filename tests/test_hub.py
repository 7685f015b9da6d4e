"""Datasets of the hub, from a hub of this machine."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from pyarrow import parquet

from dpo_tui.store.info import describe
from tests.terminal.program import Person

_COMMIT = "0" * 40
_TREE = "/api/datasets/acme/pairs/tree/main"
_FILE = "/datasets/acme/pairs/resolve/main/"


@contextmanager
def hub(files: Mapping[str, bytes], *, gated: bool = False, ill: bool = False) -> Iterator[str]:
    """A server that has one dataset, `acme/pairs`, as the hub would tell of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if ill:
                self._say(400, b"{}")
            elif gated and path == _TREE:
                self._say(403, b"{}", {"X-Error-Code": "GatedRepo"})
            elif path == _TREE:
                listed = [
                    {"type": "file", "path": name, "size": len(data), "oid": "0"}
                    for name, data in files.items()
                ]
                self._say(200, json.dumps(listed).encode())
            elif path.startswith(_FILE) and (data := files.get(path.removeprefix(_FILE))):
                headers = {"X-Repo-Commit": _COMMIT, "ETag": f'"{hash(data):x}"'}
                self._say(200, data, headers)
            else:
                self._say(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET  # noqa: N815 - the name that the library looks for

        def _say(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def lines(*names: str) -> bytes:
    rows = ({"prompt": each, "chosen": f"{each}+", "rejected": f"{each}-"} for each in names)
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def table(*names: str) -> bytes:
    buffer = io.BytesIO()
    rows = [json.loads(line) for line in lines(*names).splitlines()]
    parquet.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


FILES = {
    "README.md": b"# pairs\n",
    "dataset_infos.json": b"{}",
    "data/train-00000-of-00002.parquet": table("a", "b"),
    "data/train-00001-of-00002.parquet": table("c"),
    "data/test-00000-of-00001.parquet": table("d"),
    "data/train_hard.jsonl": lines("x", "y"),
    "extra/train.jsonl.gz": gzip.compress(lines("e")),
}


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def generate(person: Person, url: str, spec: str) -> tuple[int, str]:
    done = person.run("generate", spec, HF_ENDPOINT=url, HF_HUB_DISABLE_XET="1")
    return done.returncode, " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("spec", "total"),
    [
        ("hf:acme/pairs:data/train", 3),
        ("hf:acme/pairs:hard", 2),
        ("hf:acme/pairs:test", 1),
        ("hf:acme/pairs:extra", 1),
        ("hf:acme/pairs:extra/train", 1),
    ],
)
def test_a_split_of_a_dataset_is_read(person: Person, spec: str, total: int) -> None:
    with hub(FILES) as url:
        code, told = generate(person, url, spec)
    assert code == 0, told
    assert "TRL pairs (prompt, chosen, rejected: text)" in told
    info = describe(person.session())
    assert info.total == total
    assert str(info.prompts_path) == spec


def test_a_dataset_without_splits_is_read_whole(person: Person) -> None:
    with hub({"one.jsonl": lines("a"), "two.jsonl": lines("b"), "README.md": b"#"}) as url:
        code, told = generate(person, url, "hf:acme/pairs")
    assert code == 0, told
    assert describe(person.session()).total == 2


@pytest.mark.parametrize(
    ("spec", "tables"),
    [
        ("hf:acme/pairs", ("data/train", "extra/train")),
        ("hf:acme/pairs:train", ("data/train", "extra/train")),
        ("hf:acme/pairs:data", ("data/test", "data/train", "data/train_hard")),
    ],
)
def test_which_of_several_tables_is_asked(
    person: Person, spec: str, tables: tuple[str, ...]
) -> None:
    choices = ", ".join(f"hf:acme/pairs:{each}" for each in tables)
    with hub(FILES) as url:
        code, told = generate(person, url, spec)
    assert code == 2
    assert f"{spec}: {len(tables)} tables of it could be meant." in told
    assert told.endswith(f"Say which: {choices}")


def test_a_table_is_one_beside_others_with_its_name_in_theirs(person: Person) -> None:
    files = {
        "train-0.jsonl": lines("a"),
        "train-1.jsonl": lines("b"),
        "train_sft.csv": b"user",
        "x/train.csv": b"?",
    }
    with hub(files) as url:
        code, told = generate(person, url, "hf:acme/pairs")
    assert code == 0, told
    assert describe(person.session()).total == 2


def test_what_is_wrong_is_told(person: Person) -> None:
    with hub(FILES) as url:
        code, told = generate(person, url, "hf:acme/pairs:valid")
        assert code == 2
        assert "no file of it is of the split 'valid'" in told
        assert "data/train-00000-of-00002.parquet" in told
        code, told = generate(person, url, "hf:acme/nothing")
        assert code == 2
        assert "there is no such dataset" in told
        code, told = generate(person, url, "hf:pairs")
        assert code == 2
        assert "expected hf:owner/name" in told
    with hub({"README.md": b"#"}) as url:
        assert "has no files that can be read" in generate(person, url, "hf:acme/pairs")[1]
    with hub(FILES, gated=True) as url:
        code, told = generate(person, url, "hf:acme/pairs")
        assert code == 2
        assert "open only to those who asked for it" in told
        assert "hf auth login" in told
    assert not list(person.home.rglob("*.db"))


def test_a_prompts_file_can_include_a_dataset(person: Person) -> None:
    person.write("prompts.toml", 'include = ["hf:acme/pairs:test"]\n')
    with hub(FILES) as url:
        code, told = generate(person, url, "prompts.toml")
    assert code == 0, told
    assert "hf:acme/pairs/data/test-00000-of-00001.parquet: TRL pairs" in told


def test_what_was_fetched_is_read_when_the_hub_gives_nothing(person: Person) -> None:
    with hub(FILES) as url:
        generate(person, url, "hf:acme/pairs:test")
    # One that is away is tried for half a minute.
    with hub(FILES, ill=True) as url:
        code, told = generate(person, url, "hf:acme/pairs:test")
        assert code == 0, told
        assert "1 of 1 groups complete" in told
        code, told = generate(person, url, "hf:acme/others")
        assert code == 1
        assert "hf:acme/others: can't be fetched" in told


def test_a_session_is_exported_without_the_hub(person: Person) -> None:
    person.write("prompts.toml", 'include = ["hf:acme/pairs:test"]\npreferences = "decide"\n')
    with hub(FILES) as url:
        code, told = generate(person, url, "prompts.toml")
    assert code == 0, told
    done = person.run("export", "prompts.toml", HF_ENDPOINT=url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rejected_response"] == "d-"
