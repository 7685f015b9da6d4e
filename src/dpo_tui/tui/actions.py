"""The one table of keys: bindings, key bar, help screen and palette all come from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a key does."""

    id: str
    """The Textual action, with its arguments."""
    keys: tuple[str, ...]
    """Textual's key names; the first one is shown."""
    label: str
    """One or two words for the key bar and the palette."""
    help: str
    """One sentence for the help screen."""
    bar_rank: int | None = None
    """How important it is to the key bar, 0 first; None keeps it out."""

    @property
    def key_name(self) -> str:
        """The keys as a person would say them."""
        return " ".join(_NAMES.get(key, key) for key in self.keys)


_NAMES = {
    "question_mark": "?",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "ctrl+c": "ctrl-c",
    "ctrl+d": "ctrl-d",
    "ctrl+u": "ctrl-u",
}

JUDGE = (
    Action("choose", ("space",), "choose", "Choose the response, or take that back.", bar_rank=0),
    Action(
        "exclude",
        ("x",),
        "exclude",
        "Keep the response out of every pair, or take that back.",
        bar_rank=7,
    ),
    Action(
        "confirm",
        ("enter",),
        "confirm",
        "Decide the group: every chosen x every other response becomes a pair.",
        bar_rank=1,
    ),
    Action("skip", ("s",), "skip", "Leave the group out: no pairs.", bar_rank=2),
    Action(
        "regenerate",
        ("r",),
        "regenerate",
        "Try failed responses again; when none failed, ask for a new set.",
        bar_rank=3,
    ),
    Action(
        "regenerate_one",
        ("R",),
        "regenerate one",
        "Ask for another response in the place of this one.",
    ),
    Action("add_response", ("plus",), "one more", "Ask for one more response, up to 20."),
    Action("other_set", ("v",), "other set", "Show the set before this one; marks are kept."),
    Action(
        "undo", ("u",), "undo", "Take the last decision back, also after a restart.", bar_rank=4
    ),
    Action("redo", ("U",), "redo", "Let the decision that was taken back last count again."),
)

MOVE = (
    Action("next_card", ("j", "down"), "next response", "Go to the next response."),
    Action("previous_card", ("k", "up"), "previous response", "Go to the previous response."),
    Action("page(1)", ("pagedown",), "page down", "Scroll the responses down by a page."),
    Action("page(-1)", ("pageup",), "page up", "Scroll the responses up by a page."),
    Action("half_page(1)", ("ctrl+d",), "half page down", "Scroll down by half a page."),
    Action("half_page(-1)", ("ctrl+u",), "half page up", "Scroll up by half a page."),
    Action("first_card", ("home",), "first response", "Go to the first response."),
    Action("last_card", ("end",), "last response", "Go to the last response."),
    Action(
        "neighbour(1)",
        ("n",),
        "next group",
        "Go to the next group, decided or not; enter decides it again.",
    ),
    Action("neighbour(-1)", ("p",), "previous group", "Go to the previous group, decided or not."),
    Action(
        "fold_prompt", ("tab",), "fold prompt", "Fold the prompt to its last line, or unfold it."
    ),
    Action("scroll_prompt(1)", ("full_stop",), "prompt down", "Scroll the prompt down."),
    Action("scroll_prompt(-1)", ("comma",), "prompt up", "Scroll the prompt up."),
)

NUMBERS = tuple(
    Action(
        f"choose_number({number})",
        (str(number),),
        f"choose {number}",
        f"Choose response {number}, or take that back.",
    )
    for number in range(1, 10)
)

APP = (
    Action("help", ("question_mark",), "help", "Show or leave this page.", bar_rank=5),
    Action("quit", ("q", "ctrl+c"), "quit", "Leave; everything is saved already.", bar_rank=6),
)

ACTIONS = JUDGE + NUMBERS + MOVE + APP


def bindings(actions: tuple[Action, ...]) -> list[BindingType]:
    """Textual's bindings for some of the actions."""
    return [
        Binding(
            ",".join(action.keys),
            action.id,
            action.label,
            tooltip=action.help,
            # An application-wide ctrl+c of Textual's own would come first otherwise.
            priority="ctrl+c" in action.keys,
        )
        for action in actions
    ]
