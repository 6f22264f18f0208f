"""The loop that every protocol goes through: methods learn, their descriptions are measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tools.evaluation.methods import Description, Method, refuse_seen
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.results import Answers, Result, Row

__all__ = ["Measured", "Watch", "measure", "silent"]

Watch = Callable[[str, float, str], object]
"""Is told how it goes: which method or description, the share that is done, 0 to 1, and what is done."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A description's figures by one way of using it; see `tools.evaluation.protocols.results.Row`."""

    how: str
    figures: Mapping[str, float]
    answers: Answers


def silent(name: str, done: float, text: str) -> None:
    """A `Watch` that tells nobody."""


def measure(
    protocol: str,
    trial: Trial,
    methods: Sequence[Method],
    ways: Callable[[Description, Watch], Iterable[Measured]],
    *,
    threads: int = 0,
    watch: Watch = silent,
) -> Result:
    """Let each method learn, and measure each of its descriptions.

    Args:
        protocol: its name.
        trial: what was drawn.
        methods: of the table, in its order.
        ways: measures a description in all ways that there are.
        threads: of the CPU, for what learns; 0 leaves them to the library.
        watch: is told how it goes.

    Raises:
        UserError: a method cannot learn here, or was taught before on somebody who is to be recognised.
    """
    refuse_seen(methods, trial.probe_people)
    material = trial.material(threads) if any(method.learns for method in methods) else None

    def rows() -> Iterator[Row]:
        for method in methods:
            name = "/".join(method.gives)
            began = time.monotonic()
            descriptions = method.learn(material, partial(watch, f"{name} learns"))
            learned = time.monotonic() - began
            for description in descriptions:
                began = time.monotonic()
                for way in ways(description, watch):
                    seconds = time.monotonic() - began
                    yield Row(
                        description.name,
                        way.how,
                        description.supervised,
                        way.figures,
                        way.answers,
                        seconds,
                        learned,
                    )
                    began = time.monotonic()
                watch(description.name, 1.0, "")

    found = tuple(rows())
    probes = trial.probes
    return Result(protocol, trial.summary(), probes.names, probes.people, probes.walks, found)
