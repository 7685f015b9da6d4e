from pathlib import Path

import pytest

from tests.terminal.program import Person


@pytest.fixture
def person(tmp_path: Path, server: str) -> Person:
    """Somebody with three prompts and the module's server."""
    person = Person(tmp_path, server=server)
    person.prompts("one", "two", "three")
    return person
