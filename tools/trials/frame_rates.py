"""Identification at low frame rates: KGBD's probes thinned to some frames a second.

    python -m tools.trials.frame_rates DATA [--first 101] [--last 164] [--walk 3 --walk 4]

People are enrolled by walks 1 and 2 at 30 frames/s. The probes are other walks, of which each 3rd, 4th, 5th
or 6th frame is left, from a random first one, as the live system cuts and scores them. With `--jitter`, the
times of frames vary by that share of their interval. Each probe is compared with all people, and once more
without its own person, as a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import measured_elsewhere
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from tools.backend_fit.offline_pipeline import encode_walk, enrol, kgbd_walks, track_scores
from tools.datasets import Walk

__all__ = ["main"]

RATE_HZ = 30
KEPT_OF = (1, 3, 4, 5, 6)
FPIR = 0.01
out = plain_console()


class Probe(NamedTuple):
    """The result of one probe; scores minus the threshold for its number of windows."""

    genuine: float
    stranger: float
    """Of the best other person."""


def _thinned(walk: Walk, keep: int, jitter: float, random: np.random.Generator) -> Walk:
    frames = slice(int(random.integers(keep)), None, keep)
    times = walk.time_ns[frames]
    late = jitter * keep * 1_000_000_000 / RATE_HZ * random.uniform(0, 1, len(times))
    return replace(
        walk,
        time_ns=times + late.astype(np.int64),
        joints=walk.joints[frames],
        confidence=None if walk.confidence is None else walk.confidence[frames],
    )


def _measure(
    encoder: Encoder, index: TemplateIndex, probes: Sequence[Walk], keep: int, jitter: float, seed: int
) -> str:
    random = np.random.default_rng(seed)
    found: list[Probe] = []
    unseen = 0
    calibration = measured_elsewhere(index)[index.sensors[0]]
    for walk in probes:
        cages = encode_walk(encoder, _thinned(walk, keep, jitter, random))
        if not len(cages.rows):
            unseen += 1
            continue
        scores = track_scores(index, cages, last_only=True)[-1]
        own = index.people_of(cages.sensor).index(cages.person)
        threshold = calibration.threshold(FPIR, len(cages.rows))
        found.append(Probe(scores[own] - threshold, np.delete(scores, own).max() - threshold))
    if not found:
        return "nobody is seen"
    genuine, stranger = np.array(found).T
    correct = genuine > stranger
    limit = np.quantile(stranger, 1 - FPIR, method="higher")
    missed, false_names = 1 - (correct & (genuine >= 0)).sum() / len(probes), (stranger >= 0).mean()
    return (
        f"rank-1 {correct.sum() / len(probes):.1%}, with the thresholds that ship FNIR "
        f"{missed:.1%} at FPIR {false_names:.1%}, FNIR "
        f"{1 - (correct & (genuine > limit)).sum() / len(probes):.1%} at FPIR {FPIR:.0%}; {unseen} unseen"
    )


def main(
    data: Annotated[Path, typer.Argument(help="Folder with the packed files of KGBD.")],
    first: Annotated[int, typer.Option(help="First person.")] = 101,
    last: Annotated[int, typer.Option(help="Last person.")] = 164,
    walk: Annotated[list[str] | None, typer.Option(help="Probe walks.")] = None,
    seed: Annotated[int, typer.Option(help="Of the first frames and the jitter.")] = 1,
    jitter: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the interval.")] = 0.0,
) -> None:
    """Prints identification at each frame rate."""
    try:
        loaded = load_encoder()
        walks = [ref.read() for ref in kgbd_walks(data, range(first, last + 1))]
    except SgeError as error:
        typer.echo(f"frame_rates: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    encoder, backend = Encoder(loaded, "cpu"), load_backend(loaded.contract.id)
    enrolled = [encode_walk(encoder, each) for each in walks if each.walk in ("1", "2")]
    index = TemplateIndex(enrol(enrolled), backend, ["kinect-v1"])
    probes = [each for each in walks if each.walk in (walk or ("3", "4"))]
    out.print(f"KGBD, people {first}-{last}: {len(index.people)} people, {len(probes)} probes")
    for keep in KEPT_OF:
        out.print(f"{RATE_HZ / keep:g} frames/s: {_measure(encoder, index, probes, keep, jitter, seed)}")


if __name__ == "__main__":
    typer.run(main)
