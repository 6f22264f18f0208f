"""Options and arguments that several commands share, and the two consoles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stream.errors import UserError
from stream.outputs.standard_output import StandardConsole

__all__ = [
    "DeviceOption",
    "EncoderOption",
    "EncodersOption",
    "EnrolSpeedOption",
    "ForceOption",
    "GalleryOption",
    "ListWalksOption",
    "MatcherOption",
    "NameArgument",
    "OutputOption",
    "PictureFolderOption",
    "SourceOption",
    "SpeedOption",
    "StrictOption",
    "TargetArgument",
    "TrackOption",
    "ViewOption",
    "WalkSecondsOption",
    "YesOption",
    "debug_requested",
    "err",
    "out",
    "picture_folder",
]

# No markup: names and paths may contain brackets.
out = StandardConsole(markup=False, emoji=False)
err = StandardConsole(stderr=True, markup=False, emoji=False)

SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="S",
        help="walk.mcap, walk.mp4#t=2,9.5, kinect, k4a, 0 or /dev/video0 (a webcam), "
        "rtsp://user:password@host/path, walkers:n=4,seed=1; with a label: front=kinect; may be repeated.",
    ),
]
GalleryOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A file or sqlite:///FILE; default: SGE_GALLERY, else a file in your data folder.",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(metavar="D", help="Encoder device: auto, cpu, cuda, cuda:1.  [default: auto]"),
]
EncoderOption = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder",
        metavar="FILE",
        help="Weights, or a folder of sge-stream train; may be repeated to concatenate CAGEs."
        "  [default: shipped weights]",
    ),
]
EncodersOption = Annotated[
    int | None,
    typer.Option(
        "--encoders",
        metavar="N",
        help="Encoder processes, for machines with many cores or several GPUs.  [default: 1]",
    ),
]
MatcherOption = Annotated[
    str | None,
    typer.Option(
        metavar="M",
        help="Comparison method: fusion (windows and seconds of walking), nearest (nearest templates, the "
        "paper's encodings alone), or rn (nearest, and a recognition network chooses).  [default: fusion]",
    ),
]
OutputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        metavar="O",
        help="Send the events of visits elsewhere too; may be repeated. See the documentation of outputs.",
    ),
]
SpeedOption = Annotated[
    float | None,
    typer.Option(
        metavar="X", help="Playback speed of recordings: 1 is real time, 0 as fast as possible.  [default: 1]"
    ),
]
EnrolSpeedOption = Annotated[
    float | None,
    typer.Option(
        "--speed",
        metavar="X",
        help="Playback speed of recordings: 1 is real time, 0 as fast as possible.  [default: 0]",
    ),
]
ViewOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|PORT",
        help="Show the pictures of the sources with skeletons and names: one file per source in a folder, or "
        "at the address that is printed, http://127.0.0.1:PORT/..., for which the extra [web] is needed.  "
        "[default: no image leaves the process that captured it]",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="End as soon as a source is lost. Without it a live source that is off at the start is retried "
        "beside others.",
    ),
]
TrackOption = Annotated[
    list[int] | None,
    typer.Option(
        "--track",
        metavar="N",
        min=1,
        help="Track number of --list or the dashboard; may be repeated, one walk each.",
    ),
]
ListWalksOption = Annotated[
    bool,
    typer.Option(
        "--list", help="Show who walks in the files of --source, a drawn skeleton each; enrol nobody."
    ),
]
PictureFolderOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Folder for the pictures of --list.  [default: current folder]"
    ),
]
WalkSecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        metavar="T",
        help="Seconds of walking to wait for; by default 10 of a live source, all of a recording. "
        "Less than 3 (at least 1.5) only if no longer walk is possible: recognition is less reliable.",
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force", help="Store walks that are recognised as another person's, or are known already, too."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Answer the confirmation with yes.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The person.")]
TargetArgument = Annotated[Path, typer.Argument(metavar="OUT", show_default=False, help="Where to write.")]


def picture_folder(given: Path | None) -> Path:
    """Returns the folder for pictures, the current one by default.

    Raises:
        UserError: there is no such folder.
    """
    if given is not None and not given.is_dir():
        msg = f"--out takes an existing folder, got {given}"
        raise UserError(msg)
    return (given or Path()).absolute()


def debug_requested(context: typer.Context) -> bool:
    """Returns whether `--debug` was given before the command."""
    return bool(context.find_root().params.get("debug"))
