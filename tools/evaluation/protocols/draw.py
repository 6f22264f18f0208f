"""One draw of a protocol: what may be learned from, what probes are compared with, and the probes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stream.errors import UserError
from tools.datasets import Walk
from tools.evaluation.methods import Material, data_set_of, person_key
from tools.evaluation.splits.walk_split import Split, WindowSet, own_walks

__all__ = ["Trial", "data_set_name", "trial_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One draw; every method of a table is measured on the same.

    Attributes:
        data_set: its name.
        seed: which walks play which role, and whatever methods draw.
        probes: windows to recognise, which start every f skeletons.
        train: windows to learn from, which start every f // 2 skeletons; None where nobody has a walk for it.
        gallery: windows that probes are compared with; None where people are classified by what was learned.
        copies: names of walks left out because another has the same frames.
        left_out: (walks of the probes, walks of the gallery), whose windows are never compared: one and the
            same walk, where a protocol lets it stand on both sides; None where none does.

    Raises:
        ValueError: the probes name people differently than what they are compared with.
    """

    data_set: str
    seed: int
    probes: WindowSet
    train: WindowSet | None
    gallery: WindowSet | None
    copies: tuple[str, ...] = ()
    left_out: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        known = self.gallery or self.train
        if known is not None and known.names != self.probes.names:
            raise ValueError("probes: expected the same names as of what they are compared with")

    @property
    def f(self) -> int:
        """Skeletons a window."""
        return int(self.probes.windows.shape[1])

    @property
    def probe_people(self) -> frozenset[str]:
        """Who is to be recognised, as `data set/person`."""
        people = set(self.probes.people.tolist())
        return frozenset(person_key(self.data_set, self.probes.names[place]) for place in people)

    def material(self, threads: int = 0) -> Material:
        """What methods may learn from.

        Raises:
            UserError: there is nothing.
        """
        if self.train is None:
            raise UserError(
                "nobody here has a walk to learn from beside those of the gallery and the probes: expected "
                "at least three walks of some people; leave out the methods that learn (--method default)"
            )
        return Material(self.train, self.seed, threads)

    def with_probes_shuffled(self) -> Self:
        """The same trial with the names of the probes at random: a check for leaks."""
        return replace(self, probes=self.probes.with_people_shuffled(self.seed))

    def summary(self) -> dict[str, Any]:
        """What was drawn, as JSON takes it."""
        return {
            "dataset": self.data_set,
            "f": self.f,
            "seed": self.seed,
            "people": len(self.probe_people),
            "windows": len(self.probes),
            "train_windows": 0 if self.train is None else len(self.train),
            "gallery_windows": 0 if self.gallery is None else len(self.gallery),
            "copies_left_out": list(self.copies),
        }


def data_set_name(walk_name: str) -> str:
    """The data set of a walk called `kgbd/1/2` or `kgbd_kinect1_20j/1/2`: `kgbd`."""
    source = walk_name.partition("/")[0]
    return data_set_of(source) or source


def trial_of(
    split: Split,
    *,
    data_set: str | None = None,
    f: int = 6,
    seed: int = 0,
    native: bool = False,
    train_step: int | None = None,
    gallery_step: int | None = None,
) -> Trial:
    """Cut the windows of a split.

    Args:
        split: the roles of the walks.
        data_set: its name; as the walks' names have it if not given.
        f: skeletons a window; probe windows do not overlap.
        seed: that drew the roles, and that methods draw by.
        native: keep the joints and the frame rate of the data set; or else the canonical 20 at 30 Hz.
        train_step: skeletons from one training window's start to the next; f // 2 if not given.
        gallery_step: the same of the gallery; f if not given, as in the published arrays, which keep gallery
            and probe alike. With f // 2 the gallery is twice as dense, and every method names more windows
            rightly.

    Raises:
        DataError: a person who has walks has no window in them.
        UserError: canonical joints are asked of skeletons in pixels.
    """
    learned = _people(split.train)
    known = _people((*split.gallery, *split.probe)) if split.gallery else learned

    def cut(walks: tuple[Walk, ...], names: tuple[str, ...], step: int) -> WindowSet | None:
        return WindowSet.cut(walks, names, f, step, native=native) if walks else None

    probes = WindowSet.cut(split.probe, known, f, f, native=native)
    gallery = cut(split.gallery, known, gallery_step or f)
    return Trial(
        data_set or data_set_name(split.probe[0].name),
        seed,
        probes,
        cut(split.train, learned, train_step or f // 2),
        gallery,
        tuple(walk.name for walk in split.copies),
        own_walks(probes, gallery) if split.own_left_out and gallery is not None else None,
    )


def _people(walks: Iterable[Walk]) -> tuple[str, ...]:
    return tuple(sorted({walk.person for walk in walks}))
