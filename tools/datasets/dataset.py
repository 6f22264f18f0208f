"""A data set, opened by its name: its recordings and what must be known of them before any is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Self

from stream.errors import DataError, UserError
from tools.datasets import npy, packed
from tools.datasets.formats import detect, find_walks
from tools.datasets.npy import PreparedRef, find_prepared
from tools.datasets.recorded_walk import Walk, WalkRef
from tools.datasets.text_files import files_at

__all__ = ["DATASETS", "About", "Dataset", "open_dataset"]

_LOOKED_AT = 1000  # files of a folder, for whether it holds windows that were cut already


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a data set wherever it lies.

    Attributes:
        title: how people call it.
        citation: what to cite, and the licence as far as it is stated.
        formats: the names of its raw formats, as in `tools.datasets.FORMATS`.
        packed: how the names of its packed files begin.
        rate_hz: the nominal rate of the raw files, frames a second.
        sessions: the sessions that its folders are called by, where those tell it from another data set.
    """

    title: str
    citation: str
    formats: tuple[str, ...]
    packed: str
    rate_hz: float
    sessions: frozenset[str] = frozenset()


DATASETS: Mapping[str, About] = MappingProxyType(
    {
        "kgbd": About(
            "KGBD",
            "Andersson and Araujo, AAAI 2015; no licence is stated for the data",
            ("kgbd",),
            "kgbd",
            30.0,
        ),
        "biwi": About(
            "BIWI RGBD-ID",
            "Munaro et al., Person Re-Identification, Springer 2014; its makers ask to be cited",
            ("biwi",),
            "biwi",
            10.0,
            frozenset({"Training", "Still", "Walking"}),
        ),
        "ias": About(
            "IAS-Lab RGBD-ID",
            "Munaro et al., ICRA 2014; its makers ask to be cited",
            ("biwi",),
            "ias",
            30.0,
            frozenset({"Training", "TestingA", "TestingB"}),
        ),
        "ks20": About(
            "KS20",
            "Nambiar et al., 2017; given on request under a licence agreement",
            ("ks20",),
            "ks20",
            30.0,
        ),
        "casia-b": About(
            "CASIA-B",
            "Yu et al., ICPR 2006; given on request, for research; cite whoever made the skeletons as well",
            ("casia-b-2d", "casia-b-3d", "casia-b-video", "casia-b-recorded"),
            "casia",
            25.0,
        ),
        "patho": About(
            "the pathological gait data set",
            "Jun et al., IEEE Access 8:139881, 2020; no licence is stated for the data",
            (),
            "kinect2_patho",
            30.0,
        ),
        "rgb": About(
            "the GaitValidation skeletons",
            "mea-lab/GaitValidation, 3D poses estimated by MeTRAbs; no licence is stated",
            (),
            "rgb",
            60.0,
        ),
        "cmu": About(
            "the CMU Graphics Lab Motion Capture Database",
            "mocap.cs.cmu.edu, funded by NSF EIA-0196217; free for research and commercial use",
            (),
            "cmu",
            30.0,
        ),
    }
)
"""Every data set by the name it is asked for."""

_NPY = "npy"
_NOTHING: Mapping[str, PreparedRef] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set that was opened.

    Attributes:
        name: a key of `DATASETS`; of preprocessed arrays, the data set they were made of.
        layout: the joint layout of all its skeletons, as `stream.skeleton.get_layout` knows it.
        rate_hz: the nominal rate, frames a second.
        citation: what to cite, and the licence.
        recordings: its walks, not yet read; each with person, session, view and condition.
        prepared: its parts by name where windows were cut already, and there are no recordings.
    """

    name: str
    layout: str
    rate_hz: float
    citation: str
    recordings: tuple[WalkRef, ...]
    prepared: Mapping[str, PreparedRef] = field(default_factory=lambda: _NOTHING)

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who was recorded, sorted."""
        return tuple(sorted({found.person for found in self.recordings}))

    def read(self) -> Iterator[Walk]:
        """All walks, read one after the other.

        Raises:
            DataError: a file is broken; the text names it and the place.
            UserError: the windows were cut already.
        """
        if self.prepared:
            raise UserError(
                f"{self.name} was given as windows that were cut already, which are no walks: give the data "
                "set's own files"
            )
        return (found.read() for found in self.recordings)

    def only(self, people: Collection[str]) -> Self:
        """The same data set with the recordings of some people.

        Raises:
            UserError: somebody asked for is not there.
        """
        if missing := sorted(set(people) - set(self.people)):
            raise UserError(
                f"{self.name} has no person {missing[0]}; it has {len(self.people)}, from "
                f"{self.people[0]} to {self.people[-1]}"
            )
        return replace(self, recordings=tuple(found for found in self.recordings if found.person in people))


def open_dataset(name: str, path: Path) -> Dataset:
    """Open a data set.

    Args:
        name: a key of `DATASETS`; or npy for preprocessed arrays, whose files say what they were made of.
        path: its raw folder; one of its packed files, or a folder of them; or the folder of its preprocessed
            arrays.

    Raises:
        UserError: no data set has that name, nothing is there, or another data set is.
        DataError: nothing there is of a known format, or files are doubled or broken.
    """
    if name not in DATASETS and name != _NPY:
        raise UserError(f"no data set is called {name!r}; there are {', '.join((*DATASETS, _NPY))}")
    if name == _NPY or any(npy.recognises(file) for file in islice(files_at(path), _LOOKED_AT)):
        return _open_prepared(name, path)
    about = DATASETS[name]
    files = sorted(path.glob(f"{about.packed}*.npz")) if path.is_dir() else []
    if files:
        recordings = [found for file in files for found in packed.find([file])]
        rate_hz = recordings[0].rate_hz
    else:
        recordings, rate_hz = _find(name, about, path)
    _check(path, recordings)
    return Dataset(name, recordings[0].layout, rate_hz, about.citation, tuple(recordings))


def _find(name: str, about: About, path: Path) -> tuple[list[WalkRef], float]:
    known = detect(path)
    if known.name not in (*about.formats, "packed"):
        raise UserError(
            f"{path} holds {known.looks}, which is not {about.title}: name the data set it is, or give "
            f"{name}'s folder"
        )
    recordings = list(find_walks(path))
    if known.name == "packed":
        return recordings, recordings[0].rate_hz
    if about.sessions and (strange := sorted({found.session for found in recordings} - about.sessions)):
        raise UserError(
            f"{path} holds the session {strange[0]!r}: expected folders {', '.join(sorted(about.sessions))} "
            f"of {about.title}, with one folder a person in them; give {name}'s folder, and take others out"
        )
    return recordings, about.rate_hz


def _check(path: Path, recordings: list[WalkRef]) -> None:
    if not recordings:
        raise DataError(f"{path} holds no walks; expected one of the data sets' folders or packed files")
    layouts = sorted({found.layout for found in recordings})
    if len(layouts) > 1:
        raise DataError(
            f"{path} holds skeletons of several layouts ({', '.join(layouts)}): give the folder of one"
        )
    seen: set[tuple[str, str]] = set()
    for found in recordings:
        if (found.person, found.walk) in seen:
            raise DataError(
                f"{path} holds walk {found.walk} of person {found.person} twice: take one of them out"
            )
        seen.add((found.person, found.walk))


def _open_prepared(name: str, path: Path) -> Dataset:
    found = find_prepared(path)
    if name not in (_NPY, found.name):
        raise UserError(f"{path} holds windows of {found.name}, not of {name}: name the data set it is")
    about = DATASETS.get(found.name)
    return Dataset(
        found.name,
        found.layout,
        about.rate_hz if about else 30.0,
        about.citation if about else "cite whoever made the data set and the arrays",
        (),
        MappingProxyType({part.part: part for part in found.parts}),
    )
