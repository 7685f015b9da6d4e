"""Textual's driver for terminals: no paste and no odd byte acts, and little crosses the link."""

from __future__ import annotations

import os
import signal
import termios
import tty
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from dpo_tui import terminal
from dpo_tui.tui.clusters import in_place
from dpo_tui.tui.colours import told_shortly

_UNTITLED = frozenset({"", "dumb", "linux"})
"""Terminals without a title, which would show it in the text."""
_PUSH_TITLE, _POP_TITLE = "\x1b[22;0t", "\x1b[23;0t"
"""XTPUSHTITLE and XTPOPTITLE: ignored where they are not known."""

_GIVING_BACK = (
    "\x1b\\"  # in case that a sequence was cut off
    "\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""What Textual writes at the end, piece by piece."""
_RESIZED = {signal.SIGWINCH}
_TICK_SECONDS = 0.1
_LOOK_SECONDS = 0.2
"""How often it is looked whether the terminal is ours: not all shells tell."""
_PASTE_BEGINS = "\x1b[200~"
_PASTE_ENDS = "\x1b[201~"
_ESCAPE = "\x1b"
_ESCAPE_PICTURE = "\u241b"


class PasteGuard:
    """Takes the escape characters out of pasted text: behind one, Textual reads it as keys."""

    def __init__(self) -> None:
        self._is_inside = False
        self._before = ""
        """The end of what came before, which can be the beginning of a mark."""

    def clean(self, data: str) -> str:
        """What came from the terminal, in pieces of any size, as it may be read on."""
        cleaned = ""
        while data:
            if self._is_inside:
                text, data = self._inside(data)
            else:
                text, data = self._outside(data)
            cleaned += text
        return cleaned

    def _outside(self, data: str) -> tuple[str, str]:
        """Nothing is held back: a lone escape is a key, and has to be one at once."""
        seen = self._before + data
        begin = seen.find(_PASTE_BEGINS)
        if begin < 0:
            self._before = seen[-len(_PASTE_BEGINS) + 1 :]
            return data, ""
        end = begin + len(_PASTE_BEGINS) - len(self._before)
        self._is_inside, self._before = True, ""
        return data[:end], data[end:]

    def _inside(self, data: str) -> tuple[str, str]:
        data, self._before = self._before + data, ""
        text, mark, rest = data.partition(_PASTE_ENDS)
        if mark:
            self._is_inside = False
        else:
            for length in range(len(_PASTE_ENDS) - 1, 0, -1):
                if text.endswith(_PASTE_ENDS[:length]):
                    text, self._before = text[:-length], text[-length:]
                    break
        return text.replace(_ESCAPE, _ESCAPE_PICTURE) + mark, rest


class _Parser(XTermParser):
    def __init__(self, debug: bool) -> None:  # noqa: FBT001 (Textual's own signature)
        super().__init__(debug)
        self._guard = PasteGuard()

    def feed(self, data: str) -> Iterable[Message]:
        return super().feed(self._guard.clean(data) if data else data)


class Driver(LinuxDriver):
    """Reads keys from the terminal and paints on it; sets its title to the app's, if it has one."""

    _has_terminal = False
    """Whether the terminal is taken over: not before the first frame, in an editor, in the
    background, at the end."""

    def run_input_thread(self) -> None:
        """Read keys until the end; bytes that are no UTF-8 become replacement characters."""
        parser = _Parser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with DefaultSelector() as selector:
            selector.register(self.fileno, EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_TICK_SECONDS):
                    if not (data := os.read(self.fileno, 4096)):
                        return  # nobody holds the other end any more
                    text = decode(data)
                    for message in parser.feed(text) if text else ():
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def write(self, data: str) -> None:
        """Paint, unless somebody else has the terminal; of colours, only what changes is told."""
        if self._is_painting:
            super().write(in_place(told_shortly(data)))

    @property
    def _is_painting(self) -> bool:
        """Whether something for the terminal can be on the way."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def start_application_mode(self) -> None:
        """Take the terminal over as soon as it is ours; also when the app was suspended."""
        if terminal.is_ours():
            # No change of size gets to Textual's own handler, which asks for the size at once: when
            # it is interrupted by the next change, the older size is told last.
            signal.pthread_sigmask(signal.SIG_BLOCK, _RESIZED)
            try:
                super().start_application_mode()  # type: ignore[no-untyped-call] # Textual says no types
                signal.signal(signal.SIGWINCH, lambda *_: self._soon(self._tell_size))
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _RESIZED)
        if not self._is_painting:
            self._must_signal_resume = True
            self._loop.call_later(_LOOK_SECONDS, self._go_on)
            return
        if title := self._title:
            self.write(f"{_PUSH_TITLE}\x1b]0;{title}\x07")
            self.flush()
        self._has_terminal = True

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        self._must_signal_resume = False
        if not self._has_terminal:
            return
        self._has_terminal = False
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        if self._title:
            self.write(_POP_TITLE)
        super().stop_application_mode()

    def disable_input(self) -> None:
        """Read no more keys; those that wait are another program's if it has the terminal."""
        if self._key_thread is not None and self._key_thread.is_alive():
            super().disable_input()

    @property
    def giving_back(self) -> str:
        """What gives the terminal back at once; nothing if it has been given back."""
        if not self._is_painting:
            return ""
        return _GIVING_BACK + _POP_TITLE if self._title else _GIVING_BACK

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            self._post_size()

    def _post_size(self) -> None:
        size = Size(*self._get_terminal_size())
        self._app.post_message(Resize(size, size))

    # --- stopping and going on ------------------------------------------------------------------

    def go_to_shell(self, without: Callable[[], None]) -> None:
        """Stop the program until the shell lets it go on; if there is no shell, call `without`.

        All of the job stops, as on ctrl-z elsewhere: a shell doesn't get the terminal back while
        a `make` in between is waiting. The system stops none that no shell looks after (POSIX,
        "orphaned process group").
        """

        def go_on_without() -> None:
            if self._must_signal_resume:  # nothing made it go on
                self._go_on()
                without()

        self.suspend_application_mode()
        self._must_signal_resume = True
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)
        if terminal.is_ours():
            self._loop.call_later(_LOOK_SECONDS, go_on_without)

    def _sigtstp_application(self, *_: object) -> None:
        if self._has_terminal:
            # Not in the handler: what it interrupts can be painting, whose lock is not given twice.
            self._soon(self._stop)
        else:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _stop(self) -> None:
        if self._has_terminal:
            super()._sigtstp_application()

    def _sigcont_application(self, *_: object) -> None:
        # Not in the handler: it can come twice, and the second one would interrupt the first.
        self._soon(self._go_on)

    def _soon(self, call: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _go_on(self) -> None:
        # SIGCONT also comes when the terminal wasn't given back: after a SIGSTOP, which nobody
        # hears of, and behind the SIGTERM of shells and systemd. Taken over twice, two threads
        # would read the keys, one of them for ever.
        if self._must_signal_resume:
            self.resume_application_mode()
        elif self._has_terminal and terminal.is_ours():
            self._take_back()

    def _take_back(self) -> None:
        """Have the terminal as it was: whoever had it meanwhile has set it up for itself."""
        with suppress(termios.error):  # it is gone
            attributes = termios.tcgetattr(self.fileno)
            attributes[tty.IFLAG] = self._patch_iflag(attributes[tty.IFLAG])
            attributes[tty.LFLAG] = self._patch_lflag(attributes[tty.LFLAG])
            termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)
        self.write("\x1b[?25l")
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        self._post_size()

    @property
    def _title(self) -> str:
        return "" if os.environ.get("TERM", "") in _UNTITLED else self._app.title
