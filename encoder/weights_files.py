"""Where weights lie: a file, or the folder that `sge-stream train` leaves."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from encoder.pretext_tasks import Pretext
from stream.errors import DataError
from stream.paths import is_there

__all__ = ["WEIGHTS", "weights_files"]

WEIGHTS = "encoder.safetensors"
"""The weights in a trained folder."""


def weights_files(given: Iterable[Path]) -> list[Path]:
    """The weights files that files and trained folders stand for.

    A training of one pretext task leaves its weights in its folder. One of several leaves a folder a task in
    it: those come in the order of `encoder.pretext_tasks.Pretext`, which is the paper's for Rev. Rec.
    Plus.

    Args:
        given: weights files, taken as they are, and folders.

    Raises:
        DataError: a folder holds no weights, or its training has not ended.
        UserError: a path cannot be looked at.
    """
    return [file for path in given for file in (_of_folder(path) if is_there(path, Path.is_dir) else [path])]


def _of_folder(folder: Path) -> list[Path]:
    if is_there(folder / WEIGHTS, Path.is_file):
        return [folder / WEIGHTS]
    tasks = [folder / task for task in Pretext if is_there(folder / task, Path.is_dir)]
    if not tasks:
        raise DataError(
            f"{folder}: expected a folder of sge-stream train, with {WEIGHTS} in it or in folders named "
            f"{', '.join(Pretext)}; name the weights file itself, or end the training first"
        )
    if unfinished := [task for task in tasks if not is_there(task / WEIGHTS, Path.is_file)]:
        raise DataError(f"{unfinished[0]}: there is no {WEIGHTS} in it; end the training first")
    return [task / WEIGHTS for task in tasks]
