"""Several answers with nothing said of them, under the names that people give such columns."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from dpo_tui.domain.model import Message, Prompt, Ready
from dpo_tui.prompts.shapes.message_pairs import with_system
from dpo_tui.prompts.shapes.shape import Shape, Unfit, some
from dpo_tui.prompts.shapes.text_pairs import instructed
from dpo_tui.prompts.shapes.turns import Turn, WithSystem, conversation


class Candidate(Struct):
    """One answer, its text under one of several names."""

    text: str | None = None
    response: str | None = None
    answer: str | None = None
    content: str | None = None
    completion: str | None = None
    output: str | None = None
    model: str | None = None

    def ready(self, key: str) -> Ready:
        """It as a ready-made response.

        Raises:
            Unfit: it has no text.
        """
        texts = (
            self.text, self.response, self.answer, self.content, self.completion, self.output
        )  # fmt: skip
        for text in texts:
            if text is not None:
                return Ready(text, self.model)
        raise Unfit("an answer has no text", key=key)


Answers = list[str | Candidate]
_QUESTIONS = ("messages", "instruction", "prompt", "question", "query", "input")
_ANSWERS = ("responses", "completions", "answers", "candidates")


class Asked(WithSystem):
    """What was asked, under one of several names."""

    prompt: str | list[Turn] | None = None
    messages: list[Turn] | None = None
    instruction: str | None = None
    question: str | None = None
    query: str | None = None
    input: str | None = None

    def conversation(self) -> tuple[Message, ...]:
        """The prompt.

        Raises:
            Unfit: there is none.
        """
        key = self.asked_in
        value = getattr(self, key)
        system = self.system_says
        if isinstance(value, list):
            return with_system(system, conversation(value, "messages"))
        more = self.input if key == "instruction" else None
        return instructed(value, more, system, None, key)

    @property
    def asked_in(self) -> str:
        """Under which of the names the prompt stands.

        Raises:
            Unfit: there is none.
        """
        if isinstance(self.prompt, list):
            return "prompt"
        return first_filled(self, _QUESTIONS, "there is nothing that is asked")

    def columns(self, answers: Iterable[str] = ()) -> Iterable[str]:
        """The names that are looked at, with those of answers."""
        question = self.asked_in
        more = ("input",) if question == "instruction" else ()
        return question, *more, "system", "system_prompt", *answers


def first_filled(row: object, keys: Iterable[str], nothing: str) -> str:
    """The first of some names under which something stands.

    Raises:
        Unfit: `nothing` does.
    """
    for key in keys:
        if getattr(row, key) is not None:
            return key
    raise Unfit(nothing)


class Candidates(Asked):
    """A prompt with a list of answers."""

    responses: Answers | None = None
    completions: Answers | None = None
    answers: Answers | None = None
    candidates: Answers | None = None


def _candidates(row: Candidates) -> Prompt:
    key = _answers_in(row)
    answers = getattr(row, key)
    ready = [Ready(each) if isinstance(each, str) else each.ready(key) for each in answers]
    return Prompt(row.conversation(), responses=some(ready, key=key))


def _answers_in(row: Candidates) -> str:
    return first_filled(row, _ANSWERS, "there are no answers")


def _columns(row: Candidates) -> Iterable[str]:
    return row.columns([_answers_in(row)])


SHAPES = (
    Shape("responses", "prompts with responses", Candidates, _candidates, columns_of=_columns),
)
