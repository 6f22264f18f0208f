"""The `direct` protocol: compares every probe window with every gallery window by distance.

    sge-stream evaluate kgbd --data DATA --protocol direct [--f 6] [--seed 0] [--method raw,bones,...]

Two random walks of each person form the gallery and one is the probe (`direct_split`). 10 frames are cut at
each end of a walk; neither gallery nor probe windows overlap. Gallery labels serve only to count; labels of
the training walks serve only the supervised methods. Later papers use this protocol (SimMC, Hi-MPC, TranSG,
MoCos), and it is the closest to a live gallery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.evaluation.methods import Description, Method, Metric
from tools.evaluation.metrics.identification import rank_k, walk_rank1
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.measure import Measurement, MethodProgress, measure_methods, no_progress
from tools.evaluation.protocols.results import Predictions, Result
from tools.evaluation.protocols.window_matching import match
from tools.evaluation.splits.window_set import WindowSet

__all__ = ["DIRECT_COLUMNS", "direct_figures", "run_direct"]

DIRECT_COLUMNS = {
    "name": "method", "rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10",
    "map": "mAP", "minp": "mINP", "rank1_walk": "Rank-1, walks", "seconds": "seconds",
}  # fmt: skip
"""Columns of the table: key of a row -> heading."""


def direct_figures(predictions: Predictions, probes: WindowSet) -> dict[str, float]:
    """Returns the figures of predictions, in percent.

    Returns:
        `rank1`, `rank5`, `rank10`: probe windows with a gallery window of the same person among the nearest
        1, 5 or 10; `map`, `minp`: mean average precision and mean inverse negative penalty over all gallery
        windows; `rank1_walk`: walks with most of their windows assigned to the right person.
    """
    assert predictions.average_precision is not None
    assert predictions.inverse_penalty is not None
    return {
        "rank1": 100 * rank_k(predictions.ranks, 1),
        "rank5": 100 * rank_k(predictions.ranks, 5),
        "rank10": 100 * rank_k(predictions.ranks, 10),
        "map": 100 * float(predictions.average_precision.mean()),
        "minp": 100 * float(predictions.inverse_penalty.mean()),
        "rank1_walk": 100 * walk_rank1(predictions.predicted, probes.walks, probes.people),
    }


def run_direct(
    draw: ProtocolDraw,
    methods: Sequence[Method],
    *,
    metric: Metric | None = None,
    threads: int = 0,
    progress: MethodProgress = no_progress,
) -> Result:
    """Measures methods by matching probe windows with gallery windows.

    Args:
        draw: the windows; must have a gallery.
        methods: the methods; a description without features (a classifier) gives no row.
        metric: the distance; None takes each description's own.
        threads: see `tools.evaluation.protocols.measure.measure_methods`.
        progress: called during the work.

    Raises:
        ValueError: the draw has no gallery.
        UserError: see `tools.evaluation.protocols.measure.measure_methods`.
    """
    gallery, probes = draw.gallery, draw.probes
    if gallery is None:
        raise ValueError("draw: expected one with a gallery")

    def measure(description: Description, progress: MethodProgress) -> Iterator[Measurement]:
        if description.features is not None:
            distance = metric or description.metric

            def report(done: float) -> None:
                progress(description.name, done, distance)

            predictions = match(
                probes, gallery, description.features, distance, report, excluded_pairs=draw.excluded_pairs
            )
            yield Measurement(distance, direct_figures(predictions, probes), predictions)

    return measure_methods("direct", draw, methods, measure, threads=threads, progress=progress)
