"""The contract id: the same on every machine, and different for any other field."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from encoder.contract import Contract, combine_contracts

CONTRACT = Contract(model="0123456789abcdef" * 4)


def test_id_is_pinned() -> None:
    assert CONTRACT.id == "bf793c0d7bbd048f"


@pytest.mark.parametrize(
    "change",
    [
        {"model": "f" * 64},
        {"rate_hz": 60},
        {"f": 8},
        {"joints": 25},
        {"normalisation": "hip-centred millimetres"},
        {"dimension": 384},
        {"pose": 133},
    ],
    ids=str,
)
def test_changing_any_field_changes_the_id(change: dict[str, Any]) -> None:
    assert replace(CONTRACT, **change).id != CONTRACT.id


def test_contract_is_cheap_to_import() -> None:
    root = Path(__file__).resolve().parents[2]
    code = "import sys, encoder.contract; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_single_contract_is_returned_unchanged() -> None:
    assert combine_contracts([CONTRACT]) is CONTRACT


def test_a_combined_contract_depends_on_the_ids_in_order() -> None:
    other = replace(CONTRACT, model="f" * 64, dimension=60)
    expected = hashlib.sha256(f"{CONTRACT.id}\n{other.id}\n".encode()).hexdigest()
    assert combine_contracts([CONTRACT, other]) == replace(CONTRACT, model=expected, dimension=828)
    assert combine_contracts([other, CONTRACT]).id != combine_contracts([CONTRACT, other]).id


@pytest.mark.parametrize(
    "change", [{"rate_hz": 60}, {"f": 8}, {"joints": 25}, {"normalisation": "none"}], ids=str
)
def test_combined_contracts_must_have_the_same_windows(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected the same windows"):
        combine_contracts([CONTRACT, replace(CONTRACT, model="f" * 64, **change)])
