"""The pictures of the documentation, and the photograph of `sge-stream bench`.

    python -m tools.documentation.pictures architecture
    python -m tools.documentation.pictures dashboard
    python -m tools.documentation.pictures page
    python -m tools.documentation.pictures camera demo.mp4
    python -m tools.documentation.pictures walker demo.mp4

Each writes into `docs/images/`, `walker` into `tools/bench/pictures/`. Look at the result, and run it again
when what it shows has changed. `architecture` is drawn; `dashboard` and `page` show simulated people; `page`
needs chromium and playwright. `camera` and `walker` were made of the demo video of Sports2D 0.8.34
(`pip download --no-deps sports2d==0.8.34`; in the wheel, `Sports2D/Demo/demo.mp4`), see the NOTICE there.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.terminal_theme import MONOKAI

from stream.body import Image
from stream.errors import RunError, UserError
from stream.outputs.dashboard import Dashboard
from stream.sources.camera.quiet_opencv import cv2
from stream.system.live import Live
from stream.terminal.consoles import plain_console
from tools.bench.people_pictures import HEIGHT, PART_WIDTH, WIDTH
from tools.demo import ENROLLED, PEOPLE, SEED, enrol_walkers
from tools.documentation.architecture_picture import architecture_svg
from tools.documentation.page_picture import page_png
from tools.evaluation.terminal_tables import run_command
from tools.trials.composed_people import background_of
from tools.trials.program import Program
from tools.trials.sample_videos import pictures_of

__all__ = ["app", "dashboard_svg", "offline_svg"]

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
SECONDS = 9.0
"""Time from the start of the walk to the picture."""

COLUMNS, LINES = 132, 24
"""Size of the terminal, characters."""

WALK = "2.2,4.3"
"""Part of the video with two people in view, seconds."""

PIXELS = 960
"""Width of the camera's picture."""

STRIDE, LEFT = 152, 243
"""Picture of the video that shows the walker's arms and legs, and the left of the part around the walker."""

STEP = 4
"""Every so many pictures of the video give the place without anybody."""

JPEG_QUALITY = 82

app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None)


def dashboard_svg() -> str:
    """Runs the system on the people of the demo, all but one enrolled, and returns its dashboard as SVG."""
    console = plain_console(record=True, width=COLUMNS, height=LINES, file=io.StringIO(), force_terminal=True)
    source = f"walkers:n={PEOPLE},seed={SEED},walk=2"
    with tempfile.TemporaryDirectory(prefix="sge-picture-") as folder:
        gallery = str(Path(folder) / "gallery.db")
        enrol_walkers(gallery, (), plain_console(quiet=True), debug=False)
        with Live([source], gallery) as live:
            dashboard = Dashboard(live)
            silent = plain_console(width=COLUMNS, height=LINES, file=io.StringIO())
            first: float | None = None
            while first is None or time.monotonic() - first < SECONDS:
                verdict = live.next(0.1)
                if verdict is not None:
                    first = first or time.monotonic()
                    dashboard.update(verdict)
                    silent.print(dashboard)  # rates are measured between drawings
            console.print(dashboard)
            console.print()  # else the picture cuts the last line off
    text = console.export_svg(title=f"sge-stream --source {source}", theme=MONOKAI)
    return offline_svg(text.replace(gallery, "gallery.db"))


def offline_svg(svg: str) -> str:
    """Returns an SVG of rich without its web fonts; the reader's own fixed-width font is used instead."""
    without = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
    without = re.sub(r"font-family:\s*Fira Code,\s*", "font-family: ", without)
    if re.search(r"url\(\s*[\"']?https?:", without):
        raise RunError("the picture of the dashboard still loads from another address")
    return without


@app.command()
def architecture() -> None:
    """Write docs/images/architecture.svg: the processes and their sockets."""
    run_command("pictures", lambda: _write(IMAGES / "architecture.svg", architecture_svg()))


@app.command()
def dashboard() -> None:
    """Write docs/images/dashboard.svg: the dashboard with simulated people."""
    run_command("pictures", lambda: _write(IMAGES / "dashboard.svg", dashboard_svg().encode()))


@app.command()
def page() -> None:
    """Write docs/images/page.png: the page of serve with simulated people; needs chromium and playwright."""
    run_command("pictures", lambda: _write(IMAGES / "page.png", page_png()))


@app.command()
def camera(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="With two people walking in view.")],
) -> None:
    """Write docs/images/camera.jpg: skeletons and names drawn into a picture of a video, as by --view."""
    run_command("pictures", lambda: _write(IMAGES / "camera.jpg", _camera_jpeg(_existing(video))))


@app.command()
def walker(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The demo video of Sports2D.")],
) -> None:
    """Write tools/bench/pictures/walker.jpg: a walker, and beside it the same place without anybody."""
    path = ROOT / "tools" / "bench" / "pictures" / "walker.jpg"
    run_command("pictures", lambda: _write(path, _walker_jpeg(_existing(video))))


def _existing(video: Path) -> Path:
    if not video.is_file():
        raise UserError(f"{video} does not exist; see the docstring of tools/documentation/pictures.py")
    return video


def _camera_jpeg(video: Path) -> bytes:
    """Enrols both people in the video's walk and returns the last picture that `--view` makes of it."""
    with tempfile.TemporaryDirectory(prefix="sge-picture-") as name:
        folder = Path(name)
        shutil.copy(video, folder / video.name)
        walk = ("--source", f"{video.name}:model=full#t={WALK}", "--gallery", "gallery.db")
        program = Program(folder=folder)
        for track, person in enumerate(ENROLLED[:2], start=1):
            program.run("enroll", person, *walk, "--track", str(track), "--seconds", "1.5", "--yes")
        program.run(*walk, "--fpir", "off", "--speed", "0", "--json", "--view", "view")
        image = cv2.imread(str(folder / "view" / "source-1.jpg"))
    if image is None:
        raise RunError("--view wrote no picture")
    height = round(image.shape[0] * PIXELS / image.shape[1])
    return _jpeg(np.asarray(cv2.resize(image, (PIXELS, height), interpolation=cv2.INTER_AREA), np.uint8))


def _walker_jpeg(video: Path) -> bytes:
    """Returns the photograph of which `tools.bench.people_pictures` composes pictures."""
    pictures = pictures_of(video, 0, sys.maxsize, STEP)
    both = [
        cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)[:, LEFT : LEFT + PART_WIDTH]
        for image in (pictures[STRIDE // STEP], background_of(pictures))
    ]
    return _jpeg(np.asarray(np.hstack(both), np.uint8))


def _jpeg(image: Image) -> bytes:
    return np.asarray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]).tobytes()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    typer.echo(path)


if __name__ == "__main__":
    app()
