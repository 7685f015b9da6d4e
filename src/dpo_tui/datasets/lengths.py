"""How long texts are in tokens: by a tokenizer file, or estimated."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from dpo_tui.errors import InputError

BYTES_PER_TOKEN = 4
"""What the estimate takes a token for, in UTF-8; the templates' own tokens are not counted."""


class Ruler(Protocol):
    """Measures texts in tokens."""

    name: str
    """How it measures, for a person."""

    def length(self, text: str) -> int:
        """How many tokens a text has."""
        ...

    def start(self, text: str, tokens: int) -> object:
        """What is left of a text that is cut after so many tokens; comparable."""
        ...


class Estimate:
    """Takes every BYTES_PER_TOKEN bytes for a token."""

    name = f"estimated at {BYTES_PER_TOKEN} bytes a token"

    def length(self, text: str) -> int:
        """How many tokens a text has, about."""
        size = len(text) if text.isascii() else len(text.encode())
        return -(-size // BYTES_PER_TOKEN)

    def start(self, text: str, tokens: int) -> object:
        """What is left of a text that is cut."""
        return text.encode()[: tokens * BYTES_PER_TOKEN]


class TokenizerRuler:
    """Counts the tokens of a `tokenizer.json`."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            InputError: it is no tokenizer, or the library is not installed.
        """
        try:
            from tokenizers import Tokenizer  # noqa: PLC0415 - it is an extra
        except ImportError as error:
            raise InputError(
                "--tokenizer needs the tokenizers library, which is not installed.",
                remedy="pip install 'dpo-tui[tokenizers]', or leave it out for an estimate.",
            ) from error
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exceptions
            raise InputError(
                f"{path}: can't be read as a tokenizer: {error}",
                remedy="Name the tokenizer.json of the model that you train.",
            ) from error
        self.name = f"counted with {path.name}"

    def length(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self._ids(text))

    def start(self, text: str, tokens: int) -> object:
        """What is left of a text that is cut."""
        return self._ids(text)[:tokens]

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens=False).ids
