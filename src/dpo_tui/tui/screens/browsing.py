"""What the keys do to get to another group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpo_tui.domain.model import Group
from dpo_tui.tui.screens.reading import ReadingActions

if TYPE_CHECKING:
    from dpo_tui.tui.screens.groups import Chosen


class BrowsingActions(ReadingActions):
    """The part of the annotate screen that goes to other groups."""

    async def action_neighbour(self, step: int) -> None:
        """Go to the next or the previous group."""
        if group := await self.do(self.labelling.open_neighbour(step), "not shown"):
            self._say_where(group)

    async def action_go_to(self) -> None:
        """Go to a group by its number or its id."""
        # Imported when it is opened, so that the first frame doesn't wait for it.
        from dpo_tui.tui.screens.go_to import GoToScreen  # noqa: PLC0415

        async def go(text: str | None) -> None:
            if text and (group := await self.do(self.labelling.browsing.go_to(text), "not shown")):
                self._say_where(group)

        self.app.push_screen(GoToScreen(), go)

    async def action_groups(self) -> None:
        """List the groups."""
        self._list_groups(finds=False)

    async def action_find(self) -> None:
        """Search in prompts and responses."""
        self._list_groups(finds=True)

    def _list_groups(self, *, finds: bool) -> None:
        from dpo_tui.tui.screens.groups import GroupsScreen  # noqa: PLC0415

        async def go(chosen: Chosen | None) -> None:
            if chosen is None:
                return
            if group := await self.do(self.labelling.open_group(chosen.group_id), "not shown"):
                if chosen.query:
                    self.mark_matches(chosen.query, chosen.slot)
                self._say_where(group)

        self.app.push_screen(GroupsScreen(self.labelling.browsing, self.keymap, finds=finds), go)

    def _say_where(self, group: Group) -> None:
        again = f"decided already: {self.key('confirm')} decides it again" if group.decision else ""
        self.say(again, lasts=True)
