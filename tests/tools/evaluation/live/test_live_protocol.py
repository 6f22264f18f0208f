"""The protocol `live` says what the live system's matcher says, and nothing leaks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoder.inference import Encoder
from encoder.model import EncoderConfig
from encoder.weights import load_encoder, save_weights, seeded_state
from gallery.matcher import Finding, Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import Backend, FittedOn, Projection, SensorCard
from gallery.scoring.calibration import Calibration, ImpostorScores
from gallery.scoring.segments import describe_windows
from gallery.scoring.template_index import TemplateIndex
from stream.bus.messages import Tick
from stream.errors import UserError
from tests.stream.bodies import walking
from tools.backend_fit.fit_backend import write_backend
from tools.backend_fit.fusion_fit import DescribedWalk, fit_fusion
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, enrol, follow
from tools.backend_fit.sensor_fits import Fit
from tools.datasets import Walk
from tools.evaluation.live import (
    FPIRS,
    MOMENTS,
    SCENARIOS,
    LiveResult,
    Shipped,
    live_trial,
    load_shipped,
    moment_name,
    prepared_recording,
)
from tools.evaluation.methods import Description, Fixed, Method
from tools.evaluation.methods.raw_and_bones import bone_lengths, raw_window
from tools.evaluation.metrics.open_set import OpenSet

F, PEOPLE = 6, 7
KGBD = SCENARIOS["kgbd"]
RAW = Fixed((Description("raw", raw_window, F),))


def walk(person: str, number: int, frames: int, noise: float, **more: Any) -> Walk:
    """A walker of a build of his own, trembling; numbers fixed by person, condition, view and walk."""
    key = [*f"{person}{more.get('condition', '')}{more.get('view', '')}".encode(), number]
    build = np.random.default_rng([*person.encode()]).normal(0, 0.3, (20, 3))
    # One's walks differ from day to day as well, and not only from frame to frame.
    day = build + np.random.default_rng([*key, 7]).normal(0, noise / 2, (20, 3))
    trembling = day + np.random.default_rng(key).normal(0, noise, (frames, 20, 3))
    trembling[:, 0] = 0
    time_ns = np.arange(frames, dtype=np.int64) * 33_333_333
    joints = (walking(time_ns) + 0.02 * trembling).astype("f4")
    names = [more.get("condition", ""), str(number), more.get("view", "")]
    own = "-".join(filter(None, names))
    return Walk(
        person,
        own,
        more.pop("sensor", "kinect-v1"),
        "kinect-v1",
        time_ns,
        joints,
        np.ones((frames, 20), np.float32),
        f"kgbd/{person}/{own}",
        **more,
    )


def made_walks(
    people: int = PEOPLE, noise: float = 0.5, frames: Sequence[int] = (90, 100, 320, 170, 40)
) -> list[Walk]:
    return [
        walk(str(81 + person), number, length, noise)
        for person in range(people)
        for number, length in enumerate(frames, start=1)
    ]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    file = tmp_path_factory.mktemp("weights") / "small.safetensors"
    config = EncoderConfig(f=F, hidden=8)
    save_weights(file, seeded_state(config, 3), config)
    return Encoder(load_encoder(file), "cpu")


@pytest.fixture(scope="module")
def shipped(encoder: Encoder) -> Shipped:
    """A centred back-end, with thresholds that some reach and others do not."""
    return calibrated(encoder, Backend({"kinect-v1": centring(encoder)}))


@pytest.fixture(scope="module")
def fused(encoder: Encoder) -> Shipped:
    """A back-end of windows and segments, fitted on other made people."""
    made = [encode_walk(encoder, walk(str(n), number, 90, 0.5)) for n in range(1, 21) for number in (1, 2)]
    described = [DescribedWalk(each.person, each.walk, describe_windows(each.cages)) for each in made]
    return calibrated(encoder, Backend(fusions={"kinect-v1": fit_fusion(described)}))


def centring(encoder: Encoder) -> Projection:
    width = encoder.contract.dimension
    cages = np.concatenate([encode_walk(encoder, made).cages[..., :width] for made in made_walks(3)])
    return Projection(cages.mean(axis=(0, 1)), np.eye(width, dtype=np.float32))


def calibrated(encoder: Encoder, backend: Backend) -> Shipped:
    scores = ((0.6, 0.7, 0.8), (0.5, 0.6, 0.7))
    tail = ImpostorScores("t", 6, (10, 40), (30, 30), (0.5, 0.05, 0.01), scores, (0.1, 0.1))
    raw = Shipped(encoder, replace(backend, calibration=Calibration({"kinect-v1": tail})))
    searches = live_trial(made_walks(), KGBD, shipped=raw, splits=2).rows[0].searches
    # Scores of this small encoder lie where they lie: thresholds among them.
    middle, spread = searches.best(3).mean(), searches.best(3).std()
    early = tuple((middle + spread * np.array([-1.0, 0.0, 0.4])).tolist())
    late = tuple((middle + spread * np.array([-1.2, -0.2, 0.2])).tolist())
    excess = float(spread) / 4
    known = ImpostorScores("t", 6, (10, 40), (30, 30), (0.5, 0.05, 0.01), (early, late), (excess, excess))
    return Shipped(encoder, replace(backend, calibration=Calibration({"kinect-v1": known})))


def matcher_says(
    templates: list[WalkCages], probe: WalkCages, fpir: float, backend: Backend
) -> list[Finding]:
    card = SourceCard("a.mcap", "kinect-v1", False)
    matcher = Matcher((card,), F, fpir, TemplateIndex(enrol(templates), backend, ["kinect-v1"]))
    findings = []
    for row, cages in zip(probe.rows, probe.cages, strict=True):
        findings += matcher.observe(Tick(0, 0, 0, "c", (1, *cages.shape), (row,)), cages[None])
    return findings


@pytest.mark.parametrize(("kind", "choice"), [("shipped", "first"), ("shipped", "drawn"), ("fused", "drawn")])
def test_shipped_is_what_the_matcher_says(kind: str, choice: Any, request: pytest.FixtureRequest) -> None:
    shipped: Shipped = request.getfixturevalue(kind)
    made = made_walks()
    result = live_trial(made, KGBD, shipped=shipped, splits=2, seed=5, choice=choice)
    searches = result.rows[0].searches
    cages = {each.name: encode_walk(shipped.encoder, each) for each in made}
    assert searches.ever is not None
    assert searches.settled is not None
    named = 0
    for n in range(0, len(searches.split), 3):
        split, probe = searches.split[n], cages[result.walks[searches.track[n]]]
        asked = {result.walks[t] for t in searches.track[searches.split == split]}
        enrolled = [result.people[p] for p in np.flatnonzero(searches.enrolled[n])]
        templates = [cages[each.name] for each in made if each.person in enrolled and each.name not in asked]
        assert len(templates) == 2 * len(enrolled)
        name = f"person {result.people[searches.person[n]]}"
        for rate, fpir in enumerate(FPIRS):
            found = matcher_says(templates, probe, fpir, shipped.backend)
            says = [f.state == "person" for f in found]
            for moment, seconds in enumerate(MOMENTS):
                last = len(found) if seconds is None else round(10 * seconds)
                if last > len(found):
                    assert np.isnan(searches.scores[moment, n]).all()
                    continue
                end = found[last - 1]
                assert searches.best(moment)[n] == pytest.approx(end.score, abs=1e-5)
                right = end.candidate == name
                assert searches.right(moment, open_set=True)[n] == right
                assert searches.named(moment, rate)[n] == says[last - 1]
                assert searches.ever[moment, n, rate] == any(says[:last])
                named += says[last - 1]
            rightly = [f.state == "person" and f.candidate == name for f in found]
            since = next((k for k in range(len(found)) if all(rightly[k:])), None)
            expected = np.inf if since is None else (since + 1) / 10
            assert searches.settled[n, rate] == pytest.approx(expected)
    assert 0 < named < 2 * len(MOMENTS) * len(range(0, len(searches.split), 3))


def test_a_lone_window_scores_as_a_track_of_one(fused: Shipped) -> None:
    cages = {each.name: encode_walk(fused.encoder, each) for each in made_walks(4)}
    enrolled = [[cages[f"kgbd/{person}/{number}"] for number in (1, 2)] for person in range(81, 85)]
    model = fused.backend.fusion("kinect-v1")
    assert model is not None
    seen = [[prepared_recording.fused(model, each.cages) for each in own] for own in enrolled]
    people, probe = prepared_recording.portraits_of(seen), cages["kgbd/82/4"]
    assert people is not None
    assert people.steadiness.all(), "the example says nothing"
    rows = prepared_recording.fused(model, probe.cages)
    assert rows.course is not None
    templates = [np.concatenate([one.templates[:, 0] for one in own]) for own in seen]
    nearest = np.stack([(rows.rows[:, 0] @ each.T).max(axis=1) for each in templates], axis=1)
    lone, _ = rows.course.scores(nearest.astype("f8"), np.ones(len(nearest)), people)
    index = TemplateIndex(enrol(chain(*enrolled)), fused.backend, ["kinect-v1"])
    for n in range(0, len(lone), 10):
        alone = replace(probe, rows=probe.rows[n : n + 1], cages=probe.cages[n : n + 1])
        np.testing.assert_allclose(lone[n], follow(index, alone)[0], atol=1e-5)


def test_every_person_is_compared_as_when_everybody_is_enrolled(shipped: Shipped) -> None:
    made = made_walks(4)
    result = live_trial(made, KGBD, shipped=shipped, splits=1, enrol=1, choice="first")
    cages = {each.name: encode_walk(shipped.encoder, each) for each in made}
    index = TemplateIndex(
        enrol([cages[f"kgbd/{p}/1"] for p in result.people]), shipped.backend, ["kinect-v1"]
    )
    searches = result.rows[0].searches
    for n in range(len(searches.split)):
        probe = cages[result.walks[searches.track[n]]]
        described = index.describe(probe.cages, "kinect-v1")
        each = index.scores(described, "kinect-v1")
        np.testing.assert_allclose(searches.scores[-1, n], follow(index, probe)[-1], atol=1e-5)
        assert searches.hits[n] == (each.argmax(axis=1) == searches.person[n]).sum()
        assert searches.windows[n] == len(each)


@pytest.mark.parametrize(("metric", "features"), [("euclidean", raw_window), ("cosine", bone_lengths)])
def test_a_description_is_compared_window_by_window(metric: Any, features: Any) -> None:
    made = made_walks(4, frames=(70, 20, 40, 300))
    method = Fixed((Description("made", features, metric=metric),))
    result = live_trial(made, KGBD, [method], splits=1, enrol=2, choice="first")
    searches = result.rows[0].searches
    from tools.backend_fit.offline_pipeline import walk_windows

    rows = {w.name: features(np.stack([v.joints for v in walk_windows(w, F)])).astype("f8") for w in made}
    for n in range(len(searches.split)):
        expected = []
        for person in result.people:
            templates = []
            for number in (1, 2):
                own = rows[f"kgbd/{person}/{number}"]
                step = next(2**k for k in range(9) if len(own[:: 2**k]) <= 64)
                templates += list(own[::step])
            each = []
            for row in rows[result.walks[searches.track[n]]]:
                if metric == "euclidean":
                    each.append(max(-np.sqrt(((row - t) ** 2).sum()) for t in templates))
                else:
                    each.append(max(row @ t / np.sqrt((row @ row) * (t @ t)) for t in templates))
            expected.append(np.mean(each))
        np.testing.assert_allclose(searches.scores[-1, n], expected, rtol=1e-4, atol=1e-5)
    assert not np.isnan(searches.scores[-1]).any()


def test_figures_are_those_of_the_searches(shipped: Shipped) -> None:
    result = live_trial(made_walks(noise=0.6), KGBD, shipped=shipped, splits=4)
    searches, figures = result.rows[0].searches, result.rows[0].figures

    def value(name: str) -> float:
        found = figures[name]
        assert found is not None
        assert found[1] <= found[0] <= found[2]
        return found[0]

    assert value("rank1_window") == pytest.approx(100 * searches.hits.sum() / searches.windows.sum())
    for moment in range(len(MOMENTS)):
        name, suffix = moment_name(moment), "" if MOMENTS[moment] is None else f"_{moment_name(moment)}"
        scores = searches.scores[moment]
        lasting = [n for n in range(len(scores)) if not np.isnan(scores[n, 0])]
        right = [scores[n].argmax() == searches.person[n] for n in lasting]
        assert value(f"rank1_{name}") == pytest.approx(100 * np.mean(right))
        mated, other, missed, named = [], [], [], []
        for n in lasting:
            candidates = np.where(searches.enrolled[n], scores[n], -np.inf)
            best, threshold = candidates.max(), searches.thresholds[moment, n, 0]
            if searches.enrolled[n, searches.person[n]]:
                hit = candidates.argmax() == searches.person[n]
                mated.append(best if hit else -np.inf)
                missed.append(not (hit and best >= threshold))
            else:
                other.append(best)
                named.append(best >= threshold)
        assert value(f"fnir_realised{suffix}") == pytest.approx(100 * np.mean(missed))
        assert value(f"fpir_realised{suffix}") == pytest.approx(100 * np.mean(named))
        nobody = np.zeros(len(lasting), int)
        ones = OpenSet(np.array(mated), nobody[: len(mated)], np.array(other), nobody[len(mated) :], 1)
        det = ones.det(np.ones(1))
        assert det is not None
        assert value(f"eer_search{suffix}") == pytest.approx(100 * det.eer)
        pairs = [(score, bool(p == searches.person[n])) for n in lasting for p, score in enumerate(scores[n])]
        genuine, impostor = ([score for score, own in pairs if own is which] for which in (True, False))
        errors = [(np.mean(np.array(genuine) < t), np.mean(np.array(impostor) >= t)) for t in genuine]
        missed_rate, matched_rate = min(errors, key=lambda error: abs(error[0] - error[1]))
        assert value(f"eer{suffix}") == pytest.approx(50 * (missed_rate + matched_rate))
        assert value(f"fnir_at_fpir5{suffix}") == pytest.approx(100 * det.fnir_at(0.05))
    assert 0 < value("rank1_walk") < 100
    settled = searches.settled
    assert settled is not None
    decided = settled[np.isfinite(settled[:, 0]), 0]
    assert value("seconds_to_name") == pytest.approx(np.quantile(decided, 0.5, method="inverted_cdf"))
    assert result.as_json()["methods"]["shipped"]["rank1_walk"] == [
        round(number, 3) for number in figures["rank1_walk"] or ()
    ]


def test_shorter_walks_leave_later_moments_empty(shipped: Shipped) -> None:
    result = live_trial(made_walks(5, frames=(60, 60, 80, 40)), KGBD, shipped=shipped, splits=2)
    figures, counts = result.rows[0].figures, result.counts
    assert counts["probes_2s"] > 0
    assert (counts["probes_5s"], counts["probes_10s"]) == (0, 0)
    for name in ("rank1_5s", "eer_5s", "fnir_at_fpir1_10s", "fpir_realised_10s", "d_prime_5s"):
        assert figures[name] is None
    assert figures["rank1_walk"] is not None


def test_a_kind_of_sensor_without_thresholds_is_ranked_all_the_same(encoder: Encoder) -> None:
    result = live_trial(made_walks(5), KGBD, shipped=Shipped(encoder, Backend()), splits=2)
    figures = result.rows[0].figures
    for name in ("fpir_realised", "fnir_realised5", "fpir_ever", "seconds_to_name"):
        assert figures[name] is None
    assert figures["rank1_walk"] is not None
    assert figures["eer"] is not None
    assert any("uncalibrated" in note for note in result.notes)
    assert any("N = 5" in note for note in result.notes)


def test_thresholds_of_methods_come_from_other_people() -> None:
    test, others = made_walks(6), [walk(str(61 + p), k, 170, 0.5) for p in range(10) for k in range(1, 5)]
    result = live_trial(test, KGBD, [RAW], splits=3, calibration=[*others, *test])
    alone = live_trial(others, KGBD, [RAW], splits=3, choice="drawn")
    assert result.drawn["calibration_people"] == 10
    searches = result.rows[0].searches
    (threshold,) = set(searches.thresholds[-1, :, 1])
    assert np.isfinite(threshold)
    # The same people, though with another number of them enrolled, put it at nearly the same score.
    found = alone.rows[0].searches.open_set(3).det(np.ones(10))
    assert found is not None
    assert threshold == pytest.approx(found.threshold_at(0.05), rel=0.1)
    assert result.rows[0].figures["fnir_realised"] is not None
    assert result.rows[0].figures["fpir_ever"] is None
    without = live_trial(test, KGBD, [RAW], splits=3, calibration=test)
    assert without.rows[0].figures["fnir_realised"] is None


def test_wrong_names_bring_chance() -> None:
    made = made_walks(8, noise=0.05, frames=(60, 60, 60, 60))
    right = live_trial(made, KGBD, [RAW], splits=40)
    assert right.rows[0].figures["rank1_walk"] == (100.0, 100.0, 100.0)
    wrong = live_trial(made, KGBD, [RAW], splits=40, shuffle=True)
    for name in ("rank1_window", "rank1_walk"):
        found = wrong.rows[0].figures[name]
        assert found is not None
        assert found[0] == pytest.approx(100 / 8, abs=6)


def roles(result: LiveResult) -> list[tuple[set[str], Any]]:
    """For each split the recordings that are searched with, and who is enrolled."""
    searches = result.rows[0].searches
    found = []
    for split in range(result.drawn["splits"]):
        own = searches.split == split
        found.append(({result.walks[t] for t in searches.track[own]}, searches.enrolled[own][0].tolist()))
    return found


def test_the_seed_draws_the_roles_and_no_copy_plays() -> None:
    made = made_walks(5, frames=(60, 60, 60, 60))
    copy = made[2]
    doubled = Walk(
        "81", "9", "kinect-v1", "kinect-v1", copy.time_ns, copy.joints, copy.confidence, "kgbd/81/9"
    )
    result = live_trial([*made, doubled], KGBD, [RAW], splits=6, seed=1)
    assert result.drawn["copies_left_out"] == ["kgbd/81/9"]
    drawn = roles(result)
    assert all(len(probes) == 5 * 2 for probes, _ in drawn)
    assert len({tuple(sorted(probes)) for probes, _ in drawn}) > 1
    assert len({tuple(enrolled) for _, enrolled in drawn}) > 1
    assert all(sum(enrolled) == 2 for _, enrolled in drawn)
    assert drawn == roles(live_trial([*made, doubled], KGBD, [RAW], splits=6, seed=1))
    assert drawn != roles(live_trial(made, KGBD, [RAW], splits=6, seed=2))
    single = roles(live_trial(made, KGBD, [RAW], splits=2, enrol=1))
    assert all(len(probes) == 5 * 3 for probes, _ in single)


def patho(people: int = 5) -> list[Walk]:
    """Every passage is seen by six sensors."""
    return [
        walk(str(6 + p), k, 50, 0.3, condition=gait, view=f"sensor{s}", sensor="kinect-v2")
        for p in range(people)
        for gait in ("normal", "antalgic")
        for k in (1, 2, 3)
        for s in range(1, 7)
    ]


def test_conditions_part_enrolments_and_probes() -> None:
    result = live_trial(patho(), SCENARIOS["patho-antalgic"], [RAW], splits=2)
    for probes, _ in roles(result):
        assert probes == {each.name for each in patho() if each.condition == "antalgic"}
    for probes, _ in roles(live_trial(patho(), SCENARIOS["patho-normal"], [RAW], splits=2)):
        takes = {(name.split("/")[1], name.split("-")[1]) for name in probes}
        # Of each person one of three passages is left, as all six sensors saw it.
        assert (len(takes), len(probes)) == (5, 30)
        assert all("/normal-" in name for name in probes)


def test_views_part_enrolments_and_probes() -> None:
    drawn = roles(live_trial(patho(), SCENARIOS["patho-views"], [RAW], splits=5, enrol=1))
    seen = [frozenset(name.rsplit("-", 1)[1] for name in probes) for probes, _ in drawn]
    assert all(len(views) == 3 for views in seen)
    assert len(set(seen)) > 1
    assert all(len(probes) == 5 * 2 * 3 for probes, _ in drawn)
    facing = [
        walk(person, k, 50, 0.3, view=("towards", "away")[k % 2], sensor="rgb-estimated")
        for person in "abcd"
        for k in range(1, 7)
    ]
    for probes, _ in roles(live_trial(facing, SCENARIOS["rgb-away"], [RAW], splits=2)):
        assert probes == {each.name for each in facing if each.view == "away"}
    # Of three walks each way, one of each enrols.
    both = roles(live_trial(facing, SCENARIOS["rgb-both"], [RAW], splits=4))
    for probes, _ in both:
        left = Counter((each.person, each.view) for each in facing if each.name in probes)
        assert left == Counter({(person, view): 2 for person in "abcd" for view in ("towards", "away")})
    assert len({tuple(sorted(probes)) for probes, _ in both}) > 1


@pytest.mark.parametrize(
    ("walks", "methods", "text"),
    [
        (made_walks(3), [RAW], "at least 4 people"),
        (made_walks(4, frames=(60, 60)), [RAW], "no usable walk to be searched with"),
        (made_walks(4), [Fixed((Description("raw", raw_window, F),), frozenset({"kgbd/82"}))], "kgbd/82"),
        (made_walks(4), [Fixed((Description("own", classify=raw_window),))], "describes nobody else"),
        ([*made_walks(4), walk("81", 9, 60, 0.1, sensor="kinect-v2")], [RAW], "one kind of sensor"),
        (made_walks(4, frames=(3, 3)), [RAW], "none that holds a window"),
    ],
)
def test_who_and_what_cannot_take_part_is_said(walks: list[Walk], methods: list[Method], text: str) -> None:
    with pytest.raises(UserError, match=text):
        live_trial(walks, KGBD, methods, splits=1)


def test_people_whom_the_live_system_was_taught_on_are_refused(encoder: Encoder) -> None:
    taught = Shipped(encoder, Backend(), frozenset({"kgbd/83", "kgbd/400"}))
    with pytest.raises(UserError, match=r"shipped: .* taught on kgbd/83"):
        live_trial(made_walks(5), KGBD, shipped=taught, splits=1)
    other = Shipped(encoder, Backend(), frozenset({"biwi/83"}), all_seen=True)
    assert not live_trial(made_walks(4), KGBD, shipped=other, splits=1).drawn["encoder_may_know_them"]
    unknown = live_trial(made_walks(4), KGBD, shipped=Shipped(encoder, Backend()), splits=1)
    assert any("does not say whom it was trained on" in note for note in unknown.notes)


def test_what_ships_says_whom_it_was_taught_on() -> None:
    shipped = load_shipped()
    assert shipped.all_seen
    seen = shipped.seen
    assert {f"kgbd/{number}" for number in range(1, 101)} < seen
    assert {f"patho/{number}" for number in range(1, 6)} < seen
    assert not {"kgbd/101", "patho/6", "kgbd/*"} & seen


def test_a_back_end_of_ones_own_was_taught_on_people_too(tmp_path: Path, encoder: Encoder) -> None:
    """However strange the encoder's data, what compares its CAGEs was fitted on KGBD's first people."""
    file, config = tmp_path / "encoder.safetensors", EncoderConfig(f=F, hidden=8)
    told = {"trained": "yes", "seen": json.dumps([{"source": "biwi", "people": "1-2"}])}
    save_weights(file, seeded_state(config, 3), config, told)
    assert load_shipped([file]).seen == frozenset({"biwi/1", "biwi/2"})
    fit = Fit(centring(encoder), SensorCard(FittedOn("made", 3, 15, 99)))
    write_backend(tmp_path, encoder.contract.id, "small", {"kinect-v1": fit})
    seen = load_shipped([file]).seen
    assert {"biwi/1", "kgbd/1", "kgbd/100", "patho/5"} <= seen
    assert "kgbd/101" not in seen
    save_weights(file, seeded_state(config, 3), config)
    with pytest.raises(UserError, match="does not say whom it was trained on"):
        load_shipped([file])
    trusted = load_shipped([file], trusted=True)
    assert "kgbd/1" in trusted.seen
    assert not trusted.all_seen


def test_another_window_length_is_refused(shipped: Shipped) -> None:
    with pytest.raises(UserError, match="windows of 6 skeletons, not of 4"):
        live_trial(made_walks(4), KGBD, shipped=shipped, f=4)


def test_kgbd_in_small(data_dir: Path) -> None:
    from tools.backend_fit.offline_pipeline import kgbd_walks

    walks = [ref.read() for ref in kgbd_walks(data_dir, range(81, 87))]
    bones = Fixed((Description("bones", bone_lengths),))
    found = live_trial(walks, KGBD, [bones], splits=4).rows[0].figures
    assert found["rank1_walk"] is not None
    assert found["rank1_walk"][0] > 60  # of six people; guessing gives 17
    wrong = live_trial(walks, KGBD, [bones], splits=20, shuffle=True).rows[0].figures["rank1_walk"]
    assert wrong is not None
    assert wrong[0] < 40
