"""Boosted decision trees that tell a change of the body from noise, as arrays in a file of safetensors.

`python -m tools.backend_fit.body_change_fit` writes the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from stream.errors import data_errors
from stream.shipped_files import read_shipped

__all__ = ["FILE_NAME", "BoostedTrees", "load_trees"]

FILE_NAME = "body_change.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """A sum of T decision trees, each of at most N nodes.

    Attributes:
        feature: (T, N) int32, the number that a node compares; -1 in a leaf.
        limit: (T, N) float32, numbers up to it go to the left.
        left: (T, N) int32, the node there.
        right: (T, N) int32.
        value: (T, N) float32, what a leaf adds.
        start: (1,) float32, the sum without trees.
    """

    feature: NDArray[np.int32]
    limit: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    start: NDArray[np.float32]

    def score(self, numbers: NDArray[np.float32]) -> float:
        """Returns the log odds for the numbers (M,) of one case."""
        trees = np.arange(len(self.feature))
        node = np.zeros(len(trees), np.int32)
        while (inner := self.feature[trees, node] >= 0).any():
            left = numbers[self.feature[trees, node]] <= self.limit[trees, node]
            node = np.where(inner, np.where(left, self.left[trees, node], self.right[trees, node]), node)
        return float(self.start[0] + self.value[trees, node].sum(dtype=np.float64))


@cache
def load_trees() -> BoostedTrees:
    """Loads the trees that ship.

    Raises:
        DataError: their file is missing or damaged.
    """
    folder = files("stream.windows").joinpath("fitted")
    content = read_shipped(folder, FILE_NAME)
    with data_errors(
        lambda cause: f"{folder.joinpath(FILE_NAME)} is damaged ({cause}); install sge-stream again"
    ):
        return BoostedTrees(**load(content))
