"""The list of groups: what is left, skipped, flagged, and where something is said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

from msgspec import Struct
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dpo_tui.display import display_line
from dpo_tui.domain.listing import Filter, Found, GroupRow
from dpo_tui.errors import StoreError
from dpo_tui.service.browsing import Browsing
from dpo_tui.tui.bindings import rebind, same_keys, told_key
from dpo_tui.tui.keymap import Keymap
from dpo_tui.tui.render import error_words
from dpo_tui.words import plural

_FILTER_LINES = 4
_UNKNOWN = 1000
_CUT = Content.styled("…", "$foreground-muted")
_BITE = 100
"""Rows that are taken from the store at a time."""
_NEAR = 10
"""Rows from an end of the list at which more are taken."""
_MOST_HITS = 500
"""Places that are listed at the most: who has so many searches for more."""
_MOST_FILTERS = 40
"""Some more than a screen has room for."""
_LISTING = "listing"
"""The workers that fill the list, of which there is one at a time."""
_TYPING_SECONDS = 0.25
"""A search begins this long after the last key."""


class Chosen(Struct, frozen=True):
    """Where to go, and what was searched for."""

    group_id: int
    query: str
    slot: int | None = None
    """The response where it was found."""


class GroupsScreen(ModalScreen[Chosen]):
    """Typing searches; else the groups that a filter lets through are listed."""

    AUTO_FOCUS = ""

    BINDINGS = [  # noqa: RUF012 (Textual's own way to declare them)
        Binding("escape", "close", "back", priority=True),
        Binding("tab", "filter(1)", "next filter", priority=True),
        Binding("shift+tab", "filter(-1)", "previous filter", priority=True),
        same_keys("find", "find"),
        same_keys("next_card", "down"),
        same_keys("previous_card", "up"),
    ]

    def __init__(self, browsing: Browsing, keymap: Keymap, *, finds: bool) -> None:
        """`finds` says to begin with typing."""
        super().__init__()
        rebind(self, keymap)
        self._browsing = browsing
        self._finds = finds
        self._filters: list[tuple[Filter, str | None]] = [(each, None) for each in Filter]
        self._filter = 0
        self._before: int | None = None
        """The position before which more rows are taken; None when there are no more."""
        self._after: int | None = None
        """The same, behind the rows that are there."""
        self._listed = ""
        """What the places in the list were found by; empty where it has groups."""
        self._hits: list[Found] = []
        """These places."""
        self._input = Input(placeholder="find in prompts and responses")
        self._filter_line = Static(id="filters", markup=False)
        self._list = OptionList(markup=False)
        self._status = Static(markup=False)

    def compose(self) -> ComposeResult:
        """What is searched for, the filters, the groups."""
        with Vertical():
            yield self._input
            yield self._filter_line
            yield self._list
            yield self._status

    async def on_mount(self) -> None:
        """Begin with all groups, at the one on screen."""
        self.run_worker(self._add_tags())
        if self._finds:
            self._input.focus()
            self._list_anew()
        else:
            # Keys wait for what takes them: what comes behind the one that lists is about the rows.
            await self._list_all()
            self._list.focus()

    # --- the list ------------------------------------------------------------------------------

    @work(group=_LISTING, exclusive=True)
    async def _list_anew(self) -> None:
        await self._list_all()

    async def _list_all(self) -> None:
        """List the groups that the filter lets through, around the one on screen."""
        self._listed = ""
        self._show_filters()
        self._list.clear_options()
        here = self._browsing.position
        self._before, self._after = here, here - 1
        if not await self._list_more():
            return
        count = self._list.option_count
        await self._list_earlier()
        if self._list.option_count:
            # Where enter goes: the group on screen, else the next one that the filter lets through.
            self._list.highlighted = self._list.option_count - max(count, 1)
            self.call_after_refresh(self._show_around)
        elif self._before is None:  # else the store has refused, and that is told
            self._say("there is none")

    def _show_around(self) -> None:
        """Have the highlighted row in the middle, as far as there are rows around it."""
        middle = self._list.size.height // 2
        self._list.scroll_to(y=(self._list.highlighted or 0) - middle, animate=False)

    async def _add_tags(self) -> None:
        """Each tag is a filter of its own; there may be a million groups to look at."""
        with suppress(StoreError):  # the list tells
            async with aclosing(self._browsing.tags()) as tags:
                async for tag in tags:
                    self._filters.append((Filter.ALL, tag))
                    self._show_filters()
                    if len(self._filters) >= _MOST_FILTERS:
                        break

    async def _list_more(self) -> bool:
        """Add the next rows; False where there are no more, or the store refuses."""
        rows = await self._take(self._after, backwards=False)
        if rows is None:
            return False
        self._after = rows[-1].position if len(rows) == _BITE else None
        self._list.add_options(map(_option, rows))
        self._say_count()
        return True

    async def _list_earlier(self) -> bool:
        """The same at the other end: put the rows in front of the others; nothing else moves."""
        rows = await self._take(self._before, backwards=True)
        if rows is None:
            return False
        self._before = rows[-1].position if len(rows) == _BITE else None
        options, highlighted = list(self._list.options), self._list.highlighted
        top = self._list.scroll_offset.y
        self._list.clear_options()
        self._list.add_options([*map(_option, reversed(rows)), *options])
        if highlighted is not None:
            self._list.highlighted = highlighted + len(rows)
            self._list.scroll_to(y=top + len(rows), animate=False)
        self._say_count()
        return True

    async def _take(self, place: int | None, *, backwards: bool) -> Sequence[GroupRow] | None:
        """The next rows from a position on; None where there are no more, or the store refuses."""
        if place is None:
            return None
        which, tag = self._filters[self._filter]
        try:
            return await self._browsing.groups(which, tag, place, _BITE, backwards=backwards)
        except StoreError as error:
            self._tell(error)
            return None

    def _say_count(self) -> None:
        has_more = self._before is not None or self._after is not None
        self._say(plural(self._list.option_count, "group") + (" and more" if has_more else ""))

    def on_option_list_option_highlighted(self) -> None:
        """More rows come before an end of the list is reached."""
        if not self._listed and not self._is_listing:
            self._list_around()

    @property
    def _is_listing(self) -> bool:
        return any(each.group == _LISTING and not each.is_finished for each in self.workers)

    @work(group=_LISTING, exclusive=True)
    async def _list_around(self) -> None:
        """Add rows while the highlighted one is near an end; it may move meanwhile."""
        goes_on = True
        while goes_on and (highlighted := self._list.highlighted) is not None:
            if highlighted > self._list.option_count - _NEAR and self._after is not None:
                goes_on = await self._list_more()
            else:
                goes_on = highlighted < _NEAR and await self._list_earlier()

    def action_filter(self, step: int) -> None:
        """Go to the next filter."""
        self._filter = (self._filter + step) % len(self._filters)
        with self.prevent(Input.Changed):
            self._input.value = ""
        self._list.focus()
        self._list_anew()

    def _show_filters(self) -> None:
        """The filters, of many those around the one that is in force; a search heeds none."""
        lit = -1 if self._listed else self._filter
        # Before it is laid out, all goes in one line: an estimate would have to be laid out again.
        width = self._filter_line.size.width - len(_CUT) if self._filter_line.size else _UNKNOWN
        lines, end = [Content()], _FILTER_LINES
        for index, (which, tag) in enumerate(self._filters):
            style = "bold reverse" if index == lit else "$foreground-muted"
            name = Content.styled(f" {display_line(tag) if tag else which} ", style)
            name = name.truncate(width, ellipsis=True)
            if lines[-1].cell_length + name.cell_length > width:
                lines.append(Content())
            lines[-1] += name + "  "
            if index == self._filter:
                end = max(end, len(lines))
        shown = [line.truncate(width) for line in lines[end - _FILTER_LINES : end]]
        if end > _FILTER_LINES:
            shown[0] = _CUT + shown[0]
        if end < len(lines):
            shown[-1] += _CUT
        self._filter_line.update(Content("\n").join(shown))

    def on_resize(self) -> None:
        """As many filters as there is room for, once it is known how much that is."""
        self.call_after_refresh(self._show_filters)

    def _tell(self, error: StoreError) -> None:
        """Say why there is nothing more, in as many lines as it takes."""
        self._status.update(Content.styled(display_line(error_words(error)), "$text-error"))

    def _say(self, text: str) -> None:
        find = told_key(self, "find")
        keys = f"enter goes there · tab filters · {find} finds · escape back"
        self._status.update(
            Content.assemble((display_line(text), ""), ("   " + keys, "$foreground-muted"))
        )

    # --- searching -----------------------------------------------------------------------------

    def on_input_changed(self) -> None:
        """Search for what is typed, soon."""
        if query := self._input.value.strip():
            self._search(query)
        else:
            self._list_anew()

    @work(group=_LISTING, exclusive=True)
    async def _search(self, query: str, *, goes: bool = False) -> None:
        """List the places; with `goes`, begin at once and go to the first one."""
        if not goes:
            await asyncio.sleep(_TYPING_SECONDS)
        self._list.clear_options()
        self._hits.clear()
        self._listed = query
        self._show_filters()
        self._say("searching")
        found = 0
        try:
            async for hit in self._browsing.search(query):
                if goes:
                    self.dismiss(Chosen(hit.group_id, query, hit.slot))
                    return
                self._hits.append(hit)
                self._list.add_option(Option(_place(hit)))
                found += 1
                if found == _MOST_HITS:
                    break
        except StoreError as error:
            self._tell(error)
            return
        self._say(plural(found, "place") + (" and more" if found == _MOST_HITS else ""))

    # --- keys ----------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Type what to search for."""
        self._input.focus()

    def action_down(self) -> None:
        """Go down in the list."""
        self._list.action_cursor_down()

    def action_up(self) -> None:
        """Go up in the list."""
        self._list.action_cursor_up()

    def on_input_submitted(self) -> None:
        """Enter while typing goes to the first place, or to the one that is highlighted."""
        query = self._input.value.strip()
        if query and not (self._list.option_count and self._listed == query):
            # What is listed isn't what was typed.
            self._search(query, goes=True)
        elif self._list.option_count:
            if self._list.highlighted is None:
                self._list.highlighted = 0
            self._list.action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        if self._listed:
            hit = self._hits[event.option_index]
            self.dismiss(Chosen(hit.group_id, self._listed, hit.slot))
        else:
            self.dismiss(Chosen(int(str(event.option_id)), ""))

    def action_close(self) -> None:
        """Go back to where one was."""
        self.dismiss()


def _option(row: GroupRow) -> Option:
    return Option(_row(row), id=str(row.id))


def _row(row: GroupRow) -> Content:
    # Their colours end with them: in the highlighted row they are grounds.
    state, signs = str(row.verdict or "undecided"), _signs(row)
    return Content.assemble(
        (f"{row.position + 1:>6} ", "bold"),
        (state, "$text-success" if row.verdict else "$foreground-muted"),
        " " * (12 - len(state)),
        (signs, "$text-warning"),
        " " * (4 - len(signs)),
        display_line(f"{row.name}: {row.text}" if row.name else row.text),
    )


def _signs(row: GroupRow) -> str:
    """Flagged, edited, failed: by symbols that every terminal has."""
    signs = (("⚑", row.flagged), ("✎", row.edited), ("!", row.failed))
    return "".join(sign for sign, is_so in signs if is_so)


def _place(found: Found) -> Content:
    where = "prompt" if found.slot is None else "response"
    return Content.assemble(
        (f"{found.position + 1:>6} ", "bold"),
        (where, "$foreground-muted"),
        " " * (10 - len(where)),
        display_line(found.before.lstrip()),
        (display_line(found.match), "bold underline reverse"),
        display_line(found.after),
    )
