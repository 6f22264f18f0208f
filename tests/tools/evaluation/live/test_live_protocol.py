"""The protocol `live` agrees with the matcher of the live system, and prevents test leakage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, compress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoder.inference import Encoder
from encoder.model import EncoderConfig
from encoder.pose import BONE_COLUMNS
from encoder.weights import load_encoder, save_weights, seeded_state
from gallery.calibration.gallery_calibration import calibrate_index
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend, Projection
from gallery.scoring.backend_card import FittedOn, SensorCard
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.evidence.bone_lengths import BoneLengths
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import VisitScores
from stream.bus.messages import Tick
from stream.errors import UserError
from tests.tools.evaluation.live.synthetic_walks import KGBD, RAW, F, roles, synthetic_walks, walk
from tools.backend_fit.fit_backend import write_backend
from tools.backend_fit.fusion_fit import DescribedWalk, fit_fusion
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, enrol, track_scores
from tools.backend_fit.sensor_fits import Fit
from tools.datasets import Walk
from tools.evaluation.live import (
    FPIRS,
    MOMENTS,
    SCENARIOS,
    Shipped,
    live_trial,
    load_shipped,
    moment_name,
)
from tools.evaluation.live.compared_recording import DescribedRecording
from tools.evaluation.methods import Description, FixedMethod, Method
from tools.evaluation.methods.raw_and_bones import bone_lengths, raw_features
from tools.evaluation.metrics.open_set import OpenSetSearches


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    file = tmp_path_factory.mktemp("weights") / "small.safetensors"
    config = EncoderConfig(f=F, hidden=8)
    save_weights(file, seeded_state(config, 3), config)
    return Encoder(load_encoder(file), "cpu")


@pytest.fixture(scope="module")
def shipped(encoder: Encoder) -> Shipped:
    """A back-end that centres CAGEs, with thresholds that some searches reach."""
    return calibrated(encoder, Backend({"kinect-v1": centring_projection(encoder)}))


@pytest.fixture(scope="module")
def fused(encoder: Encoder) -> Shipped:
    """A back-end with a fusion, fitted on other synthetic people."""
    encoded = [encode_walk(encoder, walk(str(n), number, 90, 0.5)) for n in range(1, 21) for number in (1, 2)]
    described = [DescribedWalk(each.person, each.walk, describe_windows(each.cages)) for each in encoded]
    return calibrated(encoder, Backend(fusions={"kinect-v1": fit_fusion(described)}))


@pytest.fixture(scope="module")
def centred(encoder: Encoder, fused: Shipped) -> Shipped:
    """The same with every kind of evidence, centred on the enrolled people."""
    model = fused.backend.fusion("kinect-v1")
    assert model is not None
    bones = np.random.default_rng(4).normal(0, 5, (BONE_COLUMNS.stop - BONE_COLUMNS.start, 6)).astype("f4")
    weights = {**model.weights, "site": 0.5, "bones": 0.3}
    model = replace(model, weights=weights).with_evidence(BoneLengths(bones))
    return calibrated(encoder, Backend(fusions={"kinect-v1": model}))


def centring_projection(encoder: Encoder) -> Projection:
    width = encoder.contract.dimension
    cages = np.concatenate([encode_walk(encoder, each).cages[..., :width] for each in synthetic_walks(3)])
    return Projection(cages.mean(axis=(0, 1)), np.eye(width, dtype=np.float32))


def calibrated(encoder: Encoder, backend: Backend) -> Shipped:
    raw = Shipped(encoder, backend)
    searches = live_trial(synthetic_walks(), KGBD, shipped=raw, splits=2).rows[0].searches
    # Thresholds are set within the range of the scores of this small encoder.
    middle, spread = float(searches.best(3).mean()), float(searches.best(3).std())
    shape = ((0.5, 0.05, 0.01), (-1.0, -0.2, 0.2), 0.1, 1.0)
    known = VisitScores("t", 6, 30, spread / 2, (1,), (middle,), (spread,), *shape)
    return Shipped(encoder, replace(backend, visits={"kinect-v1": known}))


def matcher_decisions(
    templates: list[WalkCages], probe: WalkCages, fpir: float, backend: Backend
) -> list[TrackDecision]:
    card = SourceCard("a.mcap", "kinect-v1", False)
    index = TemplateIndex(enrol(templates), backend, ["kinect-v1"])
    calibrations = calibrate_index(index, enrolled_visits(index, "kinect-v1"), [])
    matcher = Matcher((card,), F, fpir, index, calibrations=calibrations)
    decisions = []
    for row, cages in zip(probe.rows, probe.cages, strict=True):
        decisions += matcher.observe(Tick(0, 0, 0, "c", (1, *cages.shape), (row,)), cages[None])
    return decisions


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "choice"),
    [("shipped", "first"), ("shipped", "drawn"), ("fused", "drawn"), ("centred", "drawn")],
)
def test_the_shipped_row_agrees_with_the_matcher(
    kind: str, choice: Any, request: pytest.FixtureRequest
) -> None:
    shipped: Shipped = request.getfixturevalue(kind)
    walks = synthetic_walks()
    result = live_trial(walks, KGBD, shipped=shipped, splits=2, seed=5, choice=choice)
    searches = result.rows[0].searches
    cages = {each.name: encode_walk(shipped.encoder, each) for each in walks}
    assert searches.ever is not None
    assert searches.settled is not None
    named = 0
    for n in range(0, len(searches.split), 3):
        split, probe = searches.split[n], cages[result.walks[searches.track[n]]]
        searched = {result.walks[t] for t in searches.track[searches.split == split]}
        enrolled = [result.people[p] for p in np.flatnonzero(searches.enrolled[n])]
        templates = [
            cages[each.name] for each in walks if each.person in enrolled and each.name not in searched
        ]
        assert len(templates) == 2 * len(enrolled)
        name = f"person {result.people[searches.person[n]]}"
        for rate, fpir in enumerate(FPIRS):
            found = matcher_decisions(templates, probe, fpir, shipped.backend)
            is_named = [f.state == "person" for f in found]
            for moment, seconds in enumerate(MOMENTS):
                last = len(found) if seconds is None else round(10 * seconds)
                if last > len(found):
                    assert np.isnan(searches.scores[moment, n]).all()
                    continue
                end = found[last - 1]
                assert searches.best(moment)[n] == pytest.approx(end.score, abs=1e-5)
                right = end.candidate == name
                assert searches.right(moment, open_set=True)[n] == right
                assert searches.named(moment, rate)[n] == is_named[last - 1]
                assert searches.ever[moment, n, rate] == any(is_named[:last])
                named += is_named[last - 1]
            is_right = [f.state == "person" and f.candidate == name for f in found]
            since = next((k for k in range(len(found)) if all(is_right[k:])), None)
            expected = np.inf if since is None else (since + 1) / 10
            assert searches.settled[n, rate] == pytest.approx(expected)
    assert 0 < named < len(FPIRS) * len(MOMENTS) * len(range(0, len(searches.split), 3))


def test_the_score_of_a_single_window_is_that_of_a_track_of_one_window(fused: Shipped) -> None:
    cages = {each.name: encode_walk(fused.encoder, each) for each in synthetic_walks(4)}
    enrolled = [[cages[f"kgbd/{person}/{number}"] for number in (1, 2)] for person in range(81, 85)]
    model = fused.backend.fusion("kinect-v1")
    assert model is not None
    walks = [[DescribedRecording.of(each.cages).enrolled(model) for each in own] for own in enrolled]
    people, probe = model.reference(walks), cages["kgbd/82/4"]
    assert people.consistency.all(), "expected consistency for every person"
    track = DescribedRecording.of(probe.cages).track(model)
    templates = [np.concatenate([one.windows for one in own]) for own in walks]
    nearest = np.stack([(track.rows @ each.T).max(axis=1) for each in templates], axis=1)
    single = track.single_scores(nearest.astype("f8"), people)
    index = TemplateIndex(enrol(chain(*enrolled)), fused.backend, ["kinect-v1"])
    for n in range(0, len(single), 10):
        alone = replace(probe, rows=probe.rows[n : n + 1], cages=probe.cages[n : n + 1])
        np.testing.assert_allclose(single[n], track_scores(index, alone)[0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shipped", "fused", "centred"])
def test_scores_are_those_of_exactly_the_people_enrolled(kind: str, request: pytest.FixtureRequest) -> None:
    shipped: Shipped = request.getfixturevalue(kind)
    walks = synthetic_walks(6, frames=(90, 100, 240))
    result = live_trial(walks, KGBD, shipped=shipped, splits=3, enrol=1, choice="first")
    cages = {each.name: encode_walk(shipped.encoder, each) for each in walks}
    searches = result.rows[0].searches

    def index_of(people: Sequence[str]) -> TemplateIndex:
        return TemplateIndex(enrol(cages[f"kgbd/{p}/1"] for p in people), shipped.backend, ["kinect-v1"])

    everyone = index_of(result.people)
    for n in range(0, len(searches.split), 4):
        probe, inside = cages[result.walks[searches.track[n]]], searches.enrolled[n]
        closed_set = track_scores(everyone, probe)
        open_set = track_scores(index_of(list(compress(result.people, inside))), probe)
        for moment, seconds in enumerate(MOMENTS):
            last = len(closed_set) if seconds is None else round(10 * seconds)
            if last > len(closed_set):
                assert np.isnan(searches.scores[moment, n]).all()
                continue
            found = searches.open_scores[moment, n]
            np.testing.assert_allclose(searches.scores[moment, n], closed_set[last - 1], atol=1e-4)
            np.testing.assert_allclose(found[inside], open_set[last - 1], atol=1e-4)
            assert np.isneginf(found[~inside]).all()
        singles = [
            track_scores(everyone, replace(probe, rows=probe.rows[k : k + 1], cages=probe.cages[k : k + 1]))[
                0
            ]
            for k in range(len(probe.rows))
        ]
        assert searches.hits[n] == sum(each.argmax() == searches.person[n] for each in singles)
        assert searches.windows[n] == len(probe.rows)
    with_all = np.where(searches.enrolled, searches.scores[-1], -np.inf)
    alike = np.array_equal(with_all, searches.open_scores[-1])
    assert alike == (kind != "centred"), "only centred scores depend on who else is enrolled"


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "features"), [("euclidean", raw_features), ("cosine", bone_lengths)])
def test_a_description_is_compared_window_by_window(metric: Any, features: Any) -> None:
    walks = synthetic_walks(4, frames=(70, 20, 40, 300))
    method = FixedMethod((Description("synthetic", features, metric=metric),))
    result = live_trial(walks, KGBD, [method], splits=1, enrol=2, choice="first")
    searches = result.rows[0].searches
    from tools.backend_fit.offline_pipeline import walk_windows

    rows = {w.name: features(np.stack([v.joints for v in walk_windows(w, F)])).astype("f8") for w in walks}
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


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["shipped", "centred"])
def test_figures_agree_with_their_definitions(kind: str, request: pytest.FixtureRequest) -> None:
    shipped: Shipped = request.getfixturevalue(kind)
    result = live_trial(synthetic_walks(noise=0.6), KGBD, shipped=shipped, splits=4)
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
            candidates = np.where(searches.enrolled[n], searches.open_scores[moment, n], -np.inf)
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
        owners = np.zeros(len(lasting), int)
        ones = OpenSetSearches(
            np.array(mated), owners[: len(mated)], np.array(other), owners[len(mated) :], 1
        )
        det = ones.det(np.ones(1))
        assert det is not None
        assert value(f"eer_search{suffix}") == pytest.approx(100 * det.eer)
        pairs = [(score, bool(p == searches.person[n])) for n in lasting for p, score in enumerate(scores[n])]
        genuine, impostor = ([score for score, own in pairs if own is which] for which in (True, False))
        errors = [(np.mean(np.array(genuine) < t), np.mean(np.array(impostor) >= t)) for t in genuine]
        # Several thresholds may have the least difference.
        least = min(abs(missed_rate - matched_rate) for missed_rate, matched_rate in errors)
        equal = [50 * (a + b) for a, b in errors if abs(a - b) < least + 1e-9]
        assert any(value(f"eer{suffix}") == pytest.approx(rate) for rate in equal)
        assert value(f"fnir_at_fpir5{suffix}") == pytest.approx(100 * det.fnir_at(0.05))
    assert 0 < value("rank1_walk") < 100
    settled = searches.settled
    assert settled is not None
    decided = settled[np.isfinite(settled[:, 0]), 0]
    assert value("seconds_to_name") == pytest.approx(np.quantile(decided, 0.5, method="inverted_cdf"))
    assert result.as_json()["methods"]["shipped"]["rank1_walk"] == [
        round(number, 3) for number in figures["rank1_walk"] or ()
    ]


def test_figures_at_moments_beyond_all_walks_are_undefined(shipped: Shipped) -> None:
    result = live_trial(synthetic_walks(5, frames=(60, 60, 80, 40)), KGBD, shipped=shipped, splits=2)
    figures, counts = result.rows[0].figures, result.counts
    assert counts["probes_2s"] > 0
    assert (counts["probes_5s"], counts["probes_10s"]) == (0, 0)
    for name in ("rank1_5s", "eer_5s", "fnir_at_fpir1_10s", "fpir_realised_10s", "d_prime_5s"):
        assert figures[name] is None
    assert figures["rank1_walk"] is not None


def test_an_uncalibrated_sensor_has_ranking_figures_only(encoder: Encoder) -> None:
    result = live_trial(synthetic_walks(5), KGBD, shipped=Shipped(encoder, Backend()), splits=2)
    figures = result.rows[0].figures
    for name in ("fpir_realised", "fnir_realised5", "fpir_ever", "seconds_to_name"):
        assert figures[name] is None
    assert figures["rank1_walk"] is not None
    assert figures["eer"] is not None
    assert any("uncalibrated" in note for note in result.notes)
    assert any("N = 5" in note for note in result.notes)


@pytest.mark.slow
def test_thresholds_of_methods_come_from_other_people() -> None:
    test, others = (
        synthetic_walks(6),
        [walk(str(61 + p), k, 170, 0.5) for p in range(10) for k in range(1, 5)],
    )
    result = live_trial(test, KGBD, [RAW], splits=3, calibration=[*others, *test])
    alone = live_trial(others, KGBD, [RAW], splits=3, choice="drawn")
    assert result.drawn["calibration_people"] == 10
    searches = result.rows[0].searches
    (threshold,) = set(searches.thresholds[-1, :, 1])
    assert np.isfinite(threshold)
    # The same people, with another number of them enrolled, give nearly the same threshold.
    found = alone.rows[0].searches.open_set(3).det(np.ones(10))
    assert found is not None
    assert threshold == pytest.approx(found.threshold_at(0.05), rel=0.1)
    assert result.rows[0].figures["fnir_realised"] is not None
    assert result.rows[0].figures["fpir_ever"] is None
    without = live_trial(test, KGBD, [RAW], splits=3, calibration=test)
    assert without.rows[0].figures["fnir_realised"] is None


def test_shuffled_labels_give_chance() -> None:
    walks = synthetic_walks(8, noise=0.05, frames=(60, 60, 60, 60))
    right = live_trial(walks, KGBD, [RAW], splits=40)
    assert right.rows[0].figures["rank1_walk"] == (100.0, 100.0, 100.0)
    wrong = live_trial(walks, KGBD, [RAW], splits=40, shuffle=True)
    for name in ("rank1_window", "rank1_walk"):
        found = wrong.rows[0].figures[name]
        assert found is not None
        assert found[0] == pytest.approx(100 / 8, abs=6)


def test_the_seed_draws_the_roles_and_duplicates_are_left_out() -> None:
    walks = synthetic_walks(5, frames=(60, 60, 60, 60))
    copy = walks[2]
    duplicate = Walk(
        "81", "9", "kinect-v1", "kinect-v1", copy.time_ns, copy.joints, copy.confidence, "kgbd/81/9"
    )
    result = live_trial([*walks, duplicate], KGBD, [RAW], splits=6, seed=1)
    assert result.drawn["copies_left_out"] == ["kgbd/81/9"]
    drawn = roles(result)
    assert all(len(probes) == 5 * 2 for probes, _ in drawn)
    assert len({tuple(sorted(probes)) for probes, _ in drawn}) > 1
    assert len({tuple(enrolled) for _, enrolled in drawn}) > 1
    assert all(sum(enrolled) == 2 for _, enrolled in drawn)
    assert drawn == roles(live_trial([*walks, duplicate], KGBD, [RAW], splits=6, seed=1))
    assert drawn != roles(live_trial(walks, KGBD, [RAW], splits=6, seed=2))
    single = roles(live_trial(walks, KGBD, [RAW], splits=2, enrol=1))
    assert all(len(probes) == 5 * 3 for probes, _ in single)


@pytest.mark.parametrize(
    ("walks", "methods", "text"),
    [
        (synthetic_walks(3), [RAW], "at least 4 people"),
        (synthetic_walks(4, frames=(60, 60)), [RAW], "no usable walk to test on"),
        (
            synthetic_walks(4),
            [FixedMethod((Description("raw", raw_features, F),), frozenset({"kgbd/82"}))],
            "kgbd/82",
        ),
        (
            synthetic_walks(4),
            [FixedMethod((Description("own", classify=raw_features),))],
            "cannot compare others",
        ),
        ([*synthetic_walks(4), walk("81", 9, 60, 0.1, sensor="kinect-v2")], [RAW], "one kind of sensor"),
        (synthetic_walks(4, frames=(3, 3)), [RAW], "none that holds a window"),
    ],
)
def test_invalid_people_and_methods_are_refused(walks: list[Walk], methods: list[Method], text: str) -> None:
    with pytest.raises(UserError, match=text):
        live_trial(walks, KGBD, methods, splits=1)


@pytest.mark.slow
def test_training_people_of_the_live_system_are_refused(encoder: Encoder) -> None:
    trained = Shipped(encoder, Backend(), frozenset({"kgbd/83", "kgbd/400"}))
    with pytest.raises(UserError, match=r"shipped: .* trained on people to be recognised here: kgbd/83"):
        live_trial(synthetic_walks(5), KGBD, shipped=trained, splits=1)
    other = Shipped(encoder, Backend(), frozenset({"biwi/83"}), all_known=True)
    assert not live_trial(synthetic_walks(4), KGBD, shipped=other, splits=1).drawn["encoder_may_know_them"]
    unknown = live_trial(synthetic_walks(4), KGBD, shipped=Shipped(encoder, Backend()), splits=1)
    assert any("does not record its training people" in note for note in unknown.notes)


def test_the_shipped_system_records_its_training_people() -> None:
    shipped = load_shipped()
    assert shipped.all_known
    people = shipped.training_people
    assert {f"kgbd/{number}" for number in range(1, 101)} < people
    assert {f"patho/{number}" for number in range(1, 6)} < people
    assert {"ucalgary/201", "ucalgary/214", "rgb/Diz_001", "rgb/Val_027"} <= people
    assert not {"kgbd/101", "patho/6", "kgbd/*", "rgb/Diz_002", "rgb/Val_028"} & people


def write_trained(folder: Path) -> Path:
    """Writes weights that were trained on people of another data set."""
    file, config = folder / "encoder.safetensors", EncoderConfig(f=F, hidden=8)
    metadata = {"trained": "yes", "seen": json.dumps([{"source": "biwi", "people": "1-2"}])}
    save_weights(file, seeded_state(config, 3), config, metadata)
    return file


def write_fit(folder: Path, encoder: Encoder) -> None:
    fit = Fit(centring_projection(encoder), SensorCard(FittedOn("synthetic", 3, 15, 99)))
    write_backend(folder, encoder.contract.id, "small", {"kinect-v1": fit})


def test_people_that_back_ends_are_fitted_on_are_refused(tmp_path: Path, encoder: Encoder) -> None:
    write_fit(tmp_path, encoder)
    shipped = load_shipped([write_trained(tmp_path)])
    fit = "back-end was trained on people to be recognised here"

    def of(people: Sequence[str], sensor: str) -> list[Walk]:
        return [walk(p, k, 50, 0.3, condition="N", sensor=sensor) for p in people for k in (1, 2, 3)]

    even = of(["Diz_002", "Diz_004", "Val_002", "Val_028"], "camera")
    live_trial(even, SCENARIOS["rgb-both"], shipped=shipped, splits=1)
    odd = [*even, *of(["Val_003"], "camera")]
    with pytest.raises(UserError, match=rf"shipped: .* {fit}: rgb/Val_003; measure it on other"):
        live_trial(odd, SCENARIOS["rgb-both"], shipped=shipped, splits=1)
    runs = of(["201", "202", "203", "204"], "kinect-v2")
    with pytest.raises(UserError, match=rf"shipped: .* {fit}: ucalgary/201 and 3 more"):
        live_trial(runs, SCENARIOS["ucalgary-normal"], shipped=shipped, splits=1)
    live_trial(runs, SCENARIOS["ucalgary-normal"], [RAW], splits=1)


def test_the_training_people_include_those_of_an_own_back_end(tmp_path: Path, encoder: Encoder) -> None:
    """A back-end is fitted on the first people of KGBD, whatever the encoder was trained on."""
    file, config = write_trained(tmp_path), EncoderConfig(f=F, hidden=8)
    assert load_shipped([file]).training_people == frozenset({"biwi/1", "biwi/2"})
    write_fit(tmp_path, encoder)
    people = load_shipped([file]).training_people
    assert {"biwi/1", "kgbd/1", "kgbd/100", "patho/5"} <= people
    assert "kgbd/101" not in people
    save_weights(file, seeded_state(config, 3), config)
    with pytest.raises(UserError, match="does not record its training people"):
        load_shipped([file])
    trusted = load_shipped([file], trusted=True)
    assert "kgbd/1" in trusted.training_people
    assert not trusted.all_known


def test_another_window_length_is_refused(shipped: Shipped) -> None:
    with pytest.raises(UserError, match="windows of 6 skeletons, not of 4"):
        live_trial(synthetic_walks(4), KGBD, shipped=shipped, f=4)


@pytest.mark.slow
def test_six_people_of_kgbd_are_identified(data_dir: Path) -> None:
    from tools.backend_fit.offline_pipeline import kgbd_walks

    walks = [ref.read() for ref in kgbd_walks(data_dir, range(81, 87))]
    bones = FixedMethod((Description("bones", bone_lengths),))
    found = live_trial(walks, KGBD, [bones], splits=4).rows[0].figures
    assert found["rank1_walk"] is not None
    assert found["rank1_walk"][0] > 60  # of six people; chance is 17
    wrong = live_trial(walks, KGBD, [bones], splits=20, shuffle=True).rows[0].figures["rank1_walk"]
    assert wrong is not None
    assert wrong[0] < 40
