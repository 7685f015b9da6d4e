"""When the screen is painted, as far as it concerns what works beside it."""

PAINTING_SECONDS = 0.03
"""How long what nobody waits for is put off after a change: its thread, or its part of the event
loop, would take turns with the painting."""
