"""Registry of the outputs of decisions. To add one, see `stream.outputs.output`, then add it to `FACTORIES`.

A factory returns None unless the settings request its output.
"""

from __future__ import annotations

from stream.outputs.dashboard_output import open_dashboard
from stream.outputs.json_lines import open_json_lines
from stream.outputs.output import Output, OutputContext, OutputFactory

__all__ = ["FACTORIES", "create_outputs"]

FACTORIES: tuple[OutputFactory, ...] = (
    open_json_lines,
    open_dashboard,
)


def create_outputs(context: OutputContext) -> list[Output]:
    """Returns the outputs that the settings request, not yet opened."""
    outputs = (factory(context) for factory in FACTORIES)
    return [output for output in outputs if output is not None]
