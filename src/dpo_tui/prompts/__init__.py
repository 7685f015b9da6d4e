"""Readers: forms and shapes of rows, TOML, text, loaders; each an iterator of prompts."""

from dpo_tui.prompts.data import pipe_as_stdin
from dpo_tui.prompts.reader import (
    PromptsFile,
    read_piped,
    read_prompts,
    settings_in,
    stream_piped,
)
from dpo_tui.prompts.rows import RawRows, Reading
from dpo_tui.prompts.tally import Tally

__all__ = [
    "PromptsFile",
    "RawRows",
    "Reading",
    "Tally",
    "pipe_as_stdin",
    "read_piped",
    "read_prompts",
    "settings_in",
    "stream_piped",
]
