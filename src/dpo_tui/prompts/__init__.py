"""Readers: one per input form, each an iterator of prompts."""
