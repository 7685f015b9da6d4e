"""A small Textual program for the tests of the harness: it shows its size and the keys it got."""

import sys

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static


class TinyApp(App[int]):
    """`q` ends it with exit code 3."""

    def compose(self) -> ComposeResult:
        yield Static("", id="size")
        yield Static("", id="keys", markup=False)
        yield Static("👨‍👩‍👧‍👦 日本語 नमस्ते |end", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#size", Static).update(f"size {event.size.width}x{event.size.height}")

    def on_key(self, event: events.Key) -> None:
        if event.key == "q":
            self.exit(return_code=3)
        keys = self.query_one("#keys", Static)
        keys.update(f"{keys.content} {event.key}")


if __name__ == "__main__":
    app = TinyApp()
    app.run()
    sys.exit(app.return_code)
