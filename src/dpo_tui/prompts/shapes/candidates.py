"""Several answers with nothing said of them, under the names that people give such columns."""

from __future__ import annotations

from msgspec import Struct

from dpo_tui.domain.model import Message, Prompt, Ready
from dpo_tui.prompts.shapes.message_pairs import with_system
from dpo_tui.prompts.shapes.shape import Shape, Unfit, some
from dpo_tui.prompts.shapes.text_pairs import instructed
from dpo_tui.prompts.shapes.turns import Turn, asked, conversation


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


class Asked(Struct):
    """What was asked, under one of several names."""

    prompt: str | list[Turn] | None = None
    messages: list[Turn] | None = None
    instruction: str | None = None
    question: str | None = None
    query: str | None = None
    input: str | None = None
    system: str | None = None

    def conversation(self) -> tuple[Message, ...]:
        """The prompt.

        Raises:
            Unfit: there is none.
        """
        turns = self.messages if isinstance(self.prompt, str | None) else self.prompt
        if turns is not None:
            return with_system(self.system, conversation(turns, "messages"))
        if self.instruction is not None:
            return instructed(self.instruction, self.input, self.system, None)
        for key in ("prompt", "question", "query", "input"):
            text = getattr(self, key)
            if text is not None:
                return asked(self.system, text, key)
        raise Unfit("there is nothing that is asked")


class Candidates(Asked):
    """A prompt with a list of answers."""

    responses: Answers | None = None
    completions: Answers | None = None
    answers: Answers | None = None
    candidates: Answers | None = None


def _candidates(row: Candidates) -> Prompt:
    for key in ("responses", "completions", "answers", "candidates"):
        answers = getattr(row, key)
        if answers is not None:
            ready = [Ready(each) if isinstance(each, str) else each.ready(key) for each in answers]
            return Prompt(row.conversation(), responses=some(ready, key=key))
    raise Unfit("there are no answers")


SHAPES = (Shape("responses", "prompts with responses", Candidates, _candidates),)
