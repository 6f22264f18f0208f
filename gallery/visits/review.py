"""Compares stored visits anew with the present gallery, and finds those whose answer changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gallery.calibration.gallery_calibration import Calibrations, calibrate_gallery
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery
from gallery.store.history_records import StoredVisit, VisitWalk
from gallery.visits.walk_comparison import compare_walk, evidence_for, named_person

__all__ = [
    "ChangedVisit",
    "GalleryComparison",
    "Review",
    "VisitEvidence",
    "review_visits",
    "visit_evidence",
]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ChangedVisit:
    """A visit whose answer would be another one now.

    Attributes:
        visit: as it is stored.
        person: who would be named now; None for nobody.
        score: of the best candidate now; None without one.
        threshold: of that candidate; None as in decisions.
    """

    visit: StoredVisit
    person: str | None
    score: float | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """The result of comparing stored visits anew.

    Attributes:
        compared: number of visits compared.
        changed: those whose answer changes, newest first.
        unknown_not_kept: visits of unknown people of whose walks nothing was kept.
        others_not_kept: other decided visits of whose walks nothing is kept any more.
        other_encoder: visits whose walks cannot be compared, as everybody is enrolled with another encoder.
    """

    compared: int
    changed: tuple[ChangedVisit, ...]
    unknown_not_kept: int
    others_not_kept: int
    other_encoder: int


class GalleryComparison:
    """Compares walks with the people of one gallery; loads each encoder's templates once.

    Args:
        gallery: the gallery.
        weights: files and trained folders of the encoder, for a back-end beside them.
    """

    def __init__(self, gallery: Gallery, weights: Sequence[Path] = ()) -> None:
        self._gallery = gallery
        self._weights = weights
        self._loaded: dict[tuple[str, str, bool], tuple[TemplateIndex, Calibrations]] = {}

    def of(self, walk: VisitWalk, comparison: str = "") -> tuple[TemplateIndex, Calibrations]:
        """Returns the index and the calibrations for a walk's encoder and kind of sensor.

        Args:
            walk: of a visit.
            comparison: of the visit: one by nearest templates alone (`--matcher nearest`) is done again so.
        """
        fused = comparison != self._backend(walk.contract_id, fused=False).version
        key = (walk.contract_id, walk.sensor, fused)
        if key not in self._loaded:
            backend = self._backend(walk.contract_id, fused=fused)
            index = TemplateIndex.load(self._gallery, walk.contract_id, backend, [walk.sensor])
            self._loaded[key] = index, calibrate_gallery(self._gallery, index)
        return self._loaded[key]

    @cache  # noqa: B019 - lives as long as one command
    def _backend(self, contract: str, *, fused: bool) -> Backend:
        return load_backend(contract, self._weights, fused=fused)


@dataclass(frozen=True, slots=True)
class VisitEvidence:
    """Which evidence of a visit speaks for whom, in the present gallery.

    Attributes:
        people: names, best first.
        scores: one for each.
        terms: what each kind of evidence adds to each of the scores, by its name.
    """

    people: tuple[str, ...]
    scores: tuple[float, ...]
    terms: dict[str, list[float]]


def visit_evidence(gallery: Gallery, visit_id: str, weights: Sequence[Path] = ()) -> VisitEvidence | None:
    """Returns the evidence for the best people; None if nothing of the walk is kept, or nobody compares.

    Args:
        gallery: the gallery.
        visit_id: of a stored visit.
        weights: see `GalleryComparison`.

    Raises:
        GalleryError: the gallery cannot be read.
    """
    walk = gallery.history.walk(visit_id)
    if walk is None:
        return None
    comparison = gallery.history.visit(visit_id).comparison
    index, calibrations = GalleryComparison(gallery, weights).of(walk, comparison)
    best = compare_walk(index, calibrations, walk, None)[:_SHOWN]
    if not best:
        return None
    terms = evidence_for(index, walk, [each.person for each in best])
    names = tuple(index.names[each.person] for each in best)
    return VisitEvidence(names, tuple(each.score for each in best), terms)


def review_visits(gallery: Gallery, visits: Sequence[StoredVisit], weights: Sequence[Path] = ()) -> Review:
    """Compares the walks that are kept of visits with the present gallery.

    Args:
        gallery: the gallery.
        visits: of that gallery.
        weights: see `GalleryComparison`.

    Raises:
        GalleryError: the gallery cannot be read.
    """
    comparison = GalleryComparison(gallery, weights)
    wanted = {visit.id: visit for visit in visits if visit.outcome != "undecided"}
    contracts = gallery.contracts()
    changed, compared, foreign = [], set(), set()
    for visit_id, walk in gallery.history.walks():
        visit = wanted.get(visit_id)
        if visit is None:
            continue
        if contracts and walk.contract_id not in contracts:
            foreign.add(visit_id)
            continue
        compared.add(visit_id)
        index, calibrations = comparison.of(walk, visit.comparison)
        people = compare_walk(index, calibrations, walk, visit.fpir)
        named = named_person(people, visit.fpir)
        person = None if named is None else index.names[named]
        if person != (visit.person if visit.outcome == "person" else None):
            best = people[0] if people else None
            changed.append(
                ChangedVisit(visit, person, best.score if best else None, best.threshold if best else None)
            )
    missing = [visit for visit in wanted.values() if visit.id not in compared | foreign]
    unknown = sum(visit.outcome == "unknown" for visit in missing)
    changed.sort(key=lambda each: each.visit.left_at, reverse=True)
    return Review(len(compared), tuple(changed), unknown, len(missing) - unknown, len(foreign))
