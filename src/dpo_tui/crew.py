"""Work that is shared out to processes of our own, so that every core has some.

Each process (a helper) makes a worker of its own and does with it what it is asked to, one thing
after the other; what comes back is in the order of what was asked for. Where one process is enough,
`Alone` does the same in this one.
"""

from __future__ import annotations

import fcntl
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain, islice
from multiprocessing.connection import Connection, Pipe
from operator import attrgetter
from select import select
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from dpo_tui.errors import HelperError

_W = TypeVar("_W")
_W_co = TypeVar("_W_co", covariant=True)
_T = TypeVar("_T")
_R = TypeVar("_R")
_P = ParamSpec("_P")

_MOST = 8
"""Helpers; with more, this process would be what the others wait for."""
_WAITING = 2
"""Requests that a helper may have: one that it is at, and one so that it needn't wait for it."""
_AHEAD = _WAITING + 1
"""Results for each helper that may be on their way: they are held in memory."""
_PIPE = 1 << 20
"""Bytes that a pipe should hold, so that neither side waits for the other: all that Linux gives."""
_MARGIN = 1 << 16
"""Bytes of it that can be lost to messages that don't fill their pages."""


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
            each.ask(_request(act, *args, **kwargs))
        return [each.answer() for each in self._helpers]

    def map(self, act: Callable[[_W, _T], _R], items: Iterable[_T]) -> Generator[_R, None, None]:
        """What each item gives when some worker does this with it, in the order of the items.

        Close it if not all of it is wanted and something else is to be done.
        """
        self._free()
        requests = (_request(act, item) for item in items)
        request = next(requests, None)
        numbers: dict[_Helper, deque[int]] = {each: deque() for each in self._helpers}
        done: dict[int, _R] = {}
        asked, given = 0, 0
        try:
            while True:
                room = _AHEAD * len(self._helpers) - (asked - given)
                while request and room and (helper := self._helper_for(request)):
                    helper.ask(request)
                    numbers[helper].append(asked)
                    asked, room = asked + 1, room - 1
                    request = next(requests, None)
                if given in done:
                    yield done.pop(given)
                    given += 1
                elif busy := [each for each in self._helpers if each.waiting]:
                    for helper in select(busy, [], [])[0]:
                        done[numbers[helper].popleft()] = helper.answer()
                else:
                    return
        finally:
            self._owed += [each for each in self._helpers for _ in range(each.waiting)]

    def _helper_for(self, request: bytes) -> _Helper | None:
        """The one that has least to do, if it can be given this now."""
        helper = min(self._helpers, key=attrgetter("waiting"))
        return helper if helper.has_room(request) else None

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
            each.begin(_request(make, *args, **kwargs))
        yield Crew(helpers)


def _request(act: Callable[..., object], *args: object, **kwargs: object) -> bytes:
    return pickle.dumps((act, args, kwargs), pickle.HIGHEST_PROTOCOL)


class _Helper:
    """One process; is ended when the block ends, whatever it does then."""

    def __init__(self) -> None:
        requests, self._to = Pipe(duplex=False)
        self._from, answers = Pipe(duplex=False)
        self._sizes: deque[int] = deque()
        """Of the requests that are not answered yet."""
        self._room = min(_widened(self._to), _widened(answers)) - _MARGIN
        try:
            with requests, answers:
                self._process = subprocess.Popen(
                    # -P: a file in the current directory must not pass for a module.
                    [sys.executable, "-P", "-m", "dpo_tui.helper"],
                    stdin=requests.fileno(),
                    stdout=answers.fileno(),
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C in the terminal is for this process to handle
                )
        except OSError as error:
            raise HelperError(
                f"A process that is to do a part of the work can't be started: {error.strerror}.",
                remedy="Try again when fewer processes run, or there is more memory.",
            ) from error

    def __enter__(self) -> _Helper:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._from.close()
        self._to.close()
        self._process.wait()

    def fileno(self) -> int:
        """What is readable when there is an answer."""
        return self._from.fileno()

    @property
    def waiting(self) -> int:
        """How many requests are not answered yet."""
        return len(self._sizes)

    def has_room(self, request: bytes) -> bool:
        """Whether it can be asked without waiting for it; one that is at work may not read."""
        if not self._sizes:
            return True
        return self.waiting < _WAITING and sum(self._sizes) + len(request) <= self._room

    def begin(self, request: bytes) -> None:
        """Let it make its worker, for which there is no answer."""
        with suppress(BrokenPipeError):  # it has ended; its last answer says why
            self._to.send_bytes(request)

    def ask(self, request: bytes) -> None:
        """Let its worker do this."""
        self._sizes.append(len(request))
        self.begin(request)

    def answer(self) -> Any:  # noqa: ANN401 - whatever was asked for
        """What came of the first request that isn't answered yet.

        Raises:
            HelperError: the process has ended.
        """
        self._sizes.popleft()
        try:
            answer, error = self._from.recv()
        except (EOFError, OSError):
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


def _widened(pipe: Connection) -> int:
    """How many bytes a pipe holds, now that it holds as many as it may; 0 if nobody can tell."""
    try:
        with suppress(OSError):  # whoever has very many has no more of the wide ones
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
        return fcntl.fcntl(pipe.fileno(), fcntl.F_GETPIPE_SZ)
    except AttributeError:  # not Linux
        return 0
