"""Rank correlation of a walk's quality with the scores that later walks of its person reach against it.

    python -m tools.trials.walk_quality DATA [--seeds 5]

DATA is a folder with the packed files. Every walk is an enrolment of its own, and all other walks of the
person are probes: the score is that of the whole probe, as the live system computes it. The back-end is never
fitted on the people it scores: KGBD people 1-100 are scored in four parts, each by a fusion of the other
three; people 101-164 by the one that ships, which was fitted on people 1-100; people 1-5 of the pathological
gaits each by a fusion of the other four and of KGBD, in front of the same sensor and in the same gait.

The first table gives the mean score against the first seconds of a walk, and the loss for each halving. The
second gives the loss with the variation of bone lengths. Then, for each seed, the people are divided into
five parts; the bones are chosen and the losses fitted on four of them, and give the quality of the fifth:
Spearman's rank correlation over all walks, with the mean score of the other walks, and over all pairs of a
walk and a later one. Last, the same for the quality that ships.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import typer
from numpy.typing import NDArray
from rich.progress import Progress
from rich.table import Table
from scipy.stats import spearmanr

from encoder.inference import Encoder
from encoder.pose import BONE_COLUMNS
from encoder.weights import LoadedEncoder, load_encoder
from gallery.scoring.backend import ANY_SENSOR, load_backend
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.evidence.protocol import Arrays
from gallery.scoring.fusion import EnrolledWalk, FusionModel
from gallery.scoring.segments import segments_of
from gallery.scoring.track_scores import MIN_WEIGHT, TemplateMeans
from gallery.scoring.walk_quality import TRUNK_BONES, BoneVariation, assess_quality, trunk_lengths
from stream.body import FloatArray
from stream.errors import SgeError
from stream.skeleton import BONES, CANONICAL
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import LineProgress
from tools.backend_fit.fusion_fit import DescribedWalk, fit_fusion
from tools.backend_fit.fusion_transfer import fit_bones, fit_for_few_people
from tools.backend_fit.offline_pipeline import encode_walk, kgbd_walks, patho_walks
from tools.datasets import WalkRef

__all__ = ["AssessedWalk", "Measured", "cross_validate", "fit_losses", "main", "rank_correlation"]

WINDOWS_PER_SECOND = 10
LENGTHS = (15, 20, 30, 50, 75, 100, 150)
"""Windows of shortened enrolments."""

FOLDS, PARTS = 4, 5
GROUPS = {
    "all": tuple(CANONICAL[joint] for joint, _ in BONES),
    "trunk": TRUNK_BONES,
    "arms": ("ElbowLeft", "ElbowRight", "WristLeft", "WristRight"),
    "legs": ("KneeLeft", "KneeRight", "AnkleLeft", "AnkleRight"),
}
"""Bones whose variation may be the measure, each by the joint at its outer end."""

_JOINTS = [CANONICAL[joint] for joint, _ in BONES]
Floats = NDArray[np.float64]
out = plain_console(width=110)


@dataclass(frozen=True, slots=True, eq=False)
class AssessedWalk:
    """One walk, as an enrolment and as a probe.

    Attributes:
        person: number of the person.
        group: walks of a person are compared within a group.
        order: place in time among the person's walks of the group.
        described: (n, D), see `gallery.scoring.descriptions`.
        weights: (n,) of the windows in a score.
        templates: (m, D), described.
        shipped: the quality, as an enrolment stores it.
    """

    person: int
    group: str
    order: int
    described: FloatArray
    weights: Floats
    templates: FloatArray
    shipped: float

    @property
    def key(self) -> tuple[int, str]:
        """Whose walks it is compared with."""
        return self.person, self.group

    @property
    def seconds(self) -> float:
        """Seconds of usable walking."""
        return len(self.described) / WINDOWS_PER_SECOND

    def variation(self, group: str) -> float:
        """Returns the mean coefficient of variation of a group of bones."""
        columns = [_JOINTS.index(name) for name in GROUPS[group]]
        lengths = self.described[:, BONE_COLUMNS][:, columns].astype(np.float64)
        return float((lengths.std(axis=0) / lengths.mean(axis=0)).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Walks and the scores that others of the same person reach against them.

    Attributes:
        walks: n walks.
        means: (n,) mean score of the person's other walks.
        later: for each walk the scores of the later ones.
    """

    walks: Sequence[AssessedWalk]
    means: Floats
    later: Sequence[Sequence[float]]

    def of(self, chosen: NDArray[np.bool]) -> Measured:
        """Returns some of the walks, by a mask (n,)."""
        places = np.flatnonzero(chosen).tolist()
        return Measured([self.walks[n] for n in places], self.means[chosen], [self.later[n] for n in places])

    @property
    def people(self) -> NDArray[np.int64]:
        """(n,) the person of each walk."""
        return np.array([walk.person for walk in self.walks])


def rank_correlation(measured: Measured, quality: Floats) -> tuple[float, float]:
    """Returns Spearman's correlation of quality (n,) with mean scores, and over pairs with later walks."""
    pairs = [(q, score) for q, scores in zip(quality, measured.later, strict=True) for score in scores]
    x, y = np.array(pairs).T
    return float(spearmanr(quality, measured.means).statistic), float(spearmanr(x, y).statistic)


def fit_losses(measured: Measured) -> tuple[str, float, float, float]:
    """Chooses the bones whose variation predicts scores best, and fits the loss.

    Returns:
        The name of the bones, the usual variation (median), the score of a usual walk, and the share of it
        that is lost with each 1 of variation (least squares).
    """
    best = min(GROUPS, key=lambda name: rank_correlation(measured, _variations(measured, name))[0])
    variations = _variations(measured, best)
    slope, start = np.polyfit(variations, measured.means, 1)
    usual = float(np.median(variations))
    score = float(start + slope * usual)
    return best, usual, score, float(-slope / score)


def cross_validate(measured: Measured, seed: int) -> tuple[float, float, list[str]]:
    """Returns the rank correlations of quality fitted on other people, and the bones chosen in each part."""
    people = np.unique(measured.people)
    order = np.random.default_rng(seed).permutation(people)
    quality, chosen = np.zeros(len(measured.walks)), []
    for part in range(PARTS):
        tested = np.isin(measured.people, order[part::PARTS])
        name, usual, _, loss = fit_losses(measured.of(~tested))
        own = measured.of(tested)
        quality[tested] = 1 - loss * np.maximum(0, _variations(own, name) - usual)
        quality[tested] -= 1e-6 * _variations(own, name)  # ranks walks that vary less than usual
        chosen.append(name)
    return *rank_correlation(measured, quality), chosen


def _variations(measured: Measured, name: str) -> Floats:
    return np.array([walk.variation(name) for walk in measured.walks])


@dataclass(frozen=True, slots=True, eq=False)
class _Probe:
    """A walk prepared for scoring by one fusion."""

    model: FusionModel
    rows: FloatArray
    background: FloatArray
    weights: Floats
    states: Sequence[Arrays]

    @classmethod
    def of(cls, model: FusionModel, walk: AssessedWalk) -> Self:
        rows = model.windows.project(walk.described)
        own = _enrol(model, walk.templates, walk.described)
        states = [kind.as_track(numbers) for kind, numbers in zip(model.evidence, own.evidence, strict=True)]
        return cls(model, rows, model.windows.background(rows), walk.weights, states)

    def score(self, enrolled: EnrolledWalk) -> float:
        """Returns the final score against one enrolled walk."""
        nearest = (self.rows @ enrolled.windows.T).max(axis=1, keepdims=True)
        windows = self.model.window_scores(nearest, self.background)[:, 0]
        people = self.model.reference([[enrolled]])
        added = self.model.track_scores(np.array([len(windows)]), self.states, people)
        return float(np.average(windows, weights=self.weights) + added[0, 0])


def _enrol(model: FusionModel, templates: FloatArray, described: FloatArray) -> EnrolledWalk:
    return model.enrol(templates, segments_of(described).mean(axis=0))


def _scores(
    walks: Sequence[AssessedWalk],
    model_of: Callable[[int], FusionModel],
    lengths: Sequence[int | None] = (None,),
) -> list[Measured]:
    """Scores the enrolments of all walks, or of their first windows, by the person's other walks.

    Returns:
        One for each number of windows; None for whole walks.
    """
    found: list[list[tuple[AssessedWalk, float, list[float]]]] = [[] for _ in lengths]
    for key in sorted({walk.key for walk in walks}):
        own, model = [walk for walk in walks if walk.key == key], model_of(key[0])
        probes = [_Probe.of(model, walk) for walk in own]
        for walk in own if len(own) > 1 else []:
            for rows, count in zip(found, lengths, strict=True):
                if count is not None and len(walk.described) < count:
                    continue
                described = walk.described[:count]
                templates = walk.templates if count is None else TemplateMeans.of(described)
                enrolled = _enrol(model, templates, described)
                others = [(one, probe) for one, probe in zip(own, probes, strict=True) if one is not walk]
                scores = [(one.order, probe.score(enrolled)) for one, probe in others]
                later = [score for order, score in scores if order > walk.order]
                rows.append((walk, float(np.mean([score for _, score in scores])), later))
    return [
        Measured([w for w, _, _ in r], np.array([m for _, m, _ in r]), [x for _, _, x in r]) for r in found
    ]


def _assess(encoder: Encoder, refs: Iterable[WalkRef], group: Callable[[WalkRef], str]) -> list[AssessedWalk]:
    found: list[AssessedWalk] = []
    with LineProgress(*Progress.get_default_columns(), console=plain_console(stderr=True)) as progress:
        for order, ref in enumerate(progress.track(list(refs))):
            walk = encode_walk(encoder, ref.read())
            if len(walk.cages) < LENGTHS[0]:
                continue
            variation = BoneVariation()
            for lengths in trunk_lengths(walk.cages):
                variation.add(lengths)
            seconds = len(walk.cages) / WINDOWS_PER_SECOND
            found.append(
                AssessedWalk(
                    walk.person,
                    group(ref),
                    order,
                    describe_windows(walk.cages),
                    np.array([max(row.quality, MIN_WEIGHT) for row in walk.rows]),
                    describe_windows(TemplateMeans.of(walk.cages)),
                    assess_quality(seconds, variation.value).value,
                )
            )
    return found


def _described(walks: Iterable[AssessedWalk]) -> list[DescribedWalk]:
    return [DescribedWalk(walk.person, f"{walk.group}{walk.order}", walk.described) for walk in walks]


def _report_shipped(name: str, measured: Measured) -> None:
    quality = np.array([walk.shipped for walk in measured.walks])
    walks, pairs = rank_correlation(measured, quality)
    low, middle, high = np.quantile(quality, (0.05, 0.5, 0.95))
    out.print(
        f"{name}: {len(measured.walks)} walks, quality {middle:.0%} ({low:.0%} to {high:.0%}); rank "
        f"correlation {walks:.3f} over walks, {pairs:.3f} over pairs with later walks"
    )


def _report_kgbd(walks: Sequence[AssessedWalk], seeds: int) -> None:
    models = [
        fit_fusion(_described(walk for walk in walks if walk.person % FOLDS != fold)) for fold in range(FOLDS)
    ]

    def model_of(person: int) -> FusionModel:
        return models[person % FOLDS]

    (measured,) = _scores(walks, model_of)
    table = Table("seconds of the enrolment", "walks", "mean score", title="Amount of walking")
    lengths, scores = [], []
    for count, short in zip(LENGTHS, _scores(walks, model_of, LENGTHS), strict=True):
        lengths.append(count / WINDOWS_PER_SECOND)
        scores.append(short.means.mean())
        table.add_row(f"{lengths[-1]:g}", str(len(short.walks)), f"{scores[-1]:.2f}")
    slope, _ = np.polyfit(np.log2(lengths), scores, 1)
    out.print(table)
    out.print(f"loss for each halving: {slope / scores[-1]:.3f} of the score of {lengths[-1]:g} s")
    name, usual, score, loss = fit_losses(measured)
    out.print(f"bones {name}: usual variation {usual:.3f}, score {score:.2f}, loss {loss:.2f} for each 1")
    found = [cross_validate(measured, seed) for seed in range(seeds)]
    for what, values in (("walks", [one[0] for one in found]), ("pairs", [one[1] for one in found])):
        out.print(
            f"cross-validated rank correlation over {what}: {np.mean(values):.3f} ± {np.std(values):.3f}"
        )
    chosen = [name for one in found for name in one[2]]
    out.print("bones chosen: " + ", ".join(f"{name} {chosen.count(name)}" for name in sorted(set(chosen))))
    _report_shipped("KGBD, people 1-100", measured)


def _report_patho(walks: Sequence[AssessedWalk], many: Sequence[AssessedWalk], portable: FloatArray) -> None:
    background = _described(many)

    def without(person: int) -> FusionModel:
        site = _described(walk for walk in walks if walk.person != person)
        return fit_for_few_people([site], background, portable, fit_bones([background, site]))

    models = {person: without(person) for person in sorted({walk.person for walk in walks})}
    (measured,) = _scores(walks, lambda person: models[person])
    _report_shipped("pathological gaits, people 1-5", measured)


def _run(data: Path, seeds: int, loaded: LoadedEncoder) -> None:
    encoder = Encoder(loaded, "cpu")
    backend = load_backend(loaded.contract.id)
    shipped = backend.fusions["kinect-v1"]
    many = _assess(encoder, kgbd_walks(data, range(1, 101)), lambda _: "")
    _report_kgbd(many, seeds)
    others = _assess(encoder, kgbd_walks(data, range(101, 165)), lambda _: "")
    _report_shipped("KGBD, people 101-164", _scores(others, lambda _: shipped)[0])
    few = _assess(encoder, patho_walks(data, range(1, 6)), lambda ref: f"{ref.condition}/{ref.view}")
    _report_patho(few, many, backend.fusions[ANY_SENSOR].windows.directions.portable)


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of divisions of the people.")] = 5,
) -> None:
    """Measure how well a walk's quality predicts the scores of later walks."""
    try:
        _run(data, seeds, load_encoder())
    except SgeError as error:
        typer.echo(f"walk_quality: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
