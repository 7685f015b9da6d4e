"""The script that completes what is typed in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

SHELLS = ("bash", "zsh", "tcsh", "fish", "powershell")
FILE = "file"
"""The `complete` attribute of an argument that names a file, as shtab wants it."""


class PrintCompletion(argparse.Action):
    """Prints the script for a shell, and leaves."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        shell: str | Sequence[Any] | None,
        _option: str | None = None,
    ) -> None:
        """Print it. Importing what writes it would hold up everything else that is typed."""
        import shtab

        from dpo_tui.arguments import make_parser

        print(shtab.complete(make_parser(), str(shell)))
        parser.exit()
