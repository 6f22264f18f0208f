"""The command line: options of each command; the work is in other modules, imported on use."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from stream.errors import SgeError, UserError
from stream.outputs.standard_output import (
    DISK_FULL,
    ReaderLeft,
    discard_closed_terminal,
    discard_output,
    output_error,
)
from stream.system.secrecy import check_arguments
from stream.terminal.bench_command import bench
from stream.terminal.calibrate_command import calibrate
from stream.terminal.consoles import accept_all_characters
from stream.terminal.evaluate_command import evaluate
from stream.terminal.gallery_command import gallery as gallery_commands
from stream.terminal.options import (
    DeviceOption,
    EncoderOption,
    EncodersOption,
    EnrolSpeedOption,
    ForceOption,
    GalleryOption,
    ListWalksOption,
    PictureFolderOption,
    SourceOption,
    SpeedOption,
    TargetArgument,
    TrackOption,
    WalkSecondsOption,
    YesOption,
    debug_requested,
    err,
    out,
    picture_folder,
)
from stream.terminal.people_command import people
from stream.terminal.serve_command import serve
from stream.terminal.signals import interrupt_on_end_signals
from stream.terminal.version import version_text
from stream.terminal.visits_command import visits
from stream.terminal.watch_command import Program, watch

__all__ = ["app", "main"]

app = typer.Typer(
    name="sge-stream",
    cls=Program,
    help="Identifies people by their gait, from 3D skeletons alone.\n\n"
    "Options without a command are those of watch: sge-stream --source kinect.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def program(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and process logs.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Takes the options before a command; `app` has the text of the help."""
    del debug  # see `debug_requested`
    if version:
        out.print(version_text())
        raise typer.Exit


app.command(context_settings={"allow_extra_args": True})(watch)
app.command()(serve)
app.add_typer(people, name="people")
app.add_typer(visits, name="visits")
app.add_typer(gallery_commands, name="gallery")


@app.command()
def enroll(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="The person.")
    ] = None,
    source: SourceOption = None,
    listing: ListWalksOption = False,
    folder: PictureFolderOption = None,
    track: TrackOption = None,
    seconds: WalkSecondsOption = None,
    gallery: GalleryOption = None,
    device: DeviceOption = None,
    encoder: EncoderOption = None,
    encoders: EncodersOption = None,
    speed: EnrolSpeedOption = None,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Enrol a person who walks in front of sources, or tracks of the running system.

    With --list, show who walks in files, a drawn skeleton each, to choose a --track.
    """
    if listing:
        from stream.terminal.walk_pictures import list_people  # noqa: PLC0415

        if name is not None:
            msg = f"--list only shows who walks; leave out {name}, and enrol with --track then"
            raise UserError(msg)
        list_people(source or [], picture_folder(folder), out=out, err=err)
        return
    if name is None:
        msg = "give the NAME of the person; --list with --source shows who walks in a file"
        raise UserError(msg)
    if folder is not None:
        msg = "--out takes the pictures of --list; give both or neither"
        raise UserError(msg)
    from stream.terminal.enrol import EnrolPlan, enrol, enrol_settings  # noqa: PLC0415
    from stream.terminal.walk_selection import WantedWalks  # noqa: PLC0415

    settings = enrol_settings(
        source, gallery=gallery, device=device, encoder=encoder, encoders=encoders, speed=speed
    )
    plan = EnrolPlan(name, settings, WantedWalks(tuple(track or ()), seconds), yes, force=force)
    enrol(plan, out=out, err=err, debug=debug_requested(context))


@app.command()
def record(
    target: TargetArgument,
    source: Annotated[list[str], typer.Option(metavar="S", help="Source to record.")],
    seconds: Annotated[float | None, typer.Option(metavar="T", min=0, help="Stop after T seconds.")] = None,
    speed: SpeedOption = None,
) -> None:
    """Record the skeletons of a source, never images."""
    from tools.record import record_source  # noqa: PLC0415

    if len(source) > 1:
        msg = f"record takes one source, got {len(source)}; record each source into its own file"
        raise UserError(msg)
    record_source(source[0], target, seconds=seconds, speed=1.0 if speed is None else speed, out=out)


@app.command()
def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", show_default=False, help="File or folder of a data set.")
    ],
    target: TargetArgument,
    person: Annotated[str | None, typer.Option(metavar="P", help="Only this person.")] = None,
    walk: Annotated[str | None, typer.Option(metavar="W", help="Only this walk.")] = None,
) -> None:
    """Convert files of a data set into recordings: one walk into OUT.mcap, several into the folder OUT.

    Videos of CASIA-B are converted into skeletons like those of a camera.
    """
    from tools.convert import convert as convert_walks  # noqa: PLC0415

    def report(written: Path) -> None:
        out.print(str(written), soft_wrap=True, highlight=False)

    convert_walks(source, target, person=person, walk=walk, report=report)


@app.command()
def train(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA...",
            show_default=False,
            help="Recordings, packed .npz files, data set folders; append #people=1-80 to select people.",
        ),
    ],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Weights, model card, checkpoint.")],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings as TOML; see the documentation of training.")
    ] = None,
    person: Annotated[str | None, typer.Option("--people", metavar="N-M", help="Only these people.")] = None,
    pretext: Annotated[
        str | None,
        typer.Option(metavar="P", help="reverse, plain, prediction, prediction-half, sorting, a+b."),
    ] = None,
    attention: Annotated[str | None, typer.Option(metavar="A", help="none, bas, mbas or las.")] = None,
    contrast: Annotated[
        str | None, typer.Option(metavar="C", help="none, within, within-masked or across.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Passes over all windows.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Random seed of weights and batches.")] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="D",
            help="Device that trains: auto, cpu, cuda, cuda:1.  [default: of --config, else auto]",
        ),
    ] = None,
    single_walks: Annotated[
        bool, typer.Option("--single-walks", help="Accept people with a single walk.")
    ] = False,
) -> None:
    """Train a gait encoder on recorded walks, without labels; resumes an interrupted training."""
    from tools.training.train import train_command  # noqa: PLC0415

    settings = {
        "pretext": pretext,
        "attention": attention,
        "contrast": contrast,
        "epochs": epochs,
        "seed": seed,
        "device": device,
    }
    written = train_command(
        data, folder, config=config, people=person, single_walks=single_walks, settings=settings, out=out
    )
    for path in written:
        out.print(str(path), soft_wrap=True, highlight=False)


app.command()(calibrate)
app.command()(evaluate)
app.command()(bench)


@app.command()
def demo(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(metavar="T", min=5, help="Seconds of the second walk.")] = 15.0,
    encoder: EncoderOption = None,
) -> None:
    """Show the main job with simulated people: enrol on one walk, identify on another, one stranger."""
    from tools.demo import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(seconds, encoder or [], out=out, err=err, debug=debug_requested(context)))


@app.command()
def doctor(
    gallery: GalleryOption = None,
    encoder: EncoderOption = None,
    source: SourceOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for the pictures.  [default: current folder]"),
    ] = None,
) -> None:
    """Check what works on this machine, and show how to fix the rest; with --source, check only sources.

    One frame of each source is drawn into a picture, doctor-1.png and so on.
    """
    from tools.doctor.examine import examine  # noqa: PLC0415

    if folder is not None and not (source and folder.is_dir()):
        msg = f"--out takes an existing folder, and needs --source; got {folder}"
        raise UserError(msg)
    raise typer.Exit(examine(gallery, encoder or [], source or [], out=out, folder=folder or Path()))


def main() -> NoReturn:
    """Runs the program; prints an error as one sentence on stderr and exits with its status."""
    accept_all_characters()
    interrupt_on_end_signals()
    try:
        check_arguments(sys.argv[1:])
        app(prog_name="sge-stream")
        code = 0
    except SgeError as error:
        if "--debug" in sys.argv:
            err.print_exception(show_locals=False)
        err.print(f"sge-stream: {error}", highlight=False, soft_wrap=True)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except ReaderLeft:
        code = 0
    except OSError as error:
        if error.errno == errno.EIO and discard_closed_terminal():
            code = 0  # nobody reads it any more
        elif error.errno not in DISK_FULL:
            code = _print_internal_error(error)
        else:
            err.print(f"sge-stream: {output_error(error)}", highlight=False, soft_wrap=True)
            discard_output(sys.stdout)
            code = 1
    except Exception as error:
        code = _print_internal_error(error)
    except SystemExit as stop:
        # Typer ends every command with SystemExit, with status 1 too if the reader of the help has left.
        left = isinstance(stop.__context__, BrokenPipeError)
        code = 0 if left else stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    code = _flush_output(code)
    if os.environ.get("WORLD_SIZE", "1") != "1":
        # Under torchrun, threads of gloo that still run would abort a normal interpreter exit.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _print_internal_error(error: Exception) -> int:
    if "--debug" in sys.argv:
        err.print_exception(show_locals=False)
    text = f"sge-stream: internal error ({type(error).__name__}: {error}); --debug shows the traceback"
    err.print(text, highlight=False, soft_wrap=True)
    return 1


def _flush_output(code: int) -> int:
    """Writes what is still buffered; returns 1 if it cannot be written, else `code`."""
    if sys.stdout is None:  # closed by the shell
        return code
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does
        discard_output(sys.stdout)
    except OSError as error:
        err.print(f"sge-stream: {output_error(error)}", highlight=False, soft_wrap=True)
        discard_output(sys.stdout)
        return 1
    return code
