"""Readers: one per input form, each an iterator of prompts."""

from dpo_tui.prompts.reader import PromptsFile, read_prompts

__all__ = ["PromptsFile", "read_prompts"]
