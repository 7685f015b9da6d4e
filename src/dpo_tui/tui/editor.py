"""The person's own editor, in the place of the screen."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from textual.app import App, SuspendNotSupported

from dpo_tui.display import tell
from dpo_tui.errors import InputError
from dpo_tui.terminal import lent

_ENDING_SECONDS = 0.3
"""How long an editor may take to end when the person leaves; leaving takes less than a second."""


class OutsideEditor:
    """`$VISUAL` or `$EDITOR`, else vi."""

    def __init__(self) -> None:
        self.open = asyncio.Lock()
        """Held from before it starts until what was typed in it has been kept."""
        self.is_ended = False
        """Whether the person has left: what it leaves then isn't finished."""
        self._process: Process | None = None

    async def edit(self, app: App[None], text: str) -> str:
        """The text as it is when the editor ends; the screen is away meanwhile.

        The event loop goes on: responses that come in the meantime are stored.

        Raises:
            InputError: it can't be started or failed, or left something that is no text.
        """
        command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        with self._file() as path:
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            # Nothing may be painted over the editor; what has changed is painted on return.
            try:
                with app.batch_update(), app.suspend():
                    # An error in here would leave the terminal as it is.
                    with lent():
                        problem = await self._run(command, path)
                    if self._has_more(path):  # told where the shell is
                        tell(f"What {command} had not saved is in {path.parent}")
            except SuspendNotSupported as error:
                raise InputError("this terminal can't be handed to an editor") from error
            if problem:
                raise InputError(f"{command} {problem}: nothing was changed", remedy="Set $EDITOR.")
            try:
                typed = path.read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"what {command} left can't be read: {error}") from error
        # Editors end a file with a newline that the person didn't type.
        return typed if text.endswith("\n") else typed.removesuffix("\n")

    async def end(self) -> None:
        """Make it end, as the person leaves; returns when what it left has been kept."""
        self.is_ended = True
        if self._process:
            _end(self._process)
        async with self.open:
            pass

    @contextmanager
    def _file(self) -> Iterator[Path]:
        """A file to edit, in a folder of its own."""
        folder = Path(tempfile.mkdtemp(prefix="dpo-tui-"))
        path = folder / "response.md"
        try:
            yield path
        finally:
            if not self._has_more(path):
                shutil.rmtree(folder, ignore_errors=True)

    def _has_more(self, path: Path) -> bool:
        """Whether an editor that was made to end has put beside it what it had not saved.

        As vim does in its swap file. Else it is a copy of what was there before.
        """
        return self.is_ended and any(each != path for each in path.parent.glob("*"))

    async def _run(self, command: str, path: Path) -> str:
        """Edit a file; what went wrong, if something did."""
        try:
            process = await asyncio.create_subprocess_exec(*shlex.split(command), str(path))
        except (OSError, ValueError) as error:
            return f"can't be started ({error})"
        self._process = process
        if self.is_ended:
            _end(process)
        code = await process.wait()
        self._process = None
        return f"ended with exit code {code}" if code and not self.is_ended else ""


def _end(process: Process) -> None:
    def kill() -> None:
        with suppress(ProcessLookupError):
            process.kill()

    with suppress(ProcessLookupError):
        process.terminate()
    asyncio.get_running_loop().call_later(_ENDING_SECONDS, kill)
