"""A session is opened with the files that belong to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from dpo_tui.domain.model import Decision, Mark, Message, PreferenceUse, Prompt, Verdict
from dpo_tui.domain.pairs import make_pairs
from dpo_tui.errors import InputError
from dpo_tui.importing import Incoming
from dpo_tui.main import generate
from dpo_tui.opening import Job, open_session
from dpo_tui.prompts import Reading, read_prompts
from dpo_tui.settings import Settings
from tests.samples import ready

PROMPT = Prompt((Message("user", "a"),), responses=ready("good", "bad"))


def job_in(
    folder: Path,
    annotator: str,
    settings: Settings,
    read: Callable[[object], Iterable[Prompt]] = lambda _: [PROMPT],
) -> Job:
    return Job(
        prompts_path=folder / "prompts.toml",
        incoming=Incoming(read),
        session_path=folder / "s.db",
        settings=settings,
        key_of=lambda _: None,
        annotator=annotator,
        local=False,
        named="",
        resume="",
    )


async def dataset_of(
    folder: Path,
    annotator: str,
    *,
    output: Path | None = None,
    labels: bool = True,
    live_format: str = "swift",
    confirms: bool = False,
) -> str:
    """The name of the dataset file that a session is opened with."""
    job = job_in(folder, annotator, Settings(output=output, live_format=live_format))
    opened = await open_session(job, lambda _: None, labels=labels)
    if confirms:
        marks = {1: Mark.CHOSEN, 2: Mark.REJECTED}
        pairs = make_pairs(PROMPT, opened.store.group(1, annotator).shown(), marks).pairs
        decision = Decision(1, annotator, Verdict.CONFIRMED, 1, marks, (1, 2), 1, 0.0, 0.0)
        opened.store.decide(decision, opened.dataset.plan(pairs))
        opened.dataset.reconcile(opened.store)
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


async def test_a_dataset_grows_in_the_form_that_was_asked_for(tmp_path: Path) -> None:
    name = await dataset_of(tmp_path, "ann", live_format="trl", confirms=True)
    row = json.loads((tmp_path / name).read_text())
    assert row == {
        "prompt": [{"role": "user", "content": "a"}],
        "chosen": [{"role": "assistant", "content": "good"}],
        "rejected": [{"role": "assistant", "content": "bad"}],
    }


async def test_forms_are_never_mixed_in_a_file(tmp_path: Path) -> None:
    await dataset_of(tmp_path, "ann", live_format="trl", confirms=True)
    for other in ("swift", "trl-standard", "axolotl", "trl-implicit"):
        with pytest.raises(InputError, match="begun in another form"):
            await dataset_of(tmp_path, "ann", live_format=other)
    await dataset_of(tmp_path, "ann", live_format="trl")
    await dataset_of(tmp_path, "bob", live_format="swift", confirms=True)


@pytest.mark.parametrize("name", ["csv", "parquet", "llamafactory-alpaca", "tlr"])
async def test_a_dataset_needs_a_form_that_can_grow(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as refused:
        await dataset_of(tmp_path, "ann", live_format=name)
    assert "trl" in refused.value.remedy
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize("name", ["s.db", "prompts.toml", "more.jsonl", "link.jsonl"])
async def test_a_dataset_is_no_file_that_the_session_lives_on(tmp_path: Path, name: str) -> None:
    (tmp_path / "prompts.toml").write_text('include = ["more.jsonl"]')
    (tmp_path / "more.jsonl").write_text('{"prompt": "a", "responses": ["good", "bad"]}\n')
    (tmp_path / "link.jsonl").symlink_to("more.jsonl")
    prompts = read_prompts(tmp_path / "prompts.toml")
    incoming = Incoming.of(prompts, Reading(), "", PreferenceUse.IGNORE)
    job = replace(job_in(tmp_path, "ann", Settings(output=tmp_path / name)), incoming=incoming)
    with pytest.raises(InputError, match="the session itself lives on"):
        await open_session(job, lambda _: None, labels=True)
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize("name", ["pairs.jsonl.gz", "pairs.jsonl.ZST"])
async def test_a_dataset_that_grows_is_not_compressed(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="isn't compressed"):
        await dataset_of(tmp_path, "ann", output=tmp_path / name)


async def test_another_dataset_than_before_is_told(tmp_path: Path) -> None:
    await dataset_of(tmp_path, "ann", confirms=True)
    told: list[str] = []
    job = job_in(tmp_path, "ann", Settings(output=tmp_path / "other.jsonl"))
    for _ in range(2):
        opened = await open_session(job, told.append, labels=True)
        opened.store.close()
    (line,) = told
    assert f"{tmp_path}/other.jsonl now; {tmp_path}/prompts.dpo.jsonl stays as it is" in line


async def test_ctrl_c_before_generate_has_begun_is_not_lost(tmp_path: Path) -> None:
    def interrupted(_: object) -> Iterable[Prompt]:
        task.cancel()  # as asyncio does it at Ctrl-C, before there is a handler of ours
        return [PROMPT]

    job = job_in(tmp_path, "ann", Settings(), interrupted)
    task = asyncio.create_task(generate(job, lambda _: None, None, lambda *_: None))
    with pytest.raises(asyncio.CancelledError):
        await task
