"""Rows that are made in a quicker way are the same rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dpo_tui.domain.model import Completion, Origin, Ready, Source, State
from dpo_tui.store.rows import ready_values, response_values

# Lone surrogates too: people have them.
texts = st.text(st.characters(), max_size=20) | st.sampled_from(["", " \n"])


@given(texts, st.none() | texts)
def test_a_ready_made_response_is_a_row_as_any_other(text: str, model: str | None) -> None:
    state = State.COMPLETE if text.strip() else State.EMPTY
    completion = Completion(text, state, Source(Origin.READY, model=model))
    assert ready_values(7, 3, 2, Ready(text, model)) == response_values(7, 3, 1, 2, completion)
