"""Do templates of the probe's own view, or mirrored templates, help before a camera?

    python -m tools.trials.view_comparison DATA [--draws 3]

People whose poses were estimated from videos, the half who may teach (`RGB_PEOPLE`): each half of them by a
fit of the other half, as in `tools.trials.left_out_sites`. The ways to compare:

- all templates, as in the live system;
- only those of the walks in the probe's own view, where every view is enrolled; or the mean of both scores;
- all templates, and those of the mirrored walks: left and right exchanged, and encoded again. A sensor that
  sees one side of the body well would so see the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import ANY_SENSOR, Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from stream.body import FloatArray
from stream.bus.messages import WindowRow
from stream.errors import SgeError
from stream.skeleton import CANONICAL
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.fusion_transfer import fit_bones, fit_for_few_people
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    encode_walk,
    enrol,
    estimated_walks,
    kgbd_walks,
    track_scores,
    walk_windows,
)
from tools.backend_fit.training_provenance import RGB_PEOPLE
from tools.datasets import WalkRef
from tools.evaluation.metrics.bootstrap import Estimate, percent_text
from tools.trials.left_out_sites import Scores, SiteWalk, Task, draw, figures_of

__all__ = ["MirroredWalk", "main", "mirror", "ways_of"]

out = plain_console(width=110)
err = plain_console(stderr=True)

Floats = NDArray[np.float64]

_SIDES = {"Left": "Right", "Right": "Left"}
_OTHER_SIDE = [
    CANONICAL.index(next((name.removesuffix(a) + b for a, b in _SIDES.items() if name.endswith(a)), name))
    for name in CANONICAL
]

TASKS = (
    Task("one walk each way enrolled", lambda _: True, lambda _: True, of_every_view=True),
    Task(
        "two towards the camera enrolled, away",
        lambda walk: walk.view == "towards",
        lambda walk: walk.view == "away",
        walks=2,
    ),
    Task(
        "two away from it enrolled, towards",
        lambda walk: walk.view == "away",
        lambda walk: walk.view == "towards",
        walks=2,
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class MirroredWalk:
    """A walk, and the same in a mirror.

    Attributes:
        walk: as recorded.
        mirrored: with left and right exchanged.
    """

    walk: SiteWalk
    mirrored: WalkCages = field(repr=False)


def mirror(joints: FloatArray) -> FloatArray:
    """Returns bodies (..., 20, 3) in a mirror between left and right: joints exchanged, X turned round."""
    mirrored: FloatArray = joints[..., _OTHER_SIDE, :] * np.array([-1, 1, 1], np.float32)
    return mirrored


def _read(encoder: Encoder, refs: Sequence[WalkRef]) -> list[MirroredWalk]:
    names = sorted({ref.person for ref in refs})
    walks = []
    for ref in track(refs, "videos", console=err):
        recorded = ref.read()
        windows = walk_windows(recorded, encoder.window_shape[0])
        if not windows:
            continue
        rows = tuple(WindowRow(1, w.start_ns, w.end_ns, 0, w.quality) for w in windows)
        joints = np.stack([window.joints for window in windows])
        cages, mirrored = (
            WalkCages(names.index(ref.person), ref.walk, recorded.sensor, rows, encoder.encode(each))
            for each in (joints, mirror(joints))
        )
        walks.append(MirroredWalk(SiteWalk(cages, ref.condition, ref.view), mirrored))
    return walks


def ways_of(
    walks: Sequence[MirroredWalk], enrolled: Sequence[int], probes: Sequence[int], backend: Backend
) -> dict[str, Floats]:
    """Returns the scores (n, P) of n probes by each way to compare; see the module.

    Args:
        walks: of one kind of sensor.
        enrolled: places of the walks that enrol.
        probes: places of the probes.
        backend: compares them.
    """
    views = {walks[n].walk.view for n in enrolled}

    def compare(entries: Sequence[WalkCages], among: Sequence[int]) -> list[Floats]:
        sensor = entries[0].sensor
        index = TemplateIndex(enrol(entries), backend, [sensor])
        return [track_scores(index, walks[n].walk.cages, last_only=True)[-1] for n in among]

    own = [walks[n].walk.cages for n in enrolled]
    found = {"all templates": np.stack(compare(own, probes))}
    if len(views) > 1:
        by_probe: dict[int, Floats] = {}
        for view in views:
            same = [walks[n].walk.cages for n in enrolled if walks[n].walk.view == view]
            among = [n for n in probes if walks[n].walk.view == view]
            by_probe |= dict(zip(among, compare(same, among), strict=True))
        found["the probe's view only"] = np.stack([by_probe[n] for n in probes])
        found["mean of both"] = (found["all templates"] + found["the probe's view only"]) / 2
    mirrored = [walks[n].mirrored for n in enrolled]
    found["with mirrored templates"] = np.stack(compare([*own, *mirrored], probes))
    return found


def _report(
    walks: Sequence[MirroredWalk], backend: Backend, title: str, draws: int, tasks: Sequence[Task]
) -> Table:
    sites = [each.walk for each in walks]
    table = Table("enrolled and watched", "compared with", "right, %", "EER, %", title=title)
    for task in tasks:
        several: dict[str, list[Scores]] = {}
        for seed in range(draws):
            enrolled, probes = draw(sites, task, seed)
            people = sorted({sites[n].cages.person for n in enrolled})
            owners = np.array([people.index(sites[n].cages.person) for n in probes])
            for way, scores in ways_of(walks, enrolled, probes, backend).items():
                several.setdefault(way, []).append(Scores(scores, owners))
        for way, drawn in several.items():
            figures: Mapping[str, Estimate | None] = figures_of(drawn)
            table.add_row(task.name, way, *(percent_text(figures[name]) for name in ("right", "EER")))
    return table


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    draws: Annotated[int, typer.Option(min=1, help="Draws of the enrolled walks.")] = 3,
) -> None:
    """Compare ways to use the views of enrolled walks."""
    try:
        encoder = Encoder(load_encoder(), "cpu")
        halves = [_read(encoder, estimated_walks(data, RGB_PEOPLE[n::2])) for n in (0, 1)]
        many: list[DescribedWalk] = [
            SiteWalk(encode_walk(encoder, ref.read()), "", "").described
            for ref in track(kgbd_walks(data, range(1, 101)), "KGBD", console=err)
        ]
    except SgeError as error:
        typer.echo(f"view_comparison: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    portable = load_backend(encoder.contract.id).fusions[ANY_SENSOR].windows.directions.portable
    for title, own, other in (("first half", halves[0], halves[1]), ("second half", halves[1], halves[0])):
        site = [each.walk.described for each in other]
        model = fit_for_few_people([site], many, portable, fit_bones([site]))
        out.print(_report(own, Backend(fusions={ANY_SENSOR: model}), title, draws, TASKS))


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
