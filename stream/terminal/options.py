"""Options and arguments that several commands share, each described once; and the two consoles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = [
    "DeviceOption",
    "EncoderOption",
    "GalleryOption",
    "MatcherOption",
    "NameArgument",
    "SourceOption",
    "SpeedOption",
    "TargetArgument",
    "ViewOption",
    "YesOption",
    "err",
    "out",
]

# Names and paths are shown as they are, whatever brackets they hold.
out = Console(markup=False)
err = Console(stderr=True, markup=False)

SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="S",
        help="walk.mcap, walk.mp4#t=2,9.5, kinect, k4a, 0 (a webcam), rtsp://user:password@host/path, "
        "walkers:n=4,seed=1; may be given again.",
    ),
]
GalleryOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A file or sqlite:///FILE; by default SGE_GALLERY, else a file in your data folder.",
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option(metavar="D", help="Where to encode: auto, cpu, cuda, cuda:1.  [default: auto]")
]
EncoderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        metavar="FILE",
        help="Weights, or a folder of sge-stream train; CAGEs of several, given again, stand side by side."
        "  [default: those that ship]",
    ),
]
MatcherOption = Annotated[
    str | None,
    typer.Option(
        metavar="M",
        help="How people are compared: fusion (windows and seconds of walking), nearest (templates, the "
        "paper's encodings alone), or rn (the same, and a recognition network chooses).  [default: fusion]",
    ),
]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        metavar="X", help="Of recordings: 1 is real time, 0 as quick as the system takes.  [default: 1]"
    ),
]
ViewOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|PORT",
        help="Show what the sources see, skeletons and names drawn on: as a file for each in a folder, or on "
        "http://127.0.0.1:PORT/.  [default: no image leaves the process that took it]",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Answer the question with yes.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
TargetArgument = Annotated[Path, typer.Argument(metavar="OUT", show_default=False)]
