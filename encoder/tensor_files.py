"""Reads files of tensors (safetensors), with one error for everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import safe_open
from torch import Tensor

from stream.errors import data_errors
from stream.user_text import readable

__all__ = ["read_tensors"]


def read_tensors(path: Path, describe: Callable[[str], str]) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Returns the metadata and the tensors of a file, by name.

    The tensors are copies: they stay valid when the file changes, and have the aligned memory that the speed
    and the rounding of products depend on.

    Args:
        path: the file.
        describe: returns the text of the error, given its cause in a few words.

    Raises:
        DataError: the file is missing or unreadable.
    """
    with (
        data_errors(describe),
        _openable(path) as name,
        safe_open(name, framework="pt", device="cpu") as file,
    ):
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
        return dict(file.metadata() or {}), tensors


@contextmanager
def _openable(path: Path) -> Iterator[Path]:
    """Yields a name of the file that safetensors takes: it must be UTF-8, and Linux gives another one."""
    if readable(path) == str(path):
        yield path
        return
    with path.open("rb") as file:
        yield Path(f"/proc/self/fd/{file.fileno()}")
