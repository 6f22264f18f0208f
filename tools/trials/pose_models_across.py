"""People enrolled with poses of one model and compared with those of another.

    python -m tools.trials.pose_models_across walk.mp4:model=full walk.mp4:model=lite

Both sources show the same scene: a video read by each model, or recordings of that. No videos of many people
with walks on several days are at hand, so the trial measures within one scene: each track that both models
followed for long enough is cut in the middle; the first half enrols, the second half is the probe, and the
candidates are the tracks that were in view together with it, which are certainly other people. What changes a
person from day to day is not in it: the figures compare the four ways of pairing the models, and no more. For
`the same steps`, the second half enrols as well, as the other model saw it.

Beside it, bone lengths: the difference of the two models on the same track, and the differences of one model
between the halves of a track and between two tracks, as medians over bones and tracks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.pose import BONE_COLUMNS, POSE_WIDTH
from encoder.weights import load_encoder
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from stream.body import FloatArray
from stream.bus.messages import WindowRow
from stream.capture.tracking import Tracker
from stream.errors import EndOfSource, SgeError, UserError
from stream.skeleton import get_layout, to_canonical
from stream.sources import open_source
from stream.terminal.consoles import plain_console
from stream.windows.body_change import detector_for
from stream.windows.cutting import Window
from tools.backend_fit.offline_pipeline import WalkCages, enrol, track_scores

__all__ = ["Halves", "Pairing", "Passage", "compare", "main", "pair_passages", "read_passages"]

MIN_WINDOWS = 30
"""Windows of each half of a track: 3 s of walking."""

SAME_PLACE = 0.03
"""Distance of the lines of sight (unit vectors) to a person by the two models: 0.3 m at 10 m."""

TOGETHER = 10
"""Frames in which two tracks are in view together, so that they are two people."""

out = plain_console(width=110)

Floats = NDArray[np.float64]
Places = Sequence[int]


@dataclass(slots=True, eq=False)
class Passage:
    """One track of a source.

    Attributes:
        sights: unit vector (3,) from the sensor to the hips, by time of the frame.
        windows: its windows of walking.
    """

    sights: dict[int, FloatArray] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)

    def same_frames(self, other: Passage) -> int:
        """Returns the number of frames in which both are in view, at one place."""
        return sum(
            float(np.linalg.norm(self.sights[time] - other.sights[time])) < SAME_PLACE
            for time in self.sights.keys() & other.sights.keys()
        )


class Pairing(NamedTuple):
    """A passage as one model and as the other model followed it."""

    first: Passage
    second: Passage


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """The encoded halves of a passage by one model: to enrol, and the probe."""

    enrolled: WalkCages
    probe: WalkCages


def read_passages(source: str) -> tuple[str, list[Passage]]:
    """Follows the people of a source; returns its pose model and the tracks.

    Raises:
        SgeError: the source cannot be read, or states no pose model.
    """
    passages: dict[int, Passage] = {}
    with closing(open_source(source, speed=0)) as opened:
        info = opened.info
        if not info.pose_model:
            raise UserError(f"{source} states no pose model; give a video or a recording of one")
        tracker = Tracker(get_layout(info.layout), detector=partial(detector_for, info.sensor))
        while True:
            try:
                frame = opened.read(1)
            except EndOfSource:
                return info.pose_model, list(passages.values())
            if frame is None:
                continue
            update = tracker.push(frame)
            for body in frame.bodies:
                hips = to_canonical(get_layout(info.layout), body.joints, body.confidence)[0][0]
                if np.isfinite(hips).all() and body.id in tracker.numbers:
                    own = passages.setdefault(tracker.numbers[body.id], Passage())
                    own.sights[frame.time_ns] = hips / np.linalg.norm(hips)
            for number, window in update.windows:
                passages.setdefault(number, Passage()).windows.append(window)


def pair_passages(first: Sequence[Passage], second: Sequence[Passage]) -> list[Pairing]:
    """Pairs the tracks of two models that follow one person: each with the one it is with for longest."""
    frames = np.array([[one.same_frames(other) for other in second] for one in first])
    if not frames.size:
        return []
    best = frames.argmax(axis=1)
    return [
        Pairing(first[n], second[k])
        for n, k in enumerate(best.tolist())
        if frames[n, k] >= TOGETHER and frames[:, k].argmax() == n
    ]


def _halves(pairs: Sequence[Pairing], encoder: Encoder) -> tuple[list[int], list[Mapping[int, Halves]]]:
    """Encodes the halves of the pairs that are long enough; returns their places, and both models' halves."""
    places: list[int] = []
    encoded: list[Mapping[int, Halves]] = []
    for place, pair in enumerate(pairs):
        starts = [window.start_ns for passage in pair for window in passage.windows]
        middle = int(np.median(starts)) if starts else 0
        parts = [
            (
                [window for window in passage.windows if window.end_ns < middle],
                [window for window in passage.windows if window.start_ns >= middle],
            )
            for passage in pair
        ]
        if min(len(part) for both in parts for part in both) >= MIN_WINDOWS:
            places.append(place)
            encoded.append(
                {
                    model: Halves(*(_encode(encoder, part, place) for part in both))
                    for model, both in enumerate(parts)
                }
            )
    return places, encoded


def _encode(encoder: Encoder, windows: Sequence[Window], person: int) -> WalkCages:
    rows = tuple(WindowRow(1, w.start_ns, w.end_ns, 0, w.quality) for w in windows)
    return WalkCages(person, "1", "camera", rows, encoder.encode(np.stack([w.joints for w in windows])))


def compare(
    enrolled: Sequence[WalkCages], probes: Sequence[WalkCages], others: Sequence[Places], backend: Backend
) -> list[float]:
    """Compares each passage with itself and with those of certainly other people.

    Args:
        enrolled: a part of each passage.
        probes: a part of each passage.
        others: of each passage, the places of those that certainly show other people.
        backend: compares them.

    Returns:
        Of each probe with others, the score of its own passage minus the best of the others.
    """
    index = TemplateIndex(enrol(enrolled), backend, ["camera"])
    ahead = []
    for place, probe in enumerate(probes):
        if others[place]:
            scores = track_scores(index, probe, last_only=True)[-1]
            ahead.append(float(scores[place] - scores[list(others[place])].max()))
    return ahead


def _compare_models(
    halves: Sequence[Mapping[int, Halves]], names: Sequence[str], others: Sequence[Places], backend: Backend
) -> Table:
    """Returns a table of the probes that are most like their own passage, for each pairing of the models."""
    chance = sum(1 / (1 + len(places)) for places in others if places)
    table = Table("enrolled", "probe", "right", "by chance", "ahead of the best other, median")

    def show(one: int, other: int, same_steps: bool) -> None:
        enrolled = [each[one].probe if same_steps else each[one].enrolled for each in halves]
        ahead = compare(enrolled, [each[other].probe for each in halves], others, backend)
        right = f"{sum(margin > 0 for margin in ahead)} of {len(ahead)}"
        name = f"the same steps, {names[one]}" if same_steps else names[one]
        table.add_row(name, names[other], right, f"{chance:.1f}", f"{np.median(ahead):+.2f}")

    for one, other in product((0, 1), repeat=2):
        show(one, other, same_steps=False)
    show(0, 1, same_steps=True)
    show(1, 0, same_steps=True)
    return table


def _bones(walk: WalkCages) -> Floats:
    lengths = walk.cages[:, :, -POSE_WIDTH:][:, :, BONE_COLUMNS].mean(axis=1, dtype=np.float64)
    median: Floats = np.log(np.maximum(np.median(lengths, axis=0), 1e-3))
    return median


def _bone_differences(halves: Sequence[Mapping[int, Halves]], names: Sequence[str]) -> Table:
    """Returns a table of median differences of bone lengths, %."""
    table = Table("bone lengths", "median difference")
    probes = [[_bones(each[model].probe) for each in halves] for model in (0, 1)]
    first = [[_bones(each[model].enrolled) for each in halves] for model in (0, 1)]

    def show(what: str, differences: Sequence[Floats]) -> None:
        table.add_row(what, f"{np.median(np.abs(np.stack(differences))):.1%}")

    for model, name in enumerate(names):
        show(f"halves of a track, {name}", [a - b for a, b in zip(first[model], probes[model], strict=True)])
        pairs = [(a, b) for n, a in enumerate(probes[model]) for b in probes[model][:n]]
        show(f"two tracks, {name}", [a - b for a, b in pairs])
    show(f"the same half, {names[0]} and {names[1]}", [a - b for a, b in zip(*probes, strict=True)])
    shift = np.median([a - b for a, b in zip(*probes, strict=True)], axis=0)
    show("the same, without what all tracks share", [a - b - shift for a, b in zip(*probes, strict=True)])
    return table


def _run(sources: Sequence[str]) -> None:
    (name, first), (other_name, second) = (read_passages(source) for source in sources)
    if name == other_name:
        raise UserError(f"both sources have poses of {name}; give the second with the other model")
    names = (name, other_name)
    pairs = pair_passages(first, second)
    encoder = Encoder(load_encoder(), "cpu")
    places, halves = _halves(pairs, encoder)
    if len(halves) < 2:
        raise UserError(f"only {len(halves)} tracks walk for long enough; give a longer video of more people")
    kept = [pairs[place] for place in places]
    others = [
        [
            k
            for k, other in enumerate(kept)
            if k != n and len(own.first.sights.keys() & other.first.sights.keys()) >= TOGETHER
        ]
        for n, own in enumerate(kept)
    ]
    out.print(
        f"{len(first)} tracks by {name}, {len(second)} by {other_name}, {len(pairs)} by both; {len(kept)} of "
        f"these walk for {MIN_WINDOWS / 10:g} s in each half, with {np.mean([len(o) for o in others]):.1f} "
        "other people in view on average",
        highlight=False,
    )
    out.print(_compare_models(halves, names, others, load_backend(encoder.contract.id)))
    out.print(_bone_differences(halves, names))


def trial(
    first: Annotated[str, typer.Argument(metavar="SOURCE", help="A scene, with poses of one model.")],
    second: Annotated[str, typer.Argument(metavar="SOURCE", help="The same, with poses of another.")],
) -> None:
    """Compare people across two pose models."""
    try:
        _run((first, second))
    except SgeError as error:
        typer.echo(f"pose_models_across: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
