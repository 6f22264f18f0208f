"""What the checks before an enrolment refuse and report: known people, strangers, copies, contradictions.

    python -m tools.trials.enrolment_checks DATA [--people 101-164] [--choose]

DATA is a folder with the packed files of KGBD and the pathological gaits. The gallery holds each person of
KGBD by walks 1 and 2. Walk 3 is then enrolled under a new name, by the function of the product: once with its
person in the gallery, once without. A part of a walk is compared with the whole as recordings, and walks of
one person and of two with each other. `--choose` repeats the choice of `CONTRADICTING_SHARE` on
people 1-100 in four parts, each compared by a fusion of the others. Shares have 95 % intervals, by a
bootstrap over people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.enrolment import prepare_enrolment
from gallery.enrolment_checks import LabelledWalk, contradiction_limit, mutual_score
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.same_recording import SAME_RECORDING, recording_distance
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from stream.bus.messages import EnrolRequest, Tick
from stream.errors import SgeError, UserError
from stream.terminal.consoles import plain_console
from tools.backend_fit.fusion_fit import DescribedWalk, fit_fusion
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, enrol, kgbd_walks, patho_walks
from tools.datasets import Walk, WalkRef
from tools.evaluation.metrics.bootstrap import bootstrap_estimates
from tools.trials.program import parse_person_numbers

__all__ = ["Shares", "main", "refusal"]

ENROL_WALKS = ("1", "2")
PROBE_WALK = "3"
CHOICE_PEOPLE = range(1, 101)
PATHO_PEOPLE = range(6, 11)
PATHO_EVERY = 30
FOLDS = 4
SEED = 0
STRANGER_PAIRS = 20
"""Pairs of walks of two people, for each walk."""

out = plain_console()


class Shares:
    """Shares of trials, by what was tried and by person."""

    def __init__(self) -> None:
        self._trials: dict[str, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))

    def add(self, what: str, person: int, happened: bool) -> None:
        """Adds one trial."""
        self._trials[what][person].append(happened)

    def table(self, title: str) -> Table:
        """Returns a table of the shares in percent, with 95 % intervals over people."""
        table = Table("", "trials", "share", "95 %", title=title, title_justify="left")
        for what, by_person in self._trials.items():
            counts = np.array([[sum(own), len(own)] for own in by_person.values()], float)

            def share(weights: np.ndarray, counts: np.ndarray = counts) -> dict[str, float]:
                happened, tried = weights @ counts
                return {"share": 100 * happened / tried if tried else float("nan")}

            estimate = bootstrap_estimates(share, len(counts), SEED)["share"]
            value, low, high = estimate or (float("nan"),) * 3
            table.add_row(what, f"{counts[:, 1].sum():.0f}", f"{value:.1f} %", f"{low:.1f}-{high:.1f}")
        return table


@dataclass(frozen=True, slots=True, eq=False)
class _Described:
    """A walk without its CAGEs."""

    person: int
    walk: LabelledWalk
    windows: DescribedWalk


def refusal(index: TemplateIndex, walk: WalkCages, *, compared: bool = True) -> str:
    """Enrols a walk as a new person, as the matcher process does; returns the refusal, or nothing.

    Args:
        index: the gallery.
        walk: has at least 3 s of walking.
        compared: False compares the walk as it would be stored, as if all were enrolled during the track.
    """
    source = SourceCard(walk.walk, walk.sensor, False)
    empty = TemplateIndex([], index.backend, [walk.sensor])
    matcher = Matcher([source], walk.cages.shape[1], 0.01, index if compared else empty)
    tick = Tick(0, 0, 0, "trial", walk.cages.shape, walk.rows)
    matcher.observe(tick, walk.cages)
    matcher.replace_index(index)
    try:
        prepare_enrolment(matcher, "trial", EnrolRequest("new", (1,), "--yes"))
    except UserError as error:
        return str(error)
    return ""


def _try_new_names(
    walks: Iterable[WalkCages], enrolled: Sequence[PersonTemplates], backend: Backend
) -> Shares:
    """Enrols walks under new names, with and without their person in the gallery."""
    shares = Shares()
    whole = TemplateIndex(enrolled, backend, ["kinect-v1"])
    for walk in walks:
        name = f"recognised as {whole.names[walk.person]}:"
        others = [each for each in enrolled if each.person_id != walk.person]
        without = TemplateIndex(others, backend, ["kinect-v1"])
        for how, compared in (("", True), (", enrolled meanwhile", False)):
            said = refusal(whole, walk, compared=compared)
            shares.add(f"in the gallery{how}: refused", walk.person, bool(said))
            shares.add(f"in the gallery{how}: named rightly", walk.person, name in said)
            said = refusal(without, walk, compared=compared)
            shares.add(f"not in the gallery{how}: refused", walk.person, bool(said))
    return shares


def _compare_recordings(what: str, walks: Iterable[tuple[int, Sequence[Walk]]], encoder: Encoder) -> None:
    """Compares a part of each walk with the whole, and with other walks of the person."""
    random = np.random.default_rng(SEED)
    same, other = [], []
    for _, own in walks:
        templates = {}
        for place, walk in enumerate(own):
            frames = len(walk.time_ns)
            first = int(random.integers(1, frames // 2))
            whole, part = (_templates(encoder, each) for each in (walk, _part(walk, first, frames)))
            if whole is not None:
                templates[place] = whole
                same += [recording_distance(whole, part)] if part is not None else []
        other += [recording_distance(*pair) for pair in combinations(templates.values(), 2)]
    found = [np.array(each)[np.isfinite(each)] for each in (same, other)]
    below = [100 * float((each < SAME_RECORDING).mean()) for each in found]
    out.print(
        f"{what}: part and whole of one recording ({len(found[0])}): {below[0]:.1f} % below "
        f"{SAME_RECORDING}, at most {found[0].max():.2f}; walks of one person ({len(found[1])}): "
        f"{below[1]:.1f} % below, at least {found[1].min():.2f}"
    )


def _part(walk: Walk, first: int, last: int) -> Walk:
    kept = slice(first, last)
    return replace(
        walk, time_ns=walk.time_ns[kept], joints=walk.joints[kept], confidence=walk.confidence[kept]
    )


def _templates(encoder: Encoder, walk: Walk) -> np.ndarray | None:
    encoded = encode_walk(encoder, walk)
    return enrol([encoded])[0].templates if len(encoded.rows) >= 15 else None


def _report_contradictions(title: str, walks: Sequence[_Described], backends: dict[int, Backend]) -> None:
    """Compares pairs of walks of one person, and of two people with one back-end."""
    shares, random = Shares(), np.random.default_rng(SEED)
    for first, second in combinations(walks, 2):
        if first.person == second.person:
            shares.add("walks of one person", first.person, _contradict(first, second, backends))
    for first in walks:
        among = [each for each in walks if backends[each.person] is backends[first.person]]
        others = [each for each in among if each.person != first.person]
        for place in random.choice(len(others), min(STRANGER_PAIRS, len(others)), replace=False):
            shares.add("walks of two people", first.person, _contradict(first, others[place], backends))
    out.print(shares.table(title))


def _contradict(first: _Described, second: _Described, backends: dict[int, Backend]) -> bool:
    backend = backends[first.person]
    limit = contradiction_limit(first.walk, second.walk, backend)
    return limit is not None and mutual_score(first.walk, second.walk, backend) < limit


def _described(walk: WalkCages) -> _Described:
    (stored,) = enrol([walk])
    labelled = LabelledWalk.of(walk.walk, stored, len(walk.rows))
    return _Described(
        walk.person, labelled, DescribedWalk(walk.person, walk.walk, describe_windows(walk.cages))
    )


def _encoded(refs: Iterable[WalkRef], encoder: Encoder) -> Iterator[WalkCages]:
    for ref in refs:
        walk = encode_walk(encoder, ref.read())
        if len(walk.rows) >= 30:  # 3 s, as an enrolment needs
            yield walk


def _by_person(refs: Iterable[WalkRef]) -> Iterator[tuple[int, list[Walk]]]:
    grouped: dict[str, list[WalkRef]] = defaultdict(list)
    for ref in refs:
        grouped[ref.person].append(ref)
    for person, own in grouped.items():
        yield int(person), [ref.read() for ref in own]


def _choose(data: Path, encoder: Encoder, shipped: Backend) -> None:
    """Reports contradictions of people 1-100, each part compared by a fusion of the others."""
    walks = [_described(walk) for walk in _encoded(kgbd_walks(data, CHOICE_PEOPLE), encoder)]
    backends: dict[int, Backend] = {}
    for fold in range(FOLDS):
        tested = CHOICE_PEOPLE[fold::FOLDS]
        model = fit_fusion([walk.windows for walk in walks if walk.person not in tested])
        backend = Backend(fusions={"kinect-v1": model}, impostors=shipped.impostors, visits=shipped.visits)
        backends |= dict.fromkeys(tested, backend)
    _report_contradictions("contradicting walks reported, KGBD 1-100 by fusions of others", walks, backends)


def run(data: Path, people: Sequence[int], *, choose: bool) -> None:
    """Runs the trial and prints its tables.

    Raises:
        SgeError: the data cannot be read.
    """
    encoder = Encoder(load_encoder(), "cpu")
    backend = load_backend(encoder.contract.id)
    refs = kgbd_walks(data, people)
    first = list(_encoded((ref for ref in refs if ref.walk in ENROL_WALKS), encoder))
    described, enrolled = [_described(walk) for walk in first], enrol(first)
    del first

    def probes() -> Iterator[WalkCages]:
        for walk in _encoded((ref for ref in refs if ref.walk == PROBE_WALK), encoder):
            described.append(_described(walk))
            yield walk

    span = f"KGBD {people[0]}-{people[-1]}"
    out.print(_try_new_names(probes(), enrolled, backend).table(f"walks under new names, {span}"))
    _report_contradictions(f"contradicting walks reported, {span}", described, dict.fromkeys(people, backend))
    _compare_recordings(span, _by_person(ref for ref in refs if ref.walk in ENROL_WALKS), encoder)
    gaits = patho_walks(data, PATHO_PEOPLE)[::PATHO_EVERY]
    _compare_recordings("pathological gaits 6-10 (Kinect v2)", _by_person(gaits), encoder)
    if choose:
        _choose(data, encoder, backend)


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder with the packed files.")],
    people: Annotated[str, typer.Option(metavar="N-M", help="People of KGBD.")] = "101-164",
    choose: Annotated[bool, typer.Option("--choose", help="Also on people 1-100, cross-validated.")] = False,
) -> None:
    """Measure what the checks before an enrolment refuse and report."""
    try:
        run(data, parse_person_numbers(people), choose=choose)
    except SgeError as error:
        typer.echo(f"enrolment_checks: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
