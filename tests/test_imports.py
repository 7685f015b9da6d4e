"""What each room loads: the screen's libraries only for the screen, HTTP and SQL only in theirs.

import-linter reads the imports that are written; this sees the ones that happen.
"""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import dpo_tui

PACKAGE = Path(dpo_tui.__file__).parent
BUILT_ON_ALL_OTHERS = {
    "__main__",
    "checkup",
    "convert_command",
    "export_command",
    "exporting",
    "gathering",
    "importing",
    "main",
    "opening",
    "output",
    "progress",
    "provenance",
    "reporting",
    "routes",
    "tui",
    "upkeep",
}
LOWER_ROOMS = sorted(
    {module.name for module in pkgutil.iter_modules([str(PACKAGE)])} - BUILT_ON_ALL_OTHERS
)
AT_HOME_IN = {
    "textual": set[str](),
    "rich": {"backend"},  # httpx loads it, if it is there, for a command line of its own
    "httpx": {"backend"},
    "httpx_sse": {"backend"},
    "sqlite3": {"store"},
}

IMPORT_ALL = """
import importlib, json, pkgutil, sys
room = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(getattr(room, "__path__", ()), f"{sys.argv[1]}."):
    importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("room", LOWER_ROOMS)
def test_a_room_loads_no_library_of_another_room(room: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, f"dpo_tui.{room}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    loaded = set(json.loads(run.stdout))
    assert f"dpo_tui.{room}" in loaded
    foreign = {name for name, rooms in AT_HOME_IN.items() if name in loaded and room not in rooms}
    assert not foreign
    assert "dpo_tui.tui" not in loaded
