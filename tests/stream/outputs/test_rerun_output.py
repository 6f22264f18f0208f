"""Files for the viewer of Rerun."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from stream.errors import UserError
from stream.outputs.output import OutputContext
from stream.outputs.output_registry import KINDS, create_outputs
from stream.outputs.output_settings import read_requested
from stream.outputs.rerun_output import RerunOutput
from stream.outputs.rerun_settings import WRITTEN, RerunSettings
from stream.skeleton import BONES
from stream.system.settings import Settings
from stream.view.skeleton_frames import ShownBody, SkeletonFrame
from stream.visits.events import event_json
from tests.stream.outputs.rerun_files import read_rows, read_texts
from tests.stream.outputs.sample_events import SampleRun, visit
from tests.stream.outputs.simulated_run import make_verdict
from tests.stream.outputs.waiting import wait_until

pytest.importorskip("rerun", reason="needs the extra rerun")

EVENTS = visit("v1")
LINES = [event_json(event).decode() for event in EVENTS]


def test_scores_lie_by_source_and_track_and_events_are_texts(tmp_path: Path) -> None:
    file = tmp_path / "walks.rrd"
    with RerunOutput(file, SampleRun().live) as output:
        output.write_event(EVENTS[0])
        output.write(make_verdict(7, person="Ada"))
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600, "it has names"
    rows = read_rows(file)
    assert read_texts(file) == LINES[:1]
    (score,) = rows["/tracks/door.mcap/7/score"]
    assert score["Scalars:scalars"] == [0.71]
    assert score["time"] == datetime(2026, 1, 12, 9, 30, 12, 417_000, UTC).timestamp() * 1e9
    assert score["source_time"] == 12.5e9
    assert rows["/tracks/door.mcap/7/confidence"][0]["Scalars:scalars"] == [97.0]


def test_skeletons_are_lines_that_go_with_their_track(tmp_path: Path) -> None:
    run = SampleRun()
    file = tmp_path / "walks.rrd"
    joints: list[tuple[float, float, float] | None] = [(0.0, float(number), 3.0) for number in range(20)]
    missing = [None, *joints[1:]]
    frames = [
        SkeletonFrame(
            1, 0.5, (ShownBody(4, tuple(joints), (1.0,) * 20), ShownBody(6, tuple(missing), (1.0,) * 20))
        ),
        SkeletonFrame(1, 0.75, (ShownBody(6, tuple(joints), (1.0,) * 20),)),
    ]
    with RerunOutput(file, run.live) as output:
        for count, frame in enumerate(frames, 1):
            run.skeletons.put(frame)
            wait_until(lambda count=count: output.delivery.delivered == count)  # type: ignore[misc]
    rows = read_rows(file)
    (shown,) = [row for row in rows["/skeletons/yard/4"] if row.get("LineStrips3D:strips")]
    assert len(shown["LineStrips3D:strips"]) == len(BONES)
    assert shown["source_time"] == 0.5e9
    assert any(row.get("Clear:is_recursive") for row in rows["/skeletons/yard/4"]), "the track has left"
    lines = [row["LineStrips3D:strips"] for row in rows["/skeletons/yard/6"]]
    assert len(lines[0]) < len(lines[1]) == len(BONES), "no bone ends at a joint that was not seen"


@pytest.mark.slow
def test_a_file_that_exists_stays(tmp_path: Path) -> None:
    file = tmp_path / "walks.rrd"
    for events in (EVENTS[:1], EVENTS[1:2], EVENTS[2:]):
        with RerunOutput(file, SampleRun().live) as output:
            for event in events:
                output.write_event(event)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["walks-2.rrd", "walks-3.rrd", "walks.rrd"]
    assert [read_texts(file.with_stem(stem)) for stem in ("walks", "walks-2", "walks-3")] == [
        LINES[:1],
        LINES[1:2],
        LINES[2:],
    ]


@pytest.mark.slow
def test_a_writer_that_dies_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    run = SampleRun()
    file = tmp_path / "walks.rrd"
    with RerunOutput(file, run.live) as output:
        output.write_event(EVENTS[0])
        wait_until(lambda: output.delivery.delivered == 1)
        for child in psutil.Process().children():
            if "stream.outputs.rerun_writer" in child.cmdline():
                child.kill()
                child.wait()
        output.write_event(EVENTS[1])
        wait_until(lambda: output.delivery.delivered == 2)
    assert read_texts(file.with_stem("walks-2")) == LINES[1:2]
    assert "cannot be written" in run.told("output-down")[0]
    assert len(run.told("output-up")) == 1


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_process_still_ends(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("limits the size of files")
    import resource

    file = tmp_path / "walks.rrd"

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    lines = b"".join(
        event_json(event) + b"\n" for number in range(300) for event in visit(os.urandom(200).hex())
    )
    command = [sys.executable, "-m", "stream.outputs.rerun_writer", str(file)]
    done = subprocess.run(
        command,
        input=lines,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=limit_files,
        check=False,
    )
    assert done.returncode == 1
    assert 0 < done.stdout.count(WRITTEN) < 900


@pytest.mark.slow
def test_the_package_of_rerun_contacts_nobody_and_keeps_no_settings(tmp_path: Path) -> None:
    home, trace = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""}
    strace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
    command = [
        *(strace if shutil.which("strace") else []),
        sys.executable,
        "-m",
        "stream.outputs.rerun_writer",
    ]
    with subprocess.Popen(
        [*command, str(tmp_path / "walks.rrd")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for event in EVENTS:
            process.stdin.write(event_json(event) + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == WRITTEN
            parent = psutil.Process(process.pid)
            for each in (parent, *parent.children(recursive=True)):
                assert each.net_connections() == []
    assert process.returncode == 0
    assert not trace.exists() or "AF_INET" not in trace.read_text(encoding="utf-8")
    assert list(home.rglob("*")) == []
    assert read_texts(tmp_path / "walks.rrd") == LINES


@pytest.mark.parametrize("url", ["walks.rrd", "rerun:walks.rrd", "/a b/walks.rrd", "rerun:C:\\x.rrd"])
def test_a_path_that_ends_with_rrd_is_enough(url: str) -> None:
    ((kind, settings),) = read_requested([url], KINDS)
    assert kind.name == "rerun"
    assert isinstance(settings, RerunSettings)
    assert settings.file == Path(url.removeprefix("rerun:"))


def test_another_name_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends with \.rrd"):
        RerunSettings(url="rerun:walks.mcap")
    settings = Settings(json=True, output=(str(tmp_path / "none" / "walks.rrd"),))
    with pytest.raises(UserError, match="there is no folder"):
        create_outputs(OutputContext(settings, SampleRun().live, None))  # type: ignore[arg-type]
