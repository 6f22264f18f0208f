"""Published splits of each data set into training, gallery and probe walks.

`PUBLISHED_SPLITS` lists the splits of a data set under a protocol. A seed draws a split from the walks.

| protocol | roles |
|---|---|
| rn | a classifier is trained on other walks of the probes' people (paper, Sec. 4.1) |
| direct | probes are matched with gallery walks by distance; the other walks train (the later papers) |
| cve | cross-view, CASIA-B: one view is the probe, its neighbouring views train (paper, Sec. 4.1) |
| cme | cross-condition, CASIA-B: half of the people train; the others are probes and gallery (Sec. 4.1) |
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from stream.errors import DataError, UserError
from tools.datasets import Walk
from tools.evaluation.splits.walk_split import Split, direct_split, drop_duplicates, rn_split

__all__ = [
    "CASIA_VIEWS",
    "KS20_VIEWS",
    "PUBLISHED_SPLITS",
    "NamedSplit",
    "condition_split",
    "cross_view_split",
    "neighbour_view_split",
    "protocol_splits",
    "random_take_split",
    "session_split",
    "take_split",
]

SplitFunction = Callable[[Iterable[Walk], int], Split]
"""Splits the walks of a data set by a seed."""

KS20_VIEWS: Mapping[str, int] = MappingProxyType(
    {"left_lateral": 0, "left_diagonal": 30, "frontal": 90, "right_diagonal": 130, "right_lateral": 180}
)
"""KS20's views and their angles in degrees."""

CASIA_VIEWS = tuple(f"{degrees:03d}" for degrees in range(0, 181, 18))
"""CASIA-B's views, in degrees."""


@dataclass(frozen=True, slots=True)
class NamedSplit:
    """A named way to split a data set.

    Attributes:
        name: name in reports and published figures.
        draw: draws the split.
        probe_part: the part of the published precut windows with its probes; empty if there is none.
        gallery_part: likewise for its gallery.
    """

    name: str
    draw: SplitFunction
    probe_part: str = ""
    gallery_part: str = ""


def session_split(walks: Iterable[Walk], seed: int, *, probe: str, gallery: str = "") -> Split:
    """Splits by session: `Training` trains, one session is the probe, and an optional one the gallery.

    Nothing is random. Other sessions have no role.

    Raises:
        DataError: a session has no walks, or a probe's person has no gallery or training walk.
    """
    del seed
    kept, duplicates = drop_duplicates(walks)
    train = _filter(kept, lambda walk: walk.session == "Training", "session Training")
    probe_walks = _filter(kept, lambda walk: walk.session == probe, f"session {probe}")
    gallery_walks = (
        _filter(kept, lambda walk: walk.session == gallery, f"session {gallery}") if gallery else ()
    )
    return _split(train, gallery_walks, probe_walks, duplicates)


def random_take_split(walks: Iterable[Walk], seed: int) -> Split:
    """Takes one random take of each person in each view as probe; the others train (KS20's RS).

    A view with a single take of a person trains. The choice for a person and a view depends only on the seed
    and on those two.

    Raises:
        DataError: there are no walks to probe with, or a probe's person has no training walk.
    """
    kept, duplicates = drop_duplicates(walks)
    train: list[Walk] = []
    probe: list[Walk] = []
    for (person, view), takes in _group(kept, lambda walk: (walk.person, walk.view)):
        drawn = _generator(seed, person, view).integers(len(takes)) if len(takes) > 1 else -1
        for index, walk in enumerate(takes):
            (probe if index == drawn else train).append(walk)
    return _split(train, (), probe, duplicates)


def cross_view_split(walks: Iterable[Walk], seed: int, *, view: str) -> Split:
    """Takes all walks of one view as probes; all others train (KS20's CVS). Nothing is random.

    Raises:
        DataError: the view has no walks, or a probe's person has no walk in another view.
    """
    del seed
    kept, duplicates = drop_duplicates(walks)
    probe = _filter(kept, lambda walk: walk.view == view, f"view {view}")
    train = _filter(kept, lambda walk: walk.view != view, f"views other than {view}")
    return _split(train, (), probe, duplicates)


def take_split(walks: Iterable[Walk], seed: int) -> Split:
    """Takes one random take of each person, in all views, as gallery and another as probe; the others train.

    The choice for a person depends only on the seed and on that person.

    Raises:
        DataError: a person has a single take.
    """
    kept, duplicates = drop_duplicates(walks)
    roles: tuple[list[Walk], list[Walk], list[Walk]] = ([], [], [])  # gallery, probe, train
    for (person,), person_walks in _group(kept, lambda walk: (walk.person,)):
        takes = sorted({walk.session for walk in person_walks})
        if len(takes) < 2:
            raise DataError(
                f"{person_walks[0].name} belongs to the only take of person {person}: expected at least two, "
                "a gallery and a probe; leave the person out"
            )
        order = _generator(seed, person).permutation(len(takes)).tolist()
        for walk in person_walks:
            roles[min(order.index(takes.index(walk.session)), 2)].append(walk)
    gallery, probe, train = roles
    return _split(train, gallery, probe, duplicates)


def neighbour_view_split(walks: Iterable[Walk], seed: int, *, view: str) -> Split:
    """Takes all walks of one view as probes; those of its one or two neighbouring views train (CVE).

    Nothing is random. CASIA-B's cameras recorded each walk at the same time, so the training walks show the
    same steps from 18 degrees away.

    Raises:
        DataError: one of these views has no walks, or a probe's person has no training walk.
    """
    del seed
    kept, duplicates = drop_duplicates(walks)
    place = CASIA_VIEWS.index(view)
    neighbours = {CASIA_VIEWS[at] for at in (place - 1, place + 1) if 0 <= at < len(CASIA_VIEWS)}
    train = [walk for neighbour in sorted(neighbours) for walk in _in_view(kept, neighbour)]
    return _split(train, (), _in_view(kept, view), duplicates)


def condition_split(walks: Iterable[Walk], seed: int, *, probe: str, gallery: str) -> Split:
    """Trains on a random half of the people; probes and gallery are conditions of the others (CME).

    If both conditions are the same, each walk is probe and gallery, and a probe is not compared with its own
    recording (`exclude_same_recording`). It is compared with the other views of the same steps, which
    CASIA-B's cameras recorded at the same time.

    Args:
        walks: walks of CASIA-B.
        seed: draws the training people; the same for all conditions.
        probe: condition of the probes: nm, bg or cl.
        gallery: condition of the gallery, likewise.

    Raises:
        DataError: there are fewer than two people, or a probe's person has no gallery walk.
    """
    kept, duplicates = drop_duplicates(walks)
    people = sorted({walk.person for walk in kept})
    if len(people) < 2:
        raise DataError(f"expected at least two people, half of them for training, got {len(people)}")
    order = np.random.default_rng(seed).permutation(len(people))
    tested = {people[place] for place in order[len(people) // 2 :]}
    train = [walk for walk in kept if walk.person not in tested]
    test = [walk for walk in kept if walk.person in tested]
    probe_walks = _filter(test, lambda walk: walk.condition == probe, f"condition {probe}")
    gallery_walks = _filter(test, lambda walk: walk.condition == gallery, f"condition {gallery}")
    return _split(train, gallery_walks, probe_walks, duplicates, exclude_same_recording=probe == gallery)


def _split(
    train: Sequence[Walk],
    gallery: Sequence[Walk],
    probe: Sequence[Walk],
    duplicates: Sequence[Walk],
    *,
    exclude_same_recording: bool = False,
) -> Split:
    known = {walk.person for walk in gallery or train}
    for walk in probe:
        if walk.person not in known:
            role = "gallery" if gallery else "training"
            raise DataError(
                f"{walk.name} is a probe, but person {walk.person} has no {role} walk: the data set is "
                "incomplete; add the missing files, or leave the person out"
            )
    if not probe:
        raise DataError("no probe walk: expected at least two takes of some view; add the missing files")
    return Split(
        tuple(train),
        tuple(gallery),
        tuple(probe),
        tuple(duplicates),
        exclude_same_recording=exclude_same_recording,
    )


def _filter(walks: Sequence[Walk], condition: Callable[[Walk], bool], what: str) -> list[Walk]:
    """Returns the walks that meet a condition; raises `DataError` if there are none."""
    found = [walk for walk in walks if condition(walk)]
    if not found:
        raise DataError(
            f"no walk of {what} among {len(walks)} walks; the split needs them: add the missing files"
        )
    return found


def _in_view(walks: Sequence[Walk], view: str) -> list[Walk]:
    return _filter(walks, lambda walk: walk.view == view, f"view {view}")


def _group(
    walks: Iterable[Walk], key: Callable[[Walk], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], list[Walk]]]:
    """Groups walks by key, sorted, so that the order of the files has no effect."""
    groups: dict[tuple[str, ...], list[Walk]] = {}
    for walk in sorted(walks, key=lambda walk: (walk.person, walk.walk)):
        groups.setdefault(key(walk), []).append(walk)
    return sorted(groups.items())


def _generator(seed: int, *names: str) -> np.random.Generator:
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


_CME_CONDITIONS = (  # probe, gallery (Table 9)
    ("nm", "nm"),
    ("bg", "bg"),
    ("cl", "cl"),
    ("cl", "nm"),
    ("bg", "nm"),
)

PUBLISHED_SPLITS: Mapping[tuple[str, str], tuple[NamedSplit, ...]] = MappingProxyType(
    {
        ("kgbd", "rn"): (NamedSplit("kgbd", rn_split, "probe"),),
        ("kgbd", "direct"): (NamedSplit("kgbd", direct_split, "probe", "gallery"),),
        ("biwi", "rn"): (NamedSplit("biwi", partial(session_split, probe="Walking"), "Walking"),),
        ("biwi", "direct"): (
            NamedSplit(
                "biwi-walking", partial(session_split, probe="Walking", gallery="Still"), "Walking", "Still"
            ),
            NamedSplit(
                "biwi-still", partial(session_split, probe="Still", gallery="Walking"), "Still", "Walking"
            ),
        ),
        ("ias", "rn"): (
            NamedSplit("ias-a", partial(session_split, probe="TestingA"), "A"),
            NamedSplit("ias-b", partial(session_split, probe="TestingB"), "B"),
        ),
        ("ias", "direct"): (
            NamedSplit("ias-a", partial(session_split, probe="TestingA", gallery="TestingB"), "A", "B"),
            NamedSplit("ias-b", partial(session_split, probe="TestingB", gallery="TestingA"), "B", "A"),
        ),
        ("ks20", "rn"): (
            NamedSplit("ks20", random_take_split, "probe"),
            *(
                NamedSplit(f"ks20-view-{degrees}", partial(cross_view_split, view=view))
                for view, degrees in KS20_VIEWS.items()
            ),
        ),
        ("ks20", "direct"): (NamedSplit("ks20", take_split, "probe", "gallery"),),
        ("casia-b", "cve"): tuple(
            NamedSplit(f"view-{view}", partial(neighbour_view_split, view=view)) for view in CASIA_VIEWS
        ),
        ("casia-b", "cme"): tuple(
            NamedSplit(f"{probe}-{gallery}", partial(condition_split, probe=probe, gallery=gallery))
            for probe, gallery in _CME_CONDITIONS
        ),
    }
)
"""The splits by data set and protocol."""


def protocol_splits(dataset: str, protocol: str) -> tuple[NamedSplit, ...]:
    """Returns the splits of a data set under a protocol.

    Raises:
        UserError: the data set has no such protocol; the message lists those that it has.
    """
    found = PUBLISHED_SPLITS.get((dataset, protocol))
    if found is None:
        known = [known for name, known in PUBLISHED_SPLITS if name == dataset]
        choices = f"choose one of {', '.join(known)}" if known else "no protocol is published for it"
        raise UserError(f"{dataset} has no protocol {protocol!r}; {choices}")
    return found
