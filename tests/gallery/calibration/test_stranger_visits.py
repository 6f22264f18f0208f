"""Enrolled walks as visits of strangers: exact in small galleries, incremental in large ones; stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gallery.calibration import stranger_visits
from gallery.calibration.gallery_calibration import (
    calibrate_gallery,
    calibrate_index,
    compare_gallery,
    measured_elsewhere,
)
from gallery.calibration.report import report_sensor
from gallery.calibration.site_calibration import MOST_DEVIATIONS
from gallery.calibration.stranger_visits import MOST_OF_ONE, enrolled_visits, stranger_score
from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import VisitScores
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment, PersonTemplates, StrangerRecording
from stream.body import FloatArray
from stream.errors import GalleryError

F, D = 6, 16
SENSOR = "kinect-v1"
VISITS = VisitScores("test", 9, 90, 0.2, (1, 8), (0.1, 0.3), (0.2, 0.1), (0.5, 0.1), (0.0, 1.3), 0.4, 1.0)
BACKEND = Backend(visits={SENSOR: VISITS}, version="v1")


def templates_of(person: int, walk: int, windows: int = 12) -> FloatArray:
    own = np.random.default_rng(person).standard_normal((1, F, D))
    noise = np.random.default_rng([person, walk]).standard_normal((windows, F, D))
    found: FloatArray = (own + 0.5 * noise).astype(np.float32)
    return found


def new_walk(person: int, walk: int) -> NewEnrolment:
    return NewEnrolment("c", SENSOR, 1.2, 1.0, templates_of(person, walk))


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(str(tmp_path / "g.db")) as store:
        yield store


@pytest.fixture
def relative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has scores count as relative to the mean of the people."""
    monkeypatch.setattr(TemplateIndex, "relative", lambda *_: True)


def fill(gallery: Gallery, people: Sequence[int], walks: int = 1) -> None:
    for person in people:
        gallery.enrol(f"p{person}", [new_walk(person, walk) for walk in range(walks)], "asked")


def load(gallery: Gallery) -> TemplateIndex:
    return TemplateIndex.load(gallery, "c", BACKEND, [SENSOR])


def literal_score(index: TemplateIndex, walk: PersonTemplates) -> tuple[float, str]:
    """The visit score of a walk to the other people, by its definition."""
    best: tuple[float, str] = (-np.inf, "")
    for other in {each.person_id: each for each in index.walks if each.person_id != walk.person_id}.values():
        own = [each.templates for each in index.walks if each.person_id == other.person_id]
        rows = np.concatenate(own)
        rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
        probe = walk.templates / np.linalg.norm(walk.templates, axis=-1, keepdims=True)
        windows = [np.mean([(rows[:, k] @ each[k]).max() for k in range(F)]) for each in probe]
        for n in range(10, len(windows) + 1):
            best = max(best, (float(np.mean(windows[:n])) - VISITS.boundary / np.sqrt(n), other.name))
    return best


def test_each_walk_visits_the_other_people(gallery: Gallery) -> None:
    fill(gallery, range(1, 5), walks=2)
    index = load(gallery)
    visits = enrolled_visits(index, SENSOR)
    assert len(visits) == 8
    for visit in visits:
        walk = next(each for each in index.walks if each.walk_id == visit.walk_id)
        score, name = literal_score(index, walk)
        assert visit.score == pytest.approx(score, abs=1e-5)
        assert index.names[visit.nearest] == name


def test_a_gallery_of_one_person_or_an_unknown_sensor_has_no_visits(gallery: Gallery) -> None:
    fill(gallery, [1], walks=2)
    index = load(gallery)
    assert enrolled_visits(index, SENSOR) == []
    plain = TemplateIndex(index.walks, Backend(), [SENSOR])
    assert enrolled_visits(plain, SENSOR) == []
    assert not measured_elsewhere(plain)


@pytest.mark.parametrize("exact", [2, 20])
@pytest.mark.usefixtures("relative")
def test_visits_kept_from_an_earlier_gallery_equal_those_compared_anew(
    gallery: Gallery, exact: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stranger_visits, "EXACT_PEOPLE", exact)
    fill(gallery, range(1, 13))
    known = enrolled_visits(load(gallery), SENSOR)
    fill(gallery, [20])
    gallery.add_walks("p3", [new_walk(3, 7)])
    gallery.remove("p5")
    index = load(gallery)
    kept, anew = enrolled_visits(index, SENSOR, known), enrolled_visits(index, SENSOR)
    assert [(v.walk_id, v.nearest) for v in kept] == [(v.walk_id, v.nearest) for v in anew]
    assert [v.score for v in kept] == pytest.approx([v.score for v in anew])


def test_only_what_is_new_is_compared(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(gallery, range(1, 13))
    known = enrolled_visits(load(gallery), SENSOR)
    fill(gallery, [20])
    index = load(gallery)
    compared: list[tuple[int | None, int]] = []
    original = index.walk_course

    def counted(
        templates: FloatArray,
        statistics: FloatArray,
        windows: NDArray[np.int64],
        sensor: str,
        person: int | None = None,
    ) -> NDArray[np.float64]:
        compared.append((person, len(templates)))
        return original(templates, statistics, windows, sensor, person)

    monkeypatch.setattr(index, "walk_course", counted)
    enrolled_visits(index, SENSOR, known)
    new = next(person for person, name in index.names.items() if name == "p20")
    assert sorted(compared, key=str) == sorted([(None, 12), *[(new, 12)] * 12], key=str)


def test_visits_are_kept_in_the_gallery_and_used(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(gallery, range(1, 10))
    index = load(gallery)
    revision = gallery.revision()
    first = calibrate_gallery(gallery, index)[SENSOR]
    assert (first.enrolled, first.provisional) == (9, False)
    assert gallery.revision() == revision  # nothing that an index is loaded for
    assert len(gallery.stranger_visits("v1")) == 9
    assert gallery.stranger_visits("v2") == []
    monkeypatch.setattr(TemplateIndex, "walk_course", None)  # nothing is compared again
    assert calibrate_gallery(gallery, load(gallery))[SENSOR] == first


def test_a_removed_person_leaves_no_score(gallery: Gallery) -> None:
    fill(gallery, range(1, 10))
    calibrate_gallery(gallery, load(gallery))
    ids = {name: person for person, name in load(gallery).names.items()}
    recordings = [StrangerRecording(SENSOR, 0.4, ids[name], 9) for name in ("p1", "p2")]
    gallery.replace_stranger_recordings("v1", recordings)
    gallery.remove("p1")
    assert all(visit.nearest != ids["p1"] for visit in gallery.stranger_visits("v1"))
    assert len(gallery.stranger_visits("v1")) <= 8
    assert gallery.stranger_recordings("v1") == recordings[1:]


def test_recordings_of_strangers_are_followed_and_replaced(gallery: Gallery) -> None:
    fill(gallery, [1, 2])
    (person, _) = load(gallery).people
    revision = gallery.revision()
    gallery.replace_stranger_recordings("v1", [StrangerRecording(SENSOR, 0.9, person, 2)] * 10)
    assert gallery.revision() > revision  # running matchers follow
    found = calibrate_gallery(gallery, load(gallery))[SENSOR]
    assert (found.strangers, found.provisional) == (10, False)
    assert found.visit_threshold(0.05) > measured_elsewhere(load(gallery))[SENSOR].visit_threshold(0.05)
    gallery.replace_stranger_recordings("v1", [])
    assert calibrate_gallery(gallery, load(gallery))[SENSOR].strangers == 0


def test_a_gallery_that_cannot_be_written_is_calibrated_all_the_same(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(gallery, range(1, 5))

    def refuse(*_: object) -> None:
        raise GalleryError("locked")

    monkeypatch.setattr(Gallery, "keep_visits", refuse)
    assert calibrate_gallery(gallery, load(gallery))[SENSOR].enrolled == 4


def test_the_report_names_who_is_confused_and_who_has_one_walk_only(gallery: Gallery) -> None:
    fill(gallery, range(1, 9), walks=2)
    # The newest walk of p9 shows p1.
    gallery.enrol("p9", [new_walk(9, 0), new_walk(1, 5)], "asked")
    index = load(gallery)
    calibration = calibrate_gallery(gallery, index)[SENSOR]
    report = report_sensor(index, SENSOR, calibration, gallery.stranger_visits("v1"))
    assert (report.people, report.walks, report.visits) == (9, 18, 18)
    assert [(each.name, each.other) for each in report.confused] == [("p9", "p1")]
    assert report.highest_impostor is not None
    assert {report.highest_impostor.name, report.highest_impostor.other} == {"p1", "p9"}
    assert report.lowest_genuine is not None
    assert report.lowest_genuine.name == "p9"
    assert [rate.fpir for rate in report.rates] == [0.01, 0.05, 0.1]
    assert all(rate.low <= rate.fpir <= rate.high for rate in report.rates)
    missed = [rate.missed for rate in report.rates]
    assert all(share is not None and share >= 1 / 9 for share in missed)


def test_a_stranger_is_compared_as_the_matcher_compares(gallery: Gallery) -> None:
    fill(gallery, [1, 2, 3])
    index = load(gallery)
    walk = PersonTemplates(0, "", SENSOR, templates_of(40, 0))
    score, nearest = stranger_score(index, walk, VISITS.boundary)
    expected, name = literal_score(index, walk)
    assert score == pytest.approx(expected, abs=1e-5)
    assert index.names[nearest] == name


def test_of_one_person_few_walks_are_visits(gallery: Gallery) -> None:
    fill(gallery, [1, 2], walks=MOST_OF_ONE + 2)
    assert len(enrolled_visits(load(gallery), SENSOR)) == 2 * MOST_OF_ONE


def test_people_who_may_be_one_are_named_and_hardly_move_the_thresholds(gallery: Gallery) -> None:
    fill(gallery, range(1, 8))
    before = calibrate_gallery(gallery, load(gallery))[SENSOR].visit_threshold(0.05)
    gallery.enrol("Again", [new_walk(3, 9)], "asked")
    index = load(gallery)
    visits = compare_gallery(gallery, index)
    calibration = calibrate_index(index, visits, [])[SENSOR]
    report = report_sensor(index, SENSOR, calibration, visits)
    assert {frozenset((each.name, each.other)) for each in report.doubles} == {frozenset(("p3", "Again"))}
    clipped = MOST_DEVIATIONS * VISITS.deviation(8)
    assert calibration.visit_threshold(0.05) < before + clipped


def test_scores_for_a_merged_person_are_kept(gallery: Gallery) -> None:
    fill(gallery, range(1, 6))
    calibrate_gallery(gallery, load(gallery))
    ids = {name: person for person, name in load(gallery).names.items()}
    gallery.replace_stranger_recordings("v1", [StrangerRecording(SENSOR, 0.4, ids["p2"], 5)])
    gallery.merge("p1", "p2")
    assert gallery.stranger_recordings("v1") == [StrangerRecording(SENSOR, 0.4, ids["p1"], 5)]
    assert all(visit.nearest != ids["p2"] for visit in gallery.stranger_visits("v1"))
    index = load(gallery)
    assert enrolled_visits(index, SENSOR, gallery.stranger_visits("v1")) == enrolled_visits(index, SENSOR)
