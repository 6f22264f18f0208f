"""Plots draw the computed data, and the data agree with their definitions."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from cycler import Cycler
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from stream.skeleton import CANONICAL, LAYOUTS
from tests.tools.evaluation.synthetic_results import (
    MARGIN,
    TRUTH,
    synthetic_predictions,
    synthetic_scores,
    synthetic_windows,
)
from tools.evaluation.report import RankCurve, ScoreSet, WindowPredictions
from tools.evaluation.report.counts import (
    Sample,
    choose_samples,
    cmc_curve,
    confusion,
    det_points,
    histogram,
    most_frequent_confusions,
)
from tools.evaluation.report.csv_files import cmc_csv, confusion_csv, det_csv, scores_csv
from tools.evaluation.report.report_drawing import (
    CMC_MAX_RANK,
    draw_cmc,
    draw_confusion,
    draw_det,
    draw_scores,
    normal_deviate,
)
from tools.evaluation.report.skeletons import LIMBS, draw_samples, place_side_by_side
from tools.evaluation.report.theme import DARK, LIGHT, Theme

label_pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), min_size=1, max_size=30).map(
    np.array
)


def xs(line: Line2D) -> NDArray[np.float64]:
    return np.asarray(line.get_xdata(), np.float64)


def ys(line: Line2D) -> NDArray[np.float64]:
    return np.asarray(line.get_ydata(), np.float64)


def labels(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text().strip() for text in legend.get_texts()]


def test_cmc_plot_shows_the_curves() -> None:
    curves = [RankCurve("raw", np.array([1, 1, 2, 5]), 5), RankCurve("_bones", np.array([3, 3]), 4)]
    figure = Figure()
    draw_cmc(figure, curves)
    lines = figure.axes[0].get_lines()
    np.testing.assert_array_equal(xs(lines[0]), [1, 2, 3, 4, 5])
    np.testing.assert_allclose(ys(lines[0]), [50, 75, 75, 75, 100])
    np.testing.assert_allclose(ys(lines[1]), [0, 0, 100, 100])
    assert labels(figure) == ["raw (50.0 % at 1)", "_bones (0.0 % at 1)"]
    assert cmc_csv(curves).splitlines()[:3] == ["name,k,percent", "raw,1,50.0", "raw,2,75.0"]
    assert len(cmc_csv(curves).splitlines()) == 1 + 5 + 4


def test_a_long_cmc_is_cut_in_the_plot_and_complete_in_the_file() -> None:
    curve = RankCurve("raw", np.array([1, 120]), 164)
    figure = Figure()
    draw_cmc(figure, [curve])
    assert len(xs(figure.axes[0].get_lines()[0])) == CMC_MAX_RANK
    assert cmc_csv([curve]).splitlines()[-1] == "raw,164,100.0"
    assert not cmc_curve(RankCurve("none", np.array([], np.int64), 3), 3).any()


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=12),
    st.lists(st.integers(0, 8), min_size=1, max_size=12),
    st.integers(0, 9),
)
def test_det_points_are_error_rates_at_each_threshold(
    genuine: list[int], impostor: list[int], threshold: int
) -> None:
    own, others = np.array(genuine, float), np.array(impostor, float)
    points = det_points(ScoreSet("raw", own, others, threshold))
    assert points is not None
    finite = np.isfinite(points.thresholds)
    for threshold_of_point, false_accept, false_reject in zip(
        points.thresholds[finite], points.false_accept[finite], points.false_reject[finite], strict=True
    ):
        assert false_accept == pytest.approx((others >= threshold_of_point).mean())
        assert false_reject == pytest.approx((own < threshold_of_point).mean())
    assert points.operating_point == ((others >= threshold).mean(), (own < threshold).mean())
    assert (np.diff(points.false_accept) <= 0).all()
    assert (np.diff(points.false_reject) >= 0).all()


def test_a_long_det_curve_is_thinned_but_exact() -> None:
    random = np.random.default_rng(0)
    own, others = random.normal(2, 1, 3000), random.normal(0, 1, 20000)
    points = det_points(ScoreSet("raw", own, others))
    assert points is not None
    assert 1000 < len(points.thresholds) <= 2000
    for place in (0, 3, len(points.thresholds) // 2, -2):
        at = points.thresholds[place]
        assert points.false_accept[place] == pytest.approx((others >= at).mean())
        assert points.false_reject[place] == pytest.approx((own < at).mean())
    assert np.abs(np.diff(normal_deviate(points.false_accept, 1e-3))).max() < 0.1


@given(st.floats(0, 1), st.floats(1e-6, 0.4))
def test_normal_deviate_is_the_clipped_quantile(rate: float, resolution: float) -> None:
    (place,) = normal_deviate(np.array([rate]), resolution)
    assert NormalDist().cdf(place) == pytest.approx(min(max(rate, resolution), 1 - resolution), abs=1e-9)


def test_det_plot_shows_curve_and_operating_point() -> None:
    scores = synthetic_scores(threshold=0.5)
    figure = Figure()
    draw_det(figure, [scores, ScoreSet("lacks impostors", scores.genuine, np.array([]))])
    points = det_points(scores)
    assert points is not None
    curve, mark = figure.axes[0].get_lines()
    false_accept = np.clip(points.false_accept, 0.5 / 80, 1 - 0.5 / 80)
    false_reject = np.clip(points.false_reject, 0.5 / 60, 1 - 0.5 / 60)
    np.testing.assert_allclose([NormalDist().cdf(x) for x in xs(curve)], false_accept, atol=1e-9)
    np.testing.assert_allclose([NormalDist().cdf(y) for y in ys(curve)], false_reject, atol=1e-9)
    assert NormalDist().cdf(xs(mark)[0]) == pytest.approx((scores.impostor >= 0.5).mean())
    assert NormalDist().cdf(ys(mark)[0]) == pytest.approx((scores.genuine < 0.5).mean())
    assert labels(figure) == ["raw", "raw, at threshold"]
    for tick, text in zip(figure.axes[0].get_xticks(), figure.axes[0].get_xticklabels(), strict=True):
        assert 100 * NormalDist().cdf(tick) == pytest.approx(float(text.get_text()))
    assert len(det_csv([scores]).splitlines()) == 1 + len(points.thresholds)


def test_histograms_sum_to_100_percent_and_show_the_threshold() -> None:
    scores = synthetic_scores(threshold=0.5)
    edges, genuine, impostor = histogram(scores)
    assert genuine.sum() == pytest.approx(100)
    assert impostor.sum() == pytest.approx(100)
    inside = (scores.genuine >= edges[3]) & (scores.genuine < edges[4])
    assert genuine[3] == pytest.approx(100 * inside.mean())
    figure = Figure()
    draw_scores(figure, scores)
    own, others, at = figure.axes[0].get_lines()
    np.testing.assert_allclose(ys(own)[1:-1], genuine)
    np.testing.assert_allclose(ys(others)[1:-1], impostor)
    assert set(xs(at)) == {0.5}
    assert labels(figure) == ["genuine (60)", "impostor (80)", "threshold 0.5"]
    rows = [line.split(",") for line in scores_csv([scores]).splitlines()[1:]]
    np.testing.assert_allclose([float(row[3]) for row in rows], genuine)


def test_outliers_do_not_widen_the_histogram() -> None:
    scores = synthetic_scores(threshold=None)
    with_outlier = replace(scores, impostor=np.append(np.tile(scores.impostor, 10), np.float32(-1e4)))
    edges, _, impostor = histogram(with_outlier)
    assert edges[-1] - edges[0] < 100
    assert impostor.sum() == pytest.approx(100)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_sixteen_curves_are_distinguishable(theme: Theme) -> None:
    cycle = theme.settings["axes.prop_cycle"]
    assert isinstance(cycle, Cycler)
    looks = {(look["color"], look["linestyle"]) for look, _ in zip(cycle, range(16), strict=False)}
    assert len(looks) == 16


@settings(max_examples=40)
@given(label_pairs)
def test_confusion_matrix_contains_shares_of_all_windows(pairs: np.ndarray) -> None:
    truth, predicted = pairs.T
    shares = confusion(WindowPredictions(("1", "2", "3"), truth, predicted))
    rows = [0, 1, 2, *([-1] if -1 in predicted else [])]
    expected = [[100 * ((truth == a) & (predicted == b)).mean() for a in range(3)] for b in rows]
    np.testing.assert_allclose(shares, expected)
    assert shares.sum() == pytest.approx(100)


def test_confusion_plot_has_true_columns_and_predicted_rows() -> None:
    figure = Figure()
    draw_confusion(figure, LIGHT, synthetic_predictions())
    axes = figure.axes[0]
    (image,) = axes.get_images()
    drawn = np.asarray(image.get_array())
    assert image.origin == "lower"
    assert drawn.shape == (4, 3)
    assert drawn[1, 0] == pytest.approx(100 * 2 / 9)  # true 001, predicted 002
    assert drawn[3, 2] == pytest.approx(100 / 9)  # true 003, no prediction
    assert [text.get_text() for text in axes.get_xticklabels()] == ["001", "002", "003"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["001", "002", "003", "unknown"]
    lines = confusion_csv(synthetic_predictions()).splitlines()
    assert "001,002,2" in lines
    assert "003,unknown,1" in lines
    assert len(lines) == 1 + 6


def test_ticks_are_thinned_for_many_people() -> None:
    people = np.arange(164)
    figure = Figure()
    draw_confusion(figure, DARK, WindowPredictions(tuple(str(n) for n in people), people, people))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == [
        str(n) for n in range(0, 164, 5)
    ]


@settings(max_examples=40)
@given(label_pairs)
def test_most_frequent_confusions_match_counts(pairs: np.ndarray) -> None:
    truth, predicted = pairs.T
    predictions = WindowPredictions(("1", "2", "3"), truth, predicted)
    rows = most_frequent_confusions(predictions).measured
    assert {row["person"] for row in rows} == {str(person + 1) for person in truth}
    assert [row["share"] for row in rows] == sorted((row["share"] for row in rows), reverse=True)
    for row in rows:
        own = truth == int(row["person"]) - 1
        assert row["windows"] == own.sum()
        assert row["right"] == pytest.approx(100 * (predicted[own] == truth[own]).mean())
        wrong = predicted[own & (predicted != truth)]
        count = max((int((wrong == other).sum()) for other in wrong), default=0)
        assert row["share"] == pytest.approx(100 * count / own.sum())
        assert (row["taken"] is None) == (not len(wrong))


def test_samples_are_the_most_confident_of_the_most_confused() -> None:
    # 001 as 002 twice, 002 as 001 and 003 as unknown once; 1, 5, 8 are their most confident correct windows.
    chosen = choose_samples(synthetic_predictions())
    assert [sample.window for sample in chosen if sample.easy] == [1, 5, 8]
    assert [sample.window for sample in chosen if not sample.easy] == [2, 6, 7]
    assert choose_samples(synthetic_predictions(), pairs=1) == (Sample(1, True), Sample(2, False))


def test_samples_without_confusions() -> None:
    predictions = WindowPredictions(("1", "2"), TRUTH[:7], TRUTH[:7], MARGIN[:7], synthetic_windows(7))
    assert choose_samples(predictions) == (Sample(1, True), Sample(6, True))
    with pytest.raises(ValueError, match="margin"):
        choose_samples(WindowPredictions(("1",), np.array([0]), np.array([0])))


@settings(max_examples=40)
@given(label_pairs)
def test_easy_samples_are_the_correct_ones(pairs: np.ndarray) -> None:
    truth, predicted = pairs.T
    margin = np.arange(len(truth), dtype=float)
    chosen = choose_samples(WindowPredictions(("1", "2", "3"), truth, predicted, margin))
    assert chosen
    assert len(set(chosen)) == len(chosen)
    for sample in chosen:
        assert sample.easy == (truth[sample.window] == predicted[sample.window])


def test_predictions_from_scores_are_the_best_scored_people() -> None:
    scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]], np.float32)
    predictions = WindowPredictions.from_scores(("1", "2", "3"), np.array([1, 2]), scores)
    np.testing.assert_array_equal(predictions.predicted, [1, 0])
    assert predictions.margin is not None
    np.testing.assert_allclose(predictions.margin, [0.5, 0.1], atol=1e-6)
    np.testing.assert_array_equal(predictions.correct(), [True, False])


def test_skeletons_are_placed_side_by_side_in_the_view_of_the_sensor() -> None:
    window = synthetic_windows(1, f=5)[0]
    across, up = place_side_by_side(window, "kinect-v1")
    np.testing.assert_array_equal(up, window[..., 1])
    for frame in range(5):
        own = -window[frame, :, 0]
        np.testing.assert_allclose(across[frame] - across[frame, 0], own - own[0], atol=1e-5)
        if frame:
            assert across[frame].min() == pytest.approx(across[frame - 1].max() + 0.25, abs=1e-5)


def test_known_layouts_are_mapped_and_unknown_layouts_kept() -> None:
    joints = len(LAYOUTS["kinect-v2"].joints)
    window = np.random.default_rng(0).normal(0, 0.3, (3, joints, 3)).astype("f4")
    assert place_side_by_side(window, "kinect-v2")[0].shape == (3, 20)
    assert place_side_by_side(window, "unknown")[0].shape == (3, joints)


def test_limbs_cover_the_canonical_body() -> None:
    assert {joint for limb in LIMBS for joint in limb} == set(CANONICAL)
    assert sum(len(limb) - 1 for limb in LIMBS) == 19


def test_samples_are_drawn_as_limbs() -> None:
    predictions = synthetic_predictions()
    samples = (Sample(1, True), Sample(2, False), Sample(7, False))
    figure = Figure()
    draw_samples(figure, LIGHT, predictions, samples)
    easy, hard, empty, unknown = figure.axes
    assert [axes.get_title() for axes in (easy, hard, empty, unknown)] == [
        "easy: Id. 001, Pred. 001",
        "hard: Id. 001, Pred. 002",
        "",
        "hard: Id. 003, Pred. unknown",
    ]
    assert not empty.get_lines()
    lines = hard.get_lines()
    assert len(lines) == 4 * len(LIMBS)
    assert predictions.windows is not None
    for frame in range(4):
        for place, limb in enumerate(LIMBS):
            own = predictions.windows[2, frame, [CANONICAL.index(joint) for joint in limb]]
            line = lines[frame * len(LIMBS) + place]
            np.testing.assert_allclose(ys(line), own[:, 1], atol=1e-6)
            np.testing.assert_allclose(np.diff(xs(line)), -np.diff(own[:, 0]), atol=1e-5)
    left, right = lines[1].get_color(), lines[3].get_color()
    assert (left, right) == LIGHT.lines[:2]
    assert all(
        axes.get_xlim() == easy.get_xlim() and axes.get_ylim() == easy.get_ylim() for axes in figure.axes
    )
