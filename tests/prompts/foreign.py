"""Rows as other people's files have them, and what they mean."""

from __future__ import annotations

from typing import Any, NamedTuple

from dpo_tui.domain.model import Mark, Message, Preference, Prompt, Ready

GOOD, BAD = Mark.CHOSEN, Mark.REJECTED
FIRST = Preference({0: GOOD, 1: BAD})
SECOND = Preference({0: BAD, 1: GOOD})
TIE = Preference({})


class Sample(NamedTuple):
    """One row of a shape."""

    shape: str
    row: dict[str, Any]
    prompt: Prompt


def said(*texts: str) -> tuple[Message, ...]:
    """A conversation that begins with the user."""
    roles = ("user", "assistant")
    return tuple(
        Message(roles[index % 2], text)  # type: ignore[arg-type]
        for index, text in enumerate(texts)
    )


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def system(text: str) -> dict[str, str]:
    return {"role": "system", "content": text}


Q = said("Why is the sky blue?")
ASKED = user("Why is the sky blue?")
A, B = "Light scatters.", "It is paint."
SYSTEM = Message("system", "Be brief.")
PAIR = Prompt(Q, responses=(Ready(A), Ready(B)), preferences=(FIRST,))
WITH_SYSTEM = Prompt((SYSTEM, *Q), responses=PAIR.responses, preferences=(FIRST,))
TURNS = Prompt(said("Hi", "Hello", "Why?"), responses=PAIR.responses, preferences=(FIRST,))

MESSAGE_PAIRS = [
    Sample(
        "swift",
        {"messages": [system("Be brief."), ASKED, assistant(A)], "rejected_response": B},
        WITH_SYSTEM,
    ),
    Sample("swift", {"messages": [ASKED, assistant(A)], "rejected_response": [assistant(B)]}, PAIR),
    Sample(
        "swift-messages",
        {"messages": [ASKED, assistant(A)], "rejected_messages": [ASKED, assistant(B)]},
        PAIR,
    ),
    Sample("openpipe", {"messages": [ASKED, assistant(A)], "rejected_message": assistant(B)}, PAIR),
    Sample(
        "axolotl", {"messages": [ASKED], "chosen": assistant(A), "rejected": assistant(B)}, PAIR
    ),
    Sample("axolotl", {"messages": ASKED["content"], "chosen": A, "rejected": B}, PAIR),
    Sample(
        "llamafactory-sharegpt",
        {
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": ASKED["content"]},
            ],
            "chosen": {"from": "gpt", "value": A},
            "rejected": {"from": "gpt", "value": B},
        },
        WITH_SYSTEM,
    ),
    Sample(
        "openai",
        {
            "input": {"messages": [ASKED], "tools": []},
            "preferred_output": [assistant(A)],
            "non_preferred_output": [assistant(B)],
        },
        PAIR,
    ),
    Sample(
        "trl",
        {
            "prompt": [user("Hi"), assistant("Hello"), user("Why?")],
            "chosen": [assistant(A)],
            "rejected": [assistant(B)],
        },
        TURNS,
    ),
    Sample(
        "trl",
        {
            "prompt": [user("Hi"), assistant("Hello"), user("Why?")],
            "chosen": [user("Hi"), assistant("Hello"), user("Why?"), assistant(A)],
            "rejected": [user("Hi"), assistant("Hello"), user("Why?"), assistant(B)],
        },
        TURNS,
    ),
    Sample(
        "trl-implicit",
        {
            "chosen": [user("Hi"), assistant("Hello"), user("Why?"), assistant(A)],
            "rejected": [user("Hi"), assistant("Hello"), user("Why?"), assistant(B)],
            "margin": 2.0,
        },
        TURNS._replace(preferences=(Preference({0: GOOD, 1: BAD}, 2),)),
    ),
    Sample(
        "ultrafeedback-binarized",
        {
            "prompt": ASKED["content"],
            "prompt_id": "0f",
            "chosen": [ASKED, assistant(A)],
            "rejected": [ASKED, assistant(B)],
            "messages": [ASKED, assistant(A)],
            "score_chosen": 8.5,
            "score_rejected": 4.0,
        },
        PAIR,
    ),
    Sample(
        "ultrafeedback-binarized",
        {
            "source": "s",
            "prompt": ASKED["content"],
            "chosen": [ASKED, assistant(A)],
            "chosen-rating": 4.0,
            "chosen-model": "alpha",
            "rejected": [ASKED, assistant(B)],
            "rejected-rating": 4.0,
            "rejected-model": "beta",
        },
        Prompt(Q, responses=(Ready(A, "alpha"), Ready(B, "beta")), preferences=(TIE,)),
    ),
]

TEXT_PAIRS = [
    Sample(
        "argilla-pairs",
        {
            "source": "s",
            "instruction": ASKED["content"],
            "chosen_response": A,
            "rejected_response": B,
            "chosen_avg_rating": 4.5,
            "rejected_avg_rating": 2.0,
            "chosen_model": "alpha",
        },
        Prompt(Q, responses=(Ready(A, "alpha"), Ready(B)), preferences=(FIRST,)),
    ),
    Sample(
        "nemo-aligner",
        {"prompt": ASKED["content"], "chosen_response": A, "rejected_response": B},
        PAIR,
    ),
    Sample(
        "llamafactory-alpaca",
        {
            "instruction": "Why?",
            "input": "",
            "chosen": A,
            "rejected": B,
            "system": "",
            "history": [["Hi", "Hello"]],
        },
        TURNS,
    ),
    Sample(
        "intel",
        {"system": "Be brief.", "question": ASKED["content"], "chosen": A, "rejected": B},
        WITH_SYSTEM,
    ),
    Sample(
        "icr",
        {"system": "Be brief.", "input": ASKED["content"], "chosen": A, "rejected": B},
        WITH_SYSTEM,
    ),
    Sample(
        "icr",
        {
            "system": "",
            "input": ASKED["content"],
            "chosen": A,
            "rejected": B,
            "rating": [8.0, 8.0],
            "status": "tie",
        },
        PAIR._replace(preferences=(TIE,)),
    ),
    Sample(
        "full-hh-rlhf",
        {
            "prompt": "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why?\n\nAssistant:",
            "response": f" {A}",
            "chosen": f" {A}",
            "rejected": f" {B}",
        },
        TURNS,
    ),
    Sample("trl-standard", {"prompt": ASKED["content"], "chosen": A, "rejected": B}, PAIR),
    Sample(
        "trl-standard",
        {"prompt": ASKED["content"], "input": "more", "question": "q", "chosen": A, "rejected": B},
        PAIR,
    ),
    Sample(
        "swift-query",
        {
            "query": "Why?",
            "response": A,
            "rejected_response": B,
            "system": "",
            "history": [["Hi", "Hello"]],
        },
        TURNS,
    ),
    Sample(
        "llamafactory-ranking",
        {"instruction": "Why?", "input": "", "output": [A, B], "history": [["Hi", "Hello"]]},
        TURNS,
    ),
    Sample(
        "hh-rlhf",
        {
            "chosen": f"\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why?\n\nAssistant: {A}",
            "rejected": f"\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why?\n\nAssistant: {B}",
        },
        TURNS,
    ),
]

SCORED = [
    Sample(
        "nemo-rl",
        {
            "context": [ASKED],
            "completions": [
                {"rank": 1, "completion": [assistant(B)]},
                {"rank": 0, "completion": [assistant(A)]},
            ],
        },
        Prompt(Q, responses=(Ready(B), Ready(A)), preferences=(SECOND,)),
    ),
    Sample(
        "ultrafeedback",
        {
            "source": "s",
            "instruction": ASKED["content"],
            "models": ["alpha", "beta", "gamma"],
            "completions": [
                {
                    "model": "alpha",
                    "response": A,
                    "overall_score": 5.0,
                    "annotations": {
                        "instruction_following": {"Rating": "5", "Rationale": "r"},
                        "honesty": {"Rating": "N/A", "Rationale": "r"},
                    },
                },
                {
                    "model": "beta",
                    "response": B,
                    "overall_score": 10.0,
                    "annotations": {"instruction-following": {"Rating": "1"}},
                },
                {"model": "gamma", "response": "?", "fine-grained_score": 5.0},
            ],
        },
        Prompt(
            Q,
            responses=(Ready(A, "alpha"), Ready(B, "beta"), Ready("?", "gamma")),
            preferences=(Preference({0: GOOD, 1: BAD, 2: GOOD}),),
        ),
    ),
    Sample(
        "nectar",
        {
            "prompt": "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Why? \n\nAssistant: ",
            "answers": [
                {"answer": B, "model": "beta", "rank": 2.0},
                {"answer": A, "model": "alpha", "rank": 1.0},
            ],
            "turns": 2,
            "num_responses": 2,
            "source": ["s"],
            "good_natured": True,
        },
        Prompt(
            TURNS.messages,
            responses=(Ready(B, "beta"), Ready(A, "alpha")),
            preferences=(SECOND,),
        ),
    ),
    Sample(
        "helpsteer3",
        {
            "domain": "code",
            "language": "en",
            "context": [ASKED],
            "response1": A,
            "response2": B,
            "overall_preference": -2,
            "individual_preference": [{"score": -2, "reasoning": "r"}],
        },
        Prompt(Q, responses=PAIR.responses, preferences=(Preference({0: GOOD, 1: BAD}, 2),)),
    ),
    Sample(
        "helpsteer3",
        {"context": [ASKED], "response1": A, "response2": B, "overall_preference": 0},
        Prompt(Q, responses=PAIR.responses, preferences=(TIE,)),
    ),
    Sample(
        "helpsteer2",
        {"prompt": ASKED["content"], "response_1": A, "response_2": B, "preference_strength": 3},
        Prompt(Q, responses=PAIR.responses, preferences=(Preference({0: BAD, 1: GOOD}, 3),)),
    ),
    Sample(
        "helpsteer2",
        {
            "prompt": "Hi\n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nWhy?",
            "response_1": A,
            "response_2": B,
            "preference_strength": -1,
        },
        TURNS._replace(preferences=(Preference({0: GOOD, 1: BAD}, 1),)),
    ),
]

MODELS = {"model_a": "alpha", "model_b": "beta"}
FROM_MODELS = (Ready(A, "alpha"), Ready(B, "beta"))
VERDICTS = [
    Sample(
        "arena",
        {
            "question_id": "1",
            **MODELS,
            "winner": "model_b",
            "conversation_a": [ASKED, assistant(A)],
            "conversation_b": [ASKED, assistant(B)],
            "turn": 1,
        },
        Prompt(Q, responses=FROM_MODELS, preferences=(SECOND,)),
    ),
    Sample(
        "arena",
        {
            **MODELS,
            "winner": "both_bad",
            "conversation_a": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": Q[0].content, "image": None}],
                },
                {"role": "assistant", "content": [{"type": "text", "text": A}], "num_tokens": 3},
            ],
            "conversation_b": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": Q[0].content, "image": None}],
                },
                {"role": "assistant", "content": [{"type": "text", "text": B}]},
            ],
        },
        Prompt(Q, responses=FROM_MODELS, preferences=(Preference({0: BAD, 1: BAD}),)),
    ),
    Sample(
        "arena-table",
        {
            "id": 1,
            **MODELS,
            "prompt": f'["{Q[0].content}"]',
            "response_a": f'["{A}"]',
            "response_b": f'["{B}"]',
            "winner_model_a": 1,
            "winner_model_b": 0,
            "winner_tie": 0,
        },
        Prompt(Q, responses=FROM_MODELS, preferences=(FIRST,)),
    ),
    Sample(
        "safe-rlhf",
        {
            "prompt": Q[0].content,
            "response_0": A,
            "response_1": B,
            "response_0_source": "alpha",
            "response_1_source": "beta",
            "is_response_0_safe": False,
            "better_response_id": 1,
            "safer_response_id": 0,
        },
        Prompt(Q, responses=FROM_MODELS, preferences=(SECOND,)),
    ),
]

_POST = {"id": "t3_1", "subreddit": "tea", "title": "Milk?", "post": "First?", "article": None}
_ARTICLE = {"id": "c1", "subreddit": None, "title": None, "post": None, "article": "It rained."}
_SUMMARIES = [{"text": f" {A}", "policy": "alpha"}, {"text": f" {B}", "policy": "beta"}]

COMMUNITY = [
    Sample(
        "shp",
        {
            "domain": "askscience_train",
            "history": Q[0].content,
            "human_ref_A": A,
            "human_ref_B": B,
            "labels": 1,
            "score_A": 9,
            "score_B": 2,
        },
        PAIR,
    ),
    Sample(
        "shp",
        {"history": Q[0].content, "human_ref_A": A, "human_ref_B": B, "labels": 0},
        PAIR._replace(preferences=(SECOND,)),
    ),
    Sample(
        "summaries",
        {"info": _POST, "summaries": _SUMMARIES, "choice": 1, "worker": "w", "extra": {}},
        Prompt(
            said("SUBREDDIT: r/tea\n\nTITLE: Milk?\n\nPOST: First?\n\nTL;DR:"),
            responses=FROM_MODELS,
            preferences=(SECOND,),
        ),
    ),
    Sample(
        "summaries",
        {"info": _ARTICLE, "summaries": _SUMMARIES, "choice": 0},
        Prompt(said("Article:\nIt rained.\n\nTL;DR:"), responses=FROM_MODELS, preferences=(FIRST,)),
    ),
    Sample(
        "oasst",
        {
            "message_tree_id": "t",
            "tree_state": "ready_for_export",
            "prompt": {
                "message_id": "t",
                "text": Q[0].content,
                "role": "prompter",
                "replies": [
                    {"message_id": "1", "text": B, "role": "assistant", "rank": 1},
                    {"message_id": "2", "text": A, "role": "assistant", "rank": 0},
                ],
            },
        },
        Prompt(Q, responses=(Ready(B), Ready(A)), preferences=(SECOND,)),
    ),
    Sample(
        "stack-exchange",
        {
            "qid": 7,
            "question": Q[0].content,
            "answers": [
                {"answer_id": 1, "author": "x", "pm_score": 0, "selected": False, "text": B},
                {"answer_id": 2, "author": "y", "pm_score": 3, "selected": True, "text": A},
            ],
        },
        Prompt(Q, responses=(Ready(B), Ready(A)), preferences=(SECOND,)),
    ),
    Sample(
        "webgpt",
        {
            "question": {"dataset": "eli5", "id": "1", "full_text": Q[0].content},
            "answer_0": A,
            "score_0": -0.5,
            "answer_1": B,
            "score_1": 0.5,
            "tokens_0": {"prefix": [1], "completion": [2]},
        },
        PAIR._replace(preferences=(SECOND,)),
    ),
    Sample(
        "webgpt",
        {
            "question": {"full_text": Q[0].content},
            "answer_0": A,
            "score_0": 0.0,
            "answer_1": B,
            "score_1": 0.0,
        },
        PAIR._replace(preferences=(TIE,)),
    ),
]

LABELLED = [
    Sample(
        "trl-kto",
        {"prompt": [ASKED], "completion": [assistant(A)], "label": True},
        Prompt(Q, responses=(Ready(A),), preferences=(Preference({0: GOOD}),)),
    ),
    Sample(
        "trl-kto",
        {"prompt": ASKED["content"], "completion": B, "label": False},
        Prompt(Q, responses=(Ready(B),), preferences=(Preference({0: BAD}),)),
    ),
    Sample(
        "trl-kto",
        {
            "prompt": "Why?",
            "completion": [user("Hi"), assistant("Hello"), user("Why?"), assistant(B)],
            "label": False,
            "rating": 1.0,
        },
        Prompt(TURNS.messages, responses=(Ready(B),), preferences=(Preference({0: BAD}),)),
    ),
    Sample(
        "swift-kto",
        {"messages": [ASKED, assistant(A)], "label": True},
        Prompt(Q, responses=(Ready(A),), preferences=(Preference({0: GOOD}),)),
    ),
    Sample(
        "llamafactory-alpaca-kto",
        {
            "instruction": "Why?",
            "input": "",
            "output": A,
            "kto_tag": True,
            "history": [["Hi", "Hello"]],
        },
        Prompt(TURNS.messages, responses=(Ready(A),), preferences=(Preference({0: GOOD}),)),
    ),
    Sample(
        "llamafactory-sharegpt-kto",
        {
            "conversations": [
                {"from": "human", "value": ASKED["content"]},
                {"from": "gpt", "value": B},
            ],
            "kto_tag": False,
            "system": "Be brief.",
            "tools": "",
        },
        Prompt(WITH_SYSTEM.messages, responses=(Ready(B),), preferences=(Preference({0: BAD}),)),
    ),
]

_FIELDS = {"prompt": ASKED["content"], "response1": A, "response2": B}
_DATA = {"prompt": ASKED["content"], "answer1": A, "answer2": B}

TOOLS = [
    Sample(
        "argilla",
        {
            "id": "1",
            "fields": _FIELDS,
            "metadata": {},
            "suggestions": {"better": {"value": ["response1", "response2"], "agent": "judge"}},
            "responses": {
                "better": [
                    {"value": ["response2", "response1"], "user_id": "u1"},
                    {"value": "response1", "user_id": "u2"},
                ],
                "why": [{"value": "It is clearer.", "user_id": "u1"}],
            },
            "vectors": {},
            "status": "completed",
            "_server_id": "7",
        },
        Prompt(
            Q,
            responses=PAIR.responses,
            preferences=(
                Preference({0: BAD, 1: GOOD}, by="u1"),
                Preference({0: GOOD, 1: BAD}, by="u2"),
            ),
        ),
    ),
    Sample(
        "argilla-flat",
        {
            "id": "1",
            "status": "completed",
            **_FIELDS,
            "better.responses": [["response-2", "response-1"], ["response-1", "response-2"]],
            "better.responses.users": ["u1", "u2"],
            "better.responses.status": ["submitted", "discarded"],
            "better.suggestion": None,
        },
        Prompt(
            Q,
            responses=PAIR.responses,
            preferences=(Preference({0: BAD, 1: GOOD}, by="u1"),),
        ),
    ),
    Sample(
        "argilla-1",
        {
            **_FIELDS,
            "preference": [
                {
                    "user_id": "u1",
                    "value": {"rank": [1, 1], "value": ["response-1", "response-2"]},
                    "status": "submitted",
                },
                {
                    "user_id": "u2",
                    "value": {"rank": [2, 1], "value": ["response-1", "response-2"]},
                    "status": "submitted",
                },
            ],
            "preference-suggestion": {"rank": [1, 2], "value": ["response-1", "response-2"]},
            "preference-suggestion-metadata": {"type": None},
        },
        Prompt(
            Q,
            responses=PAIR.responses,
            preferences=(
                Preference({}, by="u1"),
                Preference({0: BAD, 1: GOOD}, by="u2"),
            ),
        ),
    ),
    Sample(
        "label-studio",
        {
            "id": 1,
            "data": _DATA,
            "annotations": [
                {
                    "id": 1,
                    "completed_by": 7,
                    "was_cancelled": False,
                    "result": [
                        {
                            "from_name": "comparison",
                            "to_name": "comparison",
                            "type": "pairwise",
                            "value": {"selected": "right"},
                        },
                        {"from_name": "why", "type": "textarea", "value": {"text": ["clear"]}},
                    ],
                },
                {
                    "completed_by": 8,
                    "was_cancelled": True,
                    "result": [{"type": "pairwise", "value": {"selected": "left"}}],
                },
            ],
            "predictions": [],
        },
        Prompt(Q, responses=PAIR.responses, preferences=(Preference({0: BAD, 1: GOOD}, by="7"),)),
    ),
    Sample(
        "label-studio",
        {
            "data": {
                "prompt": ASKED["content"],
                "items": [
                    {"id": "x", "title": "1", "body": B},
                    {"id": "y", "title": "2", "body": A},
                ],
            },
            "annotations": [
                {
                    "completed_by": {"id": 7, "email": "ann@example.org"},
                    "result": [{"type": "ranker", "value": {"ranker": {"_": ["y", "x"]}}}],
                }
            ],
        },
        Prompt(
            Q,
            responses=(Ready(B), Ready(A)),
            preferences=(Preference({0: BAD, 1: GOOD}, by="ann@example.org"),),
        ),
    ),
    Sample(
        "label-studio-min",
        {
            **_DATA,
            "id": 1,
            "comparison": [{"selected": "left"}],
            "why": "clear",
            "annotator": 7,
            "annotation_id": 3,
        },
        Prompt(Q, responses=PAIR.responses, preferences=(Preference({0: GOOD, 1: BAD}, by="7"),)),
    ),
]

UNJUDGED = [
    Sample(
        "responses",
        {
            "instruction": "Why?",
            "input": "The sky.",
            "completions": [A, {"response": B, "model": "beta"}],
        },
        Prompt(said("Why?\nThe sky."), responses=(Ready(A), Ready(B, "beta"))),
    ),
    Sample(
        "responses",
        {"messages": [ASKED], "candidates": [{"content": A}], "difficulty": 3},
        Prompt(Q, responses=(Ready(A),)),
    ),
    Sample(
        "numbered",
        {"question": ASKED["content"], "response_a": A, "response_b": B},
        Prompt(Q, responses=PAIR.responses),
    ),
    Sample(
        "alpaca",
        {"instruction": "Why?", "input": "The sky.", "output": A},
        Prompt(said("Why?\nThe sky."), reference=A),
    ),
    Sample(
        "sharegpt",
        {
            "id": "1",
            "conversations": [
                {"from": "human", "value": "Hi"},
                {"from": "gpt", "value": "Hello"},
                {"from": "human", "value": "Why?"},
                {"from": "gpt", "value": A},
            ],
        },
        Prompt(TURNS.messages, reference=A),
    ),
    Sample("messages", {"messages": [ASKED, assistant(A)]}, Prompt(Q, reference=A)),
    Sample(
        "answered",
        {"question": ASKED["content"], "answer": A},
        Prompt(Q, reference=A),
    ),
    Sample("asked", {"prompt": ASKED["content"], "difficulty": 3}, Prompt(Q)),
]

SAMPLES = [
    *MESSAGE_PAIRS,
    *TEXT_PAIRS,
    *SCORED,
    *VERDICTS,
    *COMMUNITY,
    *LABELLED,
    *TOOLS,
    *UNJUDGED,
]
