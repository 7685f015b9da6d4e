"""dpo-tui: label preference pairs in the terminal, next to your own model server."""

__version__ = "0.1.0"
