"""What an endpoint has shown of itself, so that no request has to find it out again."""

from __future__ import annotations

import re
from typing import Any

from dpo_tui.backend.said import Said
from dpo_tui.domain.chat import Ask

_REFUSES_N = re.compile(
    r"""['"`.]n['"`]|\bn (?:must|should|=)|\bn=\d|body\.n\b"""
    r"|completion choice|number of (?:choices|completions)",
    re.IGNORECASE,
)
_MAXIMUM = re.compile(
    r"(?:<=|at most|up to|less than or equal to|maximum(?: of| is| value is)?|1 and)\s*(\d+)",
    re.IGNORECASE,
)


class Habits:
    """How to ask this endpoint, learnt from its answers."""

    def __init__(self) -> None:
        self._limit: int | None = None
        self._most_given = 0
        self._tokens_field = "max_tokens"
        self._takes_stream_options = True

    # --- how many choices a request may ask for ----------------------------------------------

    def choices(self, wanted: int) -> int:
        """How many of `wanted` choices to ask for in one request."""
        return wanted if self._limit is None else min(wanted, self._limit)

    @property
    def may_ignore_n(self) -> bool:
        """Whether it has yet to give more than one choice in a stream."""
        return self._most_given <= 1

    def gave(self, n: int) -> None:
        """It gave this many choices in one stream; if that was thought impossible, it isn't now."""
        self._most_given = max(self._most_given, n)
        if self._limit is not None and n > self._limit:
            self._limit = None

    def gave_only(self, n: int) -> None:
        """It was asked for more than `n` choices, and `n` is what came."""
        self._limit = max(n, self._most_given)

    # --- the request -------------------------------------------------------------------------

    def body(self, ask: Ask, model: str) -> dict[str, Any]:
        """The request that this endpoint takes for `ask`; only what is set is in it."""
        sampling = ask.sampling
        body: dict[str, Any] = {
            **sampling.extra,
            "model": model,
            "messages": [{"role": each.role, "content": each.content} for each in ask.messages],
            # A server that doesn't stream goes on generating when the client has hung up.
            "stream": True,
        }
        optional = {
            "n": ask.n if ask.n > 1 else None,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            self._tokens_field: sampling.max_tokens,
            "seed": sampling.seed,
            "stop": list(sampling.stop) or None,  # TGI takes no single string
            "stream_options": {"include_usage": True} if self._takes_stream_options else None,
        }
        return body | {name: value for name, value in optional.items() if value is not None}

    def learn(self, said: Said, ask: Ask) -> None:
        """Take a hint from the refusal of `ask`: the next `body` may be another one.

        What the person has set is not given up for it: sampling other than what was asked for
        would be worse than an error.
        """
        if said.status not in {400, 422}:
            return
        if ask.sampling.max_tokens is not None and said.mentions("max_completion_tokens"):
            # OpenAI's newer models; Ollama on the other hand reads only `max_tokens`.
            self._tokens_field = "max_completion_tokens"
        elif said.mentions("stream_options"):
            self._takes_stream_options = False
        elif ask.n > 1 and (said.param == "n" or _REFUSES_N.search(said.message)):
            named = _MAXIMUM.search(said.message)
            limit = int(named[1]) if named else 1
            self._limit = limit if 1 <= limit < ask.n else 1
