"""Walks to train on: from recordings, packed .npz files and data sets as their makers gave them."""

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
from tools.datasets import find_walks

__all__ = [
    "TrainingData",
    "check_walks_of_people",
    "parse_selection",
    "plain_person",
    "read_training_data",
]

_LICENCES = {
    "kgbd": "none stated for the data; cite Andersson & Araujo, AAAI 2015; research use",
    "kinect2_patho": "none stated; cite IEEE Access 8:139881; research use",
    "cmu": "free for research and commercial use; data from mocap.cs.cmu.edu, created with funding from NSF "
    "EIA-0196217",
}
_UNKNOWN = "not known to this program; ask whoever recorded it"
_RECORDING = ".mcap"

_MOST_PEOPLE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """What was read.

    Attributes:
        walks: in the order they were named.
        sources: where they came from, for the model card.
        doubled: names of walks left out because an earlier one is the same to the bit.
    """

    walks: list[TrainingWalk] = field(default_factory=list)
    sources: list[DataSource] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def parse_selection(text: str) -> set[str]:
    """The people of `1-80`, `1,5,7-9` or `Anna,Ben`; numbers without leading zeros.

    Raises:
        UserError: it is written in another way.
    """
    people: set[str] = set()
    for part in text.split(","):
        if numbers := re.fullmatch(r"(\d{1,9})-(\d{1,9})", part):
            first, last = int(numbers[1]), int(numbers[2])
            if last - first >= _MOST_PEOPLE:
                raise UserError(f"people: expected at most {_MOST_PEOPLE} at once, got {part}")
            people |= {str(number) for number in range(first, last + 1)}
        elif part:
            people.add(plain_person(part))
    if not people:
        raise UserError(f"people: expected for example 1-80 or 1,5,7-9, got {text!r}")
    return people


def read_training_data(data: list[str], people: str | None = None) -> TrainingData:
    """Read walks.

    Args:
        data: for each a recording, a folder of recordings (`<person>/<walk>.mcap` tells who walks), or what
            `tools.datasets` reads; `#people=1-80` after it chooses some of its people. Of data sets the
            first and last 10 frames of a walk are left out (paper Sec. 4.1).
        people: whom to choose where `#people=` does not say it.

    Raises:
        UserError: there is no such file, folder or person.
        DataError: a file is of no known format or broken, or there is nothing in a folder.
    """
    found = TrainingData()
    seen: dict[str, str] = {}
    for text in data:
        path, mark, own = text.partition("#people=")
        chosen = own if mark else people
        _read(Path(path), None if chosen is None else parse_selection(chosen), found, seen)
    return found


def _read(path: Path, chosen: set[str] | None, found: TrainingData, seen: dict[str, str]) -> None:
    count = frames = 0
    there: set[str] = set()
    for walk in _walks(path, chosen):
        there.add(walk.person)
        digest = hashlib.sha256(np.ascontiguousarray(walk.joints).data).hexdigest()
        if seen.setdefault(digest, walk.name) != walk.name:
            found.doubled.append(walk.name)
            continue
        found.walks.append(walk)
        count, frames = count + 1, frames + len(walk.time_ns)
    if chosen is not None and (missing := sorted(chosen - there)):
        raise UserError(
            f"{path}: there is no walk of person {missing[0]}; choose among those who are in it with "
            "#people= after its name, or --people"
        )
    if not count:
        raise DataError(f"{path}: expected walks to train on, got none; name another file or folder")
    licence = next((text for name, text in _LICENCES.items() if path.name.startswith(name)), _UNKNOWN)
    found.sources.append(DataSource(path.stem, _people_text(there), count, frames, licence))


def _walks(path: Path, chosen: set[str] | None) -> Iterator[TrainingWalk]:
    recordings = [path] if path.suffix == _RECORDING else sorted(path.rglob(f"*{_RECORDING}"))
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; check the path")
    if path.is_dir() and not any(path.iterdir()):
        raise DataError(f"{path}: the folder is empty; name one with walks in it")
    if not recordings:
        for ref in find_walks(path):
            if chosen is None or plain_person(ref.person) in chosen:
                walk = ref.read().trimmed()
                yield TrainingWalk(
                    walk.name,
                    plain_person(walk.person),
                    walk.layout,
                    walk.time_ns,
                    walk.joints,
                    walk.confidence,
                )
        return
    for recording in recordings:
        # convert writes <person>/<walk>.mcap; a file that lies in no such folder says nothing of who it is.
        person = "" if path in {recording.parent, recording} else plain_person(recording.parent.name)
        if chosen is None or person in chosen:
            yield from _recorded(recording, person)


def _recorded(path: Path, person: str) -> Iterator[TrainingWalk]:
    """The bodies of a recording, each a walk of its own."""
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
    for body_id, seen_at in times.items():
        yield TrainingWalk(
            f"{path}, body {body_id}",
            known,
            layout,
            np.array(seen_at, np.int64),
            np.stack(joints[body_id]),
            np.stack(confidence[body_id]),
        )


def check_walks_of_people(walks: list[TrainingWalk]) -> None:
    """See that everybody who is told apart by the data walks more than once.

    Raises:
        DataError: somebody walks once only.
    """
    counts = Counter(walk.person for walk in walks if walk.person)
    if once := sorted(person for person, count in counts.items() if count == 1):
        raise DataError(
            f"{len(once)} of {len(counts)} people have one walk only (person {', '.join(once[:5])}"
            f"{', ...' if len(once) > 5 else ''}), which leaves none to try the encoder on; give more "
            "walks, choose others with --people, or train on them all the same with --single-walks"
        )


def plain_person(person: str) -> str:
    """A person's name; a number without leading zeros."""
    return str(int(person)) if person.isdecimal() else person


def _people_text(people: set[str]) -> str:
    """`1-80, 90` for numbers; of others only how many, because a card names nobody."""
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
