"""The person's own editor, in the place of the screen."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from dpo_tui.errors import InputError


async def edited_outside(app: App[None], text: str) -> str:
    """The text as it is when `$VISUAL` or `$EDITOR` (else vi) ends; the screen is away meanwhile.

    The event loop goes on: responses that come in the meantime are stored.

    Raises:
        InputError: the editor can't be started or failed, or left something that is no text.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="dpo-tui-") as folder:
        path = Path(folder) / "response.md"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        # Nothing may be painted over the editor; what has changed is painted on return.
        try:
            with app.batch_update(), app.suspend():
                # An error in here would leave the terminal as it is.
                problem = await _run(command, path)
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


async def _run(command: str, path: Path) -> str:
    """Edit a file; what went wrong, if something did."""
    try:
        process = await asyncio.create_subprocess_exec(*shlex.split(command), str(path))
    except (OSError, ValueError) as error:
        return f"can't be started ({error})"
    code = await process.wait()
    return f"ended with exit code {code}" if code else ""
