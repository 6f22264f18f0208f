"""The published protocols: how each data set is parted into training, gallery and probes.

`PROTOCOLS` names the splits of a data set under a protocol; a split is drawn from the walks by a seed.

| protocol | what |
|---|---|
| rn | people are classified by what was learned from their own training walks (paper, Sec. 4.1) |
| direct | probes are matched with gallery walks by distance; the other walks train (the later papers) |
| cve | CASIA-B: one view is tested, the views beside it train (paper, Sec. 4.1) |
| cme | CASIA-B: half of the people train; of the other half, by condition, probes and gallery (Sec. 4.1) |
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
from tools.evaluation.splits.walk_split import Split, direct_split, drop_copies, rn_split

__all__ = [
    "CASIA_VIEWS",
    "KS20_VIEWS",
    "PROTOCOLS",
    "NamedSplit",
    "condition_split",
    "cross_view_split",
    "neighbour_view_split",
    "protocol_splits",
    "random_take_split",
    "session_split",
    "take_split",
]

Draw = Callable[[Iterable[Walk], int], Split]
"""Parts the walks of a data set by a seed."""

KS20_VIEWS: Mapping[str, int] = MappingProxyType(
    {"left_lateral": 0, "left_diagonal": 30, "frontal": 90, "right_diagonal": 130, "right_lateral": 180}
)
"""KS20's views and their degrees."""

CASIA_VIEWS = tuple(f"{degrees:03d}" for degrees in range(0, 181, 18))
"""CASIA-B's views, in degrees."""


@dataclass(frozen=True, slots=True)
class NamedSplit:
    """One split of a data set.

    Attributes:
        name: as reports and published figures call it.
        draw: makes it.
        probe_part: which part of preprocessed arrays has its probes; empty where none does.
        gallery_part: the same of its gallery.
    """

    name: str
    draw: Draw
    probe_part: str = ""
    gallery_part: str = ""


def session_split(walks: Iterable[Walk], seed: int, *, probe: str, gallery: str = "") -> Split:
    """By session: Training trains, one session has the probes, and one, if named, the gallery.

    Nothing is drawn. Other sessions have no role.

    Raises:
        DataError: a session has no walks, or somebody is a probe whom nothing knows.
    """
    del seed
    kept, copies = drop_copies(walks)
    train = _of(kept, lambda walk: walk.session == "Training", "session Training")
    probes = _of(kept, lambda walk: walk.session == probe, f"session {probe}")
    known = _of(kept, lambda walk: walk.session == gallery, f"session {gallery}") if gallery else ()
    return _split(train, known, probes, copies)


def random_take_split(walks: Iterable[Walk], seed: int) -> Split:
    """Of each person's takes in each view one at random is a probe, the others train (KS20's RS).

    A view of which a person has one take only trains. What is drawn for a person and a view depends on the
    seed and on those two alone.

    Raises:
        DataError: there are no walks, or somebody is a probe with nothing to learn from.
    """
    kept, copies = drop_copies(walks)
    train: list[Walk] = []
    probe: list[Walk] = []
    for (person, view), own in _grouped(kept, lambda walk: (walk.person, walk.view)):
        drawn = _generator(seed, person, view).integers(len(own)) if len(own) > 1 else -1
        for place, walk in enumerate(own):
            (probe if place == drawn else train).append(walk)
    return _split(train, (), probe, copies)


def cross_view_split(walks: Iterable[Walk], seed: int, *, view: str) -> Split:
    """All walks of one view are probes, all others train (KS20's CVS). Nothing is drawn.

    Raises:
        DataError: the view has no walks, or somebody was seen in no other.
    """
    del seed
    kept, copies = drop_copies(walks)
    probe = _of(kept, lambda walk: walk.view == view, f"view {view}")
    return _split(_of(kept, lambda walk: walk.view != view, f"views beside {view}"), (), probe, copies)


def take_split(walks: Iterable[Walk], seed: int) -> Split:
    """Of each person one take at random, in all views, is the gallery and another the probe; others train.

    What is drawn for a person depends on the seed and on that person alone.

    Raises:
        DataError: somebody has one take only.
    """
    kept, copies = drop_copies(walks)
    roles: tuple[list[Walk], list[Walk], list[Walk]] = ([], [], [])  # gallery, probe, train
    for (person,), own in _grouped(kept, lambda walk: (walk.person,)):
        takes = sorted({walk.session for walk in own})
        if len(takes) < 2:
            raise DataError(
                f"{own[0].name} is of the only take of person {person}: expected two or more, one to be "
                "recognised by another; leave the person out"
            )
        order = _generator(seed, person).permutation(len(takes)).tolist()
        for walk in own:
            roles[min(order.index(takes.index(walk.session)), 2)].append(walk)
    gallery, probe, train = roles
    return _split(train, gallery, probe, copies)


def neighbour_view_split(walks: Iterable[Walk], seed: int, *, view: str) -> Split:
    """All walks of one view are probes, those of the one or two views beside it train (CVE).

    Nothing is drawn. CASIA-B's cameras filmed each walk together: what trains shows the same steps from 18
    degrees away.

    Raises:
        DataError: one of these views has no walks, or somebody is a probe with nothing to learn from.
    """
    del seed
    kept, copies = drop_copies(walks)
    place = CASIA_VIEWS.index(view)
    beside = {CASIA_VIEWS[at] for at in (place - 1, place + 1) if 0 <= at < len(CASIA_VIEWS)}
    train = [walk for near in sorted(beside) for walk in _in_view(kept, near)]
    return _split(train, (), _in_view(kept, view), copies)


def condition_split(walks: Iterable[Walk], seed: int, *, probe: str, gallery: str) -> Split:
    """Half of the people, drawn at random, train; of the others, probes and gallery by condition (CME).

    Under one condition the same walks are both, and a probe is never compared with its own (`own_left_out`).
    The other views of the same steps stay: CASIA-B's cameras filmed them together.

    Args:
        walks: of CASIA-B.
        seed: draws who trains; the same people whatever the conditions.
        probe: nm, bg or cl.
        gallery: the same.

    Raises:
        DataError: there are fewer than two people, or a tested person lacks one of the conditions.
    """
    kept, copies = drop_copies(walks)
    people = sorted({walk.person for walk in kept})
    if len(people) < 2:
        raise DataError(f"expected two people or more, half of them to train on, got {len(people)}")
    order = np.random.default_rng(seed).permutation(len(people))
    tested = {people[place] for place in order[len(people) // 2 :]}
    train = [walk for walk in kept if walk.person not in tested]
    held = [walk for walk in kept if walk.person in tested]
    asked = _of(held, lambda walk: walk.condition == probe, f"condition {probe}")
    known = _of(held, lambda walk: walk.condition == gallery, f"condition {gallery}")
    return _split(train, known, asked, copies, own_left_out=probe == gallery)


def _split(
    train: Sequence[Walk],
    gallery: Sequence[Walk],
    probe: Sequence[Walk],
    copies: Sequence[Walk],
    *,
    own_left_out: bool = False,
) -> Split:
    known = {walk.person for walk in gallery or train}
    for walk in probe:
        if walk.person not in known:
            role = "in the gallery" if gallery else "to learn from"
            raise DataError(
                f"{walk.name} is to be recognised, and person {walk.person} has no walk {role}: the data set "
                "is not whole; add the missing files, or leave the person out"
            )
    if not probe:
        raise DataError("there is no walk to be recognised here: expected two takes of some view at least")
    return Split(tuple(train), tuple(gallery), tuple(probe), tuple(copies), own_left_out=own_left_out)


def _of(walks: Sequence[Walk], wanted: Callable[[Walk], bool], what: str) -> list[Walk]:
    found = [walk for walk in walks if wanted(walk)]
    if not found:
        raise DataError(
            f"there is no walk of {what} among {len(walks)} here: the split needs it; add the missing files"
        )
    return found


def _in_view(walks: Sequence[Walk], view: str) -> list[Walk]:
    return _of(walks, lambda walk: walk.view == view, f"view {view}")


def _grouped(
    walks: Iterable[Walk], key: Callable[[Walk], tuple[str, ...]]
) -> list[tuple[tuple[str, ...], list[Walk]]]:
    """Walks by key, both sorted, so that their order in the files decides nothing."""
    groups: dict[tuple[str, ...], list[Walk]] = {}
    for walk in sorted(walks, key=lambda walk: (walk.person, walk.walk)):
        groups.setdefault(key(walk), []).append(walk)
    return sorted(groups.items())


def _generator(seed: int, *names: str) -> np.random.Generator:
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


_CME = (("nm", "nm"), ("bg", "bg"), ("cl", "cl"), ("cl", "nm"), ("bg", "nm"))  # probe, gallery (Table 9)

PROTOCOLS: Mapping[tuple[str, str], tuple[NamedSplit, ...]] = MappingProxyType(
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
            for probe, gallery in _CME
        ),
    }
)
"""The splits by data set and protocol."""


def protocol_splits(dataset: str, protocol: str) -> tuple[NamedSplit, ...]:
    """The splits of a data set under a protocol.

    Raises:
        UserError: nobody published such; the text says which there are.
    """
    found = PROTOCOLS.get((dataset, protocol))
    if found is None:
        own = [known for name, known in PROTOCOLS if name == dataset]
        there = f"of {dataset} there are {', '.join(own)}" if own else f"nothing was published on {dataset}"
        raise UserError(f"{dataset} has no protocol {protocol!r}: {there}")
    return found
