"""All forms, and which of them a file is of."""

from __future__ import annotations

import re

from dpo_tui.errors import InputError
from dpo_tui.prompts.data import Data
from dpo_tui.prompts.forms.form import Form
from dpo_tui.prompts.forms.json_rows import DOCUMENT, LINES, LIST_NAMES
from dpo_tui.prompts.forms.parquet import MAGIC, PARQUET
from dpo_tui.prompts.forms.sheet import CSV, TSV

FORMS = (LINES, DOCUMENT, CSV, TSV, PARQUET)
ENDINGS = tuple(ending for form in FORMS for ending in form.endings)
TEXT_ENDING = ".txt"

_NAME = rb"""(?:\w(?:[\w .()/-]*[\w)])?|"[^"\n\\]+")"""
_HEADER = re.compile(
    rb"(?:\xef\xbb\xbf)?%s?(?P<by>[,;\t])%s(?:(?P=by)%s)*\r?\n" % (_NAME, _NAME, _NAME)
)
"""Names with no blank around what separates them: prose has one behind its commas."""
_TABLE = re.compile(
    rb"""\{(?:\s*"\w+"\s*:\s*[\w".-]+\s*,)*\s*"(?:%s)"\s*:\s*\[\s*\{[^\n]*\s*\Z"""
    % "|".join(LIST_NAMES).encode()
)
"""A list of rows in a table, all in one line."""


def form_of(data: Data) -> Form | None:
    """The form that the name says, or for standard input what the first bytes say.

    None for plain text. A list in JSON is one whatever it is called: no line is.

    Raises:
        InputError: it is of no form that can be read.
    """
    if data.is_nameless:
        return _by_content(data.start())
    for form in FORMS:
        if data.ending in form.endings:
            return DOCUMENT if form is LINES and data.is_list else form
    if data.ending == TEXT_ENDING:
        return None
    known = ", ".join((*ENDINGS, TEXT_ENDING))
    raise InputError(
        f"{data.source}: not a form of prompts file that can be read",
        remedy=f"Supported are .toml, {known}; the file name says which it is.",
    )


def _by_content(start: bytes) -> Form | None:
    stripped = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(MAGIC):
        return PARQUET
    if header := _HEADER.match(start):
        return TSV if header["by"] == b"\t" else CSV
    if stripped.startswith((b"{", b'"')):
        # A table over several lines is a document, not lines; so is one with all rows in it.
        is_document = re.match(rb"\{\s*\n", stripped) or _TABLE.match(stripped)
        return DOCUMENT if is_document else LINES
    if stripped.startswith(b"["):
        return DOCUMENT
    return None
