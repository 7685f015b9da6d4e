"""That garbage is looked for at rest, and only when there is much."""

import subprocess
import sys

CODE = """
import gc, weakref
from dpo_tui.collecting import Tidying, start_without_collecting

class Loop(list):
    pass

def garbage():
    loop = Loop()
    loop.append(loop)
    return weakref.ref(loop)

start_without_collecting()
tidying = Tidying()
gc.collect()
few = garbage()
tidying.tidy()
assert few() is not None, "it looked for a few objects"
kept = [[] for _ in range(5_000)]
tidying.tidy()
assert few() is None, "it didn't look"
"""


def test_garbage_is_looked_for_at_rest() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)
