"""Measures the stages, prints their tables and writes their figures: the work of `sge-stream bench`."""

from __future__ import annotations

import msgspec
from rich.console import Console

from stream.errors import UserError
from tools.bench.figures_file import open_figures, write_figures
from tools.bench.machine import describe_machine
from tools.bench.request import BenchRequest
from tools.bench.spread import print_table
from tools.bench.stages import choose_stages

__all__ = ["bench"]


def bench(request: BenchRequest, out: Console, err: Console) -> None:
    """Measures what is asked for, or plans a site.

    The file is written after each stage, so that a later failure costs no figure.

    Args:
        request: options of the command.
        out: takes the tables.
        err: takes the progress.

    Raises:
        UserError: a stage is unknown, the file cannot be written, or a site cannot be planned; said before
            anything is measured.
        RunError: a part of the measured system failed.
    """

    def report(line: str) -> None:
        err.print(line, highlight=False, soft_wrap=True)

    if request.costs is not None and request.plan is None:
        raise UserError("--from gives the costs of a --plan; add --plan, such as cameras=4,people=6")
    if request.plan is not None:
        if request != BenchRequest(plan=request.plan, costs=request.costs):
            raise UserError("--plan measures no stage: give --from with it at most, and no other option")
        from tools.bench.plan_command import print_plan  # noqa: PLC0415 - loads several stages

        print_plan(request.plan, request.costs, out, report)
        return
    stages = choose_stages(request.only)
    machine = describe_machine()
    figures = None if request.out is None else open_figures(request.out, machine)
    out.print(machine.sentence, highlight=False)
    for name, stage in stages.items():
        measured = stage.measure(request, report)
        for table in measured.tables:
            print_table(out, table)
        if figures is not None and request.out is not None:
            figures[name] = msgspec.to_builtins(measured.figures)
            write_figures(request.out, figures)
