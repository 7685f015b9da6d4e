"""Work that is shared out to processes of our own, so that every core has some.

Each process (a helper) makes a worker of its own and does with it what it is asked to, one thing
after the other; what comes back is in the order of what was asked for. Where one process is enough,
`Alone` does the same in this one.
"""

from __future__ import annotations

import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain, islice
from typing import IO, Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast

from dpo_tui.errors import HelperError

_W = TypeVar("_W")
_W_co = TypeVar("_W_co", covariant=True)
_T = TypeVar("_T")
_R = TypeVar("_R")
_P = ParamSpec("_P")

_MOST = 8
"""Helpers; with more, this process would be what the others wait for."""
_AHEAD = 2
"""Results for each helper that may be on their way: they are held in memory."""


class Team(Protocol[_W_co]):
    """One worker or several that are alike."""

    def all(
        self, act: Callable[Concatenate[_W_co, _P], _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> Sequence[_R]:
        """Let every worker do this; returns when all have."""
        ...

    def map(self, act: Callable[[_W_co, _T], _R], items: Iterable[_T]) -> Iterator[_R]:
        """What each item gives when some worker does this with it, in the order of the items."""
        ...


class Alone(Generic[_W]):
    """A worker in this process."""

    def __init__(self, worker: _W) -> None:
        self._worker = worker

    def all(
        self, act: Callable[Concatenate[_W, _P], _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> Sequence[_R]:
        """Let the worker do this."""
        return [act(self._worker, *args, **kwargs)]

    def map(self, act: Callable[[_W, _T], _R], items: Iterable[_T]) -> Iterator[_R]:
        """What each item gives."""
        return (act(self._worker, each) for each in items)


class Crew(Generic[_W]):
    """Workers in processes of their own. What goes there and back is pickled.

    An error of a worker is raised here, as it would be without processes. All methods raise
    HelperError if a process has ended that shouldn't have.
    """

    def __init__(self, helpers: Sequence[_Helper]) -> None:
        self._helpers = helpers
        self._owed: list[_Helper] = []
        """Those whose answers came to be of no use before they were there."""

    def all(
        self, act: Callable[Concatenate[_W, _P], _R], *args: _P.args, **kwargs: _P.kwargs
    ) -> Sequence[_R]:
        """Let every worker do this; returns when all have."""
        self._free()
        for each in self._helpers:
            each.ask(act, *args, **kwargs)
        return [each.answer() for each in self._helpers]

    def map(self, act: Callable[[_W, _T], _R], items: Iterable[_T]) -> Generator[_R, None, None]:
        """What each item gives when some worker does this with it, in the order of the items.

        Close it if not all of it is wanted and something else is to be done.
        """
        self._free()
        numbered = enumerate(items)
        idle, busy = [*self._helpers], dict[_Helper, int]()
        done: dict[int, _R] = {}
        given = 0
        try:
            while True:
                room = _AHEAD * len(self._helpers) - len(busy) - len(done)
                for number, item in islice(numbered, min(room, len(idle))):
                    helper = idle.pop()
                    helper.ask(act, item)
                    busy[helper] = number
                if given in done:
                    yield done.pop(given)
                    given += 1
                elif busy:
                    for helper in select.select([*busy], [], [])[0]:
                        done[busy.pop(helper)] = helper.answer()
                        idle.append(helper)
                else:
                    return
        finally:
            self._owed += busy

    def _free(self) -> None:
        while self._owed:
            self._owed.pop().answer()


class Growing(Generic[_W]):
    """A worker in this process; where there is much to do, a crew is called in."""

    def __init__(self, cores: int, call: Callable[[], Crew[_W]], worker: _W, alone: int) -> None:
        self.own = worker
        """The one in this process."""
        self._call = call
        self._crew: Crew[_W] | None = None
        self._alone = alone if cores > 1 else None

    def map(self, act: Callable[[_W, _T], _R], items: Iterable[_T]) -> Generator[_R, None, None]:
        """What each item gives when some worker does this with it, in the order of the items.

        Close it if not all of it is wanted and something else is to be done.
        """
        items = iter(items)
        if self._crew is None:
            yield from Alone(self.own).map(act, islice(items, self._alone))
            more = list(islice(items, 1))
            if not more:
                return
            self._crew = self._call()
            items = chain(more, items)
        yield from self._crew.map(act, items)


@contextmanager
def growing(
    cores: int,
    alone: int,
    make: Callable[_P, AbstractContextManager[_W]],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> Iterator[Growing[_W]]:
    """A worker as `make` gives it, which has a crew for so many cores after `alone` items.

    Most work is so little that it is done before other processes have started.

    Raises:
        HelperError: a process can't be started.
    """
    with ExitStack() as stack:
        worker = stack.enter_context(make(*args, **kwargs))
        call = partial(crew, cores, make, *args, **kwargs)
        yield Growing(cores, lambda: stack.enter_context(call()), worker, alone)


@contextmanager
def crew(
    cores: int, make: Callable[_P, AbstractContextManager[_W]], *args: _P.args, **kwargs: _P.kwargs
) -> Iterator[Crew[_W]]:
    """A crew for so many cores, of workers as `make` gives them, until the block ends.

    Raises:
        HelperError: a process can't be started.
    """
    with ExitStack() as stack:
        helpers = [stack.enter_context(_Helper()) for _ in range(min(cores, _MOST))]
        for each in helpers:
            each.ask(make, *args, **kwargs)
        yield Crew(helpers)


class _Helper:
    """One process; is ended when the block ends, whatever it does then."""

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(
                # -P: a file in the current directory must not pass for a module.
                [sys.executable, "-P", "-m", "dpo_tui.helper"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal is for this process to handle
            )
        except OSError as error:
            raise HelperError(
                f"A process that is to do a part of the work can't be started: {error.strerror}.",
                remedy="Try again when fewer processes run, or there is more memory.",
            ) from error
        self._to = cast("IO[bytes]", self._process.stdin)
        self._from = cast("IO[bytes]", self._process.stdout)

    def __enter__(self) -> _Helper:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._from, suppress(BrokenPipeError):
            self._to.close()
        self._process.wait()

    def fileno(self) -> int:
        """What is readable when there is an answer."""
        return self._from.fileno()

    def ask(self, act: Callable[..., object], *args: object, **kwargs: object) -> None:
        """Let its worker do this; the first time, make the worker, for which there is no answer."""
        with suppress(BrokenPipeError):  # it has ended; its last answer says why
            pickle.dump((act, args, kwargs), self._to, pickle.HIGHEST_PROTOCOL)
            self._to.flush()

    def answer(self) -> Any:  # noqa: ANN401 - whatever was asked for
        """What came of what was asked last.

        Raises:
            HelperError: the process has ended.
        """
        try:
            answer, error = pickle.load(self._from)  # noqa: S301 - our own process wrote it
        except (EOFError, pickle.UnpicklingError):
            raise self._ended() from None
        if error is not None:
            raise error
        return answer

    def _ended(self) -> HelperError:
        code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return HelperError(
            f"A process that did a part of the work has ended ({how}).",
            remedy="Try again; if memory ran out, free some first.",
        )
