"""Each screen as it looks, at two sizes, beside the picture that was agreed on.

`PICTURES=new python -m pytest tests/tui/test_pictures.py` draws them anew; look at what changed.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from dpo_tui.domain.model import Message, Prompt
from tests.samples import ready
from tests.servers import replies
from tests.servers.wire import Reply
from tests.service.desk import begun_and_endless, prompts
from tests.tui.pilot import Screen, screen

FOLDER = Path(__file__).with_name("pictures")
SIZES = [(80, 24), (140, 45)]

ANSWER = """\
**Short answer:** use a *lock*, and `release()` it.

1. First, read the whole of what is there.
2. Then mark what is good.

| what | how long |
|------|---------:|
| read | minutes  |
| mark | seconds  |

```python
def pairs(good, bad):
    return [(one, other) for one in good for other in bad]
```
"""
OTHER = ANSWER.replace("lock", "semaphore").replace("minutes", "hours")
READY = [
    Prompt(
        (
            Message("system", "Be brief."),
            Message("user", "Hi!"),
            Message("assistant", "Hello. **What** is it?"),
            Message("user", "How do I wait\nfor another thread?"),
        ),
        name="threads",
        responses=ready(ANSWER, OTHER, "Just wait.", "Just wait. "),
        reference="Use a lock and release it.",
    ),
    Prompt((Message("user", "Next question"),), responses=ready("one", "two")),
]


class Picture(NamedTuple):
    """A state of the screen."""

    keys: Sequence[str]
    seen: str
    """What is on it when it is there."""
    given: Sequence[Prompt] = READY
    reply: Reply = replies.silence


PICTURES: Mapping[str, Picture] = {
    "empty": Picture((), "queued", prompts("first")),
    "streaming": Picture((), "and on", prompts("first"), begun_and_endless("done", "done too")),
    "failed": Picture((), "failed", prompts("first"), replies.error(400, "no such thing")),
    "cards": Picture(("space", "j", "x"), "✖ excluded"),
    "remarks": Picture(("a", "b", "greater_than_sign", "f"), "⚑ flagged"),
    "decided": Picture(("1", "enter", "p"), "decided: confirmed"),
    "raw": Picture(("m",), "**Short answer:**"),
    "compare": Picture(("d",), "left right the side"),
    "reader": Picture(("z", "J", "J"), "First, read"),
    "edit": Picture(("e",), "Edit response 1"),
    "note": Picture(("i", *"too long"), "too long"),
    "groups": Picture(("l",), "2 groups"),
    "find": Picture(("slash", *"two"), "1 place"),
    "help": Picture(("question_mark",), "Judge"),
    "end": Picture(("1", "enter", "1", "enter"), "Every group is decided"),
}


def stable(text: str) -> str:
    """What is on the screen without what differs from run to run."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\b\d+s (each|a group|to go)", r"Ns \1", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


async def settled(here: Screen, picture: Picture) -> str:
    """The screen when nothing moves any more."""
    await here.until(lambda: here.desk.labelling.group)
    await here.pilot.pause(0.1)
    for key in picture.keys:
        await here.press(key)
        await here.pilot.pause(0.05)
    await here.until(picture.seen)
    before = ""
    while (now := stable(here.text())) != before:
        before = now
        await here.pilot.pause(0.25)
    return now


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", PICTURES)
async def test_it_looks_as_agreed(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    picture = PICTURES[name]
    path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
    async with screen(tmp_path, picture.reply, picture.given, size=size) as here:
        seen = await settled(here, picture)
    if os.environ.get("PICTURES") == "new":
        path.parent.mkdir(exist_ok=True)
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")
