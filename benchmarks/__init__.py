"""Side-by-side measurements; each module prints a table."""
