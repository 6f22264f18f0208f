"""Does a gallery know better than the fit how much window similarity and bone lengths should count?

    python -m tools.trials.evidence_weights DATA [--draws 20]

A part of a site's people is drawn and enrolled, all others visit it as strangers. Each enrolled walk is left
out and compared with the people enrolled by the other walks. The weights which tell the right person best in
these comparisons (softmax regression) are joined with the fitted ones by a normal prior on the logarithm of
their ratio. Beside that: the same change for every gallery. The fits do not know the site, as in
`tools.trials.left_out_sites`, whose people it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table
from scipy.optimize import minimize
from scipy.special import log_softmax

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import ANY_SENSOR, Backend
from gallery.scoring.fusion import FusionModel
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from tools.trials.left_out_sites import LeftOutSite, SiteWalk, compare, read_left_out_sites

__all__ = ["Comparison", "learned_weights", "main"]

ENROLLED = 0.65
"""Share of a site's people who are enrolled."""
PROBES = 80
FPIR = 0.05
SPREADS = (0.3, 0.6, 1.5)
"""Standard deviations of the prior."""
CONSTANT = (1.25, 1.5, 2.0)
"""Factors of the bone lengths' weight."""

out = plain_console(width=120)
err = plain_console(stderr=True)

Floats = NDArray[np.float64]
Weights = tuple[float, float]


class Comparison(NamedTuple):
    """Weighted scores of n probes for P people, by each part of the fusion.

    Attributes:
        windows: (n, P) by window similarity.
        bones: (n, P) by bone lengths.
        owners: (n,) place of the right person; -1 for a stranger.
    """

    windows: Floats
    bones: Floats
    owners: NDArray[np.int64]

    def scores(self, weights: Weights) -> Floats:
        """Returns the scores (n, P) with factors for both parts."""
        found: Floats = weights[0] * self.windows + weights[1] * self.bones
        return found


def learned_weights(known: Comparison, spread: float) -> Weights:
    """Returns the factors of both parts that tell the right people best, near 1 each.

    The factors keep the standard deviation of scores for others, so that thresholds keep their meaning.

    Args:
        known: comparisons whose owners are all known.
        spread: standard deviation of the prior on the logarithm of the factors' ratio.
    """
    rows = np.arange(len(known.owners))
    others = np.arange(known.windows.shape[1]) != known.owners[:, None]
    deviations = [float(part[others].std()) for part in (known.windows, known.bones)]

    def factors(log_ratio: float) -> Weights:
        ratio = np.exp(log_ratio)
        windows = sum(deviations) / (deviations[0] + ratio * deviations[1])
        return windows, ratio * windows

    def loss(parameters: Floats) -> float:
        log_ratio, log_scale = parameters
        shares = log_softmax(np.exp(log_scale) * known.scores(factors(log_ratio)), axis=1)
        return float(-shares[rows, known.owners].sum() + log_ratio**2 / (2 * spread**2) + log_scale**2 / 8)

    return factors(minimize(loss, np.array([0.0, 1.0]), method="Nelder-Mead").x[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Draw:
    """A drawn gallery: what it knows of itself, and its visits."""

    known: Comparison
    visits: Comparison


def _parts(
    walks: Sequence[SiteWalk], enrolled: list[int], probes: list[int], model: FusionModel
) -> Comparison:
    """Compares probes by each part of the fusion alone."""
    found = [
        compare(walks, enrolled, probes, Backend(fusions={ANY_SENSOR: _without(model, part)}))
        for part in ("bones", "windows")
    ]
    return Comparison(found[0].scores, found[1].scores, found[0].owners)


def _without(model: FusionModel, part: str) -> FusionModel:
    return replace(model, weights={**model.weights, part: 0.0})


def _draw(site: LeftOutSite, walks_each: int, seed: int) -> _Draw:
    random = np.random.default_rng(seed)
    people = sorted({walk.cages.person for walk in site.walks})
    known = random.permutation(people)[: round(ENROLLED * len(people))].tolist()
    enrolled = []
    for person in known:
        own = [n for n, walk in enumerate(site.walks) if walk.cages.person == person]
        enrolled += random.permutation(own)[:walks_each].tolist()
    others = [n for n in range(len(site.walks)) if n not in set(enrolled)]
    visits = _parts(site.walks, enrolled, random.permutation(others)[:PROBES].tolist(), site.model)
    left_out = [_parts(site.walks, [n for n in enrolled if n != one], [one], site.model) for one in enrolled]
    return _Draw(Comparison(*(np.concatenate(each) for each in zip(*left_out, strict=True))), visits)


def _from_gallery(spread: float, draw: _Draw) -> Weights:
    return learned_weights(draw.known, spread)


def _constant(factor: float, draw: _Draw) -> Weights:
    del draw
    return 1.0, factor


def _misses(draws: Sequence[_Draw], weigh: Callable[[_Draw], Weights]) -> Floats:
    """Returns the share of enrolled people's walks missed in each draw, if `FPIR` of strangers are named."""
    found = []
    for draw in draws:
        scores, owners = draw.visits.scores(weigh(draw)), draw.visits.owners
        limit = np.quantile(scores[owners < 0].max(axis=1), 1 - FPIR, method="higher")
        own = scores[owners >= 0]
        right = own.argmax(axis=1) == owners[owners >= 0]
        found.append(1 - float(np.mean(right & (own.max(axis=1) > limit))))
    return np.array(found)


def _report(site: LeftOutSite, walks_each: int, draws: int) -> Table:
    drawn = [_draw(site, walks_each, seed) for seed in range(draws)]
    fitted = _misses(drawn, partial(_constant, 1.0))
    table = Table(
        "weights",
        f"missed at FPIR {100 * FPIR:g} %",
        "change",
        title=f"{site.title}, {walks_each} walks each",
    )
    table.add_row("as fitted", f"{100 * fitted.mean():.1f}", "")
    ways: dict[str, Callable[[_Draw], Weights]] = {
        f"from the gallery, spread {spread:g}": partial(_from_gallery, spread) for spread in SPREADS
    }
    ways |= {f"bone lengths x {factor:g}": partial(_constant, factor) for factor in CONSTANT}
    for name, weigh in ways.items():
        found = _misses(drawn, weigh)
        change = found - fitted
        error = change.std() / np.sqrt(len(change))
        table.add_row(name, f"{100 * found.mean():.1f}", f"{100 * change.mean():+.1f} ± {100 * error:.1f}")
    return table


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    draws: Annotated[int, typer.Option(min=2, help="Draws of the enrolled people.")] = 20,
) -> None:
    """Weigh the parts of a score by what a gallery shows."""
    try:
        for site in read_left_out_sites(Encoder(load_encoder(), "cpu"), data):
            for walks_each in (2, 4):
                out.print(_report(site, walks_each, draws))
    except SgeError as error:
        typer.echo(f"evidence_weights: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
