"""The MediaPipe model files of the package, verified by SHA-256 before loading."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stream.errors import DataError

__all__ = ["POSE_MODELS", "load_model"]

PERSON_MODEL = "efficientdet_lite0_int8.tflite"
POSE_MODELS = {"lite": "pose_landmarker_lite.task", "full": "pose_landmarker_full.task"}
"""Name of a pose model, as in the option `model` -> its file."""

FOLDER = Path(__file__).parent / "models"


def load_model(name: str, folder: Path = FOLDER) -> bytes:
    """Returns the content of a model file.

    Args:
        name: the file name.
        folder: contains the file and `SHA256SUMS`.

    Raises:
        DataError: the file is missing, or differs from the one of the package.
    """
    path = folder / name
    try:
        content = path.read_bytes()
        expected = _checksums(folder)[name]
    except (OSError, KeyError):
        raise DataError(f"the model {name} is missing in {folder}: {_FIX}") from None
    if hashlib.sha256(content).hexdigest() != expected:
        raise DataError(f"the model {path} is damaged or was replaced: {_FIX}")
    return content


_FIX = "install sge-stream again"


def _checksums(folder: Path) -> dict[str, str]:
    """Returns SHA-256 by file name."""
    lines = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}
