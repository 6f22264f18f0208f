"""What a measurement says, in a sentence, and the intervals behind it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.live import LiveResult, LiveRow
from tools.evaluation.metrics.bootstrap import MIN_SAMPLE_SIZE, Estimate, bootstrap_estimates
from tools.evaluation.protocols.results import Result, Row

__all__ = ["live_verdict", "published_verdict", "rank1_estimates", "row_label", "widened"]

BASELINE = "raw"
"""The method that compares joint coordinates: whoever learns must be better."""

_ASKED_FPIR = 5
"""Percent; the default of `--fpir`."""

_DIFFERENCE = "difference "
"""Prefix of the name of a row's difference to the baseline."""


def rank1_estimates(result: Result, seed: int = 0) -> dict[str, Estimate | None]:
    """Returns Rank-1 of windows for each row, percent, with 95 % intervals by a bootstrap over people.

    Rows beside `BASELINE` also have their difference to it, with the prefix `difference `, from the same
    resamples.

    Args:
        result: of a published protocol.
        seed: of the resampling.
    """
    people = len(result.names)
    windows = np.bincount(result.people, minlength=people).astype(np.float64)
    correct = {
        row_label(row): np.bincount(result.people[row.predictions.ranks == 1], minlength=people)
        for row in result.rows
    }

    def figures(weights: NDArray[np.float64]) -> Mapping[str, float]:
        total = float(weights @ windows)
        found = {name: 100 * float(weights @ n) / total if total else np.nan for name, n in correct.items()}
        if BASELINE in found:
            others = [name for name in found if name != BASELINE]
            found |= {_DIFFERENCE + name: found[name] - found[BASELINE] for name in others}
        return found

    return bootstrap_estimates(figures, people, seed)


def row_label(row: Row) -> str:
    """Returns the name of a row, with its strategy if it is one of a recognition network."""
    return f"{row.name} ({row.variant})" if row.variant in {"ap", "sc"} else row.name


def published_verdict(
    result: Result, row: Row, estimates: Mapping[str, Estimate | None], *, shuffled: bool = False
) -> str:
    """Returns what a published protocol says about one row.

    Args:
        result: of the protocol.
        row: the row.
        estimates: see `rank1_estimates`.
        shuffled: whether the names of the probes were permuted.
    """
    label, people = row_label(row), len(result.names)
    rank1 = estimates[label]
    if rank1 is None:
        return ""
    if shuffled:
        return _shuffled_verdict(label, rank1, people, "windows")
    text = f"{label} finds the right one of {people} people for {_percent(rank1, people)} of the windows"
    text += f"; guessing would find {100 / people:.1f} %"
    difference, baseline = estimates.get(_DIFFERENCE + label), estimates.get(BASELINE)
    if difference is not None and baseline is not None:
        _, low, high = difference
        judged = "more than" if low > 0 else "less than" if high < 0 else "not clearly different from"
        text += f". That is {judged} the {baseline[0]:.1f} % of plain joint coordinates ({BASELINE})"
    return f"{text}.{_caution(people)}"


def _shuffled_verdict(label: str, rank1: Estimate, people: int, unit: str) -> str:
    chance = 100 / people
    leaks = widened(rank1, people)[1] > chance
    judged = "more than chance: something leaks" if leaks else "no more than chance: no leak shows"
    return (
        f"The names of the probes were permuted. {label} then finds the right person for "
        f"{_percent(rank1, people)} of the {unit}, where guessing finds {chance:.1f} %: {judged}."
    )


def live_verdict(result: LiveResult, row: LiveRow) -> str:
    """Returns what the protocol `live` says about one row: known people, and strangers."""
    people = len(result.people)
    if (rank1 := row.figures["rank1_walk"]) is None:
        return "No walk was long enough to be searched."
    if result.drawn["probes_shuffled"]:
        return _shuffled_verdict(row.name, rank1, people, "walks")
    found = _percent(rank1, people)
    text = f"With all {people} people enrolled, {row.name} finds the right one for {found} of walks"
    if (rates := _open_set(row)) is None:
        return f"{text}; it has no thresholds for {result.sensor}, so it names nobody.{_caution(people)}"
    named, missed, when = rates
    _, low, high = widened(named, people)
    judged = "more than" if low > _ASKED_FPIR else "fewer than" if high < _ASKED_FPIR else "in line with"
    return (
        f"{text}. With half of them enrolled, {_percent(named, people)} of the visits of the others, "
        f"strangers then, were named {when}, {judged} the {_ASKED_FPIR} % that were accepted; "
        f"{_percent(missed, people)} of the visits of enrolled people were not named, or wrongly, "
        f"{when}.{_caution(people)}"
    )


def _open_set(row: LiveRow) -> tuple[Estimate, Estimate, str] | None:
    """Returns FPIR and FNIR of whole walks, and what they count; None without thresholds."""
    for kind, when in (("ever", "at some moment"), ("realised", "at the end")):
        named, missed = (row.figures.get(f"{rate}_{kind}{_ASKED_FPIR}") for rate in ("fpir", "fnir"))
        if named is not None and missed is not None:
            return named, missed, when
    return None


def widened(found: Estimate, people: int) -> Estimate:
    """Returns an estimate of a share, percent, whose interval is not empty at 0 and 100 %.

    A bootstrap of shares that are all 0 or all 1 shows no spread. The bound is then the exact binomial one,
    with each person as one trial.
    """
    value, low, high = found
    bound = 0.025 ** (1 / people)
    if high == 0:
        high = 100 * (1 - bound)
    if low == 100:
        low = 100 * bound
    return value, low, high


def _percent(found: Estimate, people: int) -> str:
    value, low, high = widened(found, people)
    return f"{value:.1f} % (95 % interval {low:.1f} to {high:.1f})"


def _caution(people: int) -> str:
    return f" {people} people are too few to conclude from." if people < MIN_SAMPLE_SIZE else ""
