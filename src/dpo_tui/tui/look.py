"""How the screen looks and answers, as the settings and the person's own choices have it."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from dpo_tui.preferences import Preferences
from dpo_tui.tui.keymap import DEFAULT_KEYMAP, Keymap


class Look(Struct, frozen=True):
    """What the app is told about looks; the default is what somebody gets who has set nothing."""

    keymap: Keymap = DEFAULT_KEYMAP
    theme: str = ""
    """The theme that was set; empty if none was."""
    title: bool = False
    """Whether to set the terminal's title."""
    bell: bool = False
    """Whether to ring when what was waited for is there, or a server goes down."""
    slow: bool = False
    """Whether to repaint half as often."""
    preferences: Preferences = field(default_factory=Preferences)
    """What was chosen with a key before."""
    preferences_file: Path | None = None
    """Where to remember what is chosen; None: nowhere."""
