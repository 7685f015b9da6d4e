"""What the property tests of the readers draw from."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from dpo_tui.domain.model import Message, Prompt, Ready, Sampling

_KEYS = [
    "user",
    "prompt",
    "messages",
    "system",
    "id",
    "tags",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "responses",
    "reference",
    "role",
    "content",
    "include",
    "loader",
    "base_url",
    "model",
    "api_key_env",
    "output",
    "ahead",
    "concurrency",
    "allow_cut_off",
    "slow_link",
    "model_file",
    "sampling",
    "stop",
    "extra",
    "api_key",
    "endpoint",
    "source",
    "name",
    "count",
    "weight",
    "sampling.seed",
    "extra.x",
]


def _said(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.text(characters, min_size=1, max_size=20).filter(str.strip)


TOML_TEXT = _said(st.characters(codec="utf-8"))
# A high and a low surrogate in a row are one character in JSON.
JSON_TEXT = _said(st.characters(exclude_categories=())).map(
    lambda text: json.loads(json.dumps(text))
)


def prompts(text: st.SearchStrategy[str]) -> st.SearchStrategy[Prompt]:
    """Any prompt that a file can describe."""
    history = st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), text), max_size=3)
    messages = st.tuples(
        st.one_of(
            st.just([]), st.builds(Message, st.just("system"), text).map(lambda each: [each])
        ),
        history,
        st.builds(Message, st.just("user"), text),
    ).map(lambda parts: (*parts[0], *parts[1], parts[2]))
    sampling = st.builds(
        Sampling,
        temperature=st.none() | st.floats(0, 5),
        top_p=st.none() | st.floats(0, 1, exclude_min=True),
        max_tokens=st.none() | st.integers(1, 10**9),
        seed=st.none() | st.integers(-(2**63), 2**63 - 1),
    )
    described = st.builds(
        Prompt,
        messages=messages,
        name=st.none() | text,
        tags=st.lists(text, max_size=3).map(tuple),
        n=st.none() | st.integers(2, 20),
        sampling=sampling,
        temperatures=st.just(()),
        preferences=st.just(()),
        responses=st.lists(st.builds(Ready, text, st.none() | text), max_size=3).map(tuple),
        reference=st.none() | text,
    )
    return st.builds(_spread, described, st.lists(st.floats(0, 5), max_size=3).map(tuple))


def _spread(prompt: Prompt, temperatures: tuple[float, ...]) -> Prompt:
    """A list of temperatures stands where the one temperature would."""
    if not temperatures:
        return prompt
    sampling = replace(prompt.sampling, temperature=None)
    return prompt._replace(sampling=sampling, temperatures=temperatures)


def row(prompt: Prompt) -> dict[str, Any]:
    """The prompt as a file describes it."""
    turns = [{"role": each.role, "content": each.content} for each in prompt.messages]
    described = {
        "messages": turns,
        "id": prompt.name,
        "tags": list(prompt.tags),
        "n": prompt.n,
        "temperature": list(prompt.temperatures) or prompt.sampling.temperature,
        "top_p": prompt.sampling.top_p,
        "max_tokens": prompt.sampling.max_tokens,
        "seed": prompt.sampling.seed,
        "responses": [
            {"text": each.text, "model": each.model} if each.model else each.text
            for each in prompt.responses
        ],
        "reference": prompt.reference,
    }
    return {key: value for key, value in described.items() if value not in (None, [])}


TOML_SCALARS = (
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.times()
)


def tables(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Mapping[str, Any]]:
    """Tables with the right keys at any place and anything under them."""
    keys = st.sampled_from(_KEYS) | st.text(max_size=5)
    likely = st.sampled_from(["user", "system", "assistant", "a.txt", "mod:function", "", 4, 0.5])
    values = st.recursive(
        scalars | likely,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=12,
    )
    return st.dictionaries(keys, values, max_size=6)
