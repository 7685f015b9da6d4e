"""What of the Hugging Face hub's API sending a dataset takes: made after its client's source."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_the-token-of-the-tests"


class Hub(ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, bool] = {}
        """Whether each one is private."""
        self.files: dict[str, bytes] = {}
        """By `repo/path`."""
        self.refuses = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        name = self.path.removeprefix("/datasets/").replace("/resolve/main/", "/")
        if name in self.server.files:
            self._answer(200, {}, **{"X-Repo-Commit": "0" * 40, "ETag": '"0"'})
        else:
            self._answer(404, {}, **{"X-Error-Code": "EntryNotFound"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}" or self.server.refuses:
            self._answer(401, {"error": "Invalid username or password."})
        elif self.path == "/api/repos/create":
            self._create(json.loads(body))
        elif self.path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                for each in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})
        else:
            self._commit(body)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or 'ann'}/{asked['name']}"
        self.server.repos.setdefault(
            name, bool(asked.get("private") or asked.get("visibility") == "private")
        )
        self._answer(200, {"url": f"{self.server.url}/datasets/{name}", "name": name})

    def _commit(self, body: bytes) -> None:
        repo = self.path.removeprefix("/api/datasets/").partition("/commit/")[0]
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                value = line["value"]
                self.server.files[f"{repo}/{value['path']}"] = base64.b64decode(value["content"])
        url = f"{self.server.url}/datasets/{repo}/commit/0"
        self._answer(200, {"commitUrl": url, "commitOid": "0" * 40, "pullRequestUrl": None})

    def _answer(self, code: int, value: object, **headers: str) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        for name, text in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub on the loopback until the block ends."""
    with Hub() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
