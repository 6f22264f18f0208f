"""How visits describe what really happened: passages, names, strangers, and times.

    python -m tools.trials.visits scene [--seed N ...]
    python -m tools.trials.visits kgbd DATA [--people 101-120] [--seed N ...]
    python -m tools.trials.visits crossing [--model lite]
    python -m tools.trials.visits record FOLDER [--seed N]

`scene` is a scripted one: ten simulated people, six of them enrolled, two sources, ten minutes; people cross,
hide each other and are lost for 0.2 to 2 s. `kgbd` replays walks of real people before one source, one after
another and overlapping, with such breaks; half of the people are enrolled, by other walks. Everything runs
through the functions of the live path at the default settings. `crossing` counts tracks and visits in the
video of a plaza (`tools.trials.sample_videos`). `record` writes the scripted scene as recordings, for
`sge-stream --source FOLDER/front.mcap --source FOLDER/back.mcap --speed 0`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from stream.errors import SgeError
from stream.recording.writer import RecordingWriter
from stream.terminal.consoles import plain_console
from stream.visits.events import VisitEvent
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, enrol, kgbd_walks, simulated_walks
from tools.trials.program import parse_person_numbers
from tools.trials.sample_videos import plaza_video
from tools.trials.visits.figures import IDENTIFIED_WITHIN_S, LEFT_WITHIN_S, Figures, measure
from tools.trials.visits.kgbd_scene import ENROLLED_WALKS, kgbd_scene
from tools.trials.visits.plain_tracks import PlainTracks
from tools.trials.visits.replay import LivePath, Replayed, visit_events
from tools.trials.visits.scripted_scene import scripted_scene
from tools.trials.visits.stage import Scene
from tools.trials.visits.video_scene import measure_video

__all__ = ["main"]

ENROL_SECONDS = 20.0
SEEDS = (11, 12, 13)
"""The settings of visits were chosen with others, see `gallery.visits.passage_linking`."""

app = typer.Typer(add_completion=False, help=__doc__)
out = plain_console(width=110)
Seeds = Annotated[list[int] | None, typer.Option("--seed", metavar="N", help="Seed of a scene.")]
Events = Callable[[LivePath, Replayed, Sequence[WalkCages]], list[VisitEvent]]


def plain_events(live: LivePath, replayed: Replayed, enrolled: Sequence[WalkCages]) -> list[VisitEvent]:
    """Returns what would be said without visits."""
    matcher, tracks = live.matcher(replayed.cards, enrol(enrolled)), PlainTracks(replayed.cards)
    events: list[VisitEvent] = []
    for tick, cages in replayed.ticks:
        decisions = matcher.observe(tick, cages)
        if tick.last:
            decisions += matcher.end_source(tick.source)
        events += tracks.observe(tick.time_ns, decisions)
    return events


def events_of_visits(live: LivePath, replayed: Replayed, enrolled: Sequence[WalkCages]) -> list[VisitEvent]:
    """Returns the events of visits."""
    return visit_events(replayed, live.matcher(replayed.cards, enrol(enrolled)), live.contract)


WAYS: dict[str, Events] = {"visits": events_of_visits, "tracks alone": plain_events}


def measure_scenes(
    live: LivePath, scenes: Iterable[Scene], walks: Callable[[Scene], Sequence[WalkCages]]
) -> dict[str, list[Figures]]:
    """Runs scenes; returns the figures of each, by the way events are made."""
    found: dict[str, list[Figures]] = {way: [] for way in WAYS}
    for scene in scenes:
        replayed = live.replay(scene.sources)
        enrolled = walks(scene)
        for way, events in WAYS.items():
            said = events(live, replayed, enrolled)
            found[way].append(measure(replayed.passages, replayed.shown, said, scene.enrolled))
    return found


def figure_rows(figures: Sequence[Figures]) -> list[tuple[str, str]]:
    """Returns the rows of the table: a text, and the figure of all scenes with the range over scenes."""
    total = Figures()
    for each in figures:
        total.add(each)

    def share(text: str, part: Callable[[Figures], int], whole: Callable[[Figures], int]) -> tuple[str, str]:
        each = [part(one) / whole(one) for one in figures if whole(one)]
        if not each:
            return text, "none"
        value = part(total) / whole(total)
        return text, f"{value:.1%} ({min(each):.1%} to {max(each):.1%}); {part(total)} of {whole(total)}"

    def seconds(
        text: str, times: Callable[[Figures], list[float]], percents: Sequence[int]
    ) -> tuple[str, str]:
        if not times(total):
            return text, "none"
        values = np.percentile(times(total), percents)
        names = {50: "median", 90: "p90", 100: "longest"}
        shown = zip(percents, values, strict=True)
        return text, ", ".join(f"{names[percent]} {value:.1f} s" for percent, value in shown)

    def count(text: str, number: int) -> tuple[str, str]:
        return text, str(number)

    return [
        share("passages that are exactly one visit", lambda f: f.exact, lambda f: f.passages),
        count("passages without a visit", total.missed),
        count("passages with several visits", total.divided),
        count("visits that join two people", total.two_people),
        count("visits that join two passages of a person", total.two_passages),
        count("answers that changed without an event", total.silent),
        ("changes of mind per visit", f"{total.changes / max(1, total.visits):.3f}"),
        share("enrolled: the first name is right", lambda f: f.first_right, lambda f: f.known),
        share("enrolled: the first name is wrong", lambda f: f.first_wrong, lambda f: f.known),
        share("enrolled: the name at `left` is right", lambda f: f.left_right, lambda f: f.known),
        share("enrolled: the name at `left` is wrong", lambda f: f.left_wrong, lambda f: f.known),
        share("strangers with a name at any time", lambda f: f.strangers_ever, lambda f: f.strangers),
        share("strangers with a name at `left`", lambda f: f.strangers_left, lambda f: f.strangers),
        seconds("from the last sight to `left`", lambda f: f.left_after, (50, 100)),
        share(
            f"`left` within {LEFT_WITHIN_S:g} s",
            lambda f: sum(each <= LEFT_WITHIN_S + 1e-6 for each in f.left_after),
            lambda f: f.passages,
        ),
        seconds("from the first step to `identified`", lambda f: f.identified_after, (50, 90)),
        share(
            f"enrolled, {IDENTIFIED_WITHIN_S:g} s or longer before a source: no name within "
            f"{IDENTIFIED_WITHIN_S:g} s",
            lambda f: f.late,
            lambda f: f.walked,
        ),
        count("doubts", total.doubts),
    ]


def print_figures(title: str, found: dict[str, list[Figures]]) -> None:
    """Prints a table of the figures, a column for each way."""
    table = Table("figure", *found, title=title)
    columns = [figure_rows(figures) for figures in found.values()]
    for rows in zip(*columns, strict=True):
        table.add_row(rows[0][0], *(value for _, value in rows))
    out.print(table)


@app.command()
def scene(seed: Seeds = None) -> None:
    """Measure visits on the scripted scene."""
    live, seeds = LivePath(), seed or list(SEEDS)

    def walks(one: Scene) -> list[WalkCages]:
        drawn = [
            each
            for walk in (1, 2)
            for each in simulated_walks(len(one.enrolled), one.seed, walk, ENROL_SECONDS)
        ]
        return [encode_walk(live.encoder, walk) for walk in drawn]

    found = measure_scenes(live, map(scripted_scene, seeds), walks)
    print_figures(f"scripted scene, seeds {', '.join(map(str, seeds))}", found)


@app.command()
def kgbd(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    people: Annotated[str, typer.Option(metavar="LIST", help="People of KGBD.")] = "101-120",
    seed: Seeds = None,
) -> None:
    """Measure visits on replayed walks of KGBD."""
    seeds, numbers = seed or list(SEEDS), _people(people)
    try:
        live = LivePath()
        refs = [ref for ref in kgbd_walks(data, numbers) if ref.walk in ENROLLED_WALKS]
        cages = [(f"person {ref.person}", encode_walk(live.encoder, ref.read())) for ref in refs]

        def walks(one: Scene) -> list[WalkCages]:
            return [walk for person, walk in cages if person in one.enrolled]

        found = measure_scenes(live, (kgbd_scene(data, numbers, each) for each in seeds), walks)
    except SgeError as error:
        typer.echo(f"visits: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    print_figures(f"KGBD {people}, seeds {', '.join(map(str, seeds))}", found)


@app.command()
def crossing(
    model: Annotated[str, typer.Option(metavar="M", help="lite or full.")] = "lite",
) -> None:
    """Count tracks and visits in a video of people who cross."""
    try:
        with plaza_video() as path:
            found = measure_video(f"{path}:model={model}", LivePath())
    except SgeError as error:
        typer.echo(f"visits: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(
        f"{model}: {found.bodies} bodies, {found.broken} end where another begins; {found.visits} visits; "
        f"with these, {found.divided} end so; {found.links} links, {found.unlike} of them of torsos of "
        "another colour",
        highlight=False,
    )


@app.command()
def record(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An existing folder.")],
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the scene.")] = 1,
    minutes: Annotated[float, typer.Option(metavar="T", min=0.5, help="Duration of the scene.")] = 10.0,
) -> None:
    """Write the scripted scene as recordings, one of each source."""
    try:
        for source in scripted_scene(seed, minutes).sources:
            with RecordingWriter(folder / f"{source.info.name}.mcap", source.info) as writer:
                for frame in source.frames:
                    writer.write(frame)
    except SgeError as error:
        typer.echo(f"visits: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def _people(text: str) -> list[int]:
    try:
        return parse_person_numbers(text)
    except SgeError as error:
        typer.echo(f"visits: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    app()


if __name__ == "__main__":
    main()
