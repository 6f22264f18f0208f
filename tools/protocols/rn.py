"""The `rn` protocol: a recognition network learns the people from some walks and names them in another.

    python -m tools.protocols.rn DATA [--f 6] [--seed 0] [--method raw,cage,...] [--out FILE.json]

One walk of each person at random is the test, the rest train (paper, Sec. 4.1, of KGBD); 10 frames are cut at
each end of a walk; training windows start every f/2 skeletons, test windows do not overlap, and all of them
count. Features are frozen; the network is chosen on the last fifth of each training walk, never on the test
(the published code chose on the test, so its figures are better than they were earned). Each method is run
with average prediction (AP) and with sequence-level concatenation (SC); what describes a window as a whole
has only the latter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.progress import TaskID

from gallery.recognition import Strategy
from gallery.recognition_training import EpochResult, RecognitionConfig, hold_out_ends, train_recogniser
from stream.body import FloatArray
from tools.datasets import Walk, read_walks
from tools.metrics import class_ranks, nauc_cmc, rank_k, roc_auc_micro
from tools.protocols.features import Method, choose_methods, describe
from tools.protocols.show import (
    data_set_name,
    figure_table,
    progress_bar,
    published,
    run_command,
    write_json,
)
from tools.protocols.split import Split, WindowSet, rn_split

__all__ = ["RnFigures", "RnTrial", "main", "rn"]

_COLUMNS = {
    "name": "method", "strategy": "", "rank1": "Rank-1", "nauc_cmc": "nAUC CMC",
    "roc_auc_micro": "ROC micro", "nauc": "publ. nAUC", "seconds": "s",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RnFigures:
    """What a recognition network reaches on the test windows, in percent.

    Attributes:
        rank1: windows whose person has the highest probability.
        nauc_cmc: area under the CMC, normalised by the number of people (`tools.metrics.nauc_cmc`).
        roc_auc_micro: micro-averaged area under the ROC curve, which the published code calls nAUC.
        held_out_rank1: `rank1` on the windows that the network was chosen by.
    """

    rank1: float
    nauc_cmc: float
    roc_auc_micro: float
    held_out_rank1: float


@dataclass(frozen=True, slots=True, eq=False)
class RnTrial:
    """One draw of the protocol; every method of a table is measured on the same.

    Attributes:
        data_set: its name.
        seed: which walks are tested, and the networks' first weights.
        split: the walks; `split.train` is what an encoder may be trained on for this trial.
        train: windows that start every f // 2 skeletons.
        probes: the test windows, which start every f skeletons.
    """

    data_set: str
    seed: int
    split: Split
    train: WindowSet
    probes: WindowSet

    @classmethod
    def draw(cls, walks: Iterable[Walk], *, f: int = 6, seed: int = 0) -> Self:
        """Choose the test walks and cut the windows.

        Raises:
            DataError: a person has one walk only, or no window.
        """
        split = rn_split(walks, seed)
        names = tuple(sorted({walk.person for walk in split.probe}))
        return cls(
            data_set_name(split.probe[0].name),
            seed,
            split,
            WindowSet.cut(split.train, names, f, f // 2),
            WindowSet.cut(split.probe, names, f, f),
        )

    def with_probes_shuffled(self) -> Self:
        """The same trial with the names of the probes at random: a check for leaks."""
        return replace(self, probes=self.probes.with_people_shuffled(self.seed))

    def figures(
        self,
        method: Method,
        config: RecognitionConfig | None = None,
        progress: Callable[[EpochResult], None] = lambda _: None,
    ) -> dict[Strategy, RnFigures]:
        """Describe all windows once, train a network on them with each strategy, and test it.

        Args:
            method: what networks are trained on.
            config: how, but for its strategy and seed.
            progress: is told each epoch.
        """
        config = replace(config or RecognitionConfig(), seed=self.seed)
        known = _in_parts(method, self.train)
        asked = _in_parts(method, self.probes)
        train, held = hold_out_ends(self.train.walks)
        found = {}
        for strategy in strategies(method):
            training = train_recogniser(
                known,
                self.train.people,
                train,
                held,
                self.train.names,
                replace(config, strategy=strategy),
                progress=progress,
            )
            scores = training.recogniser.predict(asked)
            ranks = class_ranks(scores, self.probes.people)
            found[strategy] = RnFigures(
                rank1=100 * rank_k(ranks, 1),
                nauc_cmc=100 * nauc_cmc(ranks, len(self.probes.names)),
                roc_auc_micro=100 * roc_auc_micro(scores, self.probes.people),
                held_out_rank1=100 * training.history[training.kept - 1].rank1,
            )
        return found

    def summary(self) -> dict[str, Any]:
        """What was drawn, as JSON takes it."""
        return {
            "dataset": self.data_set,
            "protocol": "rn",
            "f": self.probes.windows.shape[1],
            "seed": self.seed,
            "people": len(self.probes.names),
            "windows": len(self.probes),
            "train_windows": len(self.train),
            "copies_left_out": [walk.name for walk in self.split.copies],
        }


def strategies(method: Method) -> tuple[Strategy, ...]:
    """How a method's rows can be predicted from: average prediction needs several parts."""
    return (Strategy.AP, Strategy.SC) if method.parts > 1 else (Strategy.SC,)


def _in_parts(method: Method, windows: WindowSet) -> FloatArray:
    """(n, parts, D)."""
    return describe(method.features, windows.windows).reshape(len(windows), method.parts, -1)


def _measure(trial: RnTrial, methods: list[Method], config: RecognitionConfig, err: Console) -> list[Any]:
    rows = []
    with progress_bar(err) as progress:
        for method in methods:
            task = progress.add_task(
                method.name,
                total=sum(replace(config, strategy=strategy).passes for strategy in strategies(method)),
            )
            began = time.monotonic()

            def told(_: EpochResult, task: TaskID = task) -> None:
                progress.advance(task)

            found = trial.figures(method, config, told)
            seconds = round((time.monotonic() - began) / len(found), 1)
            for strategy, figures in found.items():
                row = {"name": method.name, "strategy": strategy.name, "supervised": method.supervised}
                rows.append(row | asdict(figures) | {"seconds": seconds})
    return rows


def rn(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set: its folder, or a packed .npz.")],
    f: Annotated[int, typer.Option(min=2, max=64, help="Skeletons a window.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Draws the test walks and all first weights.")] = 0,
    method: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these methods.")] = None,
    encoder: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of a trained encoder.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=0, help="Of each network; 0: 6 with AP, 12 with SC.")] = 0,
    shuffle: Annotated[
        bool, typer.Option("--shuffle-probes", help="Leak check: wrong names, so all must be at chance.")
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON.")] = None,
) -> None:
    """Train recognition networks (AP and SC) and test them; Rank-1 and the two areas, in percent."""

    def command() -> None:
        methods = choose_methods(f, seed, encoder, method)
        trial = RnTrial.draw(read_walks(data), f=f, seed=seed)
        trial = trial.with_probes_shuffled() if shuffle else trial
        rows = _measure(trial, methods, RecognitionConfig(epochs=epochs), Console(stderr=True))
        content = trial.summary()
        title = (
            f"rn on {content['dataset']}: {content['people']} people, f = {f}, seed {seed}; "
            f"{content['train_windows']} training windows, {content['windows']} test windows"
        )
        others = [] if shuffle or f != 6 else published("rn", content["dataset"])
        Console().print(figure_table(title, _COLUMNS, rows, others))
        if out is not None:
            by_name: dict[str, dict[str, Any]] = {}
            for row in rows:
                by_name.setdefault(row.pop("name"), {})[row.pop("strategy").lower()] = row
            write_json(out, content | {"epochs": epochs, "probes_shuffled": shuffle, "methods": by_name})

    run_command("rn", command)


def main() -> None:
    """Run the protocol from the command line."""
    typer.run(rn)


if __name__ == "__main__":
    main()
