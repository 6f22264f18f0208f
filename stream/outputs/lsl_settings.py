"""The kind of output `lsl`, with its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from stream.outputs.output_settings import OutputKind

if TYPE_CHECKING:
    from stream.outputs.output import Output, OutputContext

__all__ = ["LSL", "LslSettings"]

_SCHEME = "lsl:"


class LslSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an output to LabStreamingLayer.

    Attributes:
        url: `lsl:NAME`, the name of the stream.
    """

    url: str

    def __post_init__(self) -> None:
        if not self.url.startswith(_SCHEME) or not self.name.strip() or not self.name.isprintable():
            raise ValueError("expected lsl: and the name of a stream, such as lsl:gait")

    @property
    def name(self) -> str:
        """The stream's name."""
        return self.url.removeprefix(_SCHEME)


def _open(settings: LslSettings, context: OutputContext) -> Output:
    from stream.outputs.lsl_output import LslOutput  # noqa: PLC0415 - needs the extra

    return LslOutput(settings)


LSL = OutputKind("lsl", (_SCHEME,), LslSettings, _open, "lsl:gait", "lsl", "pylsl")
