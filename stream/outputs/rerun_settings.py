"""The kind of output `rerun`, with its settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stream.errors import UserError
from stream.outputs.output_settings import OutputKind
from stream.user_text import user_path

if TYPE_CHECKING:
    from stream.outputs.output import Output, OutputContext

__all__ = ["RERUN", "WRITTEN", "RerunSettings"]

WRITTEN = b"written\n"
"""Answer of `stream.outputs.rerun_writer` to each line."""

_SCHEME, _ENDING = "rerun:", ".rrd"


class RerunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an output to a file for the viewer of Rerun.

    Attributes:
        url: `rerun:FILE.rrd`, or the file alone.
    """

    url: str

    def __post_init__(self) -> None:
        if not self.url.endswith(_ENDING) or "\0" in self.url:
            raise ValueError("expected a file whose name ends with .rrd, such as rerun:walks.rrd")

    @property
    def file(self) -> Path:
        """The file."""
        return user_path(self.url.removeprefix(_SCHEME))

    def check_folder(self) -> None:
        """Checks that the file's folder exists.

        Raises:
            UserError: it does not.
        """
        if not self.file.parent.is_dir():
            msg = f"output rerun: there is no folder {self.file.parent} for {self.file.name}; make it"
            raise UserError(msg)


def _open(settings: RerunSettings, context: OutputContext) -> Output:
    from stream.outputs.rerun_output import RerunOutput  # noqa: PLC0415 - few runs need it

    return RerunOutput(settings.file, context.live)


RERUN = OutputKind(
    "rerun",
    (_SCHEME,),
    RerunSettings,
    _open,
    "rerun:walks.rrd",
    extra="rerun",
    module="rerun",
    ending=_ENDING,
    check=RerunSettings.check_folder,
    skeletons=True,
)
