"""The `direct` protocol: every probe window against every gallery window, by distance alone.

    sge-stream evaluate kgbd --data DATA --protocol direct [--f 6] [--seed 0] [--method raw,bones,...]

Of each person two walks at random are the gallery and one is the probe (`direct_split`); 10 frames are cut
at each end of a walk; neither gallery nor probe windows overlap. Labels of the gallery are used to count, and
those of the training walks by the methods marked as supervised. This is the protocol of the papers after this
one (SimMC, Hi-MPC, TranSG, MoCos), and the nearest to what a live gallery does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.evaluation.methods import Description, Method, Metric
from tools.evaluation.metrics.identification import rank_k, vote
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.measure import Measured, Watch, measure, silent
from tools.evaluation.protocols.results import Answers, Result
from tools.evaluation.protocols.window_matching import match
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["DIRECT_COLUMNS", "direct_figures", "run_direct"]

DIRECT_COLUMNS = {
    "name": "method", "rank1": "Rank-1", "rank5": "5", "rank10": "10",
    "map": "mAP", "minp": "mINP", "rank1_walk": "walk", "seconds": "s",
}  # fmt: skip
"""The table: key of a row -> heading."""


def direct_figures(answers: Answers, probes: WindowSet) -> dict[str, float]:
    """Count the answers, in percent.

    Returns:
        `rank1`, `rank5`, `rank10`: windows of which the nearest gallery window, one of the nearest five, ten,
        is of the same person; `map`, `minp`: mean average precision and mean inverse negative penalty over
        all gallery windows; `rank1_walk`: walks whose person more of their windows name than any other.
    """
    assert answers.average_precision is not None
    assert answers.inverse_penalty is not None
    return {
        "rank1": 100 * rank_k(answers.ranks, 1),
        "rank5": 100 * rank_k(answers.ranks, 5),
        "rank10": 100 * rank_k(answers.ranks, 10),
        "map": 100 * float(answers.average_precision.mean()),
        "minp": 100 * float(answers.inverse_penalty.mean()),
        "rank1_walk": 100 * vote(answers.named, probes.walks, probes.people),
    }


def run_direct(
    trial: Trial,
    methods: Sequence[Method],
    *,
    metric: Metric | None = None,
    threads: int = 0,
    watch: Watch = silent,
) -> Result:
    """Measure methods by matching.

    Args:
        trial: with a gallery.
        methods: what only classifies gives no row.
        metric: how rows are compared; as each description says if not given.
        threads: see `tools.evaluation.protocols.measure.measure`.
        watch: is told how it goes.

    Raises:
        UserError: see `tools.evaluation.protocols.measure.measure`.
    """
    gallery, probes = trial.gallery, trial.probes
    if gallery is None:
        raise ValueError("trial: expected one with a gallery")

    def ways(description: Description, watch: Watch) -> Iterator[Measured]:
        if description.features is not None:
            how = metric or description.metric

            def told(done: float) -> None:
                watch(description.name, done, how)

            answers = match(probes, gallery, description.features, how, told, left_out=trial.left_out)
            yield Measured(how, direct_figures(answers, probes), answers)

    return measure("direct", trial, methods, ways, threads=threads, watch=watch)
