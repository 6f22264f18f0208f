"""The names that `stream` exports, and that importing them is lazy."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources

import pytest

import stream

SCRIPT = """
import sys
import stream
loaded = {"msgspec", "numpy", "torch", "zmq"} & set(sys.modules)
assert not loaded, loaded
from stream import Decision, UserError
loaded = {"torch", "zmq"} & set(sys.modules)
assert not loaded, loaded
"""


@pytest.mark.parametrize("name", stream.__all__)
def test_every_exported_name_can_be_imported(name: str) -> None:
    assert getattr(stream, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'stream' has no attribute 'Lives'"):
        _ = stream.Lives


def test_the_import_loads_nothing_heavy() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)


def test_the_package_is_typed() -> None:
    assert resources.files(stream).joinpath("py.typed").is_file()
