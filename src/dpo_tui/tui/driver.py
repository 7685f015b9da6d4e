"""Textual's driver for terminals, that survives what a terminal of another encoding sends."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class Driver(LinuxDriver):
    """Reads keys from the terminal and paints on it."""

    def run_input_thread(self) -> None:
        """Read keys until the end; bytes that are no UTF-8 are passed over."""
        while True:
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            return
