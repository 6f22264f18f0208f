"""Fits the parts of a back-end for each kind of sensor; see `tools.backend_fit.fit_backend`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import Progress

from encoder.inference import Encoder
from encoder.pose import POSE_WIDTH
from encoder.weights import LoadedEncoder
from gallery.scoring.backend import ANY_SENSOR, Backend, Projection
from gallery.scoring.backend_card import FittedOn, FusionCard, SensorCard
from gallery.scoring.confidence import ConfidenceFit
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.fusion import FusionModel, fusion_weights
from gallery.scoring.impostor_scores import ImpostorScores
from gallery.scoring.visit_scores import VisitScores
from stream.errors import DataError
from tools.backend_fit.confidence_fit import Measured, fit_confidence, measure_decisions
from tools.backend_fit.fusion_fit import WEIGHTS, DescribedWalk, fit_fusion
from tools.backend_fit.fusion_transfer import fit_bones, fit_for_any_sensor, fit_for_few_people
from tools.backend_fit.impostor_scores import Comparisons, compare_impostors, impostor_scores
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    encode_walk,
    enrol,
    estimated_walks,
    kgbd_walks,
    patho_walks,
    simulated_walks,
    ucalgary_walks,
)
from tools.backend_fit.perturbation import perturbed_walk
from tools.backend_fit.projection import fit_projection
from tools.backend_fit.training_provenance import RGB_PEOPLE, training_overlap
from tools.backend_fit.visit_fit import VisitWalk, measure_visits, visit_scores
from tools.backend_fit.visit_sites import (
    FitSite,
    any_sensor_visits,
    camera_visits,
    kinect_v2_visits,
    visit_walks,
)
from tools.datasets import Walk, WalkRef

__all__ = [
    "FUSION_PEOPLE",
    "PATHO_PEOPLE",
    "PERTURBED_EVERY",
    "PERTURBED_SEED",
    "Fit",
    "Fitter",
    "described_walks",
    "enrolments_and_visits",
    "fitted_on_walks",
    "perturb_walks",
]

FIT_EVERY = 5
"""Projections are fitted on every n-th window: overlapping windows add little."""

FIT_PEOPLE = range(1, 61)
IMPOSTORS = range(61, 101)
ENROL_WALKS = ("1", "2")
FUSION_PEOPLE = range(1, 101)
FOLDS = 4
PATHO_PEOPLE = range(1, 6)
PERTURBED_EVERY = 3
"""Every n-th window is perturbed, and each walk of KGBD n times."""
PERTURBED_SEED = 1003
_GAITS = "pathological gaits (Jun et al., 2020), people 1-5"
_ROOM = "UCalgary (patrickkozlow/BT_Labs_Gait_Experiment)"
_VIDEOS = "poses estimated from videos (mea-lab/GaitValidation), people at odd places"
SIMULATED_PEOPLE = 100
SIMULATED_SECONDS = 20.0
FIT_SEED = 1001
IMPOSTOR_SEED = 1002


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The fit for one kind of sensor.

    Attributes:
        projection: of skeletons; None where there is none.
        card: training data and thresholds.
        fusion: None where too few people are known.
    """

    projection: Projection | None
    card: SensorCard
    fusion: FusionModel | None = None


class Projected(NamedTuple):
    """A projection, and what it was fitted on."""

    projection: Projection
    on: FittedOn


@dataclass(frozen=True, slots=True, eq=False)
class Fitter:
    """Fits the back-end of one encoder.

    Attributes:
        encoder: makes the CAGEs.
        progress: shows the progress.
        loaded: the weights of the encoder.
    """

    encoder: Encoder
    progress: Progress
    loaded: LoadedEncoder

    def kinects_and_cameras(self, folder: Path) -> dict[str, Fit]:
        """Fits `kinect-v1` on KGBD (3 GB of memory for windows), `kinect-v2`, `camera`, and any other.

        The last three use few people of their own, and the differences between KGBD's people.
        """
        walks = self._encode(kgbd_walks(folder, FUSION_PEOPLE), "KGBD")
        kgbd = f"KGBD, people {_span(FUSION_PEOPLE)}"
        found = {"kinect-v1": self._kinect_v1(walks, kgbd)}
        random = np.random.default_rng(PERTURBED_SEED)
        many = FitSite(
            kgbd,
            "kinect-v1",
            described_walks(walks),
            perturb_walks(walks, PERTURBED_EVERY, random),
            enrolments_and_visits(walks),
        )
        del walks
        refs = patho_walks(folder, PATHO_PEOPLE)
        walks = self._encode(refs, "pathological gaits")
        projection, fitted_on = _project(walks, _GAITS)
        gaits = FitSite(
            _GAITS,
            "kinect-v2",
            described_walks(walks),
            perturb_walks(walks, 1, random),
            visit_walks(refs, walks, lambda ref: ref.condition == "normal", only=True),
        )
        refs = ucalgary_walks(folder)
        walks = self._encode(refs, "UCalgary")
        room = FitSite(
            _ROOM,
            "kinect-v2",
            described_walks(walks),
            perturb_walks(walks, 1, random),
            visit_walks(refs, walks, lambda ref: ref.condition == "N"),
        )
        refs = estimated_walks(folder, RGB_PEOPLE)
        walks = self._encode(refs, "videos")
        videos = FitSite(
            _VIDEOS, "camera", described_walks(walks), [], visit_walks(refs, walks, lambda _: True)
        )
        del walks
        return found | _few_people(many, gaits, room, videos, Projected(projection, fitted_on))

    def _kinect_v1(self, walks: Sequence[WalkCages], data: str) -> Fit:
        projection, fitted_on = _project(_of(walks, FIT_PEOPLE), f"KGBD, people {_span(FIT_PEOPLE)}")
        strangers = _of(walks, IMPOSTORS)
        backend = Backend({"kinect-v1": projection})
        compared = _compare(strangers, backend, "kinect-v1")
        probes = len(compared.strangers)
        who = f"KGBD, people {_span(IMPOSTORS)}: {probes} walks (3 to 6) against walks 1 and 2 of the others"
        impostors = impostor_scores([compared], who + training_overlap(self.loaded, "kgbd", IMPOSTORS))
        visits = visit_scores([measure_visits(enrolments_and_visits(strangers), backend, "kinect-v1")], who)
        model, fused_on = _fuse(walks, data)
        fusion = FusionCard(fused_on, dict(model.weights), *self._cross_validate(walks))
        return Fit(projection, SensorCard(fitted_on, impostors, visits, fusion), model)

    def simulated(self) -> Fit:
        """Fits `simulated` on one set of simulated people, with another as impostors."""
        walks = self._encode([walk for number in (1, 2) for walk in _simulated(FIT_SEED, number)], "walkers")
        what = f"{_simulated_spec(FIT_SEED)}, walks 1 and 2"
        projection, fitted_on = _project(walks, what)
        # People are enrolled by one walk here, so within-person consistency is not known.
        model, fused_on = _fuse(walks, what, fusion_weights())
        del walks
        enrolled, probes = (
            self._encode(_simulated(IMPOSTOR_SEED, number), f"other walkers, walk {number}")
            for number in (1, 2)
        )
        templates, data = (
            enrol(enrolled),
            f"{_simulated_spec(IMPOSTOR_SEED)}: walk 2 against walk 1 of the others",
        )
        visitors = enrolments_and_visits([*enrolled, *probes], enrols=("1",))
        (plain, plain_visits), (fused, fused_visits) = (
            (
                impostor_scores([compare_impostors(probes, templates, backend, "simulated")], data),
                visit_scores([measure_visits(visitors, backend, "simulated")], data, between_sites=0.0),
            )
            for backend in (Backend({"simulated": projection}), Backend(fusions={"simulated": model}))
        )
        decisions = measure_decisions(
            [*enrolled, *probes], ("1",), Backend(fusions={"simulated": model}), "simulated"
        )
        confidence = fit_confidence([decisions], fused_visits, data)
        fusion = FusionCard(fused_on, dict(model.weights), fused, fused_visits, confidence)
        return Fit(projection, SensorCard(fitted_on, plain, plain_visits, fusion), model)

    def _cross_validate(
        self, walks: Sequence[WalkCages]
    ) -> tuple[ImpostorScores, VisitScores, ConfidenceFit | None]:
        """Compares the people of each quarter with each other, by a fusion of the other three."""
        found, visits, decisions = [], [], []
        for fold in range(FOLDS):
            strangers = FUSION_PEOPLE[fold::FOLDS]
            model, _ = _fuse(_of(walks, set(FUSION_PEOPLE) - set(strangers)), "the others")
            backend = Backend(fusions={"kinect-v1": model})
            own = _of(walks, strangers)
            found.append(_compare(own, backend, "kinect-v1"))
            visits.append(measure_visits(enrolments_and_visits(own), backend, "kinect-v1"))
            decisions.append(measure_decisions(own, ENROL_WALKS, backend, "kinect-v1"))
        who = f"KGBD, people {_span(FUSION_PEOPLE)} in {FOLDS} parts, each compared by a fusion of the others"
        compared = f"{who}: walks 3 to 6 against walks 1 and 2 of others"
        data = compared + training_overlap(self.loaded, "kgbd", FUSION_PEOPLE)
        measured = visit_scores(visits, data)
        return impostor_scores(found, data), measured, fit_confidence(decisions, measured, data)

    def _encode(self, walks: Sequence[WalkRef] | Sequence[Walk], what: str) -> list[WalkCages]:
        found: list[WalkRef | Walk] = list(walks)
        names = sorted({walk.person for walk in found})
        numbers = {name: int(name) if name.isdecimal() else n for n, name in enumerate(names, 1)}
        tracked = self.progress.track(found, description=what)
        return [
            encode_walk(self.encoder, w.read() if isinstance(w, WalkRef) else w, person=numbers[w.person])
            for w in tracked
        ]


def _of(walks: Sequence[WalkCages], people: Collection[int]) -> list[WalkCages]:
    return [walk for walk in walks if walk.person in people]


def _compare(walks: Sequence[WalkCages], backend: Backend, sensor: str) -> Comparisons:
    """Compares the walks other than `ENROL_WALKS` with those of all other people."""
    enrolled = enrol(walk for walk in walks if walk.walk in ENROL_WALKS)
    probes = [walk for walk in walks if walk.walk not in ENROL_WALKS]
    return compare_impostors(probes, enrolled, backend, sensor)


def _project(walks: Sequence[WalkCages], data: str) -> tuple[Projection, FittedOn]:
    cages = np.concatenate([walk.cages[::FIT_EVERY, :, :-POSE_WIDTH] for walk in walks])
    try:
        projection = fit_projection(cages)
    except ValueError as error:
        raise DataError(f"{data}: no projection can be fitted ({error}); use other weights") from error
    return projection, FittedOn(data, len({walk.person for walk in walks}), len(walks), len(cages))


def _fuse(
    walks: Sequence[WalkCages], data: str, weights: Mapping[str, float] = WEIGHTS
) -> tuple[FusionModel, FittedOn]:
    described = described_walks(walks)
    return fit_fusion(described, weights), fitted_on_walks(data, described)


def described_walks(walks: Sequence[WalkCages]) -> list[DescribedWalk]:
    """Describes walks, to fit; those without windows are left out."""
    return [
        DescribedWalk(walk.person, walk.walk, describe_windows(walk.cages))
        for walk in walks
        if len(walk.cages)
    ]


def perturb_walks(walks: Sequence[WalkCages], times: int, random: np.random.Generator) -> list[DescribedWalk]:
    """Perturbs each walk several times, each time with other errors."""
    several = [walk for walk in walks if len(walk.cages) for _ in range(times)]
    return [perturbed_walk(walk, PERTURBED_EVERY, random) for walk in several]


def fitted_on_walks(data: str, described: Sequence[DescribedWalk]) -> FittedOn:
    """Returns a description of walks of one set of people."""
    people, windows = {walk.person for walk in described}, sum(len(walk.windows) for walk in described)
    return FittedOn(data, len(people), len(described), windows)


def enrolments_and_visits(
    walks: Sequence[WalkCages], enrols: Collection[str] = ENROL_WALKS
) -> list[VisitWalk]:
    """Returns walks as enrolments, and all others as visits."""
    kept = [walk for walk in walks if walk.rows]
    return [
        VisitWalk(stored, enrols=walk.walk in enrols, visits=walk.walk not in enrols)
        for stored, walk in zip(enrol(kept), kept, strict=True)
    ]


def _few_people(
    many: FitSite, gaits: FitSite, room: FitSite, videos: FitSite, projected: Projected
) -> dict[str, Fit]:
    """Fits `any`, `kinect-v2` with its projection, and `camera`.

    Bone lengths of sensors with few people are fitted on all walks of such sensors.
    """
    numbers = many.walks[0].windows.shape[1]
    bones = fit_bones([each.walks for each in (many, gaits, room, videos)])
    model = fit_for_any_sensor(gaits.perturbed, many.perturbed, numbers, bones)
    on = [
        fitted_on_walks(gaits.data, gaits.perturbed),
        fitted_on_walks(f"{many.data}; misjudged", many.perturbed),
    ]
    bone_data = f"bone lengths also on {room.data} and {videos.data}"
    visits = any_sensor_visits(model, [room, videos], f"{room.data}; {videos.data}: by `any`, {bone_data}")
    found = {ANY_SENSOR: _fit(model, on, visits)}
    portable = model.windows.directions.portable
    bones = fit_bones([each.walks for each in (many, gaits, room)])
    model = fit_for_few_people([gaits.walks, room.walks], many.walks, portable, bones)
    who = (
        f"{room.data} by a fusion of {gaits.data}, these by a fusion of the former, and the last two "
        f"fifths of {many.data} by a fusion of all others"
    )
    visits = kinect_v2_visits(gaits, room, many, portable, who)
    fused = _fit(model, [fitted_on_walks(each.data, each.walks) for each in (gaits, room, many)], visits)
    found["kinect-v2"] = Fit(projected.projection, SensorCard(projected.on, fusion=fused.card.fusion), model)
    model = fit_for_few_people([videos.walks], many.walks, portable, fit_bones([videos.walks]))
    visits = camera_visits(videos, many, portable, f"{videos.data}, each half by a fusion of the other")
    found["camera"] = _fit(model, [fitted_on_walks(each.data, each.walks) for each in (videos, many)], visits)
    return found


def _fit(model: FusionModel, sets: Sequence[FittedOn], measured: Measured) -> Fit:
    """Returns a fit without a projection, fitted on sets of different people."""
    fitted_on = FittedOn(
        "; ".join(each.data for each in sets),
        sum(each.people for each in sets),
        sum(each.walks for each in sets),
        sum(each.windows for each in sets),
    )
    return Fit(None, SensorCard(fusion=FusionCard(fitted_on, dict(model.weights), None, *measured)), model)


def _span(people: range) -> str:
    return f"{people[0]}-{people[-1]}"


def _simulated(seed: int, walk: int) -> list[Walk]:
    return simulated_walks(SIMULATED_PEOPLE, seed, walk, SIMULATED_SECONDS)


def _simulated_spec(seed: int) -> str:
    return f"walkers:n={SIMULATED_PEOPLE},seed={seed},seconds={SIMULATED_SECONDS:g}"
