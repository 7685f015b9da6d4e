"""A session is opened with the files that belong to it."""

from __future__ import annotations

from pathlib import Path

from dpo_tui.domain.model import Message, Prompt
from dpo_tui.importing import Incoming
from dpo_tui.opening import Job, open_session
from dpo_tui.settings import Settings
from tests.samples import ready

PROMPT = Prompt((Message("user", "a"),), responses=ready("good", "bad"))


async def dataset_of(
    folder: Path, annotator: str, *, output: Path | None = None, labels: bool = True
) -> str:
    """The name of the dataset file that a session is opened with."""
    job = Job(
        prompts_path=folder / "prompts.toml",
        incoming=Incoming(lambda _: [PROMPT]),
        session_path=folder / "s.db",
        settings=Settings(output=output),
        key_of=lambda _: None,
        annotator=annotator,
        local=False,
        resume="",
    )
    opened = await open_session(job, lambda _: None, labels=labels)
    opened.store.close()
    return opened.dataset.path.name


async def test_each_annotator_has_a_dataset_and_keeps_it(tmp_path: Path) -> None:
    await dataset_of(tmp_path, "machine", labels=False)
    for _ in range(2):
        assert await dataset_of(tmp_path, "ann") == "prompts.dpo.jsonl"
        assert await dataset_of(tmp_path, "bob") == "prompts.bob.dpo.jsonl"
    assert await dataset_of(tmp_path, "machine") == "prompts.machine.dpo.jsonl"


async def test_a_dataset_that_was_named_is_kept_too(tmp_path: Path) -> None:
    named = tmp_path / "named.jsonl"
    assert await dataset_of(tmp_path, "ann", output=named) == "named.jsonl"
    assert await dataset_of(tmp_path, "ann") == "named.jsonl"
    assert await dataset_of(tmp_path, "bob") == "prompts.dpo.jsonl"
    assert await dataset_of(tmp_path, "bob", output=named) == "named.jsonl"
