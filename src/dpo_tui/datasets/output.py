"""Files that are there whole or not at all, gzip by their ending, and standard output."""

from __future__ import annotations

import gzip
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, cast

from dpo_tui.datasets.file import sync_folder
from dpo_tui.errors import DatasetError, InputError
from dpo_tui.paths import resolved

STDOUT = Path("-")
PACKING = ".gz"
"""The ending of what is compressed."""
FOREIGN_PACKING = (".bz2", ".xz", ".zst", ".zip")
"""Endings of what others compress, and nothing here does."""
_BUFFER = 1 << 20


def check_output(path: Path, *, force: bool) -> None:
    """Find out early what writing would meet late; changes nothing.

    Raises:
        InputError: there is such a file already and it may not be replaced, or no such folder, or
            its name promises a compression that there is none of, or can't be one.
    """
    if path == STDOUT:
        return
    _check_name(path)
    if path.suffix.lower() in FOREIGN_PACKING:
        raise InputError(
            f"{path}: a file is compressed as {PACKING} or not at all",
            remedy=f"Let the name end in {PACKING}, or leave {path.suffix} out.",
        )
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}", remedy="Make it first.")
    if path.is_dir():
        raise InputError(f"{path}: this is a folder", remedy="Name a file in it.")
    if path.is_file() and not force:
        raise InputError(
            f"{path}: there is a file of that name already",
            remedy="Name another one, or say --force to replace it.",
        )


def _check_name(path: Path) -> None:
    """Ask for the file, since a name can be too long, or a link that leads to itself."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise InputError(
            f"{path} can't be written: {error.strerror or error}.", remedy="Name another file."
        ) from error


@contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """What is written takes the place of the file when it is all there; an error leaves none of it.

    A name that ends in .gz is compressed, the same bytes for the same rows.

    Raises:
        DatasetError: the disk refused.
    """
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(_flushing() if path == STDOUT else _replacing(path))
            if path.suffix.lower() == PACKING:
                packed = gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0)
                yield cast("BinaryIO", stack.enter_context(packed))
            else:
                yield raw
    except BrokenPipeError:  # of a reader that has seen enough
        raise
    except OSError as error:
        name = "standard output" if path == STDOUT else path
        raise DatasetError(
            f"{name} can't be written: {error.strerror or error}.",
            remedy="Check its folder's permissions and the space on its disk.",
        ) from error


@contextmanager
def _flushing() -> Iterator[BinaryIO]:
    """Standard output; what is still in its buffer isn't written yet."""
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    # Not where it leads to: of an open pipe, as in /dev/stdout, that is a name that nothing has.
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        with path.open("wb") as special:
            yield special
        return
    target = resolved(path)
    temporary = target.with_name(f".{token_hex(8)}.dpo-tui-tmp")
    try:
        with temporary.open("xb", buffering=_BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
