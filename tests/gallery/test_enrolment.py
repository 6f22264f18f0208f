"""Checks before an enrolment: known people, known recordings, contradicting walks; what they leave stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from gallery.calibration.site_calibration import SiteCalibration
from gallery.enrolment import PreparedEnrolment, prepare_enrolment, store_enrolment
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import Backend
from gallery.scoring.impostor_scores import ImpostorScores
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery, open_gallery
from stream.body import FloatArray
from stream.bus.messages import EnrolReply, EnrolRequest, Tick, WindowRow
from stream.errors import GalleryError, UserError
from stream.walk_views import View
from tests.gallery.flat_visits import flat_visits

F, D = 6, 16
FLAT = ImpostorScores("test", 1, (1,), (1,), (0.5, 0.001), ((0.9, 0.9),), (0.0,))
BACKEND = Backend(impostors={"kinect-v1": FLAT}, visits={"kinect-v1": flat_visits(0.9)})
SOURCES = (SourceCard("a.mcap", "kinect-v1", False), SourceCard("b.mcap", "camera", False))
RANDOM = np.random.default_rng(5)
ADA, BEN, EVE = (RANDOM.standard_normal((F, D)).astype(np.float32) for _ in range(3))


def walk_of(person: FloatArray, windows: int = 60) -> FloatArray:
    """Returns a new walk of a person, (windows, F, D): each window is a little different."""
    noise = RANDOM.standard_normal((windows, F, D)).astype(np.float32)
    return person + np.float32(0.2) * noise


class System:
    """A matcher and its gallery, as the matcher process joins them."""

    def __init__(self, gallery: Gallery, fpir: float | None = 0.01) -> None:
        self.gallery = gallery
        self.matcher = Matcher(SOURCES, F, fpir, self._index())

    def _index(self) -> TemplateIndex:
        return TemplateIndex.load(self.gallery, "c", BACKEND, [source.sensor for source in SOURCES])

    def reload(self) -> None:
        self.matcher.replace_index(self._index())

    def watch(
        self,
        track: int,
        walk: FloatArray,
        source: int = 0,
        views: Sequence[View | None] = (),
        model: str = "",
    ) -> None:
        for k, window in enumerate(walk):
            view = views[k] if views else None
            row = WindowRow(track, k * 100_000_000, k * 100_000_000 + 166_666_667, 7, 1.0, view)
            tick = Tick(source, 0, k, "c", (1, F, D), (row,), pose_model=model)
            self.matcher.observe(tick, window[None])

    def prepare(self, name: str, *tracks: int, add: bool = False, force: bool = False) -> PreparedEnrolment:
        request = EnrolRequest(name, tracks, "--yes", add=add, force=force)
        return prepare_enrolment(self.matcher, "c", request)

    def enrol(self, name: str, *tracks: int, add: bool = False, force: bool = False) -> EnrolReply:
        return store_enrolment(self.gallery, self.prepare(name, *tracks, add=add, force=force))

    def walks(self) -> dict[str, int]:
        return {person.name: len(person.enrolments) for person in self.gallery.people()}


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(str(tmp_path / "g.db")) as opened:
        yield opened


@pytest.fixture
def system(gallery: Gallery) -> System:
    """A system that knows Ada and Ben, enrolled in an earlier run."""
    earlier = System(gallery)
    for number, (name, person) in enumerate((("Ada", ADA), ("Ben", BEN)), 1):
        earlier.watch(number, walk_of(person))
        earlier.enrol(name, number)
    return System(gallery)


@pytest.mark.parametrize("fpir", [0.01, None])
def test_a_person_in_the_gallery_is_refused_under_another_name(
    system: System, gallery: Gallery, fpir: float | None
) -> None:
    own = System(gallery, fpir)
    own.watch(1, walk_of(ADA))
    with pytest.raises(UserError) as refused:
        own.enrol("Eve", 1)
    text = str(refused.value)
    assert "walk 1 (track 1 of a.mcap) is recognised as Ada: score 0.9" in text
    assert "threshold 0.900" in text
    assert "`sge-stream people add-walk Ada --source S`" in text
    assert "--force" in text
    assert own.walks() == {"Ada": 1, "Ben": 1}


def test_the_same_recording_under_another_name_is_refused_with_score_and_threshold(system: System) -> None:
    walk = walk_of(EVE)
    system.watch(1, walk)
    system.enrol("Eve Adams", 1)
    again = System(system.gallery)
    again.watch(1, walk[:50])
    with pytest.raises(UserError) as refused:
        again.enrol("Mallory", 1)
    assert str(refused.value) == (
        "walk 1 (track 1 of a.mcap) is a recording that Eve Adams was enrolled from, or overlaps it "
        "(score 1.000, threshold 0.900). If this is Eve Adams, add other walks: "
        "`sge-stream people add-walk 'Eve Adams' --source S`; if not, give --force"
    )


def test_a_refused_person_can_be_forced_with_a_warning(system: System) -> None:
    system.watch(1, walk_of(ADA))
    reply = system.enrol("Eve", 1, force=True)
    assert "is recognised as Ada" in reply.warnings[0]
    assert system.walks() == {"Ada": 1, "Ben": 1, "Eve": 1}


def test_a_new_person_is_enrolled_without_a_warning(system: System) -> None:
    system.watch(1, walk_of(EVE))
    reply = system.enrol("Eve", 1)
    assert (reply.warnings, reply.fits) == ((), ())
    assert system.walks() == {"Ada": 1, "Ben": 1, "Eve": 1}


@pytest.mark.parametrize("clip", [slice(None), slice(20, 60), slice(0, 45)])
def test_one_recording_given_as_two_walks_is_refused(system: System, clip: slice) -> None:
    walk = walk_of(EVE)
    system.watch(1, walk)
    system.watch(2, walk[clip])
    system.watch(3, walk_of(EVE))
    with pytest.raises(UserError, match=r"walk 1 \(track 1 .*walk 2 \(track 2 .* are one recording"):
        system.enrol("Eve", 1, 2)
    assert system.enrol("Eve", 1, 3).warnings == ()


def test_a_track_given_twice_is_refused(system: System) -> None:
    system.watch(1, walk_of(EVE))
    with pytest.raises(UserError, match="track 1 is given twice"):
        system.enrol("Eve", 1, 1)


@pytest.mark.parametrize("reloaded", [False, True])
def test_a_track_that_was_enrolled_already_is_refused(system: System, reloaded: bool) -> None:
    walk = walk_of(EVE, 120)
    system.watch(1, walk[:60])
    system.enrol("Eve", 1)
    if reloaded:
        system.reload()
    system.watch(1, walk[60:])
    with pytest.raises(UserError, match="track 1 was enrolled as Eve already"):
        system.enrol("Mallory", 1)
    assert "Mallory" not in system.walks()


def test_the_owner_of_a_track_follows_renaming_merging_and_removal(system: System) -> None:
    system.watch(1, walk_of(EVE))
    system.enrol("Eve", 1)
    system.reload()
    system.gallery.rename("Eve", "Eva")
    system.reload()
    with pytest.raises(UserError, match="enrolled as Eva already"):
        system.enrol("Mallory", 1)
    system.gallery.merge("Ben", "Eva")
    system.reload()
    with pytest.raises(UserError, match="enrolled as Ben already"):
        system.enrol("Mallory", 1)
    system.gallery.remove("Ben")
    system.reload()
    assert system.enrol("Mallory", 1).warnings == ()


def test_a_walk_enrolled_a_moment_ago_is_refused_before_the_gallery_is_read_again(system: System) -> None:
    walk = walk_of(EVE)
    system.watch(1, walk)
    system.watch(2, walk)
    system.watch(3, walk_of(EVE))
    system.prepare("Eve", 1)  # not even stored yet
    with pytest.raises(UserError, match="is a recording that Eve was enrolled from"):
        system.prepare("Mallory", 2)
    with pytest.raises(UserError, match="recognised as Eve"):
        system.prepare("Mallory", 3)


def test_a_walk_that_was_not_stored_can_be_enrolled_again(system: System) -> None:
    system.watch(1, walk_of(EVE))
    with pytest.raises(GalleryError, match="Ada is enrolled already"):
        system.enrol("Ada", 1)
    assert system.enrol("Eve", 1).warnings == ()


def test_walks_whose_gallery_could_not_be_opened_can_be_enrolled_again(system: System) -> None:
    system.watch(1, walk_of(EVE))
    system.prepare("Eve", 1).end("failed")
    assert system.enrol("Mallory", 1).warnings == ()


def test_a_person_removed_before_the_gallery_was_read_again_can_be_enrolled(system: System) -> None:
    system.watch(1, walk_of(EVE))
    system.enrol("Eve", 1)
    system.gallery.remove("Eve")
    for _ in range(2):  # the first may have been read before the enrolment
        system.reload()
    assert system.enrol("Eve", 1).warnings == ()


def test_without_a_threshold_everything_is_a_warning_and_nothing_is_refused(system: System) -> None:
    walk = walk_of(EVE)
    system.watch(1, walk, source=1)
    assert system.enrol("Eve", 1).warnings == (), "nobody else is enrolled on a camera"
    system.reload()
    system.watch(2, walk, source=1)
    system.watch(3, walk[:40], source=1)
    reply = system.enrol("Mallory", 2, 3)
    known, unjudged, *_, twice = reply.warnings
    assert "walk 1 (track 2 of b.mcap) is a recording that Eve was enrolled from" in known
    assert "cannot be judged: no threshold is known for camera; it fits Eve best, score 1.000" in unjudged
    assert "are one recording, or overlap" in twice
    assert system.walks()["Mallory"] == 2


def test_walks_of_one_enrolment_that_contradict_each_other_are_reported(system: System) -> None:
    other = RANDOM.standard_normal((F, D)).astype(np.float32)
    system.watch(1, walk_of(EVE))
    system.watch(2, walk_of(EVE))
    system.watch(3, walk_of(other))
    assert system.prepare("Eve", 1, 2).findings.warnings == []
    own = System(system.gallery)
    for number, person in ((1, EVE), (2, EVE), (3, other)):
        own.watch(number, walk_of(person))
    warnings = own.enrol("Eve", 1, 2, 3).warnings
    assert [("track 1" in text, "track 2" in text, "track 3" in text) for text in warnings] == [
        (True, False, True),
        (False, True, True),
    ]
    assert all("contradict each other: score" in text and "0.900 or more" in text for text in warnings)


def test_a_walk_is_added_to_its_person(system: System) -> None:
    system.watch(1, walk_of(ADA))
    reply = system.enrol("ada", 1, add=True)
    assert reply.warnings == ()
    assert reply.fits[0].startswith("walk 1 (track 1 of a.mcap) fits Ada: score 0.9")
    assert system.walks() == {"Ada": 2, "Ben": 1}


def test_a_walk_of_another_sensor_is_added(system: System) -> None:
    system.watch(1, walk_of(EVE), source=1)
    reply = system.enrol("Ada", 1, add=True)
    assert reply.warnings == ()
    assert reply.fits == ("walk 1 (track 1 of b.mcap) is the first of Ada on camera",)
    assert system.gallery.person("Ada").sensors == ("camera", "kinect-v1")


def test_a_walk_that_is_not_recognised_is_added_with_its_score(system: System) -> None:
    system.watch(1, walk_of(EVE))
    reply = system.enrol("Ada", 1, add=True)
    assert "would not have been recognised as Ada: score" in reply.fits[0]
    assert "a walk of Ada contradict each other" in reply.warnings[0]
    assert system.walks() == {"Ada": 2, "Ben": 1}


def test_a_walk_of_somebody_else_is_not_added_unless_forced(system: System) -> None:
    system.watch(1, walk_of(BEN))
    with pytest.raises(UserError, match=r"recognised as Ben: score 0\.9\d+, threshold 0\.900.*--force"):
        system.enrol("Ada", 1, add=True)
    assert system.walks() == {"Ada": 1, "Ben": 1}
    assert "recognised as Ben" in system.enrol("Ada", 1, add=True, force=True).warnings[0]
    assert system.walks() == {"Ada": 2, "Ben": 1}


def test_a_recognised_walk_is_reported_while_thresholds_are_provisional(system: System) -> None:
    measured = replace(BACKEND.visits["kinect-v1"], between_sites=1.0)
    system.matcher.replace_index(system.matcher.index, {"kinect-v1": SiteCalibration(measured, 2)})
    system.watch(1, walk_of(ADA))
    (warning,) = system.enrol("Eve", 1).warnings
    assert "is recognised as Ada: score 0.9" in warning
    assert warning.endswith("the threshold is provisional")


def test_a_walk_that_is_there_already_is_not_added(system: System) -> None:
    walk = walk_of(ADA)
    system.watch(1, walk)
    system.enrol("Ada", 1, add=True)
    with pytest.raises(
        UserError,
        match=r"track 1 was enrolled as Ada already \(score 1\.000, threshold 0\.900\)\. Give another walk",
    ):
        system.enrol("Ada", 1, add=True)
    again = System(system.gallery)
    again.watch(1, walk[10:])
    with pytest.raises(UserError, match="is a recording that Ada was enrolled from"):
        again.enrol("Ada", 1, add=True)


def test_a_walk_is_not_added_to_a_person_who_is_not_enrolled(system: System) -> None:
    system.watch(1, walk_of(EVE))
    with pytest.raises(GalleryError, match="no person named Eve is enrolled"):
        system.enrol("Eve", 1, add=True)
    assert system.enrol("Eve", 1).warnings == ()


UNKNOWN: list[View | None] = [None]
TOWARDS: list[View | None] = ["towards"]
AWAY: list[View | None] = ["away"]
SIDE: list[View | None] = ["side"]


def stored(system: System, name: str) -> list[tuple[str | None, str | None]]:
    """Pose model and views of each stored walk of a person."""
    return [(walk.pose_model, walk.view) for walk in system.gallery.person(name).enrolments]


def test_a_walk_is_stored_with_its_pose_model_and_the_views_it_shows_for_long_enough(system: System) -> None:
    system.watch(
        1, walk_of(EVE), source=1, views=UNKNOWN * 5 + TOWARDS * 20 + SIDE * 10 + AWAY * 25, model="full"
    )
    system.enrol("Eve", 1)
    assert stored(system, "Eve") == [("full", "towards,away")]
    assert stored(system, "Ada") == [(None, None)]


def test_the_missing_views_are_asked_for(system: System) -> None:
    first, second, third = (walk_of(EVE) for _ in range(3))
    system.watch(1, first, source=1, views=TOWARDS * 60)
    assert system.enrol("Eve A.", 1).views == (
        "on camera, Eve A. is enrolled walking towards the sensor; if people pass so, also enrol walking "
        "away from the sensor and across the sensor's view: `sge-stream people add-walk 'Eve A.' --source S`",
    )
    system.watch(2, second, source=1, views=AWAY * 60)
    (text,) = system.enrol("Eve A.", 2, add=True).views
    assert "is enrolled walking towards the sensor and away from the sensor; if" in text
    assert "also enrol walking across the sensor's view: `" in text
    system.watch(3, third, source=1, views=SIDE * 60)
    assert system.enrol("Eve A.", 3, add=True).views == ()
    assert stored(system, "Eve A.") == [(None, "towards"), (None, "away"), (None, "side")]


def test_each_kind_of_sensor_has_its_own_missing_views(system: System) -> None:
    system.watch(1, walk_of(EVE), views=AWAY * 60)
    system.watch(2, walk_of(EVE), source=1, views=SIDE * 60)
    camera, kinect = system.enrol("Eve", 1, 2).views
    assert camera.startswith("on camera, Eve is enrolled walking across the sensor's view; if")
    assert kinect.startswith("on kinect-v1, Eve is enrolled walking away from the sensor; if")


def test_no_view_is_asked_for_where_none_is_known(system: System) -> None:
    system.watch(1, walk_of(EVE))
    assert system.enrol("Eve", 1).views == ()


@pytest.mark.parametrize("earlier", ["lite", ""])
def test_people_enrolled_with_another_pose_model_are_named(gallery: Gallery, earlier: str) -> None:
    run = System(gallery)
    for number, name in enumerate(("Ada", "Ben", "Cy", "Dora"), 1):
        run.watch(number, walk_of(RANDOM.standard_normal((F, D)).astype("f4")), source=1, model=earlier)
        run.enrol(name, number)
    run = System(gallery)
    run.watch(1, walk_of(EVE), source=1, model="full")
    run.watch(2, walk_of(EVE), source=1, model="full")
    (warning,) = [text for text in run.enrol("Eve", 1).warnings if "pose model" in text]
    by = "the pose model lite" if earlier else "a pose model that was not recorded"
    assert warning == (
        f"walks of Ada, Ben, Cy and 1 more on camera were enrolled with {by}, and this run uses full: people "
        "are recognised worse across two models; enrol these again with full"
    )
    run.watch(3, walk_of(EVE), source=1, model="full")
    again = run.enrol("Ada", 3, add=True, force=True)
    assert "walks of Ben, Cy and Dora on camera" in " ".join(again.warnings)
    run.reload()
    run.watch(4, walk_of(BEN), source=1, model="full")
    later = run.enrol("Ben", 4, add=True, force=True)
    assert "walks of Cy and Dora on camera" in " ".join(later.warnings), "Ada has a walk of this model now"


def test_one_pose_model_or_none_is_no_matter(system: System) -> None:
    system.watch(1, walk_of(EVE), source=1, model="full")
    assert system.enrol("Eve", 1).warnings == ()
    system.reload()
    for number, model in ((2, "full"), (3, "")):
        other = walk_of(RANDOM.standard_normal((F, D)).astype("f4"))
        system.watch(number, other, source=1, model=model)
        warnings = system.enrol(f"P{number}", number, force=True).warnings
        assert not any("pose model" in text for text in warnings)
