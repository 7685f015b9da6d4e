"""The only room that speaks HTTP."""

import sys

# httpx imports a command line of its own where click is installed, and that takes a third of its
# time. It does without if it can't: https://docs.python.org/3/reference/import.html#the-module-cache
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
