"""Registry of the outputs. To add one, see `stream.outputs.output`, then add it to `FACTORIES` or `KINDS`.

A factory returns None unless the settings request its output.
"""

from __future__ import annotations

from stream.errors import UserError
from stream.outputs.dashboard_output import open_dashboard
from stream.outputs.json_lines import open_json_lines
from stream.outputs.lsl_settings import LSL
from stream.outputs.metrics_settings import METRICS
from stream.outputs.mqtt_settings import MQTT
from stream.outputs.output import Output, OutputContext, OutputFactory
from stream.outputs.output_settings import OutputKind, check_requested, open_requested, read_requested
from stream.outputs.rerun_settings import RERUN
from stream.outputs.webhook_settings import WEBHOOK
from stream.system.settings import Settings

__all__ = ["FACTORIES", "KINDS", "check_outputs", "create_outputs", "show_skeletons"]

FACTORIES: tuple[OutputFactory, ...] = (
    open_json_lines,
    open_dashboard,
)
"""Outputs on standard output."""

KINDS: tuple[OutputKind, ...] = (MQTT, WEBHOOK, LSL, RERUN, METRICS)
"""Outputs that `--output` requests."""


def check_outputs(settings: Settings) -> None:
    """Checks what the settings say of outputs, before a run starts.

    Raises:
        UserError: an output is of no kind, has a wrong setting, names a file that cannot be used, or needs an
            extra that is not installed; or `events` chooses lines that are not written.
    """
    if settings.events != "decisions" and not settings.json:
        msg = (
            f"--events {settings.events} chooses the lines of --json, which is off: give --json too "
            "(json = true in a config), or leave --events out"
        )
        raise UserError(msg)
    check_requested(settings.output, KINDS)


def show_skeletons(settings: Settings) -> bool:
    """Returns whether an output that the settings request shows skeletons.

    Raises:
        UserError: an output is of no kind, has a wrong setting, or needs an extra that is not installed.
    """
    return any(kind.skeletons for kind, _ in read_requested(settings.output, KINDS))


def create_outputs(context: OutputContext) -> list[Output]:
    """Returns the outputs that the settings request, not yet opened.

    Raises:
        UserError: a requested output cannot be used.
    """
    outputs = (factory(context) for factory in FACTORIES)
    standard = [output for output in outputs if output is not None]
    return standard + open_requested(context.settings.output, KINDS, context)
