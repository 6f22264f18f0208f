"""File formats of walks: detects the format at a path and finds its walks.

To add a data set, start at `tools.datasets.dataset_registry`.

To add a format:

1. Write a module in this package, named after the format, with two functions. `kgbd` is a short example of a
   format with one file per walk, `ks20` of one with one file per frame.
   - `matches(path, head)` says whether a file has the format, from its name and its first 4 kB of text.
   - `find(files)` yields a `WalkRef` for each walk, from file and folder names. Its `read` returns the
     `Walk`: joints in metres, right-handed, Y up (`tools.datasets.recorded_walk.turn_upright` corrects a Y
     that points down), unseen joints marked by `stream.unseen_joints.mark_unseen_in_walk`, times from
     `tools.datasets.frame_times`. A broken file raises `DataError`; the text names the file and the line.
2. Add one `Format(...)` line to `FORMATS` below. The order matters: the first format that matches is taken.
3. Add the format's name to `formats` of its data set in `tools.datasets.dataset_registry.DATASETS`.
4. Add a valid file to `tools.trials.readers.READERS`: the reader is then tried with damaged files.

A joint layout that is not in `stream.skeleton.LAYOUTS` is added there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from stream.errors import DataError, UserError, data_errors
from stream.user_text import readable
from tools.datasets import biwi, casia_arrays, casia_csv, casia_videos, kgbd, ks20, npy, packed
from tools.datasets.recorded_walk import Walk, WalkRef
from tools.datasets.text_files import files_at, read_head

__all__ = ["FORMATS", "Format", "detect", "find_walks", "read_walks"]

_MAX_FILES_SCANNED = 1000  # files of a folder that are checked for a known format


@dataclass(frozen=True, slots=True)
class Format:
    """A file format of walks.

    Attributes:
        name: its name.
        description: its files in a few words, for messages.
        matches: whether a file has this format, from its path and its first 4 kB of text.
        find: yields the walks among files, which come folder by folder; reads as little of them as possible.
        one_frame_per_file: whether each file holds one frame, and a folder one walk.
    """

    name: str
    description: str
    matches: Callable[[Path, str], bool]
    find: Callable[[Iterable[Path]], Iterator[WalkRef]]
    one_frame_per_file: bool


FORMATS = (
    Format("kgbd", "PersonNNN/k.txt with lines Joint;x;y;z", kgbd.matches, kgbd.find, False),
    Format("biwi", "folders of *_skel.txt with 14 columns (BIWI, IAS-Lab)", biwi.matches, biwi.find, True),
    Format("ks20", "view folders of gc1_body1_<time>... with 25 rows", ks20.matches, ks20.find, True),
    Format(
        "casia-b-2d",
        "GaitGraph's .csv of CASIA-B, image_name and 17 joints per row",
        casia_csv.matches,
        casia_csv.find,
        False,
    ),
    Format(
        "casia-b-3d",
        "arrays 001-nm-01-000.npy of CASIA-B, 14 joints in 3D",
        casia_arrays.matches,
        casia_arrays.find,
        False,
    ),
    Format(
        "casia-b-video",
        "videos 001-nm-01-000.avi of CASIA-B; skeletons are estimated",
        casia_videos.is_video,
        casia_videos.find,
        False,
    ),
    Format(
        "casia-b-recorded",
        "recordings 001/nm-01-000.mcap of CASIA-B's videos",
        casia_videos.is_recording,
        casia_videos.find_recordings,
        False,
    ),
    Format("packed", "one .npz of packed skeletons", packed.matches, packed.find, False),
)


def detect(path: Path) -> Format:
    """Returns the format of a file, or of the first file in a folder that has a known one.

    Raises:
        UserError: the path does not exist, or holds precut windows instead of walks.
        DataError: the format is unknown; the text lists the known ones, or says what to do with a video.
    """
    for file in islice(files_at(path), _MAX_FILES_SCANNED):
        if npy.is_window_file(file):
            raise UserError(
                f"{file} holds precut windows, not walks: they can be evaluated, but neither recorded nor "
                "trained on; give the original files of a data set"
            )
        head = read_head(file)
        for file_format in FORMATS:
            if file_format.matches(file, head):
                return file_format
    if casia_videos.is_video_name(path):
        raise DataError(
            f"{path} is not named as a video of CASIA-B, such as 001-nm-01-000.avi: "
            f"`sge-stream record OUT.mcap --source {path}` makes a recording of any video"
        )
    formats = "; ".join(f"{known.name}: {known.description}" for known in FORMATS)
    raise DataError(f"{path} holds no walk in a known format; known formats are {formats}")


def find_walks(path: Path, person: str | None = None, walk: str | None = None) -> Iterator[WalkRef]:
    """Yields the walks at a path without reading their frames.

    Args:
        path: a data set's folder, a folder in it, or one file.
        person: only this person's walks; numbers need no leading zeros.
        walk: only walks of this name.

    Raises:
        UserError: the path does not exist.
        DataError: the format is unknown, or files are duplicated.
    """
    file_format = detect(path)
    if file_format.one_frame_per_file and path.is_file():
        raise UserError(f"{path} is one frame of a walk: give its folder")
    with data_errors(_unreadable(path)):
        found = list(file_format.find(files_at(path)))
    person, walk = (None if wanted is None else readable(wanted) for wanted in (person, walk))
    for ref in found:
        if _is_selected(ref.person, person) and _is_selected(ref.walk, walk):
            yield replace(ref, read=partial(_read, path, ref))


def read_walks(path: Path, person: str | None = None, walk: str | None = None) -> Iterator[Walk]:
    """Reads the walks at a path, one at a time.

    Args:
        path: a data set's folder, a folder in it, or one file.
        person: only this person's walks; numbers need no leading zeros.
        walk: only walks of this name.

    Raises:
        UserError: the path does not exist.
        DataError: the format is unknown, or a file is broken; the text names the file and the place.
    """
    for ref in find_walks(path, person, walk):
        yield ref.read()


def _read(path: Path, ref: WalkRef) -> Walk:
    with data_errors(_unreadable(path)):
        return ref.read()


def _unreadable(path: Path) -> Callable[[str], str]:
    return lambda cause: f"{path} holds a walk that cannot be read ({cause}); download it again"


def _is_selected(name: str, wanted: str | None) -> bool:
    both_numbers = wanted is not None and name.isdecimal() and wanted.isdecimal()
    return wanted is None or name == wanted or (both_numbers and int(name) == int(wanted))
