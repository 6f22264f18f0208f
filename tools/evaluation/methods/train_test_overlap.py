"""Protection against test leakage: people used in training must not be probes.

People are written `data set/person`, such as `kgbd/7`; `kgbd/*` stands for all people of KGBD.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from encoder.training.model_card import training_people
from stream.errors import UserError
from tools.datasets.dataset_registry import DATASETS
from tools.training.training_data import normalise_person

__all__ = ["data_set_of", "person_key", "refuse_overlap", "training_people_of"]

_ALL_PEOPLE = "*"


class Trained(Protocol):
    """Trained component under evaluation: a method, or the live system."""

    @property
    def description_names(self) -> tuple[str, ...]:
        """Names of its descriptions, for messages."""
        ...

    @property
    def training_people(self) -> frozenset[str]:
        """People used in training before the evaluation, as `data set/person`."""
        ...


def data_set_of(source: str) -> str | None:
    """Returns the data set, a key of `DATASETS`, of a file or folder name or of a walk's first name part.

    Returns:
        For example `kgbd` for `kgbd_kinect1_20j` and for `KGBD`; None if no data set matches.
    """
    name = source.lower()
    return next((key for key, about in DATASETS.items() if name.startswith((key, about.packed_prefix))), None)


def person_key(data_set: str, person: str) -> str:
    """Returns `data set/person`, as in `Method.training_people`; numbers lose leading zeros."""
    return f"{data_set}/{normalise_person(person)}"


def training_people_of(file: Path, extra: Mapping[str, str], *, trusted: bool = False) -> frozenset[str]:
    """Returns the training people that weights record, as in `Method.training_people`.

    Args:
        file: weights file, for messages.
        extra: metadata of the file.
        trusted: assume that unrecorded training people are not among the probes. Without this, such weights
            are refused, because results on training people would not show the leakage.

    Raises:
        UserError: not `trusted`, and the file records no training people or recordings of an unknown data
            set, which may include the probes.
    """
    sources = training_people(extra)
    if sources is None:
        if trusted:
            return frozenset()
        raise UserError(
            f"{file} does not record its training people, so the people to be recognised may be among them; "
            "train it again, or pass --trust-encoder if you know that they are not"
        )
    keys: set[str] = set()
    for source, people in sources.items():
        data_set = data_set_of(source)
        if data_set is not None:
            keys |= {person_key(data_set, person) for person in people or {_ALL_PEOPLE}}
        elif not trusted:
            raise UserError(
                f"{file} was trained on {source}, which is no known data set, so the people to be recognised "
                "may be among its training people; pass --trust-encoder if you know that they are not"
            )
    return frozenset(keys)


def refuse_overlap(methods: Iterable[Trained], people: Iterable[str]) -> None:
    """Checks that no method was trained on people to be recognised.

    Args:
        methods: methods of a table.
        people: people of the probes, as `data set/person`.

    Raises:
        UserError: a method was trained on one of the people, or on unrecorded people of the same data set.
    """
    keys = {person_key(*each.rsplit("/", 1)) for each in people}
    for method in methods:
        if overlap := sorted(key for key in keys if _includes(method.training_people, key)):
            others = f" and {len(overlap) - 1} more" if len(overlap) > 1 else ""
            raise UserError(
                f"{'/'.join(method.description_names)}: the encoder or its back-end was trained on people to "
                f"be recognised here: {overlap[0]}{others}; measure it on other people (--people), or train "
                "within the command (--method sgela)"
            )


def _includes(people: frozenset[str], key: str) -> bool:
    return key in people or f"{key.rpartition('/')[0]}/{_ALL_PEOPLE}" in people
