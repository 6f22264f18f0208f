"""Whom an encoder and its back-end were taught on: none of them may be a probe, or figures are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from encoder.training.model_card import seen_people
from stream.errors import UserError
from tools.datasets.dataset import DATASETS
from tools.training.training_data import plain_person

__all__ = ["data_set_of", "person_key", "refuse_seen", "seen_by"]

_ANYBODY = "*"
_MEND = "measure it on people whom it has not seen (--people), or train within the command (--method sgela)"


class Taught(Protocol):
    """What was taught before a trial: a method, or the live system."""

    @property
    def gives(self) -> tuple[str, ...]:
        """The names of its descriptions."""
        ...

    @property
    def seen(self) -> frozenset[str]:
        """Whom it was taught on, as `data set/person`."""
        ...


def data_set_of(source: str) -> str | None:
    """The data set, a key of `DATASETS`, that a file, a folder or a walk's first name part is called after.

    Returns:
        `kgbd` of `kgbd_kinect1_20j` and of `KGBD`; None where the name says nothing.
    """
    name = source.lower()
    return next((key for key, about in DATASETS.items() if name.startswith((key, about.packed))), None)


def person_key(data_set: str, person: str) -> str:
    """`data set/person`, a number without leading zeros, as `Method.seen` holds it."""
    return f"{data_set}/{plain_person(person)}"


def seen_by(file: Path, extra: Mapping[str, str], *, trusted: bool = False) -> frozenset[str]:
    """Whom weights say that they were trained on, as `Method.seen` holds them.

    Args:
        file: the weights file.
        extra: its metadata.
        trusted: take what it does not say as nobody. It is refused without: figures on people whom an encoder
            was trained on look like figures, and nobody would know.

    Raises:
        UserError: it does not say, or names recordings that are of no known data set, and may hold anybody.
    """
    sources = seen_people(extra)
    if sources is None:
        if trusted:
            return frozenset()
        raise UserError(
            f"{file} does not say whom it was trained on, so nobody knows whether the people to be "
            "recognised are among them; train it again, or say --trust-encoder if you know that none is"
        )
    found: set[str] = set()
    for source, people in sources.items():
        data_set = data_set_of(source)
        if data_set is not None:
            found |= {person_key(data_set, person) for person in people or {_ANYBODY}}
        elif not trusted:
            raise UserError(
                f"{file} was trained on {source}, which may hold anybody's walks; say --trust-encoder if you "
                "know that nobody who is to be recognised is among them"
            )
    return frozenset(found)


def refuse_seen(methods: Iterable[Taught], people: Iterable[str], mend: str = _MEND) -> None:
    """See that nothing was taught, before the trial, on anybody who is to be recognised.

    Args:
        methods: of a table.
        people: the probes' people, as `data set/person`.
        mend: what the user can do.

    Raises:
        UserError: one was, or was taught on people of the same data set of whom it does not say who they are.
    """
    keys = {person_key(*each.rsplit("/", 1)) for each in people}
    for method in methods:
        if known := sorted(key for key in keys if _seen(method.seen, key)):
            others = f", and on {len(known) - 1} others of them" if len(known) > 1 else ""
            raise UserError(
                f"{'/'.join(method.gives)}: the encoder or its back-end was taught on {known[0]}, who is to "
                f"be recognised here{others}; {mend}"
            )


def _seen(seen: frozenset[str], key: str) -> bool:
    return key in seen or f"{key.rpartition('/')[0]}/{_ANYBODY}" in seen
