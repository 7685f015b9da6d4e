"""Trainers are imported offline, and one without a library that it needs for sounds only."""

import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

os.environ |= {"HF_HUB_OFFLINE": "1", "DISABLE_VERSION_CHECK": "1"}
silence = ModuleType("torchaudio")
silence.__spec__ = ModuleSpec("torchaudio", None)
sys.modules.setdefault("torchaudio", silence)
