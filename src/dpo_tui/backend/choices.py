"""From the chunks of one stream to the events of its choices: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from dpo_tui.backend.chunks import Chunk, Piece
from dpo_tui.backend.habits import Habits
from dpo_tui.backend.reasoning import Split, ThinkSplitter
from dpo_tui.domain.chat import ChatEvent, Delta, Ended, Narrowed

_LONE_DELTAS = 4
"""Deltas of choice 0 after which the other choices will not come.

Servers that know `n` decode the choices side by side (llama.cpp copies the state of the prompt and
samples all of them in the same step; SGLang sends the copies off together) or announce all of them
first (vLLM): the others are a step behind, or two. One that did otherwise all the same would be
believed from then on, and only the streams of that moment hold to what they said.
"""
_SETTLED = 32
"""Chunks after a choice's finish_reason from which on no more text of it will come.

LiteLLM sends the finish_reason of a choice a little before its last text when `n` > 1.
"""


class _Choice(Struct):
    splitter: ThinkSplitter = field(default_factory=ThinkSplitter)
    deltas: int = 0
    finish_reason: str | None = None
    finished_at: int | None = None
    """Number of the chunk that brought the finish_reason."""
    ended: bool = False


class Choices:
    """The choices of one stream that asked for `n`."""

    def __init__(self, n: int, habits: Habits) -> None:
        self._n = n
        self._limit = n
        self._habits = habits
        self._choices: dict[int, _Choice] = {}
        self._chunk_no = 0
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any choice has."""
        return bool(self._choices)

    @property
    def has_text(self) -> bool:
        """Whether any choice has some text or reasoning."""
        return any(each.deltas for each in self._choices.values())

    @property
    def is_untouched(self) -> bool:
        """Whether nothing has come of any choice but that it exists."""
        return not any(each.deltas or each.finish_reason for each in self._choices.values())

    @property
    def is_finished(self) -> bool:
        """Whether every choice that is to come has its finish_reason."""
        return len(self._choices) == self._limit and all(
            each.finish_reason for each in self._choices.values()
        )

    def feed(self, chunk: Chunk) -> Iterator[ChatEvent]:
        """Take the next chunk."""
        self._chunk_no += 1
        # Some servers send usage with every chunk: the last one counts.
        self._prompt_tokens = _newest(chunk.prompt_tokens, self._prompt_tokens)
        self._completion_tokens = _newest(chunk.completion_tokens, self._completion_tokens)
        for piece in chunk.pieces:
            if 0 <= piece.index < self._n:
                self._habits.gave(piece.index + 1)
            if 0 <= piece.index < self._limit:
                yield from self._take(piece)
        yield from self._narrow_early()
        for index, choice in self._choices.items():
            finished_at = choice.finished_at
            if finished_at is not None and self._chunk_no - finished_at >= _SETTLED:
                yield from self._end(index, whole=True)

    def close(self, *, whole: bool) -> Iterator[ChatEvent]:
        """No more comes. `whole`: the stream said so itself, and did not just break off."""
        came = len(self._choices)
        if whole and 0 < came < self._limit and came == max(self._choices) + 1:
            self._limit = came
            self._habits.gave_only(self._limit)
            yield Narrowed(self._limit)
        for index, choice in self._choices.items():
            yield from self._end(index, whole=whole or choice.finish_reason is not None)

    def close_finished(self) -> Iterator[ChatEvent]:
        """The request fails: only what has its finish_reason already is not lost."""
        for index, choice in self._choices.items():
            if choice.finish_reason:
                yield from self._end(index, whole=True)

    def _take(self, piece: Piece) -> Iterator[ChatEvent]:
        choice = self._choices.setdefault(piece.index, _Choice())
        if choice.ended:
            return
        if piece.reasoning:
            choice.splitter.saw_reasoning()
            yield Delta(piece.index, "", piece.reasoning)
        if piece.content:
            yield from _delta(piece.index, choice.splitter.feed(piece.content))
        choice.deltas += bool(piece.reasoning or piece.content)
        if piece.finish_reason:
            choice.finish_reason = piece.finish_reason
            choice.finished_at = self._chunk_no

    def _narrow_early(self) -> Iterator[ChatEvent]:
        """Tell that `n` is ignored while the only choice still streams, so that no time is lost."""
        is_alone = self._limit > 1 and self._choices.keys() == {0}
        if is_alone and self._habits.may_ignore_n and self._choices[0].deltas >= _LONE_DELTAS:
            self._limit = 1
            self._habits.gave_only(1)
            yield Narrowed(1)

    def _end(self, index: int, *, whole: bool) -> Iterator[ChatEvent]:
        choice = self._choices[index]
        if choice.ended:
            return
        yield from _delta(index, choice.splitter.finish())
        choice.ended = True
        yield Ended(
            index,
            choice.finish_reason,
            whole=whole,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._tokens_of(choice),
        )

    def _tokens_of(self, choice: _Choice) -> int | None:
        """From usage where it is clear what that counts; otherwise an estimate.

        With several choices vLLM counts all of them, llama.cpp only one. Their deltas tell which
        share of it is whose, and whether it can be all of them: servers send one token a delta, or
        several when they are in a hurry. Those that send all in one give no count.
        """
        counted, used = choice.deltas, self._completion_tokens
        if used is not None and (self._n == 1 or self._is_alone):
            return used
        if counted <= 1:
            return None
        of_all = sum(each.deltas for each in self._choices.values())
        return round(counted * used / of_all) if used is not None and used > of_all else counted

    @property
    def _is_alone(self) -> bool:
        """Whether the server gave one choice, whatever was asked."""
        return self._limit == 1 and self._habits.may_ignore_n


def _delta(index: int, split: Split) -> Iterator[Delta]:
    if any(split):
        yield Delta(index, split.text, split.reasoning, split.recast)


def _newest(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
