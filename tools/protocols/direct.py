"""The `direct` protocol: every probe window against every gallery window, by distance alone.

    python -m tools.protocols.direct DATA [--f 6] [--seed 0] [--method raw,bones,...] [--out FILE.json]

Of each person two walks at random are the gallery and one is the probe (`direct_split`); 10 frames are cut
at each end of a walk; neither gallery nor probe windows overlap. No label is used but to count. This is the
protocol of the papers after this one (SimMC, Hi-MPC, TranSG, MoCos), and the nearest to what a live gallery
does.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console

from tools.datasets import Walk, read_walks
from tools.protocols.features import Method, choose_methods
from tools.protocols.matching import Figures, Metric, match
from tools.protocols.show import (
    data_set_name,
    figure_table,
    progress_bar,
    published,
    run_command,
    write_json,
)
from tools.protocols.split import Split, WindowSet, direct_split

__all__ = ["DirectTrial", "direct", "main"]

_COLUMNS = {
    "name": "method", "rank1": "Rank-1", "rank5": "5", "rank10": "10",
    "map": "mAP", "minp": "mINP", "rank1_walk": "walk", "seconds": "s",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class DirectTrial:
    """One draw of the protocol; every method of a table is measured on the same.

    Attributes:
        data_set: its name.
        seed: which walks play which role.
        split: the walks; `split.train` is what an encoder may be trained on for this trial.
        gallery: windows that start every f // 2 skeletons, or as asked.
        probes: windows that start every f skeletons.
    """

    data_set: str
    seed: int
    split: Split
    gallery: WindowSet
    probes: WindowSet

    @classmethod
    def draw(
        cls, walks: Iterable[Walk], *, f: int = 6, seed: int = 0, gallery_step: int | None = None
    ) -> Self:
        """Give the walks their roles and cut the windows.

        Args:
            walks: a data set's.
            f: skeletons a window.
            seed: draws the roles.
            gallery_step: skeletons from one gallery window's start to the next; f if not given, as in the
                published arrays, which keep gallery and probe alike. With f // 2 the gallery is twice as
                dense, and every method names more windows rightly.

        Raises:
            DataError: a person has too few walks, or one of them has no window.
        """
        split = direct_split(walks, seed)
        names = tuple(sorted({walk.person for walk in split.probe}))
        return cls(
            data_set_name(split.probe[0].name),
            seed,
            split,
            WindowSet.cut(split.gallery, names, f, gallery_step or f),
            WindowSet.cut(split.probe, names, f, f),
        )

    def with_probes_shuffled(self) -> Self:
        """The same trial with the names of the probes at random: a check for leaks."""
        return replace(self, probes=self.probes.with_people_shuffled(self.seed))

    def figures(self, method: Method, metric: Metric = "euclidean") -> Figures:
        """Measure one method."""
        return match(self.probes, self.gallery, method.features, metric)

    def summary(self) -> dict[str, Any]:
        """What was drawn, as JSON takes it."""
        return {
            "dataset": self.data_set,
            "protocol": "direct",
            "f": self.probes.windows.shape[1],
            "seed": self.seed,
            "people": len(self.probes.names),
            "windows": len(self.probes),
            "gallery_windows": len(self.gallery),
            "copies_left_out": [walk.name for walk in self.split.copies],
        }


def _measure(trial: DirectTrial, methods: list[Method], metric: Metric, err: Console) -> list[dict[str, Any]]:
    rows = []
    with progress_bar(err) as progress:
        for method in methods:
            task = progress.add_task(method.name, total=len(trial.probes))
            began = time.monotonic()
            advance = partial(progress.advance, task)
            figures = match(trial.probes, trial.gallery, method.features, metric, advance)
            seconds = time.monotonic() - began
            rows.append({"name": method.name, "supervised": method.supervised, **asdict(figures)})
            rows[-1]["seconds"] = round(seconds, 1)
    return rows


def direct(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A data set: its folder, or a packed .npz.")],
    f: Annotated[int, typer.Option(min=2, max=64, help="Skeletons a window.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Draws the walks' roles and untrained weights.")] = 0,
    method: Annotated[str | None, typer.Option(metavar="NAME,...", help="Only these methods.")] = None,
    encoder: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of a trained encoder.")
    ] = None,
    gallery_step: Annotated[
        int | None, typer.Option(min=1, help="Skeletons between gallery windows; f if not given.")
    ] = None,
    metric: Annotated[Metric, typer.Option(help="How windows are compared.")] = "euclidean",
    shuffle: Annotated[
        bool, typer.Option("--shuffle-probes", help="Leak check: wrong names, so all must be at chance.")
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON.")] = None,
) -> None:
    """Match probe windows against gallery windows; Rank-1/5/10, mAP, mINP and Rank-1 of walks, in percent."""

    def command() -> None:
        methods = choose_methods(f, seed, encoder, method)
        trial = DirectTrial.draw(read_walks(data), f=f, seed=seed, gallery_step=gallery_step)
        trial = trial.with_probes_shuffled() if shuffle else trial
        rows = _measure(trial, methods, metric, Console(stderr=True))
        content = trial.summary()
        title = (
            f"direct on {content['dataset']}: {content['people']} people, f = {f}, seed {seed}, {metric}; "
            f"{content['windows']} probe windows against {content['gallery_windows']}"
        )
        others = [] if shuffle or f != 6 else published("direct", content["dataset"])
        Console().print(figure_table(title, _COLUMNS, rows, others))
        if out is not None:
            by_name = {row.pop("name"): row for row in rows}
            default = "cage" if "cage" in by_name else None
            extra = {
                "gallery_step": gallery_step or f,
                "metric": metric,
                "probes_shuffled": shuffle,
                "default": default,
                "methods": by_name,
            }
            write_json(out, content | extra)

    run_command("direct", command)


def main() -> None:
    """Run the protocol from the command line."""
    typer.run(direct)


if __name__ == "__main__":
    main()
