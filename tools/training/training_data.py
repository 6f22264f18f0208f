"""Training data: reads walks from recordings, packed .npz files and original data sets."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from encoder.training.model_card import DataSource
from encoder.training.spans import TrainingWalk
from stream.body import FloatArray
from stream.errors import DataError, UserError
from stream.recording import read_recording
from stream.user_text import readable, user_path
from tools.datasets import find_walks

__all__ = [
    "TrainingData",
    "normalise_person",
    "parse_people_selection",
    "read_training_data",
    "require_several_walks",
]

_LICENCES = {
    "kgbd": "none stated for the data; cite Andersson & Araujo, AAAI 2015; research use",
    "kinect2_patho": "none stated; cite IEEE Access 8:139881; research use",
    "cmu": "free for research and commercial use; data from mocap.cs.cmu.edu, created with funding from NSF "
    "EIA-0196217",
}
_UNKNOWN_LICENCE = "unknown to this program; ask the provider of the data"
_RECORDING_SUFFIX = ".mcap"

_MAX_PEOPLE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """The walks read, and their sources.

    Attributes:
        walks: the walks, in the order of the sources.
        sources: the sources, for the model card.
        duplicates: names of walks omitted because an earlier walk is identical bit by bit.
    """

    walks: list[TrainingWalk] = field(default_factory=list)
    sources: list[DataSource] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)


def parse_people_selection(text: str) -> set[str]:
    """Parses a selection of people such as `1-80`, `1,5,7-9` or `Anna,Ben`.

    Returns:
        The people; numbers without leading zeros.

    Raises:
        UserError: the text is empty or selects too many people.
    """
    people: set[str] = set()
    for part in text.split(","):
        if numbers := re.fullmatch(r"(\d{1,9})-(\d{1,9})", part):
            first, last = int(numbers[1]), int(numbers[2])
            if last - first >= _MAX_PEOPLE:
                raise UserError(f"people: expected at most {_MAX_PEOPLE} in a range, got {part}")
            people |= {str(number) for number in range(first, last + 1)}
        elif part:
            people.add(normalise_person(part))
    if not people:
        raise UserError(f"people: expected for example 1-80 or 1,5,7-9, got {text!r}")
    return people


def read_training_data(data: list[str], people: str | None = None) -> TrainingData:
    """Reads the walks of all sources.

    Args:
        data: sources; each is a recording, a folder of recordings (`<person>/<walk>.mcap`), or a path that
            `tools.datasets` reads. A suffix `#people=1-80` selects people of the source. The first and last
            10 frames of a data set's walk are dropped (paper Sec. 4.1); recordings are read completely.
        people: selection for sources without `#people=`; None for all people.

    Raises:
        UserError: a file, folder or person does not exist.
        DataError: a file is broken or its format is unknown, or a folder is empty.
    """
    found = TrainingData()
    name_by_digest: dict[str, str] = {}
    for text in data:
        path, mark, own = text.partition("#people=")
        chosen = own if mark else people
        _read_source(
            user_path(path), None if chosen is None else parse_people_selection(chosen), found, name_by_digest
        )
    return found


def _read_source(
    path: Path, chosen: set[str] | None, found: TrainingData, name_by_digest: dict[str, str]
) -> None:
    """Adds the walks of one source to `found`; `name_by_digest` serves to omit duplicates."""
    count = frames = 0
    people: set[str] = set()
    for walk in _walks(path, chosen):
        people.add(walk.person)
        digest = hashlib.sha256(np.ascontiguousarray(walk.joints).data).hexdigest()
        if name_by_digest.setdefault(digest, walk.name) != walk.name:
            found.duplicates.append(walk.name)
            continue
        found.walks.append(walk)
        count, frames = count + 1, frames + len(walk.time_ns)
    if chosen is not None and (missing := sorted(chosen - people)):
        raise UserError(
            f"{path}: no walk of person {missing[0]}; select people that it contains, with --people or with "
            "#people= after the path"
        )
    if not count:
        raise DataError(f"{path}: expected walks to train on, got none; give another file or folder")
    licence = next((text for name, text in _LICENCES.items() if path.name.startswith(name)), _UNKNOWN_LICENCE)
    found.sources.append(DataSource(readable(path.stem), _people_text(people), count, frames, licence))


def _walks(path: Path, chosen: set[str] | None) -> Iterator[TrainingWalk]:
    recordings = [path] if path.suffix == _RECORDING_SUFFIX else sorted(path.rglob(f"*{_RECORDING_SUFFIX}"))
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path")
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f"{path}: the folder is empty; give a folder with walks")
    if not recordings:
        for ref in find_walks(path):
            if chosen is None or normalise_person(ref.person) in chosen:
                walk = ref.read().trimmed()
                yield TrainingWalk(
                    walk.name,
                    normalise_person(walk.person),
                    walk.layout,
                    walk.time_ns,
                    walk.joints,
                    walk.confidence,
                )
        return
    for recording in recordings:
        # convert writes <person>/<walk>.mcap; the person of a file outside such a folder is unknown.
        person = (
            "" if path in {recording.parent, recording} else normalise_person(readable(recording.parent.name))
        )
        if chosen is None or person in chosen:
            yield from _recorded(recording, person)


def _recorded(path: Path, person: str) -> Iterator[TrainingWalk]:
    """Yields each body of a recording as a walk; the person is known only of a single body."""
    times: dict[int, list[int]] = {}
    joints: dict[int, list[FloatArray]] = {}
    confidence: dict[int, list[FloatArray]] = {}
    with read_recording(path) as recording:
        layout = recording.info.layout
        for frame in recording:
            for body in frame.bodies:
                times.setdefault(body.id, []).append(frame.time_ns)
                joints.setdefault(body.id, []).append(body.joints)
                confidence.setdefault(body.id, []).append(body.confidence)
    known = person if len(times) == 1 else ""
    for body_id, body_times in times.items():
        yield TrainingWalk(
            f"{path}, body {body_id}",
            known,
            layout,
            np.array(body_times, np.int64),
            np.stack(joints[body_id]),
            np.stack(confidence[body_id]),
        )


def require_several_walks(walks: list[TrainingWalk]) -> None:
    """Checks that every known person has at least two walks.

    Raises:
        DataError: a person has a single walk.
    """
    counts = Counter(walk.person for walk in walks if walk.person)
    if once := sorted(person for person, count in counts.items() if count == 1):
        raise DataError(
            f"{len(once)} of {len(counts)} people have only one walk (person {', '.join(once[:5])}"
            f"{', ...' if len(once) > 5 else ''}), which leaves no walk for testing the encoder; give more "
            "walks, select other people with --people, or accept single walks with --single-walks"
        )


def normalise_person(person: str) -> str:
    """Returns a person's name; a number without leading zeros."""
    return str(int(person)) if person.isdecimal() else person


def _people_text(people: set[str]) -> str:
    """Describes people for a model card: numbers as `1-80, 90`; of names, only their count."""
    if people == {""}:
        return "unknown"
    if not all(person.isdecimal() for person in people):
        return str(len(people))
    runs: list[list[int]] = []
    for number in sorted(int(person) for person in people):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{a}-{b}" if b > a else str(a) for a, b in runs)
