"""Fits the boosted trees of `stream.windows.body_change` to KGBD, people 1-100.

    python -m tools.backend_fit.body_change_fit DATA [FILE]

Negative cases are the jumps of single walks, positive ones the jumps of recordings spliced from the walks of
two people. `python -m tools.trials.body_change DATA` measures the same fit by cross-validation over people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from safetensors.numpy import save
from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

from stream.body import FloatArray
from stream.errors import SgeError
from stream.shipped_files import write_checksums
from stream.skeleton import get_layout, to_canonical
from stream.terminal.consoles import plain_console
from stream.windows import boosted_trees
from stream.windows.body_change import AFTER, BEFORE, BodyObserver, Jump, is_jump, measure_jump
from stream.windows.boosted_trees import BoostedTrees
from tools.backend_fit.offline_pipeline import kgbd_walks
from tools.datasets import Walk

__all__ = [
    "Frames",
    "Measures",
    "fit_trees",
    "frames_of",
    "jumps_of",
    "main",
    "measure_splice",
    "measure_splices",
    "random_splices",
    "splice",
    "trees_of",
]

SPLICES, TREES, LEAVES, RATE, SEED = 6000, 300, 8, 0.05, 1
PERIOD_NS = 33_333_333
EDGE = 60
"""Frames at both ends of a walk in which no splice lies: 2 s."""

Measures = NDArray[np.float32] | None
out = plain_console()


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The complete skeletons of one walk.

    Attributes:
        person: name of the person.
        walk: name of the walk among the person's walks.
        time_ns: (T,) int64.
        joints: (T, 20, 3) float32, metres, canonical order.
    """

    person: str
    walk: str
    time_ns: NDArray[np.int64]
    joints: FloatArray


def frames_of(walk: Walk) -> Frames:
    """Returns the frames of a walk with all joints."""
    joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
    complete = np.isfinite(joints).all(axis=(1, 2)) & (confidence > 0).all(axis=1)
    return Frames(walk.person, walk.walk, walk.time_ns[complete], joints[complete])


def splice(first: Frames, at: int, second: Frames, start: int) -> Frames:
    """Returns `first` up to frame `at`, then `second` from frame `start`, at the same place without a gap."""
    shift = first.joints[at - 1, :1] - second.joints[start, :1]
    joints = np.concatenate((first.joints[:at], second.joints[start:] + shift))
    later = second.time_ns[start:] - second.time_ns[start] + first.time_ns[at - 1] + PERIOD_NS
    return Frames(first.person, first.walk, np.concatenate((first.time_ns[:at], later)), joints)


def random_splices(
    walks: Sequence[Frames], count: int, random: np.random.Generator, edge: int = EDGE
) -> list[tuple[Frames, int, Frames, int]]:
    """Returns arguments of `splice` for pairs of different people, in the middle of both walks.

    Args:
        walks: of several people.
        count: number of splices.
        random: chooses them.
        edge: frames at both ends of a walk in which no splice lies; shorter walks than 3 x this are left out.
    """
    found: list[tuple[Frames, int, Frames, int]] = []
    long_enough = [walk for walk in walks if len(walk.time_ns) > 3 * edge]
    while len(found) < count:
        first, second = (long_enough[place] for place in random.integers(len(long_enough), size=2))
        if first.person != second.person:
            at = int(random.integers(edge, len(first.time_ns) - edge))
            start = int(random.integers(edge // 2, len(second.time_ns) - edge))
            found.append((first, at, second, start))
    return found


def jumps_of(walk: Frames) -> list[Jump]:
    """Returns the jumps in a walk."""
    observer = BodyObserver()
    found = (observer.push(*each) for each in zip(walk.time_ns.tolist(), walk.joints, strict=True))
    return [jump for jump in found if jump is not None]


def measure_splice(first: Frames, at: int, second: Frames, start: int) -> Measures:
    """Returns the measures of the jump at a splice; None if the joints hardly move there."""
    before, after = first.joints[max(0, at - BEFORE) : at], second.joints[start : start + AFTER]
    skeletons = np.concatenate((before - before[:, :1], after - after[:, :1]))
    return measure_jump(skeletons, len(before)) if is_jump(*skeletons[len(before) - 1 :][:2]) else None


def measure_splices(walks: Sequence[Frames], count: int, random: np.random.Generator) -> list[Measures]:
    """Returns the measures of random splices; None for those whose joints hardly move."""
    return [measure_splice(*each) for each in random_splices(walks, count, random)]


def fit_trees(single: Sequence[Jump], spliced: Sequence[Measures]) -> BoostedTrees:
    """Fits trees that tell the jumps of single walks from those of splices."""
    positive = [measures for measures in spliced if measures is not None]
    model = HistGradientBoostingClassifier(
        max_iter=TREES, learning_rate=RATE, max_leaf_nodes=LEAVES, l2_regularization=1.0, early_stopping=False
    )
    cases = np.stack([jump.measures for jump in single] + positive)
    model.fit(cases, np.repeat([0, 1], [len(single), len(positive)]))
    return trees_of(model)


def trees_of(model: HistGradientBoostingClassifier) -> BoostedTrees:
    """Returns the trees of a fitted model; `tests/tools/backend_fit` checks that the scores are the same."""
    trees = [own[0].nodes for own in model._predictors]
    size = max(map(len, trees))

    def rows(name: str) -> NDArray[np.float64]:
        # Nodes behind the last are never reached.
        return np.stack([np.resize(tree[name], size) for tree in trees]).astype(np.float64)

    leaf = rows("is_leaf") > 0
    return BoostedTrees(
        feature=np.where(leaf, -1, rows("feature_idx")).astype(np.int32),
        limit=rows("num_threshold").astype(np.float32),
        left=rows("left").astype(np.int32),
        right=rows("right").astype(np.int32),
        value=rows("value").astype(np.float32),
        start=np.array(model._baseline_prediction, np.float32).ravel(),
    )


def main(
    data: Annotated[Path, typer.Argument(help="Folder with the packed files of KGBD.")],
    file: Annotated[Path | None, typer.Argument(help="File to write; default: the one that ships.")] = None,
) -> None:
    """Fits the trees to all people and writes their file."""
    try:
        walks = [frames_of(ref.read()) for ref in kgbd_walks(data, range(1, 101))]
    except SgeError as error:
        typer.echo(f"body_change_fit: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    spliced = measure_splices(walks, SPLICES, np.random.default_rng(SEED))
    trees = fit_trees([jump for walk in walks for jump in jumps_of(walk)], spliced)
    target = file or Path(boosted_trees.__file__).parent / "fitted" / boosted_trees.FILE_NAME
    names = BoostedTrees.__slots__
    target.write_bytes(save({name: getattr(trees, name) for name in names}))
    if file is None:
        write_checksums(target.parent, target.name)
    out.print(f"wrote {len(trees.feature)} trees to {target}")


if __name__ == "__main__":
    typer.run(main)
