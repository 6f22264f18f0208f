"""The `rn` protocol: a recognition network is trained on training walks and classifies probe windows.

    sge-stream evaluate kgbd --data DATA --protocol rn [--f 6] [--seed 0] [--method raw,d13-knn,...]

On KGBD one random walk of each person is the probe and the rest train (paper, Sec. 4.1). 10 frames are cut at
each end of a walk; training windows start every f/2 skeletons; probe windows do not overlap, and all of them
count. Features are frozen. The network is selected on the last fifth of each training walk, never on the
probes; the published code selects on the probes, which biases its figures upwards. Features are classified
with average prediction (`ap`) and sequence-level concatenation (`sc`); features of a whole window have only
the latter. A description with its own classifier is measured by that (`own`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gallery.recognition.network import Strategy
from gallery.recognition.network_training import EpochResult, RecognitionConfig, train_recogniser
from stream.body import FloatArray
from tools.evaluation.methods import Description, FeatureFunction, Method, compute_features
from tools.evaluation.methods.validation_windows import split_validation_windows
from tools.evaluation.metrics.identification import class_ranks, nauc_cmc, rank_k, roc_auc_micro, walk_rank1
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.measure import Measurement, MethodProgress, measure_methods, no_progress
from tools.evaluation.protocols.results import Predictions, Result
from tools.evaluation.splits.window_set import WindowSet

__all__ = ["RN_COLUMNS", "rn_figures", "run_rn"]

RN_COLUMNS = {
    "name": "method", "strategy": "", "rank1": "Rank-1", "nauc_cmc": "nAUC CMC",
    "roc_auc_micro": "ROC micro", "nauc": "publ. nAUC", "seconds": "s",
}  # fmt: skip
"""Columns of the table: key of a row -> heading. The published "nAUC" is the area under the ROC curve."""


def rn_figures(predictions: Predictions, probes: WindowSet) -> dict[str, float]:
    """Returns the figures of predictions, in percent.

    Returns:
        `rank1`: windows with the highest score for the right person; `nauc_cmc`: area under the CMC,
        normalised by the number of people; `roc_auc_micro`: micro-averaged area under the ROC curve, called
        nAUC in the published code; `rank1_walk`: walks with most of their windows assigned to the right
        person.
    """
    return {
        "rank1": 100 * rank_k(predictions.ranks, 1),
        "nauc_cmc": 100 * nauc_cmc(predictions.ranks, len(probes.names)),
        "roc_auc_micro": 100 * roc_auc_micro(predictions.scores, probes.people),
        "rank1_walk": 100 * walk_rank1(predictions.predicted, probes.walks, probes.people),
    }


def run_rn(
    draw: ProtocolDraw,
    methods: Sequence[Method],
    config: RecognitionConfig | None = None,
    *,
    threads: int = 0,
    progress: MethodProgress = no_progress,
) -> Result:
    """Measures methods by classification.

    Args:
        draw: the windows; classifiers are trained on its training walks.
        methods: methods with their own classifiers, or with features for recognition networks. Rows of
            networks also have `held_out_rank1`: `rank1` on the windows that selected the network.
        config: training settings of the recognition networks; strategy and seed are replaced.
        threads: see `tools.evaluation.protocols.measure.measure_methods`.
        progress: called during the work.

    Raises:
        UserError: see `tools.evaluation.protocols.measure.measure_methods`, or there are no training walks.
    """
    train = draw.training_input().train
    config = replace(config or RecognitionConfig(), seed=draw.seed)

    def measure(description: Description, progress: MethodProgress) -> Iterator[Measurement]:
        if description.classify is not None:
            progress(description.name, 0.0, "classifies the probes")
            yield _measurement(
                "own", compute_features(description.classify, draw.probes.windows), draw.probes
            )
        elif description.features is not None:
            yield from _train_networks(
                description, description.features, train, draw.probes, config, progress
            )

    return measure_methods("rn", draw, methods, measure, threads=threads, progress=progress)


def _train_networks(
    description: Description,
    features: FeatureFunction,
    train: WindowSet,
    probes: WindowSet,
    config: RecognitionConfig,
    progress: MethodProgress,
) -> Iterator[Measurement]:
    """Computes the features of all windows once, then trains and tests a network with each strategy."""

    def features_by_part(windows: WindowSet) -> FloatArray:
        return compute_features(features, windows.windows).reshape(len(windows), description.parts, -1)

    progress(description.name, 0.0, "computes features")
    train_features, probe_features = features_by_part(train), features_by_part(probes)
    strategies = (Strategy.AP, Strategy.SC) if description.parts > 1 else (Strategy.SC,)
    configs = [replace(config, strategy=strategy) for strategy in strategies]
    epochs, done = sum(each.trained_epochs for each in configs), 0

    def report(result: EpochResult) -> None:
        progress(description.name, (done + result.epoch) / epochs, f"epoch {result.epoch}")

    fit, validation = split_validation_windows(train)
    for each in configs:
        training = train_recogniser(
            train_features, train.people, fit, validation, train.names, each, progress=report
        )
        done += each.trained_epochs
        extra = {"held_out_rank1": 100 * training.history[training.kept - 1].rank1}
        scores = training.recogniser.predict(probe_features)
        yield _measurement(each.strategy.value, scores, probes, extra)


def _measurement(
    variant: str, scores: FloatArray, probes: WindowSet, extra: dict[str, float] | None = None
) -> Measurement:
    predictions = Predictions(class_ranks(scores, probes.people), scores.argmax(axis=1), scores)
    return Measurement(variant, rn_figures(predictions, probes) | (extra or {}), predictions)
