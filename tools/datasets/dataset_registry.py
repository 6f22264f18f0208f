"""Data sets by name: opens one and lists its walks without reading them.

To add a data set:

1. If no module of this package reads its files, write one (see `tools.datasets.formats`). If its walks are
   packed as `tools.datasets.packed` describes, no module is needed.
2. Add one entry to `DATASETS` below: its name, a `DatasetInfo` with the title, the citation, the formats of
   its raw files, the prefix of its packed files and the frame rate.
3. To evaluate on it, add its split to `tools.evaluation.splits.published_splits.PUBLISHED_SPLITS`, or its
   scenario for the live protocol to `tools.evaluation.live.scenarios`.

`sge-stream convert` and `sge-stream train` read its files after step 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Self

from stream.errors import DataError, UserError
from tools.datasets import npy
from tools.datasets.formats import detect, find_walks
from tools.datasets.npy import PrecutWindowsRef, find_precut
from tools.datasets.recorded_walk import Walk, WalkRef
from tools.datasets.text_files import files_at

__all__ = ["DATASETS", "Dataset", "DatasetInfo", "open_dataset"]

_MAX_FILES_SCANNED = 1000  # files of a folder that are checked for precut windows


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """Fixed properties of a data set.

    Attributes:
        title: display name.
        citation: what to cite, and the licence as far as it is stated.
        formats: names of its raw formats in `tools.datasets.FORMATS`; empty if it is only read from packed
            files.
        packed_prefix: prefix of the names of its packed files.
        rate_hz: nominal frame rate of the raw files, frames a second.
        sessions: names of its session folders, if only these distinguish it from another data set.
    """

    title: str
    citation: str
    formats: tuple[str, ...]
    packed_prefix: str
    rate_hz: float
    sessions: frozenset[str] = frozenset()


DATASETS: Mapping[str, DatasetInfo] = MappingProxyType(
    {
        "kgbd": DatasetInfo(
            "KGBD",
            "Andersson and Araujo, AAAI 2015; no licence is stated for the data",
            ("kgbd",),
            "kgbd",
            30.0,
        ),
        "biwi": DatasetInfo(
            "BIWI RGBD-ID",
            "Munaro et al., Person Re-Identification, Springer 2014; its authors ask to be cited",
            ("biwi",),
            "biwi",
            10.0,
            frozenset({"Training", "Still", "Walking"}),
        ),
        "ias": DatasetInfo(
            "IAS-Lab RGBD-ID",
            "Munaro et al., ICRA 2014; its authors ask to be cited",
            ("biwi",),
            "ias",
            30.0,
            frozenset({"Training", "TestingA", "TestingB"}),
        ),
        "ks20": DatasetInfo(
            "KS20",
            "Nambiar et al., 2017; given on request under a licence agreement",
            ("ks20",),
            "ks20",
            30.0,
        ),
        "casia-b": DatasetInfo(
            "CASIA-B",
            "Yu et al., ICPR 2006; given on request, for research; cite the authors of the skeletons as well",
            ("casia-b-2d", "casia-b-3d", "casia-b-video", "casia-b-recorded"),
            "casia",
            25.0,
        ),
        "patho": DatasetInfo(
            "the pathological gait data set",
            "Jun et al., IEEE Access 8:139881, 2020; no licence is stated for the data",
            (),
            "kinect2_patho",
            30.0,
        ),
        "ucalgary": DatasetInfo(
            "the UCalgary recordings",
            "patrickkozlow/BT_Labs_Gait_Experiment, no licence stated; cite the repository",
            (),
            "kinect2_ucalgary",
            30.0,
        ),
        "rgb": DatasetInfo(
            "the GaitValidation skeletons",
            "mea-lab/GaitValidation, 3D poses estimated by MeTRAbs; no licence is stated",
            (),
            "rgb",
            60.0,
        ),
        "cmu": DatasetInfo(
            "the CMU Graphics Lab Motion Capture Database",
            "mocap.cs.cmu.edu, funded by NSF EIA-0196217; free for research and commercial use",
            (),
            "cmu",
            30.0,
        ),
    }
)
"""All data sets, by the name used on the command line."""

_NPY = "npy"
_NO_PARTS: Mapping[str, PrecutWindowsRef] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Dataset:
    """An opened data set: either walks, or precut windows.

    Attributes:
        name: a key of `DATASETS`; for precut windows, the data set that they come from.
        layout: joint layout of all its skeletons, a name for `stream.skeleton.get_layout`.
        rate_hz: nominal frame rate, frames a second.
        citation: what to cite, and the licence.
        walks: references to its walks, with person, session, view and condition; empty for precut windows.
        precut: parts of precut windows, by name; empty for walks.
    """

    name: str
    layout: str
    rate_hz: float
    citation: str
    walks: tuple[WalkRef, ...]
    precut: Mapping[str, PrecutWindowsRef] = field(default_factory=lambda: _NO_PARTS)

    @property
    def people(self) -> tuple[str, ...]:
        """The people recorded, sorted."""
        return tuple(sorted({ref.person for ref in self.walks}))

    def read(self) -> Iterator[Walk]:
        """Reads all walks, one at a time.

        Raises:
            DataError: a file is broken; the text names the file and the place.
            UserError: the data set consists of precut windows.
        """
        if self.precut:
            raise UserError(
                f"{self.name} was given as precut windows, but walks are needed: give the original files of "
                "the data set"
            )
        return (ref.read() for ref in self.walks)

    def select_people(self, people: Collection[str]) -> Self:
        """Returns the same data set with only the walks of these people.

        Raises:
            UserError: the data set lacks one of them.
        """
        if missing := sorted(set(people) - set(self.people)):
            raise UserError(
                f"{self.name} has no person {missing[0]}; it has {len(self.people)}, from "
                f"{self.people[0]} to {self.people[-1]}"
            )
        return replace(self, walks=tuple(ref for ref in self.walks if ref.person in people))


def open_dataset(name: str, path: Path) -> Dataset:
    """Opens a data set.

    Args:
        name: a key of `DATASETS`; or npy for precut windows, whose file names contain the data set.
        path: its raw folder; one of its packed files, or a folder of them; or the folder of its precut
            windows.

    Raises:
        UserError: the name is unknown, the path does not exist, or it holds another data set.
        DataError: no file has a known format, or files are duplicated or broken.
    """
    if name not in DATASETS and name != _NPY:
        raise UserError(f"unknown data set {name!r}; expected one of {', '.join((*DATASETS, _NPY))}")
    if name == _NPY or any(npy.is_window_file(file) for file in islice(files_at(path), _MAX_FILES_SCANNED)):
        return _open_precut(name, path)
    info = DATASETS[name]
    files = sorted(path.glob(f"{info.packed_prefix}*.npz")) if path.is_dir() else []
    if files:
        walks = [ref for file in files for ref in find_walks(file)]
        rate_hz = walks[0].rate_hz
    else:
        walks, rate_hz = _find_walks_of(name, info, path)
    _check_walks(path, walks)
    return Dataset(name, walks[0].layout, rate_hz, info.citation, tuple(walks))


def _find_walks_of(name: str, info: DatasetInfo, path: Path) -> tuple[list[WalkRef], float]:
    """Returns the walks at a path and their nominal frame rate; refuses another data set's."""
    file_format = detect(path)
    if file_format.name not in (*info.formats, "packed"):
        raise UserError(
            f"{path} holds {file_format.description}, which is not {info.title}: name the data set that it "
            f"is, or give the folder of {name}"
        )
    walks = list(find_walks(path))
    if file_format.name == "packed":
        return walks, walks[0].rate_hz
    if info.sessions and (unknown := sorted({ref.session for ref in walks} - info.sessions)):
        raise UserError(
            f"{path} holds the session {unknown[0]!r}: expected the folders "
            f"{', '.join(sorted(info.sessions))} of {info.title}, each with one folder per person; give the "
            f"folder of {name}, and remove other folders from it"
        )
    return walks, info.rate_hz


def _check_walks(path: Path, walks: list[WalkRef]) -> None:
    if not walks:
        raise DataError(f"{path} holds no walks; expected the folder or a packed file of a data set")
    layouts = sorted({ref.layout for ref in walks})
    if len(layouts) > 1:
        raise DataError(
            f"{path} holds skeletons of several layouts ({', '.join(layouts)}): give a folder with one layout"
        )
    known: set[tuple[str, str]] = set()
    for ref in walks:
        if (ref.person, ref.walk) in known:
            raise DataError(f"{path} holds walk {ref.walk} of person {ref.person} twice: remove one of them")
        known.add((ref.person, ref.walk))


def _open_precut(name: str, path: Path) -> Dataset:
    found = find_precut(path)
    if name not in (_NPY, found.name):
        raise UserError(
            f"{path} holds windows of {found.name}, not of {name}: give {found.name} as the data set"
        )
    info = DATASETS.get(found.name)
    return Dataset(
        found.name,
        found.layout,
        info.rate_hz if info else 30.0,
        info.citation if info else "cite the authors of the data set and of the arrays",
        (),
        MappingProxyType({part.part: part for part in found.parts}),
    )
