"""The one table of what a person can do with a key.

Bindings, key bar, palette, help screen, `docs/keys.md` and rebinding all come from it. Pure: it is
read before there is a screen.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Scope(StrEnum):
    """Where an action works."""

    ANNOTATE = "annotate screen"
    EVERYWHERE = "everywhere"


class Section(StrEnum):
    """What an action is about: a heading of the help screen."""

    JUDGE = "Judge"
    ANSWER = "Answer yourself"
    RESPONSES = "Get responses"
    LOOK = "Look"
    MOVE = "Move within a group"
    GROUPS = "Go to other groups"
    PROGRAM = "Program"


class Action(Struct, frozen=True):
    """Something that a key does."""

    name: str
    """As the `[keys]` table of config.toml calls it."""
    keys: tuple[str, ...]
    """Its keys unless they were rebound: a character, or a name such as `pageup` or `ctrl+d`. The
    first one is shown."""
    label: str
    """One or two words for the key bar and the palette."""
    help: str
    """One sentence for the help screen."""
    section: Section
    call: str = ""
    """What Textual calls: a method's name without `action_`, with arguments; empty if it is called
    like the action."""
    scope: Scope = Scope.ANNOTATE
    bar_rank: int | None = None
    """How important it is to the key bar, 0 first; None keeps it out."""
    needs_group: bool = True
    """Whether it is of no use when every group is decided and none is on the screen."""
    number: int | None = None
    """Which response it is about, where nine actions do the same to different ones."""

    @property
    def method(self) -> str:
        """The name of the method that does it."""
        return f"action_{(self.call or self.name).partition('(')[0]}"


_JUDGE = (
    Action(
        "choose",
        ("space",),
        "choose",
        "Choose the response, or take that back.",
        Section.JUDGE,
        bar_rank=0,
    ),
    Action(
        "exclude",
        ("x",),
        "exclude",
        "Keep it out of every pair, or take that back.",
        Section.JUDGE,
        bar_rank=6,
    ),
    *(
        Action(
            f"choose_{number}",
            (str(number),),
            f"choose {number}",
            f"Choose response {number}, or take that back.",
            Section.JUDGE,
            call=f"choose_number({number})",
            number=number,
        )
        for number in range(1, 10)
    ),
    Action(
        "confirm",
        ("enter",),
        "confirm",
        "Decide the group: chosen x rejected ones are pairs.",
        Section.JUDGE,
        bar_rank=1,
    ),
    Action("skip", ("s",), "skip", "Leave the group out: no pairs.", Section.JUDGE, bar_rank=2),
    Action(
        "choose_all", ("a",), "choose all", "All are acceptable, or take that back.", Section.JUDGE
    ),
    Action(
        "choose_none", ("0",), "choose none", "None is acceptable: all are rejected.", Section.JUDGE
    ),
    Action(
        "tie", ("=",), "tie", "The chosen ones are equally good, or take that back.", Section.JUDGE
    ),
    Action(
        "best",
        ("b",),
        "best",
        "Choose it as the best one, or take that back.",
        Section.JUDGE,
    ),
    Action(
        "strength",
        (">",),
        "strength",
        "How much better: slightly, clearly, by far, unsaid.",
        Section.JUDGE,
    ),
    Action("note", ("i",), "note", "Write down why, and set labels.", Section.JUDGE),
    Action("flag", ("f",), "flag", "Flag the group for later, or take that back.", Section.JUDGE),
    Action(
        "undo",
        ("u",),
        "undo",
        "Take the last decision back, also after a restart.",
        Section.JUDGE,
        bar_rank=3,
        needs_group=False,
    ),
    Action(
        "redo",
        ("U",),
        "redo",
        "Let what was taken back last count again.",
        Section.JUDGE,
        needs_group=False,
    ),
)

_ANSWER = (
    Action(
        "edit",
        ("e",),
        "edit",
        "Edit it: the new text is another response, chosen.",
        Section.ANSWER,
        bar_rank=7,
    ),
    Action(
        "edit_outside",
        ("E",),
        "edit in $EDITOR",
        "The same in the editor of $VISUAL or $EDITOR.",
        Section.ANSWER,
    ),
    Action("write", ("w",), "write", "Write a response of your own.", Section.ANSWER),
)

_RESPONSES = (
    Action(
        "regenerate",
        ("r",),
        "regenerate",
        "Try failed ones again; if none failed, ask for a new set.",
        Section.RESPONSES,
        bar_rank=8,
    ),
    Action(
        "regenerate_one",
        ("R",),
        "regenerate one",
        "Ask for another one in its place.",
        Section.RESPONSES,
    ),
    Action(
        "add_response",
        ("+",),
        "one more",
        "Ask for one more response, up to 20.",
        Section.RESPONSES,
    ),
    Action(
        "other_set",
        ("v",),
        "other set",
        "Show the set before this one; marks are kept.",
        Section.RESPONSES,
    ),
)

_MOVE = (
    Action(
        "next_card",
        ("j", "down"),
        "next response",
        "Go to the next response.",
        Section.MOVE,
    ),
    Action(
        "previous_card",
        ("k", "up"),
        "previous response",
        "Go to the previous response.",
        Section.MOVE,
    ),
    Action(
        "next_column",
        ("right",),
        "next column",
        "Go to the response on the right.",
        Section.MOVE,
    ),
    Action(
        "previous_column",
        ("left",),
        "previous column",
        "Go to the response on the left.",
        Section.MOVE,
    ),
    Action("first_card", ("home",), "first response", "Go to the first response.", Section.MOVE),
    Action("last_card", ("end",), "last response", "Go to the last response.", Section.MOVE),
    Action(
        "line_down",
        ("J",),
        "line down",
        "Scroll down by a line.",
        Section.MOVE,
        call="scroll_line(1)",
    ),
    Action(
        "line_up",
        ("K",),
        "line up",
        "Scroll up by a line.",
        Section.MOVE,
        call="scroll_line(-1)",
    ),
    Action(
        "page_down",
        ("pagedown",),
        "page down",
        "Scroll down by a page.",
        Section.MOVE,
        call="page(1)",
    ),
    Action(
        "page_up",
        ("pageup",),
        "page up",
        "Scroll up by a page.",
        Section.MOVE,
        call="page(-1)",
    ),
    Action(
        "half_page_down",
        ("ctrl+d",),
        "half page down",
        "Scroll down by half a page.",
        Section.MOVE,
        call="half_page(1)",
    ),
    Action(
        "half_page_up",
        ("ctrl+u",),
        "half page up",
        "Scroll up by half a page.",
        Section.MOVE,
        call="half_page(-1)",
    ),
    Action(
        "fold_prompt",
        ("tab",),
        "fold prompt",
        "Fold the prompt to its last line, or unfold it.",
        Section.MOVE,
    ),
    Action(
        "prompt_down",
        (".",),
        "prompt down",
        "Scroll the prompt down.",
        Section.MOVE,
        call="scroll_prompt(1)",
    ),
    Action(
        "prompt_up",
        (",",),
        "prompt up",
        "Scroll the prompt up.",
        Section.MOVE,
        call="scroll_prompt(-1)",
    ),
)

_GROUPS = (
    Action(
        "next_group",
        ("n",),
        "next group",
        "Go to the next group, decided or not.",
        Section.GROUPS,
        call="neighbour(1)",
        needs_group=False,
    ),
    Action(
        "previous_group",
        ("p",),
        "previous group",
        "Go to the previous group, decided or not.",
        Section.GROUPS,
        call="neighbour(-1)",
        needs_group=False,
    ),
    Action(
        "find",
        ("/",),
        "find",
        "Search in prompts and responses, of this group and of all.",
        Section.GROUPS,
        bar_rank=10,
        needs_group=False,
    ),
    Action(
        "go_to",
        ("g",),
        "go to",
        "Go to a group by its number or id.",
        Section.GROUPS,
        needs_group=False,
    ),
    Action(
        "groups",
        ("l",),
        "groups",
        "List the groups: undecided, skipped, flagged, edited, failed, by tag.",
        Section.GROUPS,
        bar_rank=11,
        needs_group=False,
    ),
)

_LOOK = (
    Action(
        "markdown",
        ("m",),
        "markdown",
        "Show the text as it is stored, or as Markdown.",
        Section.LOOK,
    ),
    Action(
        "reasoning",
        ("t",),
        "reasoning",
        "Open or fold what the model thought.",
        Section.LOOK,
    ),
    Action(
        "reader",
        ("z",),
        "reader",
        "Read it on the whole screen, or come back.",
        Section.LOOK,
        bar_rank=9,
    ),
    Action(
        "columns", ("c",), "columns", "Show the responses side by side, or in a list.", Section.LOOK
    ),
    Action(
        "compare", ("d",), "compare", "Show what differs between two, or come back.", Section.LOOK
    ),
    Action(
        "compare_reference",
        ("D",),
        "compare with reference",
        "Show what differs from the prompt's reference.",
        Section.LOOK,
    ),
)

_PROGRAM = (
    Action(
        "help",
        ("?",),
        "help",
        "Show or leave this page.",
        Section.PROGRAM,
        scope=Scope.EVERYWHERE,
        bar_rank=4,
        needs_group=False,
    ),
    Action(
        "palette",
        ("ctrl+p",),
        "palette",
        "Find an action by its name, or choose a theme.",
        Section.PROGRAM,
        call="command_palette",
        scope=Scope.EVERYWHERE,
        needs_group=False,
    ),
    Action(
        "shell",
        ("ctrl+z",),
        "to the shell",
        "Go to the shell; fg leads back.",
        Section.PROGRAM,
        scope=Scope.EVERYWHERE,
        needs_group=False,
    ),
    Action(
        "quit",
        ("q",),
        "quit",
        "Leave; everything is saved already.",
        Section.PROGRAM,
        scope=Scope.EVERYWHERE,
        bar_rank=5,
        needs_group=False,
    ),
)

ALWAYS_QUITS = "ctrl+c"
"""Leaves from everywhere, also while something is being typed; can't be rebound."""

ACTIONS = (*_JUDGE, *_ANSWER, *_RESPONSES, *_MOVE, *_GROUPS, *_LOOK, *_PROGRAM)
"""All actions, in the order in which they are shown."""
BY_NAME = {action.name: action for action in ACTIONS}
