"""Measurement loop shared by all protocols: trains each method, then measures each of its descriptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tools.evaluation.methods import Description, Method, refuse_overlap
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.results import Predictions, Result, Row

__all__ = ["Measurement", "MethodProgress", "measure_methods", "no_progress"]

MethodProgress = Callable[[str, float, str], object]
"""Progress callback: name of the method or description, share done (0 to 1), current step."""


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """Figures of one variant of a description; fields as in `tools.evaluation.protocols.results.Row`."""

    variant: str
    figures: Mapping[str, float]
    predictions: Predictions


def no_progress(name: str, done: float, text: str) -> None:
    """Ignores progress reports."""


def measure_methods(
    protocol: str,
    draw: ProtocolDraw,
    methods: Sequence[Method],
    measure: Callable[[Description, MethodProgress], Iterable[Measurement]],
    *,
    threads: int = 0,
    progress: MethodProgress = no_progress,
) -> Result:
    """Trains each method and measures each of its descriptions.

    Args:
        protocol: the protocol's name.
        draw: the windows.
        methods: the methods, in the order of the table.
        measure: measures a description in each of its variants.
        threads: CPU threads for training; 0 leaves the number to the library.
        progress: called during the work.

    Raises:
        UserError: a method cannot be trained on this draw, or was trained before on a person of the probes.
    """
    refuse_overlap(methods, draw.probe_people)
    training_input = (
        draw.training_input(threads) if any(method.needs_training for method in methods) else None
    )

    def rows() -> Iterator[Row]:
        for method in methods:
            name = "/".join(method.description_names)
            start = time.monotonic()
            descriptions = method.fit(training_input, partial(progress, f"{name} trains"))
            learn_seconds = time.monotonic() - start
            for description in descriptions:
                start = time.monotonic()
                for measurement in measure(description, progress):
                    seconds = time.monotonic() - start
                    yield Row(
                        description.name,
                        measurement.variant,
                        description.supervised,
                        measurement.figures,
                        measurement.predictions,
                        seconds,
                        learn_seconds,
                    )
                    start = time.monotonic()
                progress(description.name, 1.0, "")

    probes = draw.probes
    return Result(protocol, draw.summary(), probes.names, probes.people, probes.walks, tuple(rows()))
