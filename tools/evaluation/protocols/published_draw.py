"""A trial of a published protocol, from a data set's walks or from the windows that others cut of it."""

from __future__ import annotations

from stream.errors import UserError
from tools.datasets import Dataset
from tools.evaluation.protocols.draw import Trial, trial_of
from tools.evaluation.splits.published_splits import NamedSplit
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["draw_published"]


def draw_published(
    dataset: Dataset, named: NamedSplit, *, f: int = 6, seed: int = 0, native: bool = True
) -> Trial:
    """Draw one split of a data set and cut its windows.

    Training windows start every f // 2 skeletons, the others every f, as published.

    Args:
        dataset: as `tools.datasets.open_dataset` gives it.
        named: one of `tools.evaluation.splits.published_splits.protocol_splits` of it.
        f: skeletons a window; of windows that were cut already, theirs.
        seed: draws the roles; nothing of windows that were cut already, whose parts are given.
        native: keep the joints and the frame rate of the data set, as published; or else the canonical 20
            joints at 30 Hz. Windows that were cut already stay as they are.

    Raises:
        DataError: the data set is not whole, a file of it is broken, or somebody has no window.
        UserError: the preprocessed arrays have another f, or not the parts of this split; or canonical
            joints are asked of skeletons in pixels.
    """
    if dataset.prepared:
        return _prepared(dataset, named, f, seed)
    split = named.draw(dataset.read(), seed)
    return trial_of(split, data_set=dataset.name, f=f, seed=seed, native=native)


def _prepared(dataset: Dataset, named: NamedSplit, f: int, seed: int) -> Trial:
    wanted = ["train", *(part for part in (named.probe_part, named.gallery_part) if part)]
    lacking = [part for part in wanted if part not in dataset.prepared]
    if lacking or not named.probe_part:
        raise UserError(
            f"the windows of {dataset.name} that were cut already have the parts "
            f"{', '.join(dataset.prepared)}, and {named.name} needs {lacking[0] if lacking else 'others'}: "
            "give the data set's own files"
        )
    parts = {part: dataset.prepared[part].read() for part in wanted}
    held = parts["train"].windows.shape[1]
    if held != f:
        raise UserError(
            f"the windows of {dataset.name} that were cut already have {held} skeletons: ask for f = {held}, "
            f"or give the folder of those with {f}"
        )
    learned = tuple(sorted(set(parts["train"].people)))
    gallery_people = set(parts[named.gallery_part].people) if named.gallery_part else set()
    known = tuple(sorted(gallery_people)) or learned

    def windows(part: str, names: tuple[str, ...]) -> WindowSet:
        return WindowSet.of_prepared(parts[part], names, dataset.layout, dataset.rate_hz)

    return Trial(
        dataset.name,
        seed,
        windows(named.probe_part, known),
        windows("train", learned),
        windows(named.gallery_part, known) if named.gallery_part else None,
    )
