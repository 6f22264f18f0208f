"""Walks of synthetic people, for tests of protocols and methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stream.skeleton import CANONICAL
from tools.datasets import Walk
from tools.evaluation.protocols.draw import ProtocolDraw, draw_from_split
from tools.evaluation.splits.walk_split import direct_split, rn_split

F = 4


def synthetic_walks(people: int, walks: int = 4, frames: int = 48, noise: float = 0.002) -> list[Walk]:
    """Returns several walks of each of some people of different build; person and walk seed the numbers."""
    found = []
    for person in range(people):
        build = np.random.default_rng(person).normal(0, 0.3, (20, 3))
        for number in range(walks):
            random = np.random.default_rng([person, number])
            joints = (build + random.normal(0, noise, (frames, 20, 3))).astype("f4")
            joints[:, 0] = 0.01
            found.append(
                Walk(
                    f"p{person:02d}",
                    str(number),
                    "synthetic",
                    "kinect-v1",
                    np.arange(frames, dtype=np.int64) * 33_333_333,
                    joints,
                    np.ones((frames, 20), np.float32),
                    f"synthetic/p{person:02d}/{number}",
                )
            )
    return found


def windows(n: int, seed: int = 0, joints: int = 20) -> Any:
    """Returns windows (n, F, J, 3) of noise."""
    return np.random.default_rng(seed).normal(0, 0.3, (n, F, joints, 3)).astype("f4")


def write_packed(path: Path, walks: Sequence[Walk], first: int = 1) -> Path:
    """Writes walks as a packed file; people are numbered from `first`."""
    names = sorted({walk.person for walk in walks})
    np.savez(
        path,
        joints=np.concatenate([walk.joints for walk in walks]),
        offsets=np.cumsum([0, *(len(walk.time_ns) for walk in walks)]),
        subject=[first + names.index(walk.person) for walk in walks],
        trial=[int(walk.walk) for walk in walks],
        fps=30.0,
        joint_names=np.array(CANONICAL),
        sensor_kind="kinect-v1",
    )
    return path


class ProgressLog:
    """Records progress reports."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.texts: list[str] = []

    def __call__(self, done: float, text: str) -> None:
        self.shares.append(done)
        self.texts.append(text)


def direct_draw(
    walks: Iterable[Walk], *, f: int = 6, seed: int = 0, gallery_step: int | None = None
) -> ProtocolDraw:
    """Returns a draw of `direct_split`, with canonical windows."""
    return draw_from_split(direct_split(walks, seed), f=f, seed=seed, gallery_step=gallery_step)


def rn_draw(walks: Iterable[Walk], *, f: int = 6, seed: int = 0) -> ProtocolDraw:
    """Returns a draw of `rn_split`, with canonical windows."""
    return draw_from_split(rn_split(walks, seed), f=f, seed=seed)
