"""A tilted sensor: what the estimate of the tilt rests on, how exact it is, and whom levelling finds again.

    python -m tools.trials.tilted_sensor DATA [--every 10]

DATA is a folder with the packed files; all walks are of people on whom settings may be chosen. UCalgary's
sensor looks down, so its walks are first made level by the estimate from all of them together; the sensors of
the other sets are taken for level. Each walk is a recording of its own: the tilt is estimated from it alone.

The first table gives the mean body axis of walks, along and across the heading, and the slope of paths of 2 m
and more: they set the standard deviations of `stream.capture.tilt_estimate`. The second tilts the walks and
gives how many are levelled, the angle left between up and Y, and how long the first window waits. The third
enrols run 1 of UCalgary's people before the level sensor and identifies all their other runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from stream.body import Body, BodyFrame, FloatArray
from stream.bus.messages import WindowRow
from stream.capture.levelling import Levelling
from stream.capture.tilt_estimate import TiltEstimator, WalkEvidence
from stream.capture.tracking import Tracker
from stream.errors import SgeError
from stream.levelling import levelling_turn
from stream.skeleton import get_layout, to_canonical
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from stream.windows.cutting import Window, WindowCutter
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    enrol,
    estimated_walks,
    kgbd_walks,
    patho_walks,
    track_scores,
    ucalgary_walks,
)
from tools.backend_fit.training_provenance import RGB_PEOPLE
from tools.datasets import Walk, WalkRef

__all__ = ["Passage", "main", "pass_by", "tilt_walk"]

TILTS = ((0, 0), (10, 0), (-10, 0), (20, 0), (-20, 0), (30, 0), (-30, 0), (0, 10))
"""Pitch and roll in degrees; a sensor of negative pitch looks down."""
LONG_PATH_M = 2.0
BAD_RECORDING = "207"
"""Person of UCalgary who hardly moves in run 1."""
UCALGARY = "Kinect v2, UCalgary"
_FIRST_RUN = "N-1"

out = plain_console(width=140)
err = plain_console(stderr=True)

Floats = NDArray[np.float64]


class Passage(NamedTuple):
    """A walk as the capture worker sees it."""

    windows: list[Window]
    up: Floats
    """(3,) the direction that was taken for up, in the sensor's axes."""
    waited_s: float
    """From the first window to the first that was given out."""


def tilt_walk(walk: Walk, pitch: float, roll: float = 0.0) -> Walk:
    """Returns a walk as a tilted sensor sees it.

    Args:
        walk: before a level sensor.
        pitch: degrees; negative if the sensor looks down.
        roll: degrees about the axis away from the sensor.
    """
    return replace(walk, joints=walk.joints @ _tilt(pitch, roll).T)


def _tilt(pitch: float, roll: float) -> FloatArray:
    a, b = math.radians(pitch), math.radians(roll)
    about_x = [[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]]
    about_z = [[math.cos(b), -math.sin(b), 0], [math.sin(b), math.cos(b), 0], [0, 0, 1]]
    turn: FloatArray = (np.array(about_x) @ np.array(about_z)).astype(np.float32)
    return turn


def pass_by(walk: Walk, levelling: Levelling | None) -> Passage:
    """Cuts the windows of a walk as the capture worker does; None levels nothing."""
    tracker = Tracker(get_layout(walk.layout), levelling=levelling)
    cutter = WindowCutter(walking_only=True)
    windows: list[Window] = []
    first_ns: int | None = None
    released_ns: int | None = None
    for time_ns, joints, confidence in zip(walk.time_ns.tolist(), walk.joints, walk.confidence, strict=True):
        found = tracker.push(BodyFrame(time_ns, (Body(1, joints, confidence),))).windows
        if first_ns is None and cutter.push(time_ns, *to_canonical(tracker.layout, joints, confidence)):
            first_ns = time_ns
        released_ns = time_ns if released_ns is None and found else released_ns
        windows += [window for _, window in found]
    windows += [window for _, window in tracker.end().windows]
    tilt = levelling.tilt if levelling is not None else None
    up = tilt.up if tilt is not None else np.array([0.0, 1.0, 0.0])
    end_ns = int(walk.time_ns[-1]) if released_ns is None else released_ns
    return Passage(windows, up, (end_ns - first_ns) / 1e9 if first_ns is not None else 0.0)


def _skeletons(walk: Walk) -> list[FloatArray]:
    """Returns a skeleton for each window of a walk."""
    joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
    cutter = WindowCutter(walking_only=True)
    frames = zip(walk.time_ns.tolist(), joints, confidence, strict=True)
    return [body for time_ns, body, known in frames if cutter.push(time_ns, body, known)]


def _level_ucalgary(refs: Sequence[WalkRef]) -> list[Walk]:
    """Returns UCalgary's walks as a level sensor would see them."""
    walks = [ref.read() for ref in refs if ref.person != BAD_RECORDING]
    estimator = TiltEstimator()
    for number, walk in enumerate(walks):
        for skeleton in _skeletons(walk):
            estimator.add(number, skeleton)
    tilt = estimator.estimate()
    x, y, z = tilt.up
    out.print(f"{UCALGARY}: tilted by {tilt.degrees:.1f} degrees; up is ({x:.3f}, {y:.3f}, {z:.3f})\n")
    turn = levelling_turn(tilt.up)
    return [replace(walk, joints=walk.joints @ turn.T) for walk in walks]


def _evidence_row(name: str, walks: Iterable[Walk]) -> list[str]:
    along, across, slopes = [], [], []
    for walk in walks:
        evidence = WalkEvidence()
        for skeleton in _skeletons(walk):
            evidence.add(skeleton)
        if not evidence.windows:
            continue
        sides = np.linalg.eigh(evidence.across)[1].T  # the smaller share is along the heading
        lean = np.degrees(np.arctan(sides @ evidence.axis))
        along.append(abs(lean[0]))
        across.append(abs(lean[1]))
        if evidence.length_m >= LONG_PATH_M:
            information, product = evidence.path()
            shares, directions = np.linalg.eigh(information)
            slopes.append(math.degrees(math.atan(directions[:, 1] @ product / shares[1])))
    return [
        name,
        str(len(along)),
        *(_root_mean_square(part) for part in (along, across, slopes)),
        str(len(slopes)),
    ]


def _root_mean_square(degrees: Sequence[float]) -> str:
    return f"{np.sqrt(np.mean(np.square(degrees))):.1f}" if degrees else ""


def _tilted_row(name: str, pitch: float, roll: float, walks: Iterable[Walk]) -> list[str]:
    truth = _tilt(pitch, roll)[:, 1].astype(np.float64)
    left, levelled, waits = [], [], []
    for walk in walks:
        passage = pass_by(tilt_walk(walk, pitch, roll), Levelling())
        if passage.windows:
            left.append(math.degrees(math.acos(min(1.0, float(passage.up @ truth)))))
            levelled.append(passage.up[1] < 1)
            waits.append(passage.waited_s)
    shown = [np.median(left), np.percentile(left, 95), np.median(waits), np.percentile(waits, 90)]
    found = f"{sum(levelled)} of {len(levelled)}"
    return [name, f"{pitch:g}", f"{roll:g}", found, *(f"{value:.1f}" for value in shown)]


class _Identification:
    """Identifies the runs of UCalgary's people, enrolled by run 1 before a level sensor."""

    def __init__(self, walks: Sequence[Walk]) -> None:
        loaded = load_encoder()
        self._encoder, self._backend = Encoder(loaded, "cpu"), load_backend(loaded.contract.id)
        self._names = sorted({walk.person for walk in walks})
        first = [walk for walk in walks if walk.walk == _FIRST_RUN]
        self._others = [walk for walk in walks if walk.walk != _FIRST_RUN]
        self._templates = enrol(self._encode(walk, Levelling()) for walk in first)

    def _encode(self, walk: Walk, levelling: Levelling | None) -> WalkCages:
        windows = pass_by(walk, levelling).windows
        return WalkCages(
            self._names.index(walk.person),
            walk.walk,
            walk.sensor,
            tuple(WindowRow(1, w.start_ns, w.end_ns, 0, w.quality) for w in windows),
            self._encoder.encode(np.stack([w.joints for w in windows])) if windows else self._encoder.empty,
        )

    def right(self, pitch: float, roll: float, *, levelled: bool) -> str:
        """Returns how many of the other runs, seen by a tilted sensor, have the right best candidate."""
        sensor = self._others[0].sensor
        index = TemplateIndex(self._templates, self._backend, [sensor])
        people = index.people_of(sensor)
        right = total = 0
        for walk in self._others:
            seen = self._encode(tilt_walk(walk, pitch, roll), Levelling() if levelled else None)
            total += 1
            if seen.rows:
                best = track_scores(index, seen, last_only=True)[-1].argmax()
                right += people[best] == seen.person
        return f"{right} of {total}"


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    every: Annotated[int, typer.Option(min=1, help="Of all sets but UCalgary, every n-th walk.")] = 10,
) -> None:
    """Tilt real walks, estimate the tilt, and identify people."""
    try:
        room = _level_ucalgary(ucalgary_walks(data))
        sets = {
            UCALGARY: room,
            "Kinect v2, patho 1-5": [ref.read() for ref in patho_walks(data, range(1, 6))[::every]],
            "Kinect v1, KGBD 1-100": [ref.read() for ref in kgbd_walks(data, range(1, 101))[::every]],
            "videos, odd people": [ref.read() for ref in estimated_walks(data, RGB_PEOPLE)[::every]],
        }
        evidence = Table("", "walks", "axis along", "axis across", "slope of paths", "paths")
        for name, walks in sets.items():
            evidence.add_row(*_evidence_row(name, walks))
        out.print("Root mean square, degrees", evidence)
        tilted = Table("", "pitch", "roll", "levelled", "left, median", "left, 95 %", "wait, s", "wait, 90 %")
        for name, walks in sets.items():
            for tilt in track(TILTS, name, console=err):
                tilted.add_row(*_tilted_row(name, *tilt, walks))
        out.print(tilted)
        people = _Identification(room)
        found = Table("pitch", "roll", "right as seen", "right levelled")
        for pitch, roll in track(TILTS, "identification", console=err):
            shown = (people.right(pitch, roll, levelled=levelled) for levelled in (False, True))
            found.add_row(f"{pitch}", f"{roll}", *shown)
        out.print(found)
    except SgeError as error:
        typer.echo(f"tilted_sensor: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
