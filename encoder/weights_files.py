"""Finds weights files: files given directly, and those in folders written by `sge-stream train`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from encoder.pretext_tasks import Pretext
from stream.errors import DataError
from stream.paths import path_exists

__all__ = ["WEIGHTS", "find_weights_files"]

WEIGHTS = "encoder.safetensors"
"""Name of the weights file in a training folder."""


def find_weights_files(given: Iterable[Path]) -> list[Path]:
    """Returns the weights files of the given files and training folders.

    A training on one pretext task writes its weights into its folder. A training on several tasks writes one
    folder per task into it; these come in the order of `encoder.pretext_tasks.Pretext`, which is the paper's
    order for Rev. Rec. Plus.

    Args:
        given: weights files, returned unchanged, and training folders.

    Raises:
        DataError: a folder holds no weights, or its training has not finished.
        UserError: a path is not accessible.
    """
    return [
        file for path in given for file in (_in_folder(path) if path_exists(path, Path.is_dir) else [path])
    ]


def _in_folder(folder: Path) -> list[Path]:
    if path_exists(folder / WEIGHTS, Path.is_file):
        return [folder / WEIGHTS]
    tasks = [folder / task for task in Pretext if path_exists(folder / task, Path.is_dir)]
    if not tasks:
        raise DataError(
            f"{folder}: expected a folder of sge-stream train, with {WEIGHTS} in it or in folders named "
            f"{', '.join(Pretext)}; give the weights file itself, or finish the training first"
        )
    if unfinished := [task for task in tasks if not path_exists(task / WEIGHTS, Path.is_file)]:
        raise DataError(f"{unfinished[0]}: no {WEIGHTS} in it; finish the training first")
    return [task / WEIGHTS for task in tasks]
