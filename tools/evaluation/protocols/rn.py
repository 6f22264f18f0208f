"""The `rn` protocol: a recognition network learns the people from some walks and names them in another.

    sge-stream evaluate kgbd --data DATA --protocol rn [--f 6] [--seed 0] [--method raw,d13-knn,...]

One walk of each person at random is the test, the rest train (paper, Sec. 4.1, of KGBD); 10 frames are cut at
each end of a walk; training windows start every f/2 skeletons, test windows do not overlap, and all of them
count. Features are frozen; the network is chosen on the last fifth of each training walk, never on the test
(the published code chose on the test, so its figures are better than they were earned). Features are run with
average prediction (`ap`) and with sequence-level concatenation (`sc`); what describes a window as a whole has
only the latter. What brings a classifier of its own is measured by that (`own`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gallery.recognition.network import Strategy
from gallery.recognition.network_training import EpochResult, RecognitionConfig, train_recogniser
from stream.body import FloatArray
from tools.evaluation.methods import Description, Features, Method, describe
from tools.evaluation.methods.validation_windows import held_out
from tools.evaluation.metrics.identification import class_ranks, nauc_cmc, rank_k, roc_auc_micro, vote
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.measure import Measured, Watch, measure, silent
from tools.evaluation.protocols.results import Answers, Result
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["RN_COLUMNS", "rn_figures", "run_rn"]

RN_COLUMNS = {
    "name": "method", "strategy": "", "rank1": "Rank-1", "nauc_cmc": "nAUC CMC",
    "roc_auc_micro": "ROC micro", "nauc": "publ. nAUC", "seconds": "s",
}  # fmt: skip
"""The table: key of a row -> heading. What is published as nAUC stands apart: it is the ROC's area."""


def rn_figures(answers: Answers, probes: WindowSet) -> dict[str, float]:
    """Count the answers, in percent.

    Returns:
        `rank1`: windows whose person has the highest score; `nauc_cmc`: area under the CMC, normalised by the
        number of people; `roc_auc_micro`: micro-averaged area under the ROC curve, which the published code
        calls nAUC; `rank1_walk`: walks whose person is named by more of their windows than any other.
    """
    return {
        "rank1": 100 * rank_k(answers.ranks, 1),
        "nauc_cmc": 100 * nauc_cmc(answers.ranks, len(probes.names)),
        "roc_auc_micro": 100 * roc_auc_micro(answers.scores, probes.people),
        "rank1_walk": 100 * vote(answers.named, probes.walks, probes.people),
    }


def run_rn(
    trial: Trial,
    methods: Sequence[Method],
    config: RecognitionConfig | None = None,
    *,
    threads: int = 0,
    watch: Watch = silent,
) -> Result:
    """Measure methods by classification.

    Args:
        trial: its training walks are what probes are told apart by.
        methods: with their own classifiers, or with features for recognition networks to learn from; those of
            networks have one figure more, `held_out_rank1`, `rank1` on the windows that they were chosen by.
        config: how recognition networks are trained, but for strategy and seed.
        threads: see `tools.evaluation.protocols.measure.measure`.
        watch: is told how it goes.

    Raises:
        UserError: see `tools.evaluation.protocols.measure.measure`, or nobody has a training walk.
    """
    train = trial.material().train
    config = replace(config or RecognitionConfig(), seed=trial.seed)

    def ways(description: Description, watch: Watch) -> Iterator[Measured]:
        if description.classify is not None:
            watch(description.name, 0.0, "names the probes")
            yield _measured("own", describe(description.classify, trial.probes.windows), trial.probes)
        elif description.features is not None:
            yield from _networks(description, description.features, train, trial.probes, config, watch)

    return measure("rn", trial, methods, ways, threads=threads, watch=watch)


def _networks(
    description: Description,
    features: Features,
    train: WindowSet,
    probes: WindowSet,
    config: RecognitionConfig,
    watch: Watch,
) -> Iterator[Measured]:
    """Describe all windows once, train a network on them with each strategy, and test it."""

    def in_parts(windows: WindowSet) -> FloatArray:
        return describe(features, windows.windows).reshape(len(windows), description.parts, -1)

    watch(description.name, 0.0, "describes")
    known, asked = in_parts(train), in_parts(probes)
    strategies = (Strategy.AP, Strategy.SC) if description.parts > 1 else (Strategy.SC,)
    configs = [replace(config, strategy=strategy) for strategy in strategies]
    passes, done = sum(each.passes for each in configs), 0

    def told(result: EpochResult) -> None:
        watch(description.name, (done + result.epoch) / passes, f"epoch {result.epoch}")

    learned, held = held_out(train)
    for each in configs:
        training = train_recogniser(known, train.people, learned, held, train.names, each, progress=told)
        done += each.passes
        kept = {"held_out_rank1": 100 * training.history[training.kept - 1].rank1}
        yield _measured(each.strategy.value, training.recogniser.predict(asked), probes, kept)


def _measured(
    how: str, scores: FloatArray, probes: WindowSet, more: dict[str, float] | None = None
) -> Measured:
    answers = Answers(class_ranks(scores, probes.people), scores.argmax(axis=1), scores)
    return Measured(how, rn_figures(answers, probes) | (more or {}), answers)
