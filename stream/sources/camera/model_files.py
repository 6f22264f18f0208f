"""The models that ship, each checked before it is loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stream.errors import DataError

__all__ = ["POSE_MODELS", "load_model"]

PERSON_MODEL = "efficientdet_lite0_int8.tflite"
POSE_MODELS = {"lite": "pose_landmarker_lite.task", "full": "pose_landmarker_full.task"}
"""The file of each estimator of poses, by the name that users give."""

FOLDER = Path(__file__).parent / "models"


def load_model(name: str, folder: Path = FOLDER) -> bytes:
    """The bytes of a model.

    Args:
        name: its file.
        folder: holds it, and `SHA256SUMS`.

    Raises:
        DataError: it is missing, or is not the one that shipped.
    """
    path = folder / name
    try:
        content = path.read_bytes()
        known = _known(folder)[name]
    except (OSError, KeyError):
        raise DataError(f"the model {name} is missing in {folder}: {_MEND}") from None
    if hashlib.sha256(content).hexdigest() != known:
        raise DataError(f"the model {path} is damaged, or is not the one that ships: {_MEND}")
    return content


_MEND = "install sge-stream again"


def _known(folder: Path) -> dict[str, str]:
    """SHA-256 by file name."""
    lines = (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}
