"""Noticing that another person has taken over a track: changes that are noticed, and single walks split.

    python -m tools.trials.body_change DATA [--seed N ...] [--names N]
    python -m tools.trials.body_change DATA --others

By cross-validation over KGBD's people 1-100: the trees of `stream.windows.body_change` are fitted to four
fifths of the people and measured on the others, with the limit that ships. Recordings are spliced in the
middle of the walks of two people, who have one body id, one place and no gap between them. With `--names`,
the live path's functions name the people of such recordings, who are enrolled by walks 1 and 2: how long does
the first person's name stay, with both people in the gallery, and with the first one only? `--others` says
how many single walks of other kinds of sensors the trees that ship would split, if they were used there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import typer
from numpy.typing import NDArray

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import calibrate_index
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from stream.body import Body, BodyFrame, FloatArray
from stream.bus.messages import Tick
from stream.capture.tracking import Tracker, make_tick
from stream.errors import SgeError
from stream.skeleton import get_layout
from stream.terminal.consoles import plain_console
from stream.windows.body_change import LIMIT, BodyChangeDetector, Jump
from stream.windows.boosted_trees import BoostedTrees, load_trees
from tools.backend_fit.body_change_fit import (
    Frames,
    Measures,
    fit_trees,
    frames_of,
    jumps_of,
    measure_splice,
    measure_splices,
    random_splices,
    splice,
)
from tools.backend_fit.offline_pipeline import encode_walk, enrol, kgbd_walks, patho_walks, simulated_walks
from tools.datasets import Walk, find_walks

__all__ = ["Names", "main", "name_stays", "spliced_frames"]

FOLDS = 5
SPLICES = 1500
"""Of each fold."""
SPLICES_OF_OTHERS = 300
SHORT_EDGE = 40
"""Frames at both ends of other walks, which are short, in which no splice lies."""

SENSOR = "kinect-v1"
ENROLLED = ("1", "2")
FPIR = 0.05
"""Walks by which people are enrolled."""
MOST_S = 2.0
_NO_JUMP = -99.0
out = plain_console()

Encoded = list[tuple[Tick, FloatArray]]
"""Ticks, each with the CAGEs of its windows (n, f, D)."""


class Fold(NamedTuple):
    """The people left out of one fit."""

    walks: list[Frames]
    spliced: list[Measures]
    """Of recordings spliced from their walks."""
    trees: BoostedTrees
    """Fitted to the other people."""


def _folds(walks: Sequence[Frames], jumps: dict[int, list[Jump]], seed: int) -> list[Fold]:
    random = np.random.default_rng(seed)
    people = np.array_split(random.permutation(sorted({walk.person for walk in walks})), FOLDS)
    parts = [[walk for walk in walks if walk.person in part] for part in people]
    spliced = [measure_splices(part, SPLICES, random) for part in parts]
    folds = []
    for place, part in enumerate(parts):
        others = [n for n in range(FOLDS) if n != place]
        single = [jump for n in others for walk in parts[n] for jump in jumps[id(walk)]]
        trees = fit_trees(single, [each for n in others for each in spliced[n]])
        folds.append(Fold(part, spliced[place], trees))
    return folds


def _highest(trees: BoostedTrees, jumps: Sequence[Jump]) -> float:
    scores = [trees.score(jump.measures) for jump in jumps if not jump.sides_exchanged]
    return max(scores, default=_NO_JUMP)


def _print_shares(name: str, single: NDArray[np.float64], spliced: NDArray[np.float64]) -> None:
    folds = [float((part >= LIMIT).mean()) for part in spliced]
    out.print(
        f"{name}: {np.mean(folds):.1%} of {spliced.size} changes are noticed after 1.2 s (by fold "
        f"{min(folds):.1%} to {max(folds):.1%}); {(single >= LIMIT).mean():.2%} of {single.size} single "
        f"walks are split; limit {LIMIT:g}"
    )


class Names:
    """Names people with the live path's functions.

    Args:
        data: folder with the packed files of KGBD.
        people: enrolled by walks 1 and 2.
    """

    def __init__(self, data: Path, people: Iterable[int]) -> None:
        loaded = load_encoder()
        self._encoder = Encoder(loaded, "cpu")
        self._contract = loaded.contract.id
        self._backend: Backend = load_backend(loaded.contract.id)
        self._templates: dict[str, list[PersonTemplates]] = {}
        for ref in kgbd_walks(data, set(people)):
            if ref.walk in ENROLLED:
                own = enrol([encode_walk(self._encoder, ref.read())])
                self._templates.setdefault(ref.person, []).extend(own)

    def encode(self, frames: Iterable[BodyFrame], tracker: Tracker) -> Encoded:
        """Returns what the matcher receives of some frames."""
        ticks: list[Tick] = []
        blocks: list[FloatArray] = []
        for frame in frames:
            update = tracker.push(frame)
            if update:
                tick, block = make_tick(
                    update, 0, 0, time_ns=frame.time_ns, arrival_ns=0, in_view=tracker.open, last=False
                )
                ticks.append(msgspec.structs.replace(tick, contract=self._contract))
                blocks += [block] if tick.rows else []
        cages = self._encoder.encode(np.concatenate(blocks)) if blocks else self._encoder.empty
        ends = np.cumsum([len(tick.rows) for tick in ticks])[:-1]
        return list(zip(ticks, np.split(cages, ends), strict=True))

    def decisions(self, encoded: Encoded, people: Collection[str] | None = None) -> Iterator[TrackDecision]:
        """Yields the decisions on the tracks by a gallery of some of the people, by default all."""
        names = self._templates if people is None else people
        index = TemplateIndex(
            [each for name in names for each in self._templates[name]], self._backend, [SENSOR]
        )
        calibrations = calibrate_index(index, enrolled_visits(index, SENSOR), [])
        matcher = Matcher([SourceCard("splice", SENSOR, False)], 6, FPIR, index, calibrations=calibrations)
        for tick, cages in encoded:
            yield from matcher.observe(tick, cages)
        yield from matcher.end_source(0)


def spliced_frames(whole: Frames) -> Iterator[BodyFrame]:
    """Yields a walk as the frames of a source with one body."""
    confidence = np.ones(whole.joints.shape[1], np.float32)
    for time_ns, joints in zip(whole.time_ns.tolist(), whole.joints, strict=True):
        yield BodyFrame(time_ns, (Body(1, joints, confidence),))


def name_stays(decisions: Iterable[TrackDecision], first: str, change_ns: int) -> float:
    """Returns for how long the first person's name stays after a change, seconds; 0 if not named then."""
    last_ns = change_ns
    for decision in decisions:
        named = decision.state == "person" and decision.candidate == f"person {first}"
        if named and not decision.final:
            last_ns = max(last_ns, decision.time_ns)
    return (last_ns - change_ns) / 1e9


def _time_names(names: Names, fold: Fold, count: int, seed: int) -> dict[str, list[float]]:
    """Returns for how long the old name stays, seconds, in splices of walks that were not enrolled."""
    people = sorted({walk.person for walk in fold.walks})
    probes = [walk for walk in fold.walks if walk.walk not in ENROLLED]
    found: dict[str, list[float]] = {"both enrolled": [], "only the first enrolled": []}
    for arguments in random_splices(probes, count, np.random.default_rng(seed)):
        first, at, second, _ = arguments
        whole = splice(*arguments)
        tracker = Tracker(get_layout("kinect-v1"), detector=lambda: BodyChangeDetector(fold.trees))
        encoded = names.encode(spliced_frames(whole), tracker)
        galleries = people, [person for person in people if person != second.person]
        for name, enrolled in zip(found, galleries, strict=True):
            decisions = names.decisions(encoded, enrolled)
            found[name].append(name_stays(decisions, first.person, int(whole.time_ns[at])))
    return found


def _other_walks(data: Path) -> Iterator[tuple[str, list[Walk]]]:
    for gait in ("normal", "antalgic", "lurch"):
        walks = [ref for ref in patho_walks(data, range(1, 6)) if ref.condition == gait]
        yield f"Kinect v2, {gait}, people 1-5", [ref.read() for ref in walks]
    yield "Kinect v2, another room", [ref.read() for ref in find_walks(data / "kinect2_ucalgary_a_20j.npz")]
    for seed in (1, 2, 3):
        yield f"simulated, seed {seed}", simulated_walks(20, seed, 1, 20.0)


def main(
    data: Annotated[Path, typer.Argument(help="Folder with the packed files.")],
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the folds and splices.")] = None,
    names: Annotated[int, typer.Option(min=0, help="Spliced recordings of each fold to be named.")] = 0,
    others: Annotated[bool, typer.Option(help="Only single walks of other kinds of sensors.")] = False,
) -> None:
    """Prints the shares of changes noticed and of single walks split."""
    try:
        if others:
            _measure_others(data)
            return
        walks = [frames_of(ref.read()) for ref in kgbd_walks(data, range(1, 101))]
        jumps = {id(walk): jumps_of(walk) for walk in walks}
        named = Names(data, range(1, 101)) if names else None
        for one in seed or (1, 2):
            _measure(named, walks, jumps, one, names)
    except SgeError as error:
        typer.echo(f"body_change: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def _measure(
    names: Names | None, walks: Sequence[Frames], jumps: dict[int, list[Jump]], seed: int, count: int
) -> None:
    single: list[float] = []
    spliced: list[list[float]] = []
    stays: dict[str, list[float]] = {}
    for fold in _folds(walks, jumps, seed):
        single += [_highest(fold.trees, jumps[id(walk)]) for walk in fold.walks]
        scores = [_NO_JUMP if each is None else fold.trees.score(each) for each in fold.spliced]
        spliced.append(scores)
        if names is not None:
            for case, seconds in _time_names(names, fold, count, seed).items():
                stays.setdefault(case, []).extend(seconds)
    _print_shares(f"seed {seed}", np.array(single), np.array(spliced))
    for case, seconds in stays.items():
        known = np.array(seconds)
        out.print(
            f"seed {seed}, {case}: the old name stays at most {MOST_S:g} s in {(known <= MOST_S).mean():.1%} "
            f"of {known.size} recordings; median {np.median(known):.1f} s, 90th percentile "
            f"{np.percentile(known, 90):.1f} s"
        )


def _measure_others(data: Path) -> None:
    trees, random = load_trees(), np.random.default_rng(1)
    for name, walks in _other_walks(data):
        frames = [frames_of(walk) for walk in walks]
        highest = np.array([_highest(trees, jumps_of(each)) for each in frames])
        seconds = sum(len(each.time_ns) for each in frames) / 30
        share = (highest >= LIMIT).mean()
        out.print(f"{name}: {share:.2%} of {highest.size} single walks ({seconds:.0f} s) would be split")
        if len({each.person for each in frames if len(each.time_ns) > 3 * SHORT_EDGE}) < 2:
            continue
        pairs = random_splices(frames, SPLICES_OF_OTHERS, random, SHORT_EDGE)
        spliced = [measure_splice(*each) for each in pairs]
        noticed = [each is not None and trees.score(each) >= LIMIT for each in spliced]
        out.print(f"{name}: {np.mean(noticed):.1%} of {len(noticed)} changes would be noticed")


if __name__ == "__main__":
    typer.run(main)
