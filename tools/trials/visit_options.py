"""Options that trials of visits to a drawn gallery share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DataArgument", "EnrolledOption", "FpirOption"]

DataArgument = Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")]
EnrolledOption = Annotated[int, typer.Option(min=2, max=60, help="People in the gallery.")]
FpirOption = Annotated[float, typer.Option(help="Share of strangers that may be named.")]
