"""Options of `sge-stream evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from stream.errors import UserError
from tools.datasets import Dataset
from tools.evaluation.live.scenarios import Choice
from tools.training.training_data import normalise_person, parse_people_selection

__all__ = ["Request", "choose_people", "choose_splits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options of one run.

    Attributes:
        dataset: a data set's name, as `tools.datasets.dataset_registry.open_dataset` takes it.
        data: the data set's folder or packed file.
        protocol: one of `tools.evaluation.evaluate.PROTOCOLS`.
        f: skeletons in a window.
        seed: seed of all random draws.
        method: comma-separated method names, `default` or `all`.
        split: a split or scenario of the protocol, or `all`; None takes the first.
        people: people to include, such as `1-50`; None takes the protocol's default, or all.
        encoders: files of trained weights; the CAGEs of several are concatenated.
        trust_encoder: accept weights that do not record their training people.
        epochs: training epochs of methods that train within the command.
        cache: folder that keeps trainings made within the command.
        threads: CPU threads; 0 leaves the number to the library.
        splits: random splits of `live`.
        enrol: walks from which a person is enrolled in `live`.
        walks: which walks enrol: `drawn` at random, or always the `first`.
        shuffle: permute the probes' names, to check for leaks.
        out: file for the figures, as JSON.
        report: folder for the report.
    """

    dataset: str
    data: Path
    protocol: str
    f: int = 6
    seed: int = 0
    method: str = "default"
    split: str | None = None
    people: str | None = None
    encoders: tuple[Path, ...] = ()
    trust_encoder: bool = False
    epochs: int = 6
    cache: Path | None = None
    threads: int = 0
    splits: int = 20
    enrol: int = 2
    walks: Choice = "drawn"
    shuffle: bool = False
    out: Path | None = None
    report: Path | None = None


def choose_people(dataset: Dataset, people: str | None, default: str | None = None) -> Dataset:
    """Returns a data set reduced to some people; numbers need no leading zeros.

    Args:
        dataset: the data set.
        people: the selection given with `--people`, or None.
        default: the protocol's selection without `--people`; None takes all people.

    Raises:
        UserError: the data set lacks a selected person.
    """
    selection = people or default
    if selection is None:
        return dataset
    plain = {normalise_person(person): person for person in dataset.people}
    wanted = parse_people_selection(selection)
    if missing := sorted(wanted - plain.keys()):
        if people is None:
            raise UserError(
                f"{dataset.name} has no person {missing[0]}; this protocol identifies people {default} by "
                "default; choose others with --people"
            )
        raise UserError(f"--people: {dataset.name} has no person {missing[0]}; choose among its people")
    return dataset.select_people([plain[person] for person in wanted])


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def choose_splits(possible: Sequence[_T], split: str | None) -> Sequence[_T]:
    """Returns the splits or scenarios of `--split`: one by name, `all`, or the first if None.

    Raises:
        UserError: no split has that name.
    """
    found = [candidate for candidate in possible if split in ("all", candidate.name)]
    if split is not None and not found:
        names = ", ".join(candidate.name for candidate in possible)
        raise UserError(f"--split: no split {split!r}; choose one of all, {names}")
    return found or possible[:1]
