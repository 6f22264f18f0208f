"""Decisions of the matcher and their reasons; scores of windows; enrolment of tracks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gallery.calibration.site_calibration import SiteCalibration
from gallery.enrolment import prepare_enrolment, store_enrolment
from gallery.matcher import MAX_ENDED, Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend, Projection
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.walk_quality import assess_quality
from gallery.store.gallery import open_gallery
from gallery.store.records import PersonTemplates
from stream.bus.messages import EnrolRequest, Tick, TrackNote, TrackSplit, WindowRow
from stream.errors import UserError
from stream.walk_views import View
from tests.gallery.flat_visits import flat_visits

F, D = 6, 16
SOURCES = (SourceCard("a.mcap", "kinect-v1", False), SourceCard("b.mcap", "rgb", False))
BACKEND = Backend(visits={"kinect-v1": flat_visits(0.9)})
RANDOM = np.random.default_rng(3)
ADA, BEN, EVE = (RANDOM.standard_normal((F, D)).astype(np.float32) for _ in range(3))


def index(**people: np.ndarray) -> TemplateIndex:
    ids = {"ada": 1, "ben": 2, "eve": 3}
    templates = [PersonTemplates(ids[n], n, "kinect-v1", cages[None]) for n, cages in people.items()]
    return TemplateIndex(templates, BACKEND, [source.sensor for source in SOURCES])


def matcher(fpir: float | None = 0.01, **people: np.ndarray) -> Matcher:
    return Matcher(SOURCES, F, fpir, index(**people))


def observe_walk(
    subject: Matcher, cages: np.ndarray, windows: int, track: int = 1, source: int = 0
) -> list[TrackDecision]:
    decisions: list[TrackDecision] = []
    for k in range(windows):
        start = k * 100_000_000
        row = WindowRow(track, start, start + 166_666_667, 7, 1.0)
        decisions += subject.observe(Tick(source, 0, k, "c", (1, F, D), (row,)), cages[None])
    return decisions


def test_a_decision_says_what_its_threshold_rests_on() -> None:
    measured = replace(flat_visits(0.9), between_sites=1.0)
    backend = Backend(visits={"kinect-v1": measured})
    templates = [
        PersonTemplates(n, name, "kinect-v1", cages[None])
        for n, (name, cages) in enumerate({"ada": ADA, "ben": BEN}.items(), 1)
    ]
    sensors = [source.sensor for source in SOURCES]
    few = Matcher(SOURCES, F, 0.01, TemplateIndex(templates, backend, sensors))
    last = observe_walk(few, ADA, 12)[-1]
    assert (last.state, last.calibration, last.provisional) == ("person", "other sites only", True)
    rests = "provisional: the threshold rests on other sites only"
    assert last.reason == f"score reaches the threshold; {rests}"
    assert observe_walk(few, EVE, 12, track=2)[-1].reason == f"score is below the threshold; {rests}"

    enough = {"kinect-v1": SiteCalibration(measured, 2, enrolled=9, visits=7)}
    few.replace_index(few.index, enough)
    last = observe_walk(few, ADA, 12, track=3)[-1]
    assert (last.calibration, last.provisional) == ("9 enrolled people", False)
    assert last.reason == "score reaches the threshold"


def test_a_person_is_named_after_enough_walking() -> None:
    decisions = observe_walk(matcher(ada=ADA, ben=BEN), ADA, 12)
    assert [decision.state for decision in decisions] == ["collecting"] * 9 + ["person"] * 3
    assert decisions[0].reason == "seen 0.1 of 1.0 s"
    last = decisions[-1]
    assert (last.candidate, last.reason) == ("ada", "score reaches the threshold")
    assert last.score == pytest.approx(1.0)
    assert last.threshold == pytest.approx(0.9)
    assert last.window is not None and last.window.arrival_ns == 7


def test_a_stranger_is_unknown_with_a_candidate() -> None:
    last = observe_walk(matcher(ada=ADA, ben=BEN), EVE, 12)[-1]
    assert last.state == "unknown"
    assert last.candidate in ("ada", "ben")
    assert last.reason == "score is below the threshold"
    assert last.margin is not None
    assert last.margin > 0


def test_without_an_fpir_the_best_candidate_is_named() -> None:
    last = observe_walk(matcher(None, ada=ADA), EVE, 12)[-1]
    assert (last.state, last.candidate, last.threshold, last.margin) == ("person", "ada", None, None)


def test_no_person_is_named_on_equal_scores() -> None:
    last = observe_walk(matcher(None, ada=ADA, ben=ADA), ADA, 12)[-1]
    assert (last.state, last.margin) == ("unknown", 0.0)
    assert last.reason == "two people fit equally well: ada and ben"
    assert observe_walk(matcher(None, ada=ADA, ben=ADA, eve=ADA), ADA, 12)[-1].reason == (
        "3 people fit equally well: ada, ben and eve"
    )


@pytest.mark.parametrize(("difference", "state"), [(1e-5, "unknown"), (1e-2, "person")])
def test_scores_that_differ_by_rounding_are_equal(difference: float, state: str) -> None:
    similar = ADA.copy()
    similar[0] += (
        np.float32(np.sqrt(2 * difference)) * np.linalg.norm(ADA[0]) * BEN[0] / np.linalg.norm(BEN[0])
    )
    last = observe_walk(matcher(None, ada=ADA, ben=similar), ADA, 12)[-1]
    assert last.margin is not None
    assert last.margin > 0
    assert (last.state, round(last.margin, 4) == 0) == (state, state == "unknown")


def test_people_enrolled_during_a_track_are_not_said_to_be_of_another_sensor() -> None:
    subject = matcher()
    observe_walk(subject, ADA, 12)
    subject.replace_index(index(ada=ADA))
    first = observe_walk(subject, ADA, 1)[-1]
    assert (first.state, first.candidate) == ("unknown", None)
    assert first.reason == "everyone was enrolled while this person walked: not compared yet"
    assert observe_walk(subject, ADA, 9)[-1].candidate == "ada"


def test_reasons_state_an_empty_gallery_another_sensor_and_an_uncalibrated_sensor() -> None:
    empty = observe_walk(matcher(), ADA, 12)[-1]
    assert (empty.state, empty.candidate, empty.reason) == ("unknown", None, "nobody is enrolled")
    other = observe_walk(matcher(ada=ADA), ADA, 12, track=2, source=1)[-1]
    assert (other.state, other.candidate, other.reason) == ("unknown", None, "enrolled on another sensor")
    rgb = TemplateIndex([PersonTemplates(1, "ada", "rgb", ADA[None])], BACKEND, ["kinect-v1", "rgb"])
    last = observe_walk(Matcher(SOURCES, F, 0.01, rgb), ADA, 12, source=1)[-1]
    assert (last.state, last.candidate) == ("unknown", "ada")
    assert last.reason == "uncalibrated: no threshold is known for rgb"


def test_probes_are_compared_only_with_templates_of_their_kind_of_sensor() -> None:
    templates = [
        PersonTemplates(1, "ada", "kinect-v1", ADA[None]),
        PersonTemplates(1, "ada", "rgb", BEN[None]),
        PersonTemplates(2, "ben", "rgb", EVE[None]),
    ]
    subject = TemplateIndex(templates, BACKEND, ["kinect-v1", "rgb"])
    assert (subject.people_of("kinect-v1"), subject.people_of("rgb")) == ((1,), (1, 2))
    assert scores(subject, ADA, "kinect-v1") == pytest.approx([1.0])
    assert scores(subject, BEN, "kinect-v1")[0] < 0.9
    assert scores(subject, BEN, "rgb")[0] == pytest.approx(1.0)


def scores(subject: TemplateIndex, window: np.ndarray, sensor: str) -> np.ndarray:
    found: np.ndarray = subject.scores(subject.describe(window[None], sensor), sensor)[0]
    return found


def test_the_window_score_is_the_mean_similarity_of_skeletons_to_their_nearest_templates() -> None:
    rows = RANDOM.standard_normal((5, F, D)).astype(np.float32)
    owners = [1, 1, 2, 2, 2]
    probe = RANDOM.standard_normal((F, D)).astype(np.float32)
    random = np.random.default_rng(4)
    mean, matrix = (random.standard_normal(shape).astype(np.float32) for shape in (D, (D, 5)))
    projection = Projection(mean, matrix)
    templates = [
        PersonTemplates(p, f"p{p}", sensor, rows[[k for k in range(5) if owners[k] == p]])
        for p in (2, 1)
        for sensor in ("plain", "projected")
    ]
    subject = TemplateIndex(templates, Backend({"projected": projection}), ["plain", "projected"])
    assert subject.people == (1, 2)
    expected = literal_scores(probe, rows, owners)
    np.testing.assert_allclose(scores(subject, probe, "plain"), expected, atol=1e-6)
    projected = [(x - mean) @ matrix for x in (probe, rows)]
    expected = literal_scores(projected[0], projected[1], owners)
    np.testing.assert_allclose(scores(subject, probe, "projected"), expected, atol=1e-5)


def literal_scores(probe: np.ndarray, rows: np.ndarray, owners: list[int]) -> list[float]:
    expected = []
    for person in (1, 2):
        total = 0.0
        for t in range(F):
            total += max(
                float(np.dot(probe[t], row[t]) / np.linalg.norm(probe[t]) / np.linalg.norm(row[t]))
                for row, owner in zip(rows, owners, strict=True)
                if owner == person
            )
        expected.append(total / F)
    return expected


def test_scores_do_not_depend_on_other_enrolled_people() -> None:
    probe = RANDOM.standard_normal((F, D)).astype(np.float32)
    everyone = scores(index(ada=ADA, ben=BEN, eve=EVE), probe, "kinect-v1")
    some = scores(index(ada=ADA, eve=EVE), probe, "kinect-v1")
    np.testing.assert_allclose(some, everyone[[0, 2]], atol=1e-6)


def test_the_last_decision_of_a_track_is_final() -> None:
    subject = matcher(ada=ADA)
    observe_walk(subject, ADA, 12)
    (final,) = subject.observe(Tick(0, 0, 12, ended=(1,)), np.zeros(0, np.float32))
    assert final.final
    assert (final.state, final.candidate, final.window) == ("person", "ada", None)
    assert final.time_ns == 11 * 100_000_000 + 166_666_667
    assert subject.tracks == {}
    assert subject.end(1) == []


def test_a_track_without_windows_has_a_reason_and_ends_collecting() -> None:
    subject = matcher(ada=ADA)
    no_windows = np.zeros(0, np.float32)
    (first,) = subject.observe(Tick(0, 0, 0, notes=(TrackNote(1, 5, None),)), no_windows)
    (second,) = subject.observe(Tick(0, 0, 1, notes=(TrackNote(1, 9, "joints missing"),)), no_windows)
    (final,) = subject.end_source(0)
    assert (first.state, first.reason) == ("collecting", "seen 0.0 of 1.0 s")
    assert second.reason == "seen 0.0 of 1.0 s: joints missing"
    assert (final.state, final.final, final.candidate, final.time_ns) == ("collecting", True, None, 9)
    assert final.reason == second.reason


def test_a_changed_gallery_applies_within_a_track() -> None:
    subject = matcher(ada=ADA, ben=BEN)
    observe_walk(subject, ADA, 12)
    subject.replace_index(index(ben=BEN))
    assert observe_walk(subject, ADA, 1)[-1].candidate == "ben"
    subject.replace_index(index(eve=EVE, ada=ADA))
    assert observe_walk(subject, ADA, 9)[-1].candidate is None, "expected too few windows of both"
    assert observe_walk(subject, ADA, 1)[-1].candidate == "ada"


def test_a_limited_number_of_ended_tracks_is_kept_for_enrolment() -> None:
    subject = matcher()
    for number in range(1, MAX_ENDED + 3):
        observe_walk(subject, ADA, 1, track=number)
        subject.end(number)
    assert len(subject.ended) == MAX_ENDED
    assert 1 not in subject.ended


def test_an_invalid_enrolment_is_refused_with_a_reason(tmp_path: object) -> None:
    subject = matcher()
    with open_gallery(str(tmp_path) + "/g.db") as store:
        with pytest.raises(UserError, match="nobody is in view"):
            prepare_enrolment(subject, "c", EnrolRequest("Ada", (), "--yes"))
        with pytest.raises(UserError, match="no track 9"):
            prepare_enrolment(subject, "c", EnrolRequest("Ada", (9,), "--yes"))
        observe_walk(subject, ADA, 20)
        with pytest.raises(UserError, match=r"2\.0 s of usable walking, at least 3 s"):
            prepare_enrolment(subject, "c", EnrolRequest("Ada", (), "--yes"))
        observe_walk(subject, BEN, 40, track=2)
        with pytest.raises(UserError, match=r"2 people are in view \(tracks 1, 2\)"):
            prepare_enrolment(subject, "c", EnrolRequest("Ada", (), "--yes"))
        assert store.people() == []
        reply = store_enrolment(store, prepare_enrolment(subject, "c", EnrolRequest("Ben", (2,), "--yes")))
        assert (reply.windows, reply.quality) == (40, assess_quality(4.0, None).value)
        assert reply.quality_cause.startswith("only 4.0 s of walking; let the person walk 15 s")
        assert reply.seconds == pytest.approx(4.0)
        (ben,) = store.templates("c")
        np.testing.assert_array_equal(ben.templates[0], BEN)


def test_the_reason_states_why_a_decided_track_has_no_new_windows() -> None:
    subject = matcher(ada=ADA)
    observe_walk(subject, ADA, 12)
    (standing,) = subject.observe(
        Tick(0, 0, 12, "c", (), (), notes=(TrackNote(1, 2_300_000_000, "standing still"),)), ADA[None][:0]
    )
    assert (standing.state, standing.candidate) == ("person", "ada")
    assert standing.reason == "score reaches the threshold; no new windows: standing still"
    (final,) = subject.end(1)
    assert final.reason == "score reaches the threshold"
    walking = observe_walk(matcher(ada=ADA), ADA, 12)[-1]
    assert walking.reason == "score reaches the threshold"


def row(track: int, number: int, view: View | None = None) -> WindowRow:
    return WindowRow(track, number * 100_000_000, number * 100_000_000 + 166_666_667, 7, 1.0, view)


def test_a_split_track_ends_as_it_was_before_the_change_and_its_later_windows_are_the_other_person() -> None:
    subject, alone = matcher(ada=ADA, ben=BEN), matcher(ada=ADA, ben=BEN)
    observe_walk(alone, ADA, 20)
    (expected,) = alone.observe(Tick(0, 0, 20, ended=(1,)), ADA[None][:0])
    observe_walk(subject, ADA, 20)
    for k in range(20, 34):
        subject.observe(Tick(0, 0, k, "c", (1, F, D), (row(1, k),)), (ADA if k == 20 else BEN)[None])
    # Window 20 ends, and windows 19 and 20 do not start, after the change at 2.05 s.
    split = TrackSplit(1, 2, 2_050_000_000)
    tick = Tick(
        0, 0, 34, "c", (1, F, D), (row(2, 34),), ended=(1,), open=(2,), cut={1: 19, 2: 14}, splits=(split,)
    )
    first, second, third = subject.observe(tick, BEN[None])
    assert (first.track.number, first.state, first.candidate, first.final) == (1, "person", "ada", True)
    assert (second.track.number, second.state, second.candidate, second.final) == (2, "person", "ben", False)
    assert third.track.number == 2
    assert third.seconds == pytest.approx(1.4)
    assert first.seconds == pytest.approx(1.9)
    assert expected.score == pytest.approx(first.score or 0)
    assert first.reason.endswith("; then the body changed, see track 2")
    assert [first.lost_windows, third.lost_windows] == [0, 0]
    for number, seconds in ((1, 1.9), (2, 1.4)):
        track = (subject.tracks | subject.ended)[number]
        assert track.scores.seconds == pytest.approx(seconds), "by which the track can be enrolled"


def test_the_views_of_a_split_track_are_divided_like_its_windows() -> None:
    subject = matcher(ada=ADA)
    for k in range(34):
        view: View = "towards" if k < 20 else "away"
        tick = Tick(0, 0, k, "c", (1, F, D), (row(1, k, view),), pose_model="full")
        subject.observe(tick, ADA[None])
    split = TrackSplit(1, 2, 2_050_000_000)
    subject.observe(Tick(0, 0, 34, ended=(1,), open=(2,), splits=(split,)), ADA[None][:0])
    first, second = subject.ended[1].scores, subject.tracks[2].scores
    assert (first.views, first.seen_views, first.pose_model) == ({"towards": 19}, ("towards",), "full")
    assert (second.views, second.seen_views, second.pose_model) == ({"away": 13}, ("away",), "full")


def test_a_repeated_split_or_end_changes_nothing() -> None:
    subject = matcher(ada=ADA)
    observe_walk(subject, ADA, 12)
    split = TrackSplit(1, 2, 10**18)
    tick = Tick(0, 0, 12, ended=(1,), open=(2,), cut={1: 12, 2: 0}, splits=(split,))
    assert len(subject.observe(tick, ADA[None][:0])) == 1
    assert subject.observe(tick, ADA[None][:0]) == []


def test_one_tick_may_end_a_track_and_open_another_and_the_end_comes_first() -> None:
    subject = matcher(ada=ADA, ben=BEN)
    observe_walk(subject, ADA, 12)
    tick = Tick(
        0, 0, 12, "c", (2, F, D), (row(2, 90), row(1, 12)), (TrackNote(2, 9 * 10**9, None),), (1,), (2,)
    )
    decisions = subject.observe(tick, np.stack([BEN, ADA]))
    assert [(d.track.number, d.final) for d in decisions] == [(1, False), (1, True), (2, False), (2, False)]
    assert decisions[1].candidate == "ada"
    assert decisions[1].seconds == pytest.approx(1.3)


def test_a_track_that_came_and_left_in_one_tick_ends_once() -> None:
    subject = matcher(ada=ADA, ben=BEN)
    rows = tuple(row(5, k) for k in range(12))
    tick = Tick(
        0, 0, 0, "c", (12, F, D), rows, (TrackNote(5, 10**9, None), TrackNote(6, 10**9, None)), (5, 6)
    )
    decisions = subject.observe(tick, np.stack([ADA] * 12))
    finals = [(d.track.number, d.state, d.candidate) for d in decisions if d.final]
    assert finals == [(5, "person", "ada"), (6, "collecting", None)]
    assert not subject.tracks
    assert subject.end_source(0) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_windows_cut_are_compared_or_counted_as_lost(ticks: list[tuple[int, bool]]) -> None:
    subject, cut, compared = matcher(ada=ADA), 0, 0
    for seq, (windows, arrives) in enumerate(ticks):
        rows = tuple(row(1, cut + n) for n in range(windows))
        cut += windows
        if not arrives:
            continue
        compared += windows
        tick = Tick(0, 0, seq, "c", (windows, F, D) if windows else (), rows, open=(1,), cut={1: cut})
        for decision in subject.observe(tick, np.stack([ADA] * windows) if windows else ADA[None][:0]):
            assert decision.lost_windows == cut - windows - (compared - windows)
    finals = subject.observe(Tick(0, 0, 99, ended=(1,), cut={1: cut}), ADA[None][:0])
    for final in finals:
        lost = final.lost_windows
        assert lost + compared == cut
        assert ("lost" in final.reason) == (lost > 0)
        assert round(final.seconds * 10) == compared
