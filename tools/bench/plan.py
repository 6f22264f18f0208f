"""Plans a site from measured costs: the cores that capture, encoding and matching need, and the machines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from stream.errors import UserError
from tools.bench.camera import CameraFigures
from tools.bench.gallery_growth import GrowthFigures
from tools.bench.live import LiveFigures
from tools.bench.live_run import LiveRun
from tools.bench.plan_request import Site
from tools.bench.process_costs import CONSUMER, ProcessCost

__all__ = ["LOAD", "Check", "Costs", "Plan", "PlanRow", "check_plan", "costs_of", "plan_site"]

LOAD = 0.7
"""Share of its cores that a machine should use: the rest keeps the time of decisions short."""

_MATCHER = "matcher"
_SINGLE = (_MATCHER, CONSUMER)
"""One process each in a run, which no number of cores makes quicker."""

_CAPTURE = "capture"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of one role in a run.

    Attributes:
        base: busy cores, however few people there are.
        per_person: busy cores for each person.
    """

    base: float
    per_person: float

    def cores(self, people: int) -> float:
        """Returns the busy cores for so many people."""
        return self.base + self.per_person * people


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Measured costs.

    Attributes:
        people: of the runs that they were measured on.
        enrolled: people in its gallery.
        precision: of its encoder.
        cores: of the machine.
        roles: cost by role; without the simulation of the people.
        windows_per_s: of one person.
        growth: (people enrolled, microseconds per window of the matcher), ascending; empty if not measured.
        camera: pictures of a camera; None if they were not measured.
    """

    people: tuple[int, ...]
    enrolled: int
    precision: str
    cores: int
    roles: dict[str, Line]
    windows_per_s: float = 10.0
    growth: tuple[tuple[int, float], ...] = ()
    camera: CameraFigures | None = None


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of process needs.

    Attributes:
        what: the kind.
        cores: busy cores.
        processes: how many of them at least, if each may use `LOAD` of one core.
    """

    what: str
    cores: float
    processes: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a site needs.

    Attributes:
        people: in view of all sources.
        rows: by kind of process.
        cores: of all rows.
        machine_cores: of one machine.
        machines: how many, at a load of `LOAD`.
        runs: into how many runs the sources must be divided, because a matcher is one process.
    """

    people: int
    rows: tuple[PlanRow, ...]
    cores: float
    machine_cores: int
    machines: int
    runs: int


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A plan beside a measurement.

    Attributes:
        people: of the measured run, the largest that dropped nothing.
        planned_from: people of the smaller runs whose costs planned it.
        planned: busy cores by role, as planned.
        measured: busy cores by role.
    """

    people: int
    planned_from: tuple[int, ...]
    planned: dict[str, float]
    measured: dict[str, float]

    @property
    def difference(self) -> float:
        """All cores planned over those measured, minus 1."""
        return sum(self.planned.values()) / sum(self.measured.values()) - 1


def costs_of(
    figures: LiveFigures,
    cores: int,
    *,
    camera: CameraFigures | None = None,
    growth: Sequence[GrowthFigures] = (),
    below: int | None = None,
) -> Costs:
    """Returns the costs of all runs that dropped nothing, as a line over the number of people for each role.

    Args:
        figures: of the stage `live`.
        cores: of the machine.
        camera: pictures of a camera.
        growth: of the matcher, with galleries of several sizes.
        below: only runs with fewer people; None for all.

    Raises:
        UserError: every run dropped something, so that its cost is not that of all its people.
    """
    runs = [run for run in figures.runs if not run.drops and (below is None or run.people < below)]
    if not runs:
        raise UserError(
            "--plan: no run of the live system was without drops; measure one with fewer --people"
        )
    measured: dict[str, list[tuple[int, float]]] = {}
    for run in runs:
        for cost in run.processes:
            measured.setdefault(cost.role, []).append((run.people, _own(figures, cost, run)))
    return Costs(
        people=tuple(sorted({run.people for run in runs})),
        enrolled=figures.enrolled,
        precision=figures.precision,
        cores=cores,
        roles={role: _line(points) for role, points in measured.items()},
        windows_per_s=float(np.mean([run.decisions / run.seconds / run.people for run in runs])),
        growth=tuple(sorted((each.people, each.window_us) for each in growth)),
        camera=camera,
    )


def _line(points: Sequence[tuple[int, float]]) -> Line:
    """Returns the line of least relative error that neither falls nor begins below zero."""
    people, cores = (np.array(column, np.float64) for column in zip(*points, strict=True))
    through_zero = Line(base=0.0, per_person=float(np.mean(cores / people)))
    if len(set(people.tolist())) == 1:
        return through_zero
    slope, base = np.polyfit(people, cores, 1, w=1 / np.sqrt(people)).tolist()
    return Line(base=base, per_person=slope) if base >= 0 and slope >= 0 else through_zero


def _own(figures: LiveFigures, cost: ProcessCost, run: LiveRun) -> float:
    """Returns the busy cores of a role without the simulation of the people."""
    simulation = figures.crowd_cpu / figures.people * run.people if cost.role == _CAPTURE else 0.0
    return max(0.0, cost.cpu - simulation)


def plan_site(site: Site, costs: Costs) -> Plan:
    """Returns what a site needs.

    Raises:
        UserError: a cost that it needs was not measured.
    """
    if site.precision != costs.precision:
        raise UserError(f"--plan: the costs were measured in {costs.precision}, not {site.precision}")
    rows = []
    if site.cameras:
        if costs.camera is None:
            raise UserError(
                "--plan: cameras need the figures of the stage camera; measure it into the file too"
            )
        poses = site.cameras * costs.camera.cores(site.people, site.fps)
        rows.append(PlanRow(what="poses of cameras", cores=poses, processes=site.cameras))
    for role, each in costs.roles.items():
        needed = each.cores(site.walking)
        if role == _MATCHER:
            needed += _more_for_gallery(site, costs)
        count = site.cameras + site.kinects if role == _CAPTURE else math.ceil(needed / LOAD)
        rows.append(PlanRow(what=role, cores=needed, processes=count))
    total = sum(row.cores for row in rows)
    machine_cores = site.cores or costs.cores
    single = max(row.processes for row in rows if row.what in _SINGLE)
    return Plan(
        people=site.walking,
        rows=tuple(rows),
        cores=total,
        machine_cores=machine_cores,
        machines=math.ceil(total / (machine_cores * LOAD)),
        runs=single,
    )


def _more_for_gallery(site: Site, costs: Costs) -> float:
    """Returns the busy cores that the matcher needs more, or less, than with the gallery of the runs."""
    if site.gallery in (None, costs.enrolled):
        return 0.0
    if not costs.growth or not costs.growth[0][0] <= site.gallery <= costs.growth[-1][0]:
        known = f", and from {costs.growth[0][0]:,} to {costs.growth[-1][0]:,}" if costs.growth else ""
        raise UserError(
            f"--plan: the costs were measured with {costs.enrolled} people enrolled{known}, not with "
            f"{site.gallery:,}; leave --from out to measure now, or add the stage matcher to the file"
        )
    people, microseconds = zip(*costs.growth, strict=True)
    more_us = float(np.interp(site.gallery, people, microseconds))
    more_us -= float(np.interp(costs.enrolled, people, microseconds))
    return site.walking * costs.windows_per_s * more_us / 1e6


def check_plan(figures: LiveFigures, cores: int) -> Check | None:
    """Plans the largest run that dropped nothing from the costs of smaller ones, and returns both.

    Returns:
        None if there is no smaller one.
    """
    whole = sorted((run for run in figures.runs if not run.drops), key=lambda run: run.people)
    if not whole or whole[0].people == whole[-1].people:
        return None
    large = whole[-1]
    costs = costs_of(figures, cores, below=large.people)
    return Check(
        people=large.people,
        planned_from=costs.people,
        planned={role: each.cores(large.people) for role, each in costs.roles.items()},
        measured={cost.role: _own(figures, cost, large) for cost in large.processes},
    )
