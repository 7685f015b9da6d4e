"""What runs in a helper's own process: see `crew`, which starts it.

Standard input says what to do: a pickled function and its arguments, one after the other; standard
output takes what came of each. The first function makes the worker, which all others get first.
However the process that started this one ends, the kernel closes its end, and that ends this one.
"""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader
from typing import Any, BinaryIO, cast

_Request = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def main() -> None:
    """Do what is asked for until nobody asks any more, or something goes wrong."""
    asked, answers = _requests(cast("BufferedReader", sys.stdin.buffer)), sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever a library prints must not be taken for an answer
    with suppress(BrokenPipeError):
        try:
            _serve(asked, answers)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
            error.add_note(traceback.format_exc())
            _answer(answers, None, error)


def _serve(asked: Iterator[_Request], answers: BinaryIO) -> None:
    for make, made_of, named in asked:
        with make(*made_of, **named) as worker:
            for act, args, kwargs in asked:
                _answer(answers, act(worker, *args, **kwargs), None)


def _requests(stream: BufferedReader) -> Iterator[_Request]:
    while stream.peek(1):
        yield pickle.load(stream)  # noqa: S301 - our own process wrote it


def _answer(answers: BinaryIO, answer: object, error: Exception | None) -> None:
    pickle.dump((answer, error), answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


if __name__ == "__main__":
    main()
