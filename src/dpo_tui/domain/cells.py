"""Cells of CSV that is safe to open in a spreadsheet: no text in it can act as a formula.

Source: https://owasp.org/www-community/attacks/CSV_Injection; spreadsheets of East Asian locales
take full-width signs for formulas too.
"""

from __future__ import annotations

COLUMNS = ("system", "prompt", "chosen", "rejected")
"""Of the tables that are written so."""
_ACTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and doesn't run: an apostrophe stands before what could act.

    One that stands there already gets another, so that `plain_cell` can take it away.
    """
    return f"'{text}" if text.lstrip("'").startswith(_ACTS) else text


def plain_cell(cell: str) -> str:
    """The text that `safe_cell` was given."""
    acts = cell.startswith("'") and cell.lstrip("'").startswith(_ACTS)
    return cell[1:] if acts else cell
