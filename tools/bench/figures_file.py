"""The JSON file of `sge-stream bench --out`: the machine, and the figures of each stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from stream.errors import DataError, UserError
from stream.file_writing import replace_file
from stream.paths import path_exists
from tools.bench.machine import Machine
from tools.figure_files import check_writable, figures_json, write_errors

__all__ = ["Figures", "open_figures", "read_figures", "write_figures"]

Figures = dict[str, Any]
"""`machine`, and figures by stage."""

_MACHINE = "machine"


def read_figures(path: Path) -> Figures:
    """Returns the figures of a file.

    Raises:
        DataError: there is no such file, or `sge-stream bench` did not write it.
    """
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        msgspec.convert(figures[_MACHINE], Machine)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; write it with sge-stream bench --out"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no file of sge-stream bench --out ({error}); give another one") from error
    return dict(figures)


def open_figures(path: Path, machine: Machine) -> Figures:
    """Returns what a file will hold beside new figures: those of an earlier run on the same machine.

    Args:
        path: an existing file keeps the stages that are not measured again.
        machine: this one.

    Raises:
        UserError: the file cannot be written, or holds something else.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"--out {path} is no file; give the path of a new JSON file")
    check_writable(path)
    if not path_exists(path) or path.stat().st_size == 0:
        return {_MACHINE: msgspec.to_builtins(machine)}
    figures = read_figures(path)
    if msgspec.convert(figures[_MACHINE], Machine) != machine:
        raise UserError(
            f"{path} has the figures of another machine or of other versions; give another path as --out"
        )
    return figures


def write_figures(path: Path, figures: Figures) -> None:
    """Writes the file.

    Raises:
        UserError: it cannot be written.
    """
    with write_errors(path):
        replace_file(path, figures_json(figures))
