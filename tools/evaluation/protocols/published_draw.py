"""Draws of the published protocols, from a data set's walks or from its published precut windows."""

from __future__ import annotations

from stream.errors import UserError
from tools.datasets import Dataset
from tools.evaluation.protocols.draw import ProtocolDraw, draw_from_split
from tools.evaluation.splits.published_splits import NamedSplit
from tools.evaluation.splits.window_set import WindowSet

__all__ = ["draw_published_split"]


def draw_published_split(
    dataset: Dataset, named: NamedSplit, *, f: int = 6, seed: int = 0, native: bool = True
) -> ProtocolDraw:
    """Draws one split of a data set and cuts its windows.

    Training windows start every f // 2 skeletons, gallery and probe windows every f, as published.

    Args:
        dataset: a data set opened by `tools.datasets.open_dataset`.
        named: one of its splits (`tools.evaluation.splits.published_splits.protocol_splits`).
        f: skeletons in a window; must be that of precut windows.
        seed: draws the roles; precut windows have fixed roles.
        native: keep the joints and the frame rate of the data set, as published; otherwise the canonical 20
            joints at 30 Hz. Pre-cut windows stay as they are.

    Raises:
        DataError: the data set is incomplete, a file is broken, or a person has no window.
        UserError: the precut windows have another f or lack a part of this split; or the skeletons are in
            pixels and `native` is False.
    """
    if dataset.precut:
        return _draw_precut(dataset, named, f, seed)
    split = named.draw(dataset.read(), seed)
    return draw_from_split(split, data_set=dataset.name, f=f, seed=seed, native=native)


def _draw_precut(dataset: Dataset, named: NamedSplit, f: int, seed: int) -> ProtocolDraw:
    needed = ["train", *(part for part in (named.probe_part, named.gallery_part) if part)]
    missing = [part for part in needed if part not in dataset.precut]
    if missing or not named.probe_part:
        raise UserError(
            f"the precut windows of {dataset.name} have the parts {', '.join(dataset.precut)}, but "
            f"{named.name} needs {missing[0] if missing else 'others'}; give the data set's original files"
        )
    parts = {part: dataset.precut[part].read() for part in needed}
    found_f = parts["train"].windows.shape[1]
    if found_f != f:
        raise UserError(
            f"the precut windows of {dataset.name} have {found_f} skeletons, expected {f}; "
            f"use f = {found_f}, or give the folder of windows with {f}"
        )
    train_names = tuple(sorted(set(parts["train"].people)))
    gallery_people = set(parts[named.gallery_part].people) if named.gallery_part else set()
    names = tuple(sorted(gallery_people)) or train_names

    def windows(part: str, names: tuple[str, ...]) -> WindowSet:
        return WindowSet.of_precut(parts[part], names, dataset.layout, dataset.rate_hz)

    return ProtocolDraw(
        dataset.name,
        seed,
        windows(named.probe_part, names),
        windows("train", train_names),
        windows(named.gallery_part, names) if named.gallery_part else None,
    )
