"""What the keys do that only change what is seen: moving, scrolling, layouts."""

from __future__ import annotations

from dpo_tui.tui.layout import Layout, columns_in
from dpo_tui.tui.screens.group import GroupScreen

_COMPARING = ("next_card", "previous_card", "previous_column", "next_column")


class ReadingActions(GroupScreen):
    """The reading half of the annotate screen."""

    _query = ""
    """What is searched for; empty if nothing is."""

    def reference(self) -> str | None:
        """The reference answer of the prompt on screen."""
        raise NotImplementedError

    async def remember_layout(self, layout: Layout) -> None:
        """Begin with this layout the next time."""
        raise NotImplementedError

    @property
    def way_back(self) -> str:
        """The key that ends the search, the reader or the comparison."""
        if self.labelling.group is None:
            return ""
        if self._query:
            return "escape ends the search"
        match self.cards.layout_now:
            case Layout.READER:
                return f"{self.key('reader')} goes back"
            case Layout.COMPARE:
                reference = self.cards.has_reference
                return f"{self.key('compare_reference' if reference else 'compare')} goes back"
            case _:
                return ""

    # --- moving --------------------------------------------------------------------------------

    def action_next_card(self) -> None:
        """Go to the next response."""
        self.cards.step(1)

    def action_previous_card(self) -> None:
        """Go to the previous response."""
        self.cards.step(-1)

    def action_next_column(self) -> None:
        """Go to the response on the right."""
        self.cards.step_column(1)

    def action_previous_column(self) -> None:
        """Go to the response on the left."""
        self.cards.step_column(-1)

    def action_first_card(self) -> None:
        """Go to the first response."""
        self.cards.go_to_end(last=False)

    def action_last_card(self) -> None:
        """Go to the last response."""
        self.cards.go_to_end(last=True)

    def action_scroll_line(self, lines: int) -> None:
        """Scroll the responses by lines."""
        self.cards.scroll_by(lines)

    def action_page(self, pages: int) -> None:
        """Scroll the responses by pages."""
        self.cards.scroll_by_pages(pages)

    def action_half_page(self, halves: int) -> None:
        """Scroll the responses by half pages."""
        self.cards.scroll_by_pages(halves / 2)

    def action_fold_prompt(self) -> None:
        """Fold or unfold the prompt."""
        self.prompt.toggle_fold()

    def action_scroll_prompt(self, lines: int) -> None:
        """Scroll the prompt by a few lines."""
        self.prompt.scroll_lines_to(self.prompt.top + 3 * lines)

    # --- how responses are shown ---------------------------------------------------------------

    def action_markdown(self) -> None:
        """Show Markdown as it is written, or set in type."""
        if self.cards.layout_now is Layout.COMPARE:
            self.say("a comparison shows the text as it is stored", "$text-warning")
            return
        self.cards.toggle_raw()
        self.say("text as it is stored" if self.cards.raw else "Markdown set in type")

    def action_reasoning(self) -> None:
        """Unfold or fold the reasoning of the current response."""
        if not self.cards.toggle_reasoning():
            self.say("this response has no reasoning", "$text-warning")

    def action_reader(self) -> None:
        """Give the current response the whole screen, or go back."""
        is_open = self.cards.layout_now is Layout.READER
        self._lay_out(self.usual_layout if is_open else Layout.READER)

    async def action_columns(self) -> None:
        """Show the responses side by side, or below each other."""
        if self.cards.layout_now is Layout.COLUMNS:
            layout = Layout.LIST
        elif columns_in(self.cards.text_width, 2) < 2:
            self.say("the terminal is too narrow for columns", "$text-warning")
            return
        else:
            layout = Layout.COLUMNS
        await self.remember_layout(layout)
        self._lay_out(layout)

    def action_compare(self) -> None:
        """Compare the current response with the next one word by word, or go back."""
        if self.cards.layout_now is Layout.COMPARE:
            self._lay_out(self.usual_layout)
        elif self.cards.compare_with_next():
            self._laid_out()
            said = {each: self.key(each) for each in _COMPARING}
            self.say(
                "{next_card} {previous_card} change the response, {previous_column} "
                "{next_column} the side".format_map(said),
                lasts=True,
            )
        else:
            self.say("there is no other response to compare with", "$text-warning")

    def action_compare_reference(self) -> None:
        """Compare the current response with the prompt's reference, or go back."""
        reference = self.reference()
        if self.cards.has_reference:
            self._lay_out(self.usual_layout)
        elif reference is None:
            self.say("this prompt has no reference", "$text-warning")
        elif self.cards.compare_with(reference):
            self._laid_out()
            self.say("")

    def action_back(self) -> None:
        """End the search, or leave the reader or the comparison; nothing else, ever."""
        if self._query:
            self.mark_matches("")
            self.say("")
        elif self.cards.layout_now in {Layout.READER, Layout.COMPARE}:
            self._lay_out(self.usual_layout)

    def mark_matches(self, query: str, slot: int | None = None) -> None:
        """Mark where a text occurs in the prompt and in the responses; an empty one ends that.

        Goes to the first place in a response, that in `slot` first; without one, it is in the
        prompt.
        """
        self._query = query
        if query and slot is None:
            self.prompt.unfold()
        self.prompt.search(query)
        self.cards.search(query, slot)

    @property
    def usual_layout(self) -> Layout:
        """The layout to come back to."""
        raise NotImplementedError

    def _lay_out(self, layout: Layout) -> None:
        self.cards.lay_out_as(layout)
        self.say("")  # the keys of the layout before do nothing any more
        self._laid_out()

    def _laid_out(self) -> None:
        """The reader has the whole screen to itself."""
        self.prompt.display = self.cards.layout_now is not Layout.READER
