"""`push` and the card: to a hub on the loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard

from dpo_tui.domain.model import Remarks
from dpo_tui.reports.spread import Spread
from tests.servers.hub import TOKEN, Hub, hub
from tests.sessions import decide, make_session, prompt
from tests.terminal.program import Person


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path)
    path = person.folder / "s.db"
    make_session(path, [prompt(f"Q{each}", f"good {each}", "bad") for each in range(1, 5)])
    for each in (1, 2, 3):
        decide(path, each, "+-", remarks=Remarks(strength=each))
    decide(path, 4, "++")
    return person


def pushed(person: Person, server: Hub, *arguments: str, code: int = 0, token: str = TOKEN) -> str:
    """What was said; the login is that of the environment."""
    result = person.run(
        "push",
        "ann/pairs",
        "--session",
        "s.db",
        *arguments,
        HF_ENDPOINT=server.url,
        HF_TOKEN=token,
        COLUMNS="200",
    )
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert TOKEN not in result.stderr
    return " ".join(result.stderr.split())


def test_pairs_and_card_are_sent_to_a_private_dataset(person: Person) -> None:
    with hub() as server:
        told = pushed(person, server)
        assert server.repos == {"ann/pairs": True}
        assert f"{server.url}/datasets/ann/pairs" in told
    assert sorted(server.files) == ["ann/pairs/README.md", "ann/pairs/train.jsonl"]
    rows = [json.loads(line) for line in server.files["ann/pairs/train.jsonl"].splitlines()]
    assert [row["chosen"][0]["content"] for row in rows] == ["good 1", "good 2", "good 3"]
    card = server.files["ann/pairs/README.md"].decode()
    assert card.startswith('---\npretty_name: "pairs"\n')
    assert "| train | 3 | 3 | `train.jsonl` |" in card
    assert "4 groups confirmed by one annotator" in card
    assert "1 prompt: nothing was rejected" in card
    assert "1: 1, 2: 1, 3: 1" in card
    assert "- 6 responses: `some-model`" in card


def test_a_split_a_public_dataset_and_a_card_that_is_there(person: Person) -> None:
    with hub() as server:
        server.files["ann/pairs/README.md"] = b"mine"
        pushed(person, server, "--test-size", "0.34", "--public", "--format", "parquet")
        assert server.repos == {"ann/pairs": False}
        assert sorted(server.files) == [
            "ann/pairs/README.md",
            "ann/pairs/test.parquet",
            "ann/pairs/train.parquet",
        ]
        assert server.files["ann/pairs/README.md"] == b"mine"
        pushed(person, server, "--force")
        assert server.files["ann/pairs/README.md"] != b"mine"


def test_a_dry_run_shows_the_card_and_sends_nothing(person: Person) -> None:
    with hub() as server:
        told = pushed(person, server, "--dry-run")
        assert "pretty_name" in told
        assert "nothing was sent" in told
        assert not server.repos


def test_what_the_hub_refuses_is_told(person: Person) -> None:
    with hub() as server:
        told = pushed(person, server, code=1, token="hf_wrong")
        assert "can't be sent to the hub" in told
        assert "hf auth" in told
        assert not server.files


def test_a_card_beside_a_file(person: Person) -> None:
    result = person.run("export", "--session", "s.db", "-o", "pairs.jsonl", "--card")
    assert result.returncode == 0, result.stderr
    assert "`pairs.jsonl`" in (person.folder / "README.md").read_text()
    result = person.run("export", "--session", "s.db", "-o", "more.jsonl", "--card")
    assert (result.returncode, "README.md" in result.stderr) == (2, True)
    assert not (person.folder / "more.jsonl").exists()
    result = person.run("export", "--session", "s.db", "--card")
    assert (result.returncode, "beside which file" in result.stderr) == (2, True)


def test_quantiles_are_exact_below_a_thousand_and_near_above() -> None:
    spread = Spread()
    for value in (*range(100), 123_456):
        spread.add(value)
    assert [spread.quantile(share) for share in (0.0, 0.5, 0.95, 1.0)] == [0, 50, 95, 123_000]
    assert Spread().quantile(0.5) == 0


def test_a_card_names_its_files_whatever_they_are_called(person: Person) -> None:
    name = '\U0001f600 \u00e9 "q" \\x.jsonl'
    (person.folder / "s.db").rename(person.folder / "\U0001f600.db")
    result = person.run("export", "--session", "\U0001f600.db", "-o", name, "--card")
    assert result.returncode == 0, result.stderr
    told = DatasetCard((person.folder / "README.md").read_text()).data
    assert told["pretty_name"] == "\U0001f600"
    assert told["configs"][0]["data_files"] == [{"split": "train", "path": name}]
