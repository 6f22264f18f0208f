"""What a user asks of `sge-stream evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from stream.errors import UserError
from tools.datasets import Dataset
from tools.evaluation.live.scenarios import Choice
from tools.training.training_data import parse_selection, plain_person

__all__ = ["Request", "pick_people", "pick_splits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked.

    Attributes:
        dataset: a name of `tools.datasets.dataset.open_dataset`.
        data: its folder or packed file.
        protocol: one of `PROTOCOLS`.
        f: skeletons a window.
        seed: of all draws.
        method: names with commas between, `default` or `all`.
        split: which split or scenario of the protocol; `all`; the first if not given.
        people: only these; everybody if not given.
        encoders: trained weights; several have their CAGEs put side by side.
        trust_encoder: take weights that do not say whom they saw.
        epochs: of what is trained within the command.
        cache: keeps what is trained within the command.
        threads: of the CPU.
        splits: draws of `live`.
        enrol: walks that a person is enrolled from in `live`.
        walks: which walks those are: `drawn` by the seed, or always the `first`.
        shuffle: the leak check.
        out: of the figures as JSON.
        report: folder of the report.
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


def pick_people(dataset: Dataset, people: str | None, usual: str | None = None) -> Dataset:
    """Some people of a data set; numbers need no leading zeros.

    Args:
        dataset: see there.
        people: as `--people` has them; everybody, or the usual, if not given.
        usual: whom a protocol takes where nobody says otherwise.

    Raises:
        UserError: somebody is not there.
    """
    wanting = people or usual
    if wanting is None:
        return dataset
    plain = {plain_person(person): person for person in dataset.people}
    wanted = parse_selection(wanting)
    if missing := sorted(wanted - plain.keys()):
        if people is None:
            raise UserError(
                f"{dataset.name} has no person {missing[0]}, and {usual} are who is to be recognised here; "
                "choose others with --people"
            )
        raise UserError(f"--people: {dataset.name} has no person {missing[0]}; choose among its people")
    return dataset.only([plain[person] for person in wanted])


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_Named)


def pick_splits(possible: Sequence[_T], split: str | None) -> Sequence[_T]:
    """The splits or scenarios that --split asks for: the one of that name, `all`, or the first if not given.

    Raises:
        UserError: there is none of that name.
    """
    found = [one for one in possible if split in ("all", one.name)]
    if split is not None and not found:
        names = ", ".join(one.name for one in possible)
        raise UserError(f"--split: there is no {split!r}; there are all, {names}")
    return found or possible[:1]
