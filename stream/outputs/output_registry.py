"""Registry of the outputs. To add one, see `stream.outputs.output`, then add it to `FACTORIES` or `KINDS`.

A factory returns None unless the settings request its output.
"""

from __future__ import annotations

from stream.outputs.dashboard_output import open_dashboard
from stream.outputs.json_lines import open_json_lines
from stream.outputs.metrics_output import METRICS
from stream.outputs.output import Output, OutputContext, OutputFactory
from stream.outputs.output_settings import OutputKind, open_requested

__all__ = ["FACTORIES", "KINDS", "create_outputs"]

FACTORIES: tuple[OutputFactory, ...] = (
    open_json_lines,
    open_dashboard,
)
"""Outputs on standard output."""

KINDS: tuple[OutputKind, ...] = (METRICS,)
"""Outputs that `--output` requests."""


def create_outputs(context: OutputContext) -> list[Output]:
    """Returns the outputs that the settings request, not yet opened.

    Raises:
        UserError: a requested output cannot be used.
    """
    outputs = (factory(context) for factory in FACTORIES)
    standard = [output for output in outputs if output is not None]
    return standard + open_requested(context.settings.output, KINDS, context)
