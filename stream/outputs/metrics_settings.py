"""The kind of output `metrics`, with its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stream.outputs.output_settings import OutputKind

if TYPE_CHECKING:
    from stream.outputs.output import Output, OutputContext

__all__ = ["METRICS", "MetricsSettings"]

_SCHEME = "metrics:"
_LAST_PORT = 65535


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the output `metrics`.

    Attributes:
        url: `metrics:` and a port of loopback; 0 takes a free one.
    """

    url: str

    def __post_init__(self) -> None:
        port = self._port_text
        digits = port.isascii() and port.isdecimal() and len(port) <= len(str(_LAST_PORT))
        if not self.url.startswith(_SCHEME) or not digits or int(port) > _LAST_PORT:
            raise ValueError("expected metrics: and a port of this machine, 0 to 65535, such as metrics:9464")

    @property
    def port(self) -> int:
        """The port."""
        return int(self._port_text)

    @property
    def _port_text(self) -> str:
        return self.url.removeprefix(_SCHEME).strip("/")


def _open(settings: MetricsSettings, context: OutputContext) -> Output:
    from stream.outputs.metrics_output import MetricsServer  # noqa: PLC0415 - few runs need it

    return MetricsServer(context.live, settings.port, context.requested)


METRICS = OutputKind(
    "metrics",
    (_SCHEME,),
    MetricsSettings,
    _open,
    "metrics:9464",
    extra="metrics",
    module="prometheus_client",
)
