"""What every method of a table has in common: what it may learn from, and what it gives.

A method learns once a trial, from `Material`, which holds nothing of the probes or the gallery, and gives one
or several descriptions, each a row of the table. Protocols know methods by this contract alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from stream.body import FloatArray
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["Classify", "Description", "Features", "Fixed", "Material", "Method", "Metric", "Told", "describe"]

Features = Callable[[FloatArray], FloatArray]
"""Windows (n, f, 20, 3), hip-centred metres, to rows (n, D) float32; each row depends on its window alone."""

Classify = Callable[[FloatArray], FloatArray]
"""Windows (n, f, 20, 3) to scores (n, C) float32 over `Material.train.names`; higher is likelier."""

Metric = Literal["euclidean", "cosine"]
"""How two rows are compared."""

Told = Callable[[float, str], object]
"""Is told how a learning goes: the share that is done, 0 to 1, and what is being done."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a method may learn from; nothing of the probes or the gallery.

    Attributes:
        train: windows that start every f // 2 skeletons, hip-centred, with their people.
        seed: of everything random.
        threads: of the CPU; 0 leaves them to the library.
    """

    train: WindowSet
    seed: int
    threads: int = 0

    @property
    def f(self) -> int:
        """Skeletons a window."""
        return int(self.train.windows.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """A way to describe or to classify windows, as one row of a table.

    Attributes:
        name: how it is called.
        features: describes windows; None where they are only classified.
        parts: the equally long parts that a row is the concatenation of, one a skeleton; 1 where a row
            describes the window as a whole.
        classify: names people; None where a recognition network is to learn them from the features.
        metric: how its rows are compared where nobody says otherwise.
        supervised: whether labels were used to learn it.

    Raises:
        ValueError: it neither describes nor classifies.
    """

    name: str
    features: Features | None = None
    parts: int = 1
    classify: Classify | None = None
    metric: Metric = "euclidean"
    supervised: bool = False

    def __post_init__(self) -> None:
        if self.features is None and self.classify is None:
            raise ValueError(f"{self.name}: expected features or classify, got neither")


class Method(Protocol):
    """What learns once a trial and then describes windows."""

    @property
    def gives(self) -> tuple[str, ...]:
        """The names of its descriptions."""
        ...

    @property
    def learns(self) -> bool:
        """Whether it looks at its material's windows or walks; without, a trial needs no training walks."""
        ...

    @property
    def seen(self) -> frozenset[str]:
        """Whom it was taught on before the trial, as `data set/person`; none of them may be a probe."""
        ...

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Learn, and give the descriptions of `gives`, in that order.

        Args:
            material: may be None where `learns` is False.
            told: is told how it goes, and at the end that 1.0 is done.

        Raises:
            UserError: it cannot learn from this material.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """A method that learns nothing: its descriptions are there from the beginning.

    Attributes:
        descriptions: what it gives.
        seen: whom it was taught on before.
    """

    descriptions: tuple[Description, ...]
    seen: frozenset[str] = field(default=frozenset())

    @property
    def gives(self) -> tuple[str, ...]:
        """The names of its descriptions."""
        return tuple(description.name for description in self.descriptions)

    @property
    def learns(self) -> bool:
        """Nothing."""
        return False

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Give the descriptions."""
        told(1.0, "nothing to learn")
        return self.descriptions


def describe(features: Features, windows: FloatArray, block: int = 4096) -> FloatArray:
    """Rows (n, D) of windows, described some at a time, in an array of its own.

    Raises:
        ValueError: a row is not finite, or there are no windows.
    """
    if not len(windows):
        raise ValueError("windows: expected at least one")
    rows: FloatArray | None = None
    for start in range(0, len(windows), block):
        part = features(windows[start : start + block])
        if rows is None:
            rows = np.empty((len(windows), part.shape[1]), np.float32)
        rows[start : start + len(part)] = part
    assert rows is not None
    if not np.isfinite(rows).all():
        raise ValueError("features: expected finite numbers, got NaN or infinity")
    return rows
