"""A packed data set of simulated people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stream.skeleton import CANONICAL
from tools.backend_fit.offline_pipeline import simulated_walks


def pack_simulated(
    path: Path, seed: int, people: int, walks: int, condition: str = "", **columns: str
) -> None:
    """Writes walks of simulated people, 2 s each, of one manner of walking, and further columns."""
    simulated = [
        walk for number in range(1, walks + 1) for walk in simulated_walks(people, seed, number, 2.0)
    ]
    arrays: dict[str, Any] = {
        "joints": np.nan_to_num(np.concatenate([walk.joints for walk in simulated])),
        "offsets": np.cumsum([0, *(len(walk.joints) for walk in simulated)]),
        "subject": [int(walk.person) for walk in simulated],
        "trial": [int(walk.walk) for walk in simulated],
        "fps": 30.0,
        "joint_names": CANONICAL,
    }
    if condition:
        arrays["style"] = [condition] * len(simulated)
    np.savez(path, **(arrays | columns))
