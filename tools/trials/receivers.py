"""Do receivers of events delay identification? Latency of decisions beside receivers that do harm.

    python -m tools.trials.receivers [--seconds 60] [--only NAME]

`sge-stream serve` watches ten simulated people live and a scripted scene, whose passages give events, each
time beside something else: nothing; a webhook receiver that accepts connections and never answers; an MQTT
broker that goes away and comes back (needs mosquitto); a full disk under the gallery with the history, which
has room again after two thirds of the run (needs Linux and its user namespaces); 100 open event streams and
100 requests a second. Every run is followed by one alone, and compared with those around it, because other
work on the machine changes latencies too. Shown are the latencies of decisions on the ten people, and what
the system said of its receiver.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from gallery.store.gallery import open_gallery
from stream.errors import RunError, SgeError
from stream.recording.writer import RecordingWriter
from stream.terminal.consoles import plain_console
from tools.bench.served_site import Site, served_site
from tools.bench.simulated_gallery import make_gallery
from tools.trials.visits.scripted_scene import scripted_scene

__all__ = ["CONDITIONS", "Condition", "Measured", "main", "measure"]

PEOPLE = 10
ENROLLED = 4
WARM_UP_S = 2.0
LABEL = "hall"

STORED_WITHIN_S = 8.0
"""Longest pause before the system tries again to store visits, from when the disk was full for a while."""

out = plain_console(width=120)


@dataclass(slots=True)
class Measured:
    """One run.

    Attributes:
        latencies: of the decisions on the ten people after the warm-up, milliseconds.
        left: visits that ended, before all sources.
        lost: windows of theirs that were dropped.
        said: warnings that the system printed, each once.
        note: what the other side counted.
    """

    latencies: list[float] = field(default_factory=list)
    left: int = 0
    lost: int = 0
    said: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def p95(self) -> float:
        """95th percentile of the latencies, milliseconds."""
        return float(np.percentile(self.latencies, 95))


@dataclass(frozen=True, slots=True)
class Beside:
    """What a run has beside it.

    Attributes:
        outputs: values of `--output`.
        prefix: command before the program's own.
        during: entered when decisions come, with the site and the duration; yields what to note at the end.
    """

    outputs: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    during: Callable[[Site, float], AbstractContextManager[list[str]]] = lambda site, seconds: nullcontext([])


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that may do harm.

    Attributes:
        name: of the row.
        missing: returns what is missing to measure it; empty if nothing is.
        open: makes it, in a folder of its own.
    """

    name: str
    missing: Callable[[], str]
    open: Callable[[Path], AbstractContextManager[Beside]]


@contextmanager
def _alone(folder: Path) -> Iterator[Beside]:
    yield Beside()


@contextmanager
def _hanging_webhook(folder: Path) -> Iterator[Beside]:
    """A server that accepts connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=200)) as server:
        yield Beside((f"http://127.0.0.1:{server.getsockname()[1]}/events",))


@contextmanager
def _broker_that_leaves(folder: Path) -> Iterator[Beside]:
    """A broker that is there for a third of the run, away for a third, and back again."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    command = [_mosquitto(), "-c", str(config)]
    running = [_quiet(command)]

    @contextmanager
    def during(site: Site, seconds: float) -> Iterator[list[str]]:
        over, notes = threading.Event(), list[str]()

        def leave_and_return() -> None:
            if not over.wait(seconds / 3):
                running.pop().kill()
            if not over.wait(seconds / 3):
                running.append(_quiet(command))

        thread = threading.Thread(target=leave_and_return)
        thread.start()
        try:
            yield notes
        finally:
            over.set()
            thread.join()

    try:
        yield Beside((f"mqtt://127.0.0.1:{port}/trial",), during=during)
    finally:
        for process in running:
            process.kill()
            process.wait()


@contextmanager
def _full_disk(folder: Path) -> Iterator[Beside]:
    """A file system in memory, which holds the gallery, and is full for two thirds of the run."""
    # Other processes do not see this file system: files in the folder ask for what happens in it.
    script = """
        mount -t tmpfs -o size=64m tmpfs "$0/disk" && cp "$0/gallery.db" "$0/disk/" || exit 1
        until_asked() { while [ ! -e "$1" ]; do sleep 0.1; done; }
        (
            until_asked "$0/fill"; cat /dev/zero > "$0/disk/filler"
            until_asked "$0/free"; rm "$0/disk/filler"
            until_asked "$0/copy"; mkdir "$0/copied"; cp "$0"/disk/gallery.db* "$0/copied/"; touch "$0/done"
        ) 2> /dev/null &
        exec "$@"
    """
    (folder / "disk").mkdir()

    @contextmanager
    def during(site: Site, seconds: float) -> Iterator[list[str]]:
        (folder / "fill").touch()
        free = threading.Timer(2 * seconds / 3, (folder / "free").touch)
        free.start()
        notes: list[str] = []
        yield notes
        free.join()
        time.sleep(STORED_WITHIN_S)
        (folder / "copy").touch()
        while not (folder / "done").exists():
            time.sleep(0.1)
        with open_gallery(str(folder / "copied" / "gallery.db"), create=False) as gallery:
            notes.append(f"{len(gallery.history.visits())} visits are stored")

    yield Beside(prefix=(*_UNSHARE, "sh", "-c", script, str(folder)), during=during)


@contextmanager
def _many_clients(folder: Path) -> Iterator[Beside]:
    @contextmanager
    def during(site: Site, seconds: float) -> Iterator[list[str]]:
        command = [sys.executable, "-m", "tools.bench.http_load", site.url, str(site.token_file)]
        load = subprocess.Popen([*command, "--seconds", f"{seconds:g}"], stdout=subprocess.PIPE, text=True)
        notes: list[str] = []
        yield notes
        shown, _ = load.communicate()
        notes.append(shown.strip())

    yield Beside(during=during)


_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


def _mosquitto() -> str:
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def _no_namespaces() -> str:
    try:
        done = subprocess.run([*_UNSHARE, "true"], check=False, capture_output=True)
    except OSError:
        return "no unshare command"
    return "this user may not make a file system" if done.returncode else ""


def _nothing() -> str:
    return ""


CONDITIONS = (
    Condition("alone", _nothing, _alone),
    Condition("a webhook receiver that hangs", _nothing, _hanging_webhook),
    Condition(
        "a broker that goes away and comes back",
        lambda: "" if _mosquitto() else "no mosquitto",
        _broker_that_leaves,
    ),
    Condition("a full disk under the gallery", _no_namespaces, _full_disk),
    Condition("100 event streams, 100 requests/s", _nothing, _many_clients),
)


def measure(condition: Condition, gallery: Path, scene: Path, seconds: float) -> Measured:
    """Serves beside a condition for so many seconds.

    Args:
        condition: what is beside it.
        gallery: copied for the run.
        scene: recording whose passages give events.
        seconds: of decisions, after the warm-up.

    Raises:
        RunError: the system did not serve.
    """
    with tempfile.TemporaryDirectory(prefix="sge-receivers-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        shutil.copy(gallery, folder / "gallery.db")
        with condition.open(folder) as beside:
            return _serve(beside, folder, scene, seconds)


def _serve(beside: Beside, folder: Path, scene: Path, seconds: float) -> Measured:
    used = folder / "disk" if (folder / "disk").is_dir() else folder
    sources = [f"{LABEL}=walkers:n={PEOPLE},seed=1,walk=2", f"scene={scene}"]
    with served_site(
        folder, sources, used / "gallery.db", outputs=beside.outputs, prefix=beside.prefix
    ) as site:
        found = _read_decisions(site, beside, seconds)
    found.said = _warnings(site.log.read_text(errors="replace"))
    return found


def _read_decisions(site: Site, beside: Beside, seconds: float) -> Measured:
    found = Measured()
    with site.lines() as lines:
        own = _decisions(lines, found)
        began = next((each["t"] for each in own if each["t"] > WARM_UP_S), None)
        if began is None:
            raise RunError("the system ended before it decided")
        lost: dict[int, int] = {}
        with beside.during(site, seconds) as notes:
            for each in own:
                if each["t"] > began + seconds:
                    break
                if each["latency_ms"] is not None:
                    found.latencies.append(each["latency_ms"])
                lost[each["track"]] = each["lost_windows"]
    found.lost, found.note = sum(lost.values()), "; ".join(notes)
    if not found.latencies:
        raise RunError("no decision had a latency")
    return found


def _decisions(lines: Iterable[dict[str, Any]], found: Measured) -> Iterator[dict[str, Any]]:
    """Yields the decisions on the ten people; counts visits that end."""
    for each in lines:
        found.left += each.get("event") == "left"
        if each.get("source") == LABEL and "latency_ms" in each:
            yield each


def _warnings(log: str) -> list[str]:
    """Returns the lines of a log that tell of trouble, each text once."""
    texts = [line.split(" ", 2)[-1] for line in log.splitlines() if "warning" in line.lower()]
    return list(dict.fromkeys(texts))


def _quiet(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _row(name: str, found: Measured, alone: Sequence[Measured]) -> list[str]:
    p50, p95, p99 = np.percentile(found.latencies, [50, 95, 99])
    base = float(np.mean([each.p95 for each in alone])) if alone else found.p95
    cells = [f"{p50:.0f}, {p95:.0f}, {p99:.0f}", f"{p95 / base:.2f}" if alone else "1"]
    return [name, *cells, str(len(found.latencies)), str(found.lost)]


def run(
    seconds: Annotated[float, typer.Option(metavar="T", min=5, help="Duration of each run.")] = 60.0,
    only: Annotated[str, typer.Option(help="Rows that contain this.")] = "",
) -> None:
    """Measure the latency of decisions beside receivers that do harm."""
    table = Table("beside", "ms: p50, p95, p99", "p95, of alone", "decisions", "windows lost")
    said: list[str] = []
    try:
        with tempfile.TemporaryDirectory(prefix="sge-receivers-", ignore_cleanup_errors=True) as name:
            gallery, scene = Path(name) / "gallery.db", Path(name) / "front.mcap"
            make_gallery(gallery, ENROLLED)
            source = scripted_scene(1, max(1.0, (seconds + 30) / 60)).sources[0]
            with RecordingWriter(scene, source.info) as writer:
                for frame in source.frames:
                    writer.write(frame)
            before = measure(CONDITIONS[0], gallery, scene, seconds)
            table.add_row(*_row("alone", before, []))
            for condition in CONDITIONS[1:]:
                if only not in condition.name:
                    continue
                if missing := condition.missing():
                    table.add_row(condition.name, f"not measured: {missing}", "", "", "")
                    continue
                found = measure(condition, gallery, scene, seconds)
                after = measure(CONDITIONS[0], gallery, scene, seconds)
                table.add_row(*_row(condition.name, found, [before, after]))
                table.add_row(*_row("alone", after, []))
                said += [
                    f"{condition.name}: {text}"
                    for text in (*found.said, f"{found.left} visits ended", found.note)
                    if text
                ]
                before = after
    except SgeError as error:
        typer.echo(f"receivers: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(table)
    for text in said:
        out.print(text, highlight=False, soft_wrap=True, markup=False)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    out.print(f"{seconds:g} s each; {machine}, Python {platform.python_version()}")


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
