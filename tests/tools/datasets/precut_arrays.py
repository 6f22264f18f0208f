"""Writes precut windows in the files of the later papers: source_x_<set>_<f>.npy and its companions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def write_part(
    folder: Path,
    dataset: str,
    windows: np.ndarray,
    people: Sequence[int],
    *,
    test: bool = True,
    flat: bool = False,
) -> Path:
    """Writes one part: windows (n, f, J, 3) in rows of J numbers (or in one row), and the person of each.

    Returns:
        The file of X.
    """
    folder.mkdir(parents=True, exist_ok=True)
    f, joints = windows.shape[1:3]
    for number, axis in enumerate("xyz"):
        rows = windows[..., number].reshape(-1, joints)
        name = f"{'t_' if test else ''}source_{axis}_{dataset}_{f}.npy"
        np.save(folder / name, rows.ravel() if flat else rows)
    ids = {person: [n for n, owner in enumerate(people) if owner == person] for person in set(people)}
    np.save(folder / f"ids_{dataset}_{f}.npy", np.array(ids), allow_pickle=True)
    np.save(folder / f"frame_id_{dataset}_{f}.npy", np.array(people))
    return folder / f"{'t_' if test else ''}source_x_{dataset}_{f}.npy"


def write_set(
    root: Path, dataset: str, parts: Mapping[str, tuple[np.ndarray, Sequence[int]]], *, flat: bool = False
) -> Path:
    """Writes a folder of parts: the part train to train_npy_data, the others below test_npy_data."""
    for part, (windows, people) in parts.items():
        test = part != "train"
        folder = root / "test_npy_data" / part if test else root / "train_npy_data"
        write_part(folder, dataset, windows, people, test=test, flat=flat)
    return root
