"""`python -m dpo_tui` is the same as `dpo-tui`."""

import sys

from dpo_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
