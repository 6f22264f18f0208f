"""The visits of a gallery, on every engine: stored, judged, forgotten, and erased with their people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gallery.store.backup import back_up, open_backup
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.history import MAX_VISITORS, MAX_WALKS_OF_VISITOR, UnknownVisitError
from gallery.store.history_records import DeniedVisit, NewCandidate
from gallery.store.history_rows import MAX_KEPT_WALKS
from gallery.store.records import NewEnrolment
from stream.body import FloatArray
from stream.errors import GalleryError
from stream.visits.events import VisitCandidate
from tests.gallery.store.stored_visits import MONTH, NOW, new_visit, visit_walk, walk_cages

WEEK = timedelta(days=7)


def walk() -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 4.5, 0.75, walk_cages(99))


@pytest.fixture
def ids(gallery: Gallery) -> dict[str, int]:
    """Ids of the people of a gallery, by name."""
    for name in ("Ada", "Ben", "Cy"):
        gallery.enrol(name, [walk()], "asked")
    return {each.name: each.person_id for each in gallery.templates("model-1")}


def content(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.iterdir() if file.is_file())


def traces(path: Path, cages: FloatArray) -> int:
    """Counts pieces of templates in the files of a folder, in both precisions."""
    data = content(path)
    both = (cages.astype("<f2").tobytes(), cages.astype("<f4").tobytes())
    return sum(bits[at : at + 16] in data for bits in both for at in range(0, len(bits) - 15, 16))


def test_a_visit_is_read_back_completely(gallery: Gallery, ids: dict[str, int]) -> None:
    revision = gallery.revision()
    candidates = (NewCandidate(ids["Ada"], 2.5, 1.5), NewCandidate(ids["Ben"], 0.5, None))
    stored = gallery.history.add([new_visit("v-1", ids["Ada"], candidates=candidates)])
    assert (stored, gallery.revision()) == (1, revision)
    (visit,) = gallery.history.visits()
    assert visit == gallery.history.visit("v-1") == gallery.history.visit("v")
    assert (visit.arrived_at, visit.left_at) == (NOW - timedelta(seconds=8), NOW)
    assert visit.candidates == (VisitCandidate("Ada", 2.5, 1.5), VisitCandidate("Ben", 0.5, None))
    assert (visit.person, visit.outcome, visit.reason_code) == ("Ada", "person", "accepted")
    assert (visit.walking_s, visit.windows, visit.quality, visit.confidence) == (5.25, 52, 0.75, 93)
    assert (visit.views, visit.fpir, visit.people, visit.comparison) == (("towards", "away"), 0.05, 3, "v1")
    assert (visit.truth, visit.was, visit.visitor, visit.kept) == (None, None, None, True)
    ((visit_id, kept),) = gallery.history.walks()
    expected = visit_walk(ids["Ada"])
    assert visit_id == "v-1"
    np.testing.assert_array_equal(kept.templates, expected.templates)
    np.testing.assert_array_equal(kept.statistics, expected.statistics)
    assert (kept.sensor, kept.view, kept.windows, kept.seconds) == ("kinect-v1", "towards,away", 52, 5.25)


def test_a_visit_is_stored_once(gallery: Gallery, ids: dict[str, int]) -> None:
    assert gallery.history.add([new_visit("v", ids["Ada"])]) == 1
    assert gallery.history.add([new_visit("v", ids["Ada"], quality=0.1), new_visit("w")]) == 1
    assert sorted((each.id, each.quality) for each in gallery.history.visits()) == [("v", 0.75), ("w", 0.75)]


@pytest.mark.slow
@given(
    quality=st.floats(0, 1),
    walking=st.floats(0, 1e6),
    confidence=st.none() | st.integers(0, 100),
    score=st.floats(-1e6, 1e6),
    source=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    changes=st.integers(0, 1000),
    interrupted=st.booleans(),
    moved=st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_numbers_texts_and_times_are_read_back_as_they_were(
    gallery: Gallery,
    quality: float,
    walking: float,
    confidence: int | None,
    score: float,
    source: str,
    changes: int,
    interrupted: bool,
    moved: timedelta,
) -> None:
    if not gallery.has("Ada"):
        gallery.enrol("Ada", [walk()], "asked")
    (ada,) = (each.person_id for each in gallery.templates("model-1"))
    visit_id = f"v-{len(gallery.history.visits())}"
    new = new_visit(
        visit_id,
        ada,
        quality=quality,
        walking_s=walking,
        confidence=confidence,
        source=source,
        changes=changes,
        interrupted=interrupted,
        left_at=NOW + moved,
        candidates=(NewCandidate(ada, score, None),),
    )
    assert gallery.history.add([new]) == 1
    found = next(each for each in gallery.history.visits() if each.id == visit_id)
    assert (found.quality, found.walking_s, found.confidence) == (quality, walking, confidence)
    assert (found.source, found.changes, found.interrupted) == (source, changes, interrupted)
    assert found.left_at == NOW + moved
    assert found.candidates == (VisitCandidate("Ada", score, None),)


def test_visits_are_listed_newest_first_and_by_what_is_asked(gallery: Gallery, ids: dict[str, int]) -> None:
    hours = [timedelta(hours=hour) for hour in range(4)]
    gallery.history.add(
        [new_visit(f"a{n}", ids["Ada"], left_at=NOW + hour, walk=None) for n, hour in enumerate(hours)]
    )
    gallery.history.add([new_visit("u", left_at=NOW + hours[1] / 2)])
    assert [each.id for each in gallery.history.visits()] == ["a3", "a2", "a1", "u", "a0"]
    assert [each.id for each in gallery.history.visits(NOW + hours[2])] == ["a3", "a2"]
    assert [each.id for each in gallery.history.visits(unknown=True)] == ["u"]


def test_visits_whose_time_is_over_are_left_out_before_they_are_deleted(
    gallery: Gallery, ids: dict[str, int]
) -> None:
    gallery.history.add([new_visit("v-1", ids["Ada"]), new_visit("v-2", keep_until=NOW + WEEK)])
    assert {each.id for each in gallery.history.visits(now=NOW + WEEK)} == {"v-1", "v-2"}
    after = NOW + WEEK + timedelta(seconds=1)
    assert [each.id for each in gallery.history.visits(now=after)] == ["v-1"]
    assert gallery.history.visits(unknown=True, now=after) == []
    assert gallery.history.visit("v", after).id == "v-1", "an id may be as short as the other visits allow"
    with pytest.raises(UnknownVisitError):
        gallery.history.visit("v-2", after)


def test_an_id_may_be_shortened_as_long_as_it_is_one_visits(gallery: Gallery) -> None:
    gallery.history.add([new_visit(each) for each in ("ab-1", "ab-12", "cd-1", "c%", "x1", "x2", "x3", "x4")])
    assert gallery.history.visit("12").id == "ab-12"
    assert gallery.history.visit("cd").id == "cd-1"
    assert gallery.history.visit("ab-1").id == "ab-1"
    assert gallery.history.visit("c%").id == "c%"
    for start, text in (
        ("ab", "ab-1, ab-12; give more"),
        ("x", "and others; give more"),
        ("1", "ab-1, cd-1"),
    ):
        with pytest.raises(GalleryError, match=text):
            gallery.history.visit(start)
    for start in ("", "%", "_", "z", "ab-123"):
        with pytest.raises(GalleryError, match=r"no visit .* is stored"):
            gallery.history.visit(start)


def test_visits_follow_a_renamed_person_and_go_with_a_removed_one(
    gallery: Gallery, ids: dict[str, int], tmp_path: Path
) -> None:
    near_both = (NewCandidate(ids["Ada"], 1.0, 1.5), NewCandidate(ids["Ben"], 0.9, 1.5))
    gallery.history.add([new_visit("a", ids["Ada"]), new_visit("u", candidates=near_both)])
    gallery.rename("Ada", "Ada L.")
    assert gallery.history.visit("a").person == "Ada L."
    assert traces(tmp_path, walk_cages(ids["Ada"])) > 0
    assert gallery.remove("Ada L.").done
    (left,) = gallery.history.visits()
    assert (left.id, [each.name for each in left.candidates]) == ("u", ["Ben"])
    assert traces(tmp_path, walk_cages(ids["Ada"])) == 0
    assert gallery.history.add([new_visit("late", ids["Ada"])]) == 0, "a removed person is not stored again"


def test_removing_who_it_was_erases_the_walk_and_keeps_the_false_match(
    gallery: Gallery, ids: dict[str, int], tmp_path: Path
) -> None:
    gallery.history.add([new_visit("a", ids["Ada"])])
    visit, _ = gallery.history.judge("a", "denied", "ben")
    assert (visit.was, visit.kept) == ("Ben", True)
    assert gallery.remove("Ben").done
    visit = gallery.history.visit("a")
    assert (visit.person, visit.truth, visit.was, visit.kept) == ("Ada", "denied", None, False)
    assert traces(tmp_path, walk_cages(ids["Ada"])) == 0


def test_a_denied_visit_counts_for_the_matcher_until_it_is_confirmed(
    gallery: Gallery, ids: dict[str, int]
) -> None:
    gallery.history.add([new_visit("a", ids["Ada"]), new_visit("b", ids["Ada"], comparison="v2")])
    revision = gallery.revision()
    gallery.history.judge("a", "confirmed")
    assert (gallery.history.denied("v1"), gallery.revision()) == ([], revision)
    gallery.history.judge("a", "denied", "Ben")
    gallery.history.judge("b", "denied")
    assert gallery.revision() > revision
    assert gallery.history.denied("v1") == [DeniedVisit(ids["Ada"], "kinect-v1", 2.5, 52, 3, True)]
    assert [each.was_enrolled for each in gallery.history.denied("v2")] == [False]
    revision = gallery.revision()
    gallery.history.judge("a", "confirmed")
    visit = gallery.history.visit("a")
    assert (visit.truth, visit.was, gallery.history.denied("v1")) == ("confirmed", None, [])
    assert gallery.revision() > revision


def test_a_denied_visit_of_nobody_enrolled_keeps_no_walk(
    gallery: Gallery, ids: dict[str, int], tmp_path: Path
) -> None:
    gallery.history.add([new_visit("a", ids["Ada"])])
    assert traces(tmp_path, walk_cages(ids["Ada"])) > 0
    visit, erasure = gallery.history.judge("a", "denied")
    assert (visit.kept, erasure.done, list(gallery.history.walks())) == (False, True, [])
    assert traces(tmp_path, walk_cages(ids["Ada"])) == 0


def test_a_stranger_who_was_taken_for_somebody_by_mistake_keeps_no_walk_without_an_end(
    gallery: Gallery, ids: dict[str, int], tmp_path: Path
) -> None:
    for judged_again in ("confirmed", "denied"):
        number = gallery.history.add_stranger(new_visit(judged_again, walk=visit_walk(77)), None, NOW + WEEK)
        gallery.history.judge(judged_again, "denied", "Ben")
        visit, erasure = gallery.history.judge(judged_again, judged_again)
        assert (visit.was, visit.kept, erasure.done) == (None, False, True)
        assert gallery.history.walks_of(number) == []
        assert traces(tmp_path, walk_cages(77)) == 0


def test_what_cannot_be_judged_is_refused(gallery: Gallery, ids: dict[str, int]) -> None:
    undecided = new_visit("u", outcome="undecided", reason_code="too-little-walking")
    gallery.history.add([new_visit("a", ids["Ada"]), undecided])
    for visit_id, was, text in (
        ("a", "Ada", "said to be Ada's; if it was, confirm it"),
        ("a", "Bem", "did you mean Ben"),
        ("u", None, "nothing was decided"),
        ("z", None, "no visit"),
    ):
        with pytest.raises(GalleryError, match=text):
            gallery.history.judge(visit_id, "denied", was)
    assert {each.truth for each in gallery.history.visits()} == {None}


def test_merging_two_names_of_one_person_merges_their_visits(gallery: Gallery, ids: dict[str, int]) -> None:
    both = (NewCandidate(ids["Ada"], 2.0, 1.5), NewCandidate(ids["Ben"], 1.9, 1.5))
    gallery.history.add([new_visit("a", ids["Ada"], candidates=both), new_visit("b", ids["Ben"])])
    gallery.history.judge("a", "denied", "Ben")
    gallery.merge("Ben", "Ada")
    first, second = gallery.history.visit("a"), gallery.history.visit("b")
    assert (first.person, second.person) == ("Ben", "Ben")
    assert (first.truth, first.was) == ("confirmed", None)
    assert first.candidates == (VisitCandidate("Ben", 2.0, 1.5),)
    assert gallery.history.denied("v1") == []


def test_visits_are_deleted_when_their_time_is_over(
    gallery: Gallery, ids: dict[str, int], tmp_path: Path
) -> None:
    gallery.history.add([new_visit("a", ids["Ada"]), new_visit("b", ids["Ben"], left_at=NOW + WEEK)])
    assert gallery.history.forget(NOW + MONTH / 2) == 0
    assert gallery.history.forget(NOW + MONTH / 2, NOW + WEEK / 2) == 1, "a shorter time holds at once"
    assert [each.id for each in gallery.history.visits()] == ["b"]
    assert traces(tmp_path, walk_cages(ids["Ada"])) == 0
    assert gallery.history.forget(NOW + MONTH + WEEK) == 1
    assert gallery.history.visits() == []
    assert traces(tmp_path, walk_cages(ids["Ben"])) == 0


def test_strangers_get_numbers_that_are_never_given_again(gallery: Gallery, tmp_path: Path) -> None:
    until = NOW + WEEK
    first = gallery.history.add_stranger(new_visit("a", walk=visit_walk(1)), None, until)
    second = gallery.history.add_stranger(new_visit("b", walk=visit_walk(2)), None, until)
    assert (first, second) == (1, 2)
    assert gallery.history.add_stranger(new_visit("c", walk=visit_walk(3)), first, until + WEEK) == 1
    assert gallery.history.visit("c").visitor == "visitor 1"
    known = gallery.history.visitors("model-1", "kinect-v1")
    assert [(each.number, len(each.walks)) for each in known] == [(1, 2), (2, 1)]
    np.testing.assert_array_equal(known[1].walks[0].templates, walk_cages(2))
    assert (
        gallery.history.visitors("model-2", "kinect-v1") == gallery.history.visitors("model-1", "k4a") == []
    )
    gallery.history.forget(until + timedelta(seconds=1))
    known = gallery.history.visitors("model-1", "kinect-v1")
    assert [(each.number, len(each.walks)) for each in known] == [(1, 1)]
    assert traces(tmp_path, walk_cages(2)) == traces(tmp_path, walk_cages(1)) == 0
    assert gallery.history.visit("b").visitor == "visitor 2", "times and scores stay as long as the visit"
    assert gallery.history.add_stranger(new_visit("d", walk=visit_walk(4)), None, until) == 3


def test_few_walks_of_a_stranger_are_kept(gallery: Gallery, tmp_path: Path) -> None:
    for n in range(MAX_WALKS_OF_VISITOR + 2):
        new = new_visit(f"v{n}", walk=visit_walk(n), left_at=NOW + timedelta(hours=n))
        gallery.history.add_stranger(new, 1 if n else None, NOW + WEEK)
    (known,) = gallery.history.visitors("model-1", "kinect-v1")
    assert len(known.walks) == MAX_WALKS_OF_VISITOR
    np.testing.assert_array_equal(known.walks[0].templates, walk_cages(2))
    gallery.history.forget(NOW)
    assert traces(tmp_path, walk_cages(0)) == 0


@pytest.mark.slow
def test_the_strangers_seen_last_are_remembered(gallery: Gallery) -> None:
    small = visit_walk(1, templates=walk_cages(1, 1, 1, 2), statistics=np.zeros(0, np.float32))
    for n in range(MAX_VISITORS + 2):
        new = new_visit(f"v{n}", walk=small, left_at=NOW + timedelta(minutes=n))
        gallery.history.add_stranger(new, None, NOW + WEEK)
    known = gallery.history.visitors("model-1", "kinect-v1")
    assert [each.number for each in known] == list(range(3, MAX_VISITORS + 3))


@pytest.mark.slow
def test_the_walks_of_the_newest_visits_are_kept(gallery: Gallery, ids: dict[str, int]) -> None:
    small = visit_walk(1, templates=walk_cages(1, 1, 1, 2))
    visits = [
        new_visit(f"v{n:04}", ids["Ada"], walk=small, left_at=NOW + timedelta(minutes=n))
        for n in range(MAX_KEPT_WALKS + 3)
    ]
    gallery.history.add(visits)
    kept = [visit_id for visit_id, _ in gallery.history.walks()]
    assert kept == [each.id for each in visits[3:]]
    assert len(gallery.history.visits()) == len(visits)


def test_a_backup_has_the_visits_and_no_walk_of_a_stranger(
    gallery: Gallery, ids: dict[str, int], tmp_path: Path
) -> None:
    near = (NewCandidate(ids["Ben"], 1.0, 1.5),)
    gallery.history.add([new_visit("a", ids["Ada"]), new_visit("b", ids["Ben"])])
    gallery.history.add_stranger(new_visit("u", candidates=near, walk=visit_walk(77)), None, NOW + WEEK)
    gallery.history.judge("a", "denied", "Cy")
    before = gallery.history.visits()
    (tmp_path / "copies").mkdir()
    back_up(gallery, tmp_path / "copies" / "backup.db")
    assert traces(tmp_path / "copies", walk_cages(77)) == 0
    assert traces(tmp_path / "copies", walk_cages(ids["Ben"])) > 0
    gallery.remove("Ada")
    gallery.history.add([new_visit("later")])
    with open_backup(tmp_path / "copies" / "backup.db", tmp_path) as backup:
        gallery.replace_people(backup, gallery.revision())
    after = gallery.history.visits()
    assert [replace(each, kept=True) for each in after] == [replace(each, kept=True) for each in before]
    assert [each.kept for each in after] == [True, True, False]
    assert gallery.history.add_stranger(new_visit("n", walk=visit_walk(5)), None, NOW + WEEK) == 2


def test_visits_are_durable(gallery: Gallery, ids: dict[str, int], url: str) -> None:
    gallery.history.add([new_visit("a", ids["Ada"])])
    before = gallery.history.visits()
    gallery.close()
    with open_gallery(url) as opened:
        assert opened.history.visits() == before


def test_no_repr_shows_values_of_a_walk() -> None:
    text = repr(new_visit("a", 1)) + repr(visit_walk(1))
    assert "array" not in text
