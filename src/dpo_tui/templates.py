"""The files that `init` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w

from dpo_tui.errors import InputError
from dpo_tui.paths import make_private
from dpo_tui.settings import SETTINGS, Settings

_STARTER = """\
# Prompts for dpo-tui. Label them with:  dpo-tui annotate <this file>
# Edit this file whenever you like: what you decided stays decided.

# Each system message goes with each user message: 2 x 2 = 4 prompts.
system = [
    "You are a helpful assistant. Answer in one short paragraph.",
    "You are a friendly teacher. Explain things simply, with one example.",
]
user = [
    "Why is the sky blue?",
    "What is a hash table?",
]

# More prompts from other files beside this one: .jsonl, .txt (one prompt a line) or .toml.
# include = ["more.jsonl", "questions.txt"]

# Or from your own Python: a function that yields texts, or dicts with the keys of [[prompt]].
# It runs once you have said --allow-loader, and then until its file changes.
# loader = "my_prompts:make"

# Settings: take away the "# " in front. A flag on the command line wins over them.
# base_url = "http://127.0.0.1:8000/v1"
# model = "my-model"
# api_key_env = "OPENAI_API_KEY"
# n = 4
# output = "pairs.jsonl"

# [sampling]
# temperature = 0.8
# top_p = 0.95
# max_tokens = 1024
# seed = 7
# stop = ["END"]

# Whatever else your server takes:
# [sampling.extra]
# min_p = 0.05

# What a decision can be labelled with, and what it means:
# [labels]
# wrong = "says something that isn't true"
# style = "right, but hard to read"

# Single prompts; each can have settings of its own.
[[prompt]]
id = "thanks-mail"
tags = ["writing"]
user = "Write a two-sentence thank-you note to a colleague who helped me move."
n = 3
temperature = 1.0

# A conversation ends with what the user says.
[[prompt]]
messages = [
    { role = "system", content = "You are a patient cooking coach." },
    { role = "user", content = "I want to bake bread, but I have no oven." },
    { role = "assistant", content = "No problem! Do you have a pan with a lid?" },
    { role = "user", content = "Yes, a big one. What do I do?" },
]
"""

_KEYS = """
# Other keys: take away the "# " in front. The help screen (?) lists the actions.
# [keys]
# preset = "vim"
# skip = ["S", "delete"]
"""


def starter_prompts() -> str:
    """A commented prompts file of a few prompts that works as it is."""
    return _STARTER


def starter_config(settings: Settings) -> str:
    """A config file that says these settings; those that are not set are left out."""
    table: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    for setting in SETTINGS:
        in_sampling = setting.name.startswith("sampling.")
        value = getattr(settings.sampling if in_sampling else settings, setting.last_name)
        if isinstance(value, Path):
            value = str(value.absolute())
        if value not in (None, (), {}):
            (sampling if in_sampling else table)[setting.last_name] = value
    if settings.sampling.extra:
        sampling["extra"] = settings.sampling.extra
    header = "# Settings of dpo-tui. The prompts file, the environment and flags win over them.\n\n"
    return header + tomli_w.dumps({**table, "sampling": sampling}) + _KEYS


def write_new(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file that isn't there yet; a private one for the user alone, as folders made for it.

    Raises:
        InputError: there is one already, or it can't be written; nothing is left of it then.
    """
    try:
        if private:
            make_private(path.parent)
        path.touch(mode=0o600 if private else 0o666, exist_ok=False)
    except FileExistsError:
        raise InputError(
            f"{path}: there is something already, and it is not overwritten",
            remedy="Name another file, or move that one away.",
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: can't be written: {error.strerror or error}",
        remedy="Check that its folder is there and writable.",
    )
