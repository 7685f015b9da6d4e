"""What stands in the place of the cards when every group is decided."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from dpo_tui.display import display_line
from dpo_tui.domain.model import Progress
from dpo_tui.tui.bindings import told_key
from dpo_tui.words import duration, plural


class EndPanel(Static):
    """What was done, where the dataset is, and how to go on."""

    def __init__(self, dataset: str, named: str, resume: str) -> None:
        """`named` is the session as commands are told of it, `resume` the command that goes on."""
        super().__init__(markup=False)
        self._dataset = display_line(dataset)
        self._named = display_line(named)
        self._resume = display_line(resume)

    def show(self, progress: Progress, seconds: float | None) -> None:
        """Show the sums; `seconds` is the time that a group took, if that is known."""
        muted = "$foreground-muted"
        listed = f" ({told_key(self.screen, 'groups')} lists them)" if progress.skipped else ""
        self.update(
            Content.assemble(
                ("Every group is decided.\n\n", "bold $text-success"),
                (f"{plural(progress.confirmed, 'group')} confirmed, ", ""),
                (f"{progress.skipped:,} skipped", ""),
                (listed, muted),
                (f", {plural(progress.pairs, 'pair')}", ""),
                ("" if seconds is None else f", {duration(seconds)} a group", ""),
                (".\n\n", ""),
                ("dataset   ", muted),
                (f"{self._dataset}\n", "bold"),
                ("report    ", muted),
                (f"dpo-tui report {self._named}\n", "bold"),
                ("export    ", muted),
                (f"dpo-tui export {self._named} --format trl -o pairs.jsonl\n", "bold"),
                ("go on     ", muted),
                (self._resume, "bold"),
                ("\n          takes in prompts that you add\n\n", muted),
                (told_key(self.screen, "undo"), "bold $text-accent"),
                (" takes the last decision back   ", muted),
                (told_key(self.screen, "quit"), "bold $text-accent"),
                (" leaves; everything is saved", muted),
            )
        )
