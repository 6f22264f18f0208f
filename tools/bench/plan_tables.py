"""Tables of a plan, and of a plan beside a measurement."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from tools.bench.plan import LOAD, Check, Costs, Plan
from tools.bench.plan_request import Site
from tools.bench.spread import bench_table

__all__ = ["plan_tables"]


def plan_tables(site: Site, plan: Plan, costs: Costs, check: Check | None) -> tuple[Table, ...]:
    """Returns the tables of the plan, and of the plan beside a measurement."""
    rows = [[row.what, f"{row.cores:.1f}", str(row.processes)] for row in plan.rows]
    rows.append(["all", f"{plan.cores:.1f}", ""])
    sources = " and ".join(
        f"{count} {name}" for count, name in ((site.cameras, "cameras"), (site.kinects, "kinects")) if count
    )
    machines = f"{plan.machines} {'machine' if plan.machines == 1 else 'machines'}"
    caption = (
        f"{machines} of {plan.machine_cores} cores, {100 * LOAD:.0f} % busy. Measured with "
        f"{_list(costs.people)} people, {costs.enrolled} enrolled, {costs.precision}."
    )
    if plan.runs > 1:
        caption += f" A run has one matcher: divide the sources into {plan.runs} runs."
    tables = [
        bench_table(
            f"Plan: {sources}, {site.people} people before each, {plan.people} together",
            ["", "cores", "processes"],
            rows,
            caption,
        )
    ]
    if check is not None:
        tables.append(_check_table(check))
    return tuple(tables)


def _check_table(check: Check) -> Table:
    rows = [
        [role, f"{planned:.2f}", f"{check.measured.get(role, 0.0):.2f}"]
        for role, planned in check.planned.items()
    ]
    rows.append(["all", f"{sum(check.planned.values()):.2f}", f"{sum(check.measured.values()):.2f}"])
    return bench_table(
        f"Plan beside measurement: {check.people} people, planned from {_list(check.planned_from)}",
        ["", "planned cores", "measured cores"],
        rows,
        f"planned: {100 * check.difference:+.0f} % of what was measured",
    )


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
