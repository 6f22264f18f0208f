"""Which data set lies at a path, and its walks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from stream.errors import DataError, UserError
from tools.datasets import biwi, casia_arrays, casia_csv, casia_videos, kgbd, ks20, npy, packed
from tools.datasets.recorded_walk import Walk, WalkRef
from tools.datasets.text_files import files_at, text_head

__all__ = ["FORMATS", "Format", "detect", "find_walks", "read_walks"]

_LOOKED_AT = 1000  # files of a folder, until its format is given up on


@dataclass(frozen=True, slots=True)
class Format:
    """A format that walks are read from.

    Attributes:
        name: how it is called.
        looks: what it looks like, in words.
        recognises: whether a file, with the text it begins with, is of this format.
        find: the walks among files, which come folder by folder; it reads no more of them than it must.
        file_is_frame: whether a file is one frame only, and a walk a folder of them.
    """

    name: str
    looks: str
    recognises: Callable[[Path, str], bool]
    find: Callable[[Iterable[Path]], Iterator[WalkRef]]
    file_is_frame: bool


FORMATS = (
    Format("kgbd", "PersonNNN/k.txt with lines Joint;x;y;z", kgbd.recognises, kgbd.find, False),
    Format("biwi", "folders of *_skel.txt with 14 columns (BIWI, IAS-Lab)", biwi.recognises, biwi.find, True),
    Format("ks20", "view folders of gc1_body1_<time>... with 25 rows", ks20.recognises, ks20.find, True),
    Format(
        "casia-b-2d",
        "GaitGraph's .csv of CASIA-B, image_name and 17 joints a row",
        casia_csv.recognises,
        casia_csv.find,
        False,
    ),
    Format(
        "casia-b-3d",
        "arrays 001-nm-01-000.npy of CASIA-B, 14 joints in 3D",
        casia_arrays.recognises,
        casia_arrays.find,
        False,
    ),
    Format(
        "casia-b-video",
        "CASIA-B's videos 001-nm-01-000.avi, whose skeletons are estimated",
        casia_videos.is_video,
        casia_videos.find,
        False,
    ),
    Format(
        "casia-b-recorded",
        "recordings 001/nm-01-000.mcap of them",
        casia_videos.is_recording,
        casia_videos.find_recordings,
        False,
    ),
    Format("packed", "one .npz of packed skeletons", packed.recognises, packed.find, False),
)


def detect(path: Path) -> Format:
    """The format of a file, or of the first file in a folder that is of any.

    Raises:
        UserError: nothing is there, or windows that were cut already, which are no walks.
        DataError: it is of no known format; the text says which there are.
    """
    for file in islice(files_at(path), _LOOKED_AT):
        if npy.recognises(file):
            raise UserError(
                f"{file} holds windows that were cut already, and no walks: they can be measured, but "
                "neither recorded nor trained on; give a data set's own files"
            )
        head = text_head(file)
        for known in FORMATS:
            if known.recognises(file, head):
                return known
    formats = "; ".join(f"{known.name}: {known.looks}" for known in FORMATS)
    raise DataError(f"{path} holds no walk in a known format; there are {formats}")


def find_walks(path: Path, person: str | None = None, walk: str | None = None) -> Iterator[WalkRef]:
    """The walks of a data set, without reading them.

    Args:
        path: a data set's folder, a part of it, or one file.
        person: only this person's; numbers need no leading zeros.
        walk: only walks of this name.

    Raises:
        UserError: nothing is there.
        DataError: it is of no known format, or files of it are doubled.
    """
    known = detect(path)
    if known.file_is_frame and path.is_file():
        raise UserError(f"{path} is one frame of a walk: give the folder that it lies in")
    for found in known.find(files_at(path)):
        if _same(found.person, person) and _same(found.walk, walk):
            yield found


def read_walks(path: Path, person: str | None = None, walk: str | None = None) -> Iterator[Walk]:
    """The walks of a data set, read one after the other as they are asked for.

    Args:
        path: a data set's folder, a part of it, or one file.
        person: only this person's; numbers need no leading zeros.
        walk: only walks of this name.

    Raises:
        UserError: nothing is there.
        DataError: it is of no known format, or a file is broken; the text names the file and the place.
    """
    for found in find_walks(path, person, walk):
        yield found.read()


def _same(found: str, wanted: str | None) -> bool:
    both_numbers = wanted is not None and found.isdecimal() and wanted.isdecimal()
    return wanted is None or found == wanted or (both_numbers and int(found) == int(wanted))
