"""One draw of a protocol: training, gallery and probe windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stream.errors import UserError
from tools.datasets import Walk
from tools.evaluation.methods import TrainingInput, data_set_of, person_key
from tools.evaluation.splits.walk_split import Split
from tools.evaluation.splits.window_set import WindowSet, same_recordings

__all__ = ["ProtocolDraw", "data_set_name", "draw_from_split"]


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolDraw:
    """One assignment of walks to roles, cut into windows; all methods of a table use the same draw.

    Attributes:
        data_set: the data set's name.
        seed: seed of the roles, and of the methods' own random choices.
        probes: windows to identify; they start every f skeletons.
        train: training windows; they start every f // 2 skeletons. None without training walks.
        gallery: windows that probes are compared with; None if the protocol classifies.
        duplicates: names of walks left out because another walk has the same frames.
        excluded_pairs: (probe walks, gallery walks), True where the two are the same recording, whose
            windows are not compared; None if no walk is both probe and gallery.

    Raises:
        ValueError: the probes and what they are compared with have different names of people.
    """

    data_set: str
    seed: int
    probes: WindowSet
    train: WindowSet | None
    gallery: WindowSet | None
    duplicates: tuple[str, ...] = ()
    excluded_pairs: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        known = self.gallery or self.train
        if known is not None and known.names != self.probes.names:
            raise ValueError("probes: expected the same names as in the gallery or the training windows")

    @property
    def f(self) -> int:
        """Skeletons in a window."""
        return int(self.probes.windows.shape[1])

    @property
    def probe_people(self) -> frozenset[str]:
        """The people of the probes, as `data set/person`."""
        people = set(self.probes.people.tolist())
        return frozenset(person_key(self.data_set, self.probes.names[index]) for index in people)

    def training_input(self, threads: int = 0) -> TrainingInput:
        """Returns the input of the methods' training.

        Raises:
            UserError: there are no training walks.
        """
        if self.train is None:
            raise UserError(
                "no training walks are left beside those of the gallery and the probes: expected at least "
                "three walks of some people; leave out the methods that learn (--method default)"
            )
        return TrainingInput(self.train, self.seed, threads)

    def with_probes_shuffled(self) -> Self:
        """Returns the draw with the probes' names permuted at random, to check for leaks."""
        return replace(self, probes=self.probes.with_people_shuffled(self.seed))

    def summary(self) -> dict[str, Any]:
        """Returns a summary of the draw for JSON."""
        return {
            "dataset": self.data_set,
            "f": self.f,
            "seed": self.seed,
            "people": len(self.probe_people),
            "windows": len(self.probes),
            "train_windows": 0 if self.train is None else len(self.train),
            "gallery_windows": 0 if self.gallery is None else len(self.gallery),
            "copies_left_out": list(self.duplicates),
        }


def data_set_name(walk_name: str) -> str:
    """Returns the data set of a walk's name: `kgbd` for `kgbd/1/2` and for `kgbd_kinect1_20j/1/2`."""
    source = walk_name.partition("/")[0]
    return data_set_of(source) or source


def draw_from_split(
    split: Split,
    *,
    data_set: str | None = None,
    f: int = 6,
    seed: int = 0,
    native: bool = False,
    train_step: int | None = None,
    gallery_step: int | None = None,
) -> ProtocolDraw:
    """Cuts the windows of a split.

    Args:
        split: the roles of the walks.
        data_set: the data set's name; None takes it from the walks' names.
        f: skeletons in a window; probe windows do not overlap.
        seed: seed that drew the roles, and of the methods' own random choices.
        native: keep the joints and the frame rate of the data set; otherwise the canonical 20 joints at
            30 Hz.
        train_step: skeletons between the starts of training windows; None is f // 2.
        gallery_step: skeletons between the starts of gallery windows; None is f, as in the published arrays,
            which cut gallery and probes alike. With f // 2 the gallery is twice as dense, and every method
            identifies more windows.

    Raises:
        DataError: the walks of a person hold no window.
        UserError: the skeletons are in pixels and `native` is False.
    """
    train_names = _people(split.train)
    names = _people((*split.gallery, *split.probe)) if split.gallery else train_names

    def cut(walks: tuple[Walk, ...], names: tuple[str, ...], step: int) -> WindowSet | None:
        return WindowSet.cut(walks, names, f, step, native=native) if walks else None

    probes = WindowSet.cut(split.probe, names, f, f, native=native)
    gallery = cut(split.gallery, names, gallery_step or f)
    return ProtocolDraw(
        data_set or data_set_name(split.probe[0].name),
        seed,
        probes,
        cut(split.train, train_names, train_step or f // 2),
        gallery,
        tuple(walk.name for walk in split.duplicates),
        same_recordings(probes, gallery) if split.exclude_same_recording and gallery is not None else None,
    )


def _people(walks: Iterable[Walk]) -> tuple[str, ...]:
    return tuple(sorted({walk.person for walk in walks}))
