"""Make docs/keys.md from the table of actions.

Run from the repository's root: python docs/keys.py
"""

from collections.abc import Iterator
from pathlib import Path

from dpo_tui.tui.actions import BY_NAME
from dpo_tui.tui.key_page import RULES, Line, sections
from dpo_tui.tui.keymap import DEFAULT_KEYMAP, NAMED_KEYS, PRESETS, Keys, key_name

HEAD = """\
# Keys

Made from the table that the program itself works by. `?` shows the same page with your own keys, \
`ctrl-p` finds an action by its name. Nothing needs a mouse, a function key, or a chord that tmux, \
screen or SSH swallows.
"""

REBINDING = """\
## Rebinding

In the user's `config.toml` (`dpo-tui init --config` writes one):

```toml
[keys]
preset = "vim"           # or "default"
choose = ["space", "o"]  # an action's name, and its key or keys
skip = "S"
```

A key is a character (`"x"`, `"X"`, `"="`), `ctrl` and a letter (`"ctrl+d"`), or one of {named}. \
Textual's names (`"question_mark"`) are understood too. What a terminal doesn't send, or not \
through tmux, screen and SSH (`ctrl+1`, `alt+x`, `shift+enter`, ...), is refused at the start, and \
so is one key for two actions. `escape` always leads back and `ctrl+c` \
always leaves: neither can be rebound.

The preset `vim` changes:

| keys | action |
| --- | --- |
{vim}
"""


def page() -> str:
    """The whole of docs/keys.md."""
    parts = [HEAD]
    for section, lines in sections(DEFAULT_KEYMAP):
        parts.append(f"## {section}\n\n{_table(lines)}\n")
    parts.append(f"## Rules\n\n{RULES}\n")
    named = ", ".join(f"`{key}`" for key in NAMED_KEYS[:-12])
    vim = "\n".join(_row(keys, name) for name, keys in PRESETS["vim"].items() if name in BY_NAME)
    parts.append(REBINDING.format(named=f"{named}, `f1` to `f12`", vim=vim))
    return "\n".join(parts)


def _table(lines: list[Line]) -> str:
    return "\n".join(["| keys | action | what it does |", "| --- | --- | --- |", *_rows(lines)])


def _rows(lines: list[Line]) -> Iterator[str]:
    for line in lines:
        keys = " ".join(f"`{key}`" for key in line.keys)
        first, last = line.names[0], line.names[-1]
        names = f"`{first}`" if first == last else f"`{first}` to `{last}`"
        yield f"| {keys} | {names} | {line.help} |"


def _row(keys: Keys, name: str) -> str:
    return f"| {' '.join(f'`{key_name(key)}`' for key in keys)} | `{name}` |"


if __name__ == "__main__":
    Path("docs/keys.md").write_text(page(), encoding="utf-8")
