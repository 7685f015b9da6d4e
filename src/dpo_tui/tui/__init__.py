"""The only room that draws: Textual screens and widgets."""
