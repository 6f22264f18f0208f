"""The MediaPipe model files of the package, verified by SHA-256 before loading."""

from __future__ import annotations

from pathlib import Path

from stream.shipped_files import read_shipped

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
    return read_shipped(folder, name)
