"""The code blocks of the README and of docs/ are tests; see `tests/documentation/code_blocks.py`."""

from __future__ import annotations

import pytest
from sybil import Sybil

from tests.documentation.code_blocks import close_folder, open_folder, parse_code_blocks
from tests.documentation.documents import DOCUMENTS

pytest_collect_file = Sybil(
    [parse_code_blocks],
    patterns=DOCUMENTS,
    setup=open_folder,
    teardown=close_folder,
).pytest()


@pytest.hookimpl(tryfirst=True)  # before pytest selects tests by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the code blocks as `slow` and `e2e`: they run the program."""
    for item in items:
        if item.path.suffix == ".md":
            item.add_marker("slow")
            item.add_marker("e2e")
