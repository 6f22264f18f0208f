"""Identification before sensors in rooms that the fusion was not fitted in.

    python -m tools.trials.left_out_sites DATA [--draws 3]

A setting that helps only where it was fitted helps nobody else. So each site is left out of the fit and
measured: Kinect v2 in a room with other people (UCalgary), fitted on the pathological gaits; the
pathological gaits, people 1-5, fitted on UCalgary; and poses estimated from videos, each half of the people
by a fit of the other half. All are people who may teach (`tools.backend_fit.training_provenance`). Of the
site itself, only the enrolled walks are known. The portable directions are those that ship; the pathological
gaits taught these, and are therefore compared by others, fitted without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from encoder.inference import Encoder
from encoder.pose import POSE_WIDTH
from encoder.weights import load_encoder
from gallery.scoring.backend import ANY_SENSOR, Backend, load_backend
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.fusion import FusionModel
from gallery.scoring.template_index import TemplateIndex
from stream.body import FloatArray
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.fusion_transfer import Site, fit_bones, fit_for_any_sensor, fit_for_few_people
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    encode_walk,
    enrol,
    estimated_walks,
    kgbd_walks,
    patho_walks,
    track_scores,
    ucalgary_walks,
)
from tools.backend_fit.projection import fit_projection
from tools.backend_fit.sensor_fits import PERTURBED_EVERY, PERTURBED_SEED, perturb_walks
from tools.backend_fit.training_provenance import RGB_PEOPLE
from tools.datasets import WalkRef
from tools.evaluation.metrics.bootstrap import Estimate, bootstrap_estimates, percent_text
from tools.evaluation.metrics.open_set import ScoreSeparation, weighted_mean

__all__ = ["LeftOutSite", "main", "read_left_out_sites"]

BAD_RECORDING = "207"
"""Person of UCalgary who hardly moves in run 1."""
PATHO_PEOPLE = range(1, 6)
PROBES = 150
"""The most probes of one draw."""
out = plain_console(width=140)
err = plain_console(stderr=True)

Floats = NDArray[np.float64]
Places = list[int]


@dataclass(frozen=True, slots=True, eq=False)
class SiteWalk:
    """A walk with what its data set says of it.

    Attributes:
        cages: the encoded walk.
        condition: the manner of walking.
        view: the place of the sensor, or the direction.
    """

    cages: WalkCages = field(repr=False)
    condition: str
    view: str

    @property
    def passage(self) -> tuple[int, str]:
        """The person and the passage, which several sensors may have recorded."""
        return self.cages.person, self.cages.walk.removesuffix(f"-{self.view}")

    @property
    def described(self) -> DescribedWalk:
        """Its descriptions, to fit."""
        return DescribedWalk(self.cages.person, self.cages.walk, describe_windows(self.cages.cages))


class Task(NamedTuple):
    """Which walks enrol, and which are probes."""

    name: str
    enrols: Callable[[SiteWalk], bool]
    probes: Callable[[SiteWalk], bool]
    of_every_view: bool = False
    """Whether one walk of every view enrols; else `walks`."""
    walks: int = 1


class Scores(NamedTuple):
    """Scores of n probes against P people."""

    scores: Floats
    """(n, P)."""
    owners: NDArray[np.int64]
    """(n,) place of the right person; -1 for a stranger."""


def draw(walks: Sequence[SiteWalk], task: Task, seed: int) -> tuple[Places, Places]:
    """Returns the walks that enrol each person, and the probes, as places.

    No probe is of a passage that enrols: several sensors see the same steps.
    """
    random = np.random.default_rng(seed)
    enrolled: Places = []
    for person in sorted({walk.cages.person for walk in walks}):
        own = [n for n, walk in enumerate(walks) if walk.cages.person == person and task.enrols(walk)]
        order = [own[place] for place in random.permutation(len(own))]
        one_of_each = {walks[n].view: n for n in order}
        enrolled += list(one_of_each.values()) if task.of_every_view else order[: task.walks]
    known = {walks[n].passage for n in enrolled}
    probes = [n for n, walk in enumerate(walks) if task.probes(walk) and walk.passage not in known]
    return enrolled, [probes[place] for place in random.permutation(len(probes))[:PROBES]]


def compare(walks: Sequence[SiteWalk], enrolled: Places, probes: Places, backend: Backend) -> Scores:
    """Returns the scores of whole probes, as the live system computes them."""
    sensor = walks[0].cages.sensor
    index = TemplateIndex(enrol(walks[n].cages for n in enrolled), backend, [sensor])
    people = index.people_of(sensor)
    scores = [track_scores(index, walks[n].cages, last_only=True)[-1] for n in probes]
    places = {person: place for place, person in enumerate(people)}
    return Scores(np.stack(scores), np.array([places.get(walks[n].cages.person, -1) for n in probes]))


def figures_of(several: Sequence[Scores]) -> Mapping[str, Estimate | None]:
    """Returns the share of walks named right and the equal error rate of comparisons, with intervals."""
    scores, owners = (np.concatenate(each) for each in zip(*several, strict=True))
    people = scores.shape[1]
    genuine = scores[np.arange(len(owners)), owners]
    others = scores[np.arange(people) != owners[:, None]].reshape(len(owners), -1)
    separation = ScoreSeparation(genuine, others, owners, people)
    right = genuine > others.max(axis=1)

    def figures(weights: Floats) -> Mapping[str, float]:
        return {"right": weighted_mean(right, weights[owners]), "EER": separation.eer(weights)}

    return bootstrap_estimates(figures, people, seed=0)


def _ways(model: FusionModel, fitted: Sequence[SiteWalk], sensor: str) -> dict[str, Backend]:
    """Returns the fusion, the fusion without one of its parts, and other ways to compare."""

    def weighted(**changed: float) -> Backend:
        return Backend(fusions={ANY_SENSOR: replace(model, weights={**model.weights, **changed})})

    cages = np.concatenate([walk.cages.cages[::5, :, :-POSE_WIDTH] for walk in fitted])
    return {
        "fusion": weighted(),
        "without the site's mean": weighted(site=0.0),
        "without bone lengths": weighted(bones=0.0),
        "bone lengths alone": weighted(windows=0.0),
        "nearest": Backend({sensor: fit_projection(cages)}),
    }


def _first_run(walk: SiteWalk) -> bool:
    return walk.cages.walk == "N-1"


def _normal(walk: SiteWalk) -> bool:
    return walk.condition in ("N", "normal")


def _arm_held(walk: SiteWalk) -> bool:
    return walk.condition in ("AL", "AR")


def _towards(walk: SiteWalk) -> bool:
    return walk.view == "towards"


def _away(walk: SiteWalk) -> bool:
    return walk.view == "away"


ROOM_TASKS = (
    Task("run 1 enrolled, run 2", _first_run, lambda walk: walk.cages.walk == "N-2"),
    Task("run 1 enrolled, an arm held still", _first_run, _arm_held),
    Task("runs 1 and 2 enrolled, an arm held still", _normal, _arm_held, walks=2),
)
GAIT_TASKS = (
    Task("one normal walk of each sensor enrolled, normal walks", _normal, _normal, of_every_view=True),
    Task("the same, antalgic", _normal, lambda walk: walk.condition == "antalgic", of_every_view=True),
    Task("the same, lurching", _normal, lambda walk: walk.condition == "lurch", of_every_view=True),
)
VIDEO_TASKS = (
    Task("one walk each way enrolled", lambda _: True, lambda _: True, of_every_view=True),
    Task("two towards the camera enrolled, away", _towards, _away, walks=2),
    Task("two away from it enrolled, towards", _away, _towards, walks=2),
)


@dataclass(frozen=True, slots=True, eq=False)
class LeftOutSite:
    """The walks of a site, and a fusion that does not know it.

    Attributes:
        title: the site, and what the fusion was fitted on.
        walks: of the site.
        fitted: the walks of the other site that the fusion knows.
        model: the fusion.
        tasks: to measure.
    """

    title: str
    walks: Sequence[SiteWalk] = field(repr=False)
    fitted: Sequence[SiteWalk] = field(repr=False)
    model: FusionModel = field(repr=False)
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """Reads the sites, and fits without them.

    Attributes:
        encoder: makes the CAGEs.
        data: folder of packed skeletons.
        many: the people of KGBD who may teach.
        many_perturbed: the same, misjudged by a sensor.
    """

    encoder: Encoder
    data: Path
    many: Sequence[DescribedWalk]
    many_perturbed: Sequence[DescribedWalk]

    def kinects(self) -> Iterator[LeftOutSite]:
        """Yields UCalgary, fitted on the pathological gaits, and these, fitted on UCalgary."""
        gaits = self._read(patho_walks(self.data, PATHO_PEOPLE), "pathological gaits")
        refs = [ref for ref in ucalgary_walks(self.data) if ref.person != BAD_RECORDING]
        room = self._read(refs, "UCalgary")
        yield LeftOutSite(
            "Kinect v2 in another room, fitted on the pathological gaits",
            room,
            gaits,
            self._fit(gaits, self._shipped, self.many),
            ROOM_TASKS,
        )
        yield LeftOutSite(
            "Pathological gaits, fitted on the other room",
            gaits,
            room,
            self._fit(room, self._portable(room), self.many),
            GAIT_TASKS,
        )

    def videos(self) -> Iterator[LeftOutSite]:
        """Yields each half of the people in videos, fitted on the other."""
        halves = [self._read(estimated_walks(self.data, RGB_PEOPLE[n::2]), "videos") for n in (0, 1)]
        for name, own, other in (("first", halves[0], halves[1]), ("second", halves[1], halves[0])):
            model = self._fit(other, self._shipped, [])
            yield LeftOutSite(
                f"Poses from videos, {name} half, fitted on the other", own, other, model, VIDEO_TASKS
            )

    def _read(self, refs: Sequence[WalkRef], what: str) -> list[SiteWalk]:
        names = sorted({ref.person for ref in refs})
        found = [
            SiteWalk(
                encode_walk(self.encoder, ref.read(), person=names.index(ref.person)), ref.condition, ref.view
            )
            for ref in track(refs, what, console=err)
        ]
        return [walk for walk in found if walk.cages.rows]

    @property
    def _shipped(self) -> FloatArray:
        """The portable directions that ship, (D, K3): fitted on the pathological gaits and KGBD."""
        return load_backend(self.encoder.contract.id).fusions[ANY_SENSOR].windows.directions.portable

    def _portable(self, fitted: Sequence[SiteWalk]) -> FloatArray:
        """Returns portable directions (D, K3) fitted on one site and KGBD."""
        few = perturb_walks([walk.cages for walk in fitted], 1, np.random.default_rng(PERTURBED_SEED))
        bones = fit_bones([[walk.described for walk in fitted]])
        model = fit_for_any_sensor(few, self.many_perturbed, self.many[0].windows.shape[1], bones)
        return model.windows.directions.portable

    def _fit(self, fitted: Sequence[SiteWalk], portable: FloatArray, bones: Site) -> FusionModel:
        """Fits on one site, with `bones` for the variation of bone lengths too."""
        site = [walk.described for walk in fitted]
        sites = [bones, site] if bones else [site]
        return fit_for_few_people([site], self.many, portable, fit_bones(sites))


def read_left_out_sites(encoder: Encoder, data: Path) -> Iterator[LeftOutSite]:
    """Yields the sites, each with a fusion fitted without it.

    Args:
        encoder: makes the CAGEs.
        data: folder of packed skeletons.

    Raises:
        SgeError: the data cannot be read.
    """
    many, many_perturbed = [], []
    random = np.random.default_rng(PERTURBED_SEED)
    for ref in track(kgbd_walks(data, range(1, 101)), "KGBD", console=err):
        walk = SiteWalk(encode_walk(encoder, ref.read()), "", "")
        many.append(walk.described)
        many_perturbed += perturb_walks([walk.cages], PERTURBED_EVERY, random)
    reader = _Reader(encoder, data, many, many_perturbed)
    yield from reader.kinects()
    yield from reader.videos()


def report(site: LeftOutSite, draws: int) -> None:
    """Prints what the fusion, its parts and other ways to compare bring at a site."""
    people = len({walk.cages.person for walk in site.walks})
    for task in site.tasks:
        drawn = [draw(site.walks, task, seed) for seed in range(draws)]
        out.print(f"\n{site.title}: {task.name}; {people} people, {draws} draws")
        for way, backend in _ways(site.model, site.fitted, site.walks[0].cages.sensor).items():
            found = figures_of([compare(site.walks, *each, backend) for each in drawn])
            shown = ", ".join(f"{name} {percent_text(value, ' %')}" for name, value in found.items())
            out.print(f"  {way:24} {shown}")


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    draws: Annotated[int, typer.Option(min=1, help="Draws of the enrolled walks.")] = 3,
) -> None:
    """Fit without a site, and identify its people."""
    try:
        for site in read_left_out_sites(Encoder(load_encoder(), "cpu"), data):
            report(site, draws)
    except SgeError as error:
        typer.echo(f"left_out_sites: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
