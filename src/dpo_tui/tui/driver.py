"""Textual's driver for terminals, that survives what a terminal of another encoding sends."""

from __future__ import annotations

import os

from textual.drivers.linux_driver import LinuxDriver

_UNTITLED = frozenset({"", "dumb", "linux"})
"""Terminals without a title, which would show it in the text."""
_PUSH_TITLE, _POP_TITLE = "\x1b[22;0t", "\x1b[23;0t"
"""XTPUSHTITLE and XTPOPTITLE: ignored where they are not known."""


class Driver(LinuxDriver):
    """Reads keys from the terminal and paints on it; sets its title to the app's, if it has one."""

    def run_input_thread(self) -> None:
        """Read keys until the end; bytes that are no UTF-8 are passed over."""
        while True:
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            return

    def start_application_mode(self) -> None:
        """Take the terminal over; also when the app comes back from being suspended."""
        super().start_application_mode()  # type: ignore[no-untyped-call] # Textual says no types
        # There is no writer while the program is in the background.
        if self._writer_thread is not None and (title := self._title):
            self.write(f"{_PUSH_TITLE}\x1b]0;{title}\x07")
            self.flush()

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        if self._title:
            self.write(_POP_TITLE)
        super().stop_application_mode()

    @property
    def _title(self) -> str:
        return "" if os.environ.get("TERM", "") in _UNTITLED else self._app.title
