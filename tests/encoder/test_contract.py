"""The contract id: the same on every machine, another for any other field."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from encoder.contract import Contract

CONTRACT = Contract(model="0123456789abcdef" * 4)


def test_id_is_pinned() -> None:
    assert CONTRACT.id == "240961b2b3019066"


@pytest.mark.parametrize(
    "change",
    [
        {"model": "f" * 64},
        {"rate_hz": 60},
        {"f": 8},
        {"joints": 25},
        {"normalisation": "hip-centred millimetres"},
        {"dimension": 384},
    ],
    ids=str,
)
def test_any_other_field_has_another_id(change: dict[str, Any]) -> None:
    assert replace(CONTRACT, **change).id != CONTRACT.id


def test_contract_is_cheap_to_import() -> None:
    root = Path(__file__).resolve().parents[2]
    code = "import sys, encoder.contract; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
