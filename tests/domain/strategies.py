"""What Hypothesis makes of the domain: prompts, responses and marks of every kind."""

from hypothesis import strategies as st

from dpo_tui.domain.model import (
    Completion,
    Draft,
    Mark,
    Message,
    Origin,
    Prompt,
    Ready,
    Remarks,
    Response,
    Sampling,
    Shelved,
    Source,
    State,
)

# Lone surrogates are text too: JSON can hold them, and models do write them.
texts = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\ud83d\udca9 \n\t\u3000ab"), max_size=6
)

samplings = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    max_tokens=st.none() | st.integers(1, 4096),
    seed=st.none() | st.integers(0, 2**32),
    stop=st.lists(texts, max_size=2).map(tuple),
    extra=st.dictionaries(st.sampled_from(["min_p", "top_k"]), st.integers(), max_size=2),
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """An optional system message, then turns that begin and end with the user's."""
    system = [Message("system", draw(texts))] if draw(st.booleans()) else []
    turns = [Message("user", draw(texts))]
    for content in draw(st.lists(texts, max_size=2)):
        turns += [Message("assistant", content), Message("user", draw(texts))]
    return (*system, *turns)


prompts = st.builds(
    Prompt,
    messages=conversations(),
    name=st.none() | texts,
    tags=st.lists(texts, max_size=2).map(tuple),
    n=st.none() | st.integers(2, 20),
    sampling=samplings,
    temperatures=st.just(()),
    preferences=st.just(()),
    responses=st.lists(st.builds(Ready, texts, st.none() | texts), max_size=2).map(tuple),
    reference=st.none() | texts,
)

# Few different texts, so that responses often repeat one another.
response_texts = st.sampled_from(["", " ", "a", " a\n", "b", "\ud800", "\ufffd"]) | texts
completions = st.builds(
    Completion,
    text=response_texts,
    state=st.sampled_from(State),
    source=st.just(Source(Origin.MODEL)),
)


@st.composite
def response_sets(draw: st.DrawFn) -> tuple[Response, ...]:
    """The responses of one set, with ids in no order."""
    of = draw(st.lists(completions, max_size=6))
    ids = draw(st.permutations(range(101, 101 + len(of))))
    return tuple(Response(ids[slot], 1, 1, slot, each) for slot, each in enumerate(of))


slots = st.integers(0, 5)
marks = st.dictionaries(slots, st.sampled_from(Mark), max_size=6)
remarks = st.builds(
    Remarks,
    tie=st.booleans(),
    best=st.none() | slots,
    strength=st.none() | st.integers(1, 3),
    note=texts,
    labels=st.lists(texts, max_size=2).map(tuple),
)
drafts = st.builds(
    Draft,
    set_no=st.integers(1, 3),
    marks=marks,
    shelved=st.dictionaries(st.integers(4, 6), st.builds(Shelved, marks, remarks), max_size=2),
    remarks=remarks,
)
