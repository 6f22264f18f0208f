"""Imports that stay, each in a process of its own: the collector pauses, and later leaves them out."""

from __future__ import annotations

import subprocess
import sys

import pytest

PAUSES = """
import gc
from stream.lasting_imports import lasting_imports
assert not gc.get_freeze_count()
try:
    with lasting_imports():
        assert not gc.isenabled()
        raise ImportError
except ImportError:
    pass
assert gc.isenabled() and gc.get_freeze_count()
"""

DISABLED_BEFORE = """
import gc
from stream.lasting_imports import lasting_imports
gc.disable()
with lasting_imports():
    pass
assert not gc.isenabled()
"""


@pytest.mark.parametrize("script", [PAUSES, DISABLED_BEFORE], ids=["pauses", "disabled before"])
def test_the_collector_pauses_within_the_block_alone(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
