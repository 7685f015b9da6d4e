"""What runs in a helper's own process: see `crew`, which starts it.

Standard input says what to do: a pickled function and its arguments, one after the other; standard
output takes what came of each. The first function makes the worker, which all others get first.
However the process that started this one ends, the kernel closes its end, and that ends this one.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

_Request = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


def main() -> None:
    """Do what is asked for until nobody asks any more, or something goes wrong."""
    asked, answers = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    with suppress(BrokenPipeError):
        try:
            _serve(_requests(asked), answers)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
            error.add_note(traceback.format_exc())
            _answer(answers, None, error)


def _serve(asked: Iterator[_Request], answers: Connection) -> None:
    for make, made_of, named in asked:
        with make(*made_of, **named) as worker:
            for act, args, kwargs in asked:
                _answer(answers, act(worker, *args, **kwargs), None)


def _requests(asked: Connection) -> Iterator[_Request]:
    with suppress(EOFError):
        while True:
            yield asked.recv()


def _answer(answers: Connection, answer: object, error: Exception | None) -> None:
    answers.send_bytes(pickle.dumps((answer, error), pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    main()
