"""Markers, order, and the documents' code blocks as tests, see `tests/documentation/code_blocks.py`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Generator

import pytest
from sybil import Sybil

from stream.lasting_imports import lasting_imports
from tests.documentation.code_blocks import close_folder, open_folder, parse_code_blocks
from tests.documentation.documents import DOCUMENTS, ROOT

# Test processes share the CPUs, so each uses one thread. Set before torch and numpy read it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Hundreds of processes start: each would compile the modules of this checkout again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_collect_file = Sybil(
    [parse_code_blocks],
    patterns=DOCUMENTS,
    setup=open_folder,
    teardown=close_folder,
).pytest()


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Returns half as many test processes again as CPUs: many tests wait for the pace of a device."""
    return (yield) * 3 // 2


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collects the tests with the garbage collector paused, see `stream.lasting_imports`."""
    with lasting_imports():
        return (yield)


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what runs the program as `e2e`, code blocks as `slow` too, and what uses `data_dir` as `data`.

    Files with many tests that take long come first, so that no test process is left with one at the end.
    """
    for item in items:
        is_code_block = item.path.suffix == ".md"
        if is_code_block or item.path.is_relative_to(ROOT / "tests" / "e2e"):
            item.add_marker("e2e")
        if is_code_block:
            item.add_marker("slow")
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
    long = Counter(item.path for item in items if any(map(item.get_closest_marker, ("slow", "e2e"))))
    items.sort(key=lambda item: -long[item.path])  # stable: the tests of a file stay together
