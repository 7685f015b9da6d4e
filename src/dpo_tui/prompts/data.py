"""Where rows come from: a file, packed or not, or standard input."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

from msgspec import Struct

from dpo_tui.errors import InputError
from dpo_tui.inputs import Place, open_input, unreadable

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""What text in UTF-16 begins with, and nothing in UTF-8."""
_BUFFER = 1 << 18
STANDARD_INPUT = "standard input"


def pipe_as_stdin(path: Path) -> Path:
    """The path; `-` for a pipe, as a shell's `<(zcat x.gz)` is one: it becomes standard input.

    Raises:
        InputError: it can't be opened.
    """
    try:
        if not path.is_fifo():
            return path
        pipe = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise unreadable(path, error) from error
    os.dup2(pipe, 0)
    os.close(pipe)
    return Path("-")


class Data(Struct, frozen=True):
    """Bytes with a name."""

    path: Path
    name: str = ""
    """As a person knows it; empty for the path."""
    stream: io.BufferedReader | None = None
    """Where they come from, if not from the path; once, if it can't be wound back."""

    @staticmethod
    def piped() -> Data:
        """Standard input, which can be read once."""
        stdin = sys.stdin.buffer
        assert isinstance(stdin, io.BufferedReader)  # noqa: S101 - what Python makes of a descriptor
        return Data(Path("-"), STANDARD_INPUT, _unpacked(stdin))

    @staticmethod
    def spooled() -> tuple[Data, str]:
        """Standard input to be read as often as wanted, and a digest of it; waits for its end."""
        digest = sha256()
        with TemporaryFile() as spool:
            while block := sys.stdin.buffer.read(_BUFFER):
                digest.update(block)
                spool.write(block)
            spool.flush()
            kept = os.fdopen(os.dup(spool.fileno()), "rb")
        kept.seek(0)
        return Data(Path("-"), STANDARD_INPUT, _unpacked(kept)), digest.hexdigest()

    @property
    def source(self) -> str:
        """What errors call it."""
        return self.name or str(self.path)

    @property
    def ending(self) -> str:
        """The ending of its name, without that of packing; empty if it has none."""
        endings = [each.lower() for each in self.path.suffixes if each.lower() != ".gz"]
        return endings[-1] if endings else ""

    @property
    def is_nameless(self) -> bool:
        """Whether only the bytes tell what they are."""
        return self.name == STANDARD_INPUT

    def place(self, item: str) -> Place:
        """A place in it."""
        return Place(self.source, item)

    @contextmanager
    def opened(self) -> Iterator[io.BufferedReader]:
        """Its bytes, unpacked.

        Raises:
            InputError: it can't be read, at the beginning or in the middle.
        """
        with self._told():
            if self.stream:
                if self.stream.seekable():
                    self.stream.seek(0)
                yield self._text(self.stream)
            else:
                with open_input(self.path) as file:
                    yield self._text(_unpacked(file))

    def _text(self, file: io.BufferedReader) -> io.BufferedReader:
        """The same file, unless it is of an encoding that nothing here reads."""
        if file.peek(2).startswith(_UTF16):
            raise InputError(
                f"{self.source}: UTF-16 text, not UTF-8",
                remedy="Save it as UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW",
            )
        return file

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(
                f"{self.source}: not a whole gzip file: {error}",
                remedy="Pack it again, or get it again.",
            ) from error
        except OSError as error:
            raise unreadable(Path(self.source), error) from error

    def start(self) -> bytes:
        """Some of the first bytes, unpacked; they are still there."""
        with self.opened() as file:
            return file.peek(1)

    @property
    def is_list(self) -> bool:
        """Whether a file begins as a list in JSON; a pipe is left alone, which can be read once."""
        return self.path.is_file() and self.start().removeprefix(_BOM).lstrip().startswith(b"[")

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines that aren't blank, with their numbers from 1 and without a byte order mark.

        Only a newline ends a line; it is still there.

        Raises:
            InputError: it can't be read.
        """
        with self.opened() as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(_BOM)  # noqa: PLW2901 - no part of it
                if not line.isspace():
                    yield number, line


def text_of(line: bytes, place: Place) -> str:
    """A line without its end.

    Raises:
        InputError: it isn't UTF-8.
    """
    try:
        return line.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise place.error("not UTF-8 text", remedy="Save the file as UTF-8.") from None


def _unpacked(file: io.BufferedReader) -> io.BufferedReader:
    if not file.peek(len(_GZIP)).startswith(_GZIP):
        return file
    return io.BufferedReader(gzip.GzipFile(fileobj=file), _BUFFER)
