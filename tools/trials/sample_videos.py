"""The two videos of people that trials of the pose pipeline use; neither is part of this project.

The demo video of Sports2D shows one walker from the side, 1768 x 994, and OpenCV's `vtest.avi` people on a
plaza under a high camera, 768 x 576:

    pip install --no-deps -c constraints.txt sports2d
    apt-get install --no-install-recommends opencv-doc
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from stream.body import Image
from stream.errors import UserError

__all__ = ["PLAZA_PACKAGE", "WALKER_PACKAGE", "pictures_of", "plaza_video", "walker_video"]

WALKER_PACKAGE, PLAZA_PACKAGE = "sports2d", "opencv-doc"

PLAZA_FOLDERS = (Path("/usr/share/doc/opencv-doc"), Path("/usr/share/opencv4"), Path("/usr/share/opencv"))


def walker_video() -> Path:
    """Returns the demo video of Sports2D.

    Raises:
        UserError: the package is not installed; the message says how to install it.
    """
    try:
        path = Path(str(metadata.distribution(WALKER_PACKAGE).locate_file("Sports2D/Demo/demo.mp4")))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise UserError(
            "needs the demo video of Sports2D: pip install --no-deps -c constraints.txt sports2d "
            "(without its dependencies, which nothing here uses)"
        )
    return path


@contextmanager
def plaza_video() -> Iterator[Path]:
    """Yields OpenCV's `vtest.avi`, unpacked if the package has it compressed.

    Raises:
        UserError: the package is not installed; the message says how to install it.
    """
    found = sorted(path for folder in PLAZA_FOLDERS for path in folder.rglob("vtest.avi*"))
    if not found:
        raise UserError(
            "needs vtest.avi of OpenCV: on Debian, apt-get install --no-install-recommends opencv-doc"
        )
    with tempfile.TemporaryDirectory(prefix="sge-plaza-") as folder:
        path = found[0]
        if path.suffix == ".gz":
            unpacked = Path(folder) / "vtest.avi"
            with gzip.open(path) as packed, unpacked.open("wb") as target:
                shutil.copyfileobj(packed, target)
            path = unpacked
        yield path


def pictures_of(video: Path, first: int, stop: int, step: int = 1) -> list[Image]:
    """Returns the pictures `first`, `first + step`, ... before `stop` of a video, BGR."""
    from stream.sources.camera.video_reader import VideoReader  # noqa: PLC0415 - loads PyAV

    reader = VideoReader(video)
    pictures: list[Image] = []
    try:
        for number, picture in enumerate(reader.pictures()):
            if number >= stop:
                break
            image = picture.image() if number >= first and (number - first) % step == 0 else None
            if image is not None:
                pictures.append(image)
        return pictures
    finally:
        reader.close()
