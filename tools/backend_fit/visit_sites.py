"""Visits for sensors of which few people are known: sites are measured by fusions of other sites."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from gallery.scoring.backend import ANY_SENSOR, Backend
from gallery.scoring.fusion import FusionModel
from stream.body import FloatArray
from tools.backend_fit.confidence_fit import Measured, measured_at
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.fusion_transfer import fit_bones, fit_for_any_sensor, fit_for_few_people
from tools.backend_fit.offline_pipeline import WalkCages, enrol
from tools.backend_fit.visit_fit import Visits, VisitWalk, measure_visits
from tools.datasets import WalkRef

__all__ = [
    "FitSite",
    "any_sensor_visits",
    "camera_visits",
    "kinect_v2_visits",
    "many_people_visits",
    "visit_walks",
]

Choice = Callable[[WalkRef], bool]


@dataclass(frozen=True, slots=True, eq=False)
class FitSite:
    """Walks at one site.

    Attributes:
        data: description of the people.
        sensor: their kind of sensor.
        walks: to fit.
        perturbed: the same with the errors of other sensors added.
        visits: the walks as enrolments and visits.
    """

    data: str
    sensor: str
    walks: Sequence[DescribedWalk] = field(repr=False)
    perturbed: Sequence[DescribedWalk] = field(repr=False)
    visits: Sequence[VisitWalk] = field(repr=False, default=())

    def halves(self) -> tuple[FitSite, FitSite]:
        """Returns the walks of every second person, and of the others."""
        people = sorted({walk.person for walk in self.walks})
        return self.of(people[::2]), self.of(people[1::2])

    def parts(self, share: float = 0.6) -> tuple[FitSite, FitSite]:
        """Returns the walks of the first people, a share of all, and of the others."""
        people = sorted({walk.person for walk in self.walks})
        first = round(share * len(people))
        return self.of(people[:first]), self.of(people[first:])

    def of(self, people: Collection[int]) -> FitSite:
        """Returns the walks of some people."""
        return FitSite(
            self.data,
            self.sensor,
            [walk for walk in self.walks if walk.person in people],
            [walk for walk in self.perturbed if walk.person in people],
            [walk for walk in self.visits if walk.stored.person_id in people],
        )


def visit_walks(
    refs: Sequence[WalkRef], walks: Iterable[WalkCages], enrols: Choice, *, only: bool = False
) -> list[VisitWalk]:
    """Returns walks as enrolments and visits; those without windows are left out.

    Args:
        refs: the walks in their data set.
        walks: the same, encoded.
        enrols: whether a walk may enrol its person.
        only: whether only such walks are visits; else all are.
    """
    kept = [(ref, walk) for ref, walk in zip(refs, walks, strict=True) if walk.rows]
    stored = enrol(walk for _, walk in kept)
    return [
        VisitWalk(own, ref.view, enrols(ref), enrols(ref) or not only)
        for own, (ref, _) in zip(stored, kept, strict=True)
    ]


def kinect_v2_visits(
    gaits: FitSite, room: FitSite, many: FitSite, portable: FloatArray, data: str
) -> Measured:
    """Measures two rooms before Kinect v2, each by a fusion of the other, and a part of `many` by both.

    Args:
        gaits: the first, whose people taught `portable`.
        room: the second.
        many: people of another sensor, for the differences between people, and as visits.
        portable: (D, K3) portable directions.
        data: description of these people.
    """
    first = _few_people([gaits], many, portable, [many, gaits])
    bones = fit_bones([room.walks])
    numbers = many.walks[0].windows.shape[1]
    other = fit_for_any_sensor(room.perturbed, many.perturbed, numbers, bones).windows.directions.portable
    second = _few_people([room], many, other, [many, room])
    found = [_measure(room, first), _measure(gaits, second)]
    return measured_at([*found, many_people_visits([gaits, room], many, portable)], data)


def many_people_visits(sites: Sequence[FitSite], many: FitSite, portable: FloatArray) -> Visits:
    """Measures the last two fifths of people of another sensor, by a fusion of sites and of the others."""
    fitted, measured = many.parts()
    return _measure(measured, _few_people(sites, fitted, portable, [fitted, *sites]))


def camera_visits(videos: FitSite, many: FitSite, portable: FloatArray, data: str) -> Measured:
    """Measures each half of the people before cameras by a fusion of the other half."""
    halves = videos.halves()
    found = [
        _measure(own, _few_people([other], many, portable, [other]))
        for own, other in (halves, reversed(halves))
    ]
    return measured_at(found, data)


def any_sensor_visits(model: FusionModel, sites: Sequence[FitSite], data: str) -> Measured:
    """Measures sites by the fusion for any sensor, which was fitted on others but for its bone lengths."""
    return measured_at([_measure(site, model) for site in sites], data)


def _few_people(
    sites: Sequence[FitSite], many: FitSite, portable: FloatArray, bones: Sequence[FitSite]
) -> FusionModel:
    known = fit_bones([each.walks for each in bones])
    return fit_for_few_people([site.walks for site in sites], many.walks, portable, known)


def _measure(site: FitSite, model: FusionModel) -> Visits:
    return measure_visits(site.visits, Backend(fusions={ANY_SENSOR: model}), site.sensor)
