from pathlib import Path

from dpo_tui.store.role import GeneratorRole


def test_only_one_process_generates(tmp_path: Path) -> None:
    first = GeneratorRole(tmp_path / "s.db", insists=False)
    second = GeneratorRole(tmp_path / "s.db", insists=False)
    assert first.take()
    assert first.take()
    assert not second.take()
    first.give()
    assert second.take()


def test_one_who_insists_is_next(tmp_path: Path) -> None:
    annotate = GeneratorRole(tmp_path / "s.db", insists=False)
    generate = GeneratorRole(tmp_path / "s.db", insists=True)
    assert annotate.take()
    assert not annotate.is_wanted()
    assert not generate.take()
    assert annotate.is_wanted()
    annotate.give()
    assert not annotate.take()
    assert generate.take()
    generate.give()
    assert annotate.take()


def test_the_lock_files_are_private(tmp_path: Path) -> None:
    role = GeneratorRole(tmp_path / "s.db", insists=True)
    role.take()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
