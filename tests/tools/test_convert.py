"""Conversion of data sets and of other recordings to recordings."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import DataError, UserError
from stream.recording import RecordingWriter, TruncatedRecording, read_recording
from stream.skeleton import CANONICAL, get_layout
from tools.convert import convert
from tools.datasets import read_walks

STARTED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
INFO = SourceInfo("front door", "kinect-v2", "kinect-v1", live=True, finite=False)


def write_kgbd(root: Path, person: str, walk: str, frames: int = 40, seed: int = 0) -> Path:
    """Writes a walk in KGBD's raw format, whose joint names are mostly the SDK's with hyphens."""
    values = np.random.default_rng(seed).uniform(0.5, 3, (frames, 20, 3)).round(5)
    names = [
        "Hip-centro" if name == "HipCenter"
        else name.replace("Left", "-Left").replace("Right", "-Right").replace("Center", "-Center")
        for name in CANONICAL
    ]  # fmt: skip
    path = root / person / f"{walk}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(
            f"{name};{x};{y};{z}\n" for frame in values for name, (x, y, z) in zip(names, frame, strict=True)
        )
    )
    return path


def write_biwi_frame(folder: Path, frame: int, state: int = 2) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    row = ",".join(["1"] + ["1.5"] * 5 + [str(state)] + ["0"] * 7)
    (folder / f"001_{frame:06d}-d_{100 * frame}_skel.txt").write_text(f"{row}\n" * 20)


def frames_of(path: Path) -> list[BodyFrame]:
    with read_recording(path) as recording:
        return list(recording)


def write_recording(path: Path, frames: int = 150) -> list[BodyFrame]:
    """Writes a recording of one person; returns its frames."""
    rng = np.random.default_rng(4)
    written = []
    with RecordingWriter(path, INFO, started=STARTED) as writer:
        for n in range(frames):
            joints = rng.normal(0, 1, (20, 3)).astype(np.float32)
            written.append(BodyFrame(n * 33_000_000, (Body(7, joints, np.ones(20, np.float32)),)))
            writer.write(written[-1])
    return written


def same(a: BodyFrame, b: BodyFrame) -> bool:
    return a.time_ns == b.time_ns and [
        (body.id, body.joints.tobytes(), body.confidence.tobytes()) for body in a.bodies
    ] == [(body.id, body.joints.tobytes(), body.confidence.tobytes()) for body in b.bodies]


@pytest.mark.slow
def test_genuine_kgbd_text_becomes_recordings_of_the_same_walks(data_dir: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    subprocess.run([sys.executable, str(data_dir / "unpack_kgbd.py"), str(raw), "15"], check=True)
    written = convert(raw, tmp_path / "out")
    assert written == [tmp_path / "out" / "15" / f"{walk}.mcap" for walk in "123"]
    for path, walk in zip(written, read_walks(data_dir / "kgbd_kinect1_20j.npz", "15"), strict=True):
        with read_recording(path) as recording:
            expected = SourceInfo(f"kgbd/15/{walk.walk}", "kinect-v1", "kinect-v1", live=False, finite=True)
            assert recording.info == expected
            frames = list(recording)
        assert [frame.time_ns for frame in frames] == walk.time_ns.tolist()
        assert {body.id for frame in frames for body in frame.bodies} == {1}
        joints = np.stack([frame.bodies[0].joints for frame in frames])
        np.testing.assert_allclose(joints, walk.joints, atol=2e-4)


def test_one_walk_is_written_to_one_file(tmp_path: Path) -> None:
    for person in ("Person001", "Person002"):
        for walk in ("1", "2"):
            write_kgbd(tmp_path / "raw", person, walk, seed=int(person[-1] + walk))
    target = tmp_path / "new" / "walk.mcap"
    assert convert(tmp_path / "raw", target, person="2", walk="1") == [target]
    (expected,) = read_walks(tmp_path / "raw", "2", "1")
    joints = np.stack([frame.bodies[0].joints for frame in frames_of(target)])
    np.testing.assert_array_equal(joints, expected.joints)
    single = write_kgbd(tmp_path / "raw", "Person003", "1")
    assert convert(single, tmp_path / "single.mcap") == [tmp_path / "single.mcap"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_its_folders_are_private_and_others_stay_as_they_are(tmp_path: Path) -> None:
    write_kgbd(tmp_path / "data", "Person001", "1")
    (tmp_path / "there").mkdir(mode=0o755)
    umask = os.umask(0o022)
    try:
        (written,) = convert(tmp_path / "data", tmp_path / "there" / "a" / "b")
    finally:
        os.umask(umask)
    made = [written, *written.parents[:3]]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o600, 0o700, 0o700, 0o700]
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o755


def test_several_walks_in_one_file_are_refused(tmp_path: Path) -> None:
    for walk in ("1", "2", "3"):
        write_kgbd(tmp_path / "raw", "Person001", walk)
    with pytest.raises(
        UserError, match=r"holds 3 such walks \(--person 1 --walk 1, .*or give a folder as OUT"
    ):
        convert(tmp_path / "raw", tmp_path / "walk.mcap", person="1")
    assert not (tmp_path / "walk.mcap").exists()


def test_missing_walks_and_sources_are_refused(tmp_path: Path) -> None:
    write_kgbd(tmp_path / "raw", "Person001", "1")
    with pytest.raises(
        UserError, match=r"no walk for --person 4 --walk 2; it holds 1, .*--person 1 --walk 1"
    ):
        convert(tmp_path / "raw", tmp_path / "out", person="4", walk="2")
    with pytest.raises(UserError, match=r"missing: no such file or folder"):
        convert(tmp_path / "missing", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_existing_target_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for walk in ("1", "2"):
        write_kgbd(tmp_path / "raw", "Person001", walk)
    mine = tmp_path / "out" / "1" / "2.mcap"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(UserError, match=r"2\.mcap already exists; give another OUT"):
        convert(tmp_path / "raw", tmp_path / "out")
    assert mine.read_text() == "mine"
    assert not mine.with_name("1.mcap").exists()
    with pytest.raises(UserError, match=r"2\.mcap already exists"):
        convert(tmp_path / "raw", mine, walk="1")


def test_a_frame_without_seen_joints_has_no_bodies(tmp_path: Path) -> None:
    folder = tmp_path / "BIWI" / "Training" / "001"
    for frame, state in enumerate([2, 0, 1]):
        write_biwi_frame(folder, frame, state)
    (path,) = convert(tmp_path / "BIWI", tmp_path / "out")
    assert path == tmp_path / "out" / "001" / "Training.mcap"
    frames = frames_of(path)
    assert [frame.time_ns for frame in frames] == [0, 100_000_000, 200_000_000]
    assert [len(frame.bodies) for frame in frames] == [1, 0, 1]
    assert set(frames[2].bodies[0].confidence.tolist()) == {0.5}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such folders to begin with")
@pytest.mark.parametrize(
    ("person", "session", "expected"),
    [
        ("con", "Training", "_con/Training.mcap"),
        ("Com1.old", "Training", "_Com1.old/Training.mcap"),
        ("console", "Training", "console/Training.mcap"),
        ("a:b?c", 'x*"<y>|z', "a_b_c/x___y__z.mcap"),
        ("dot. ", "..x", "dot/..x.mcap"),
    ],
)
def test_names_are_valid_on_every_system(tmp_path: Path, person: str, session: str, expected: str) -> None:
    write_biwi_frame(tmp_path / "raw" / session / person, 0)
    assert convert(tmp_path / "raw", tmp_path / "out") == [tmp_path / "out" / expected]
    assert (tmp_path / "out" / expected).is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such folders to begin with")
@pytest.mark.parametrize(("one", "other"), [("a:b", "a?b"), ("Ann", "ann")])
def test_two_walks_never_share_a_file(tmp_path: Path, one: str, other: str) -> None:
    write_biwi_frame(tmp_path / "raw" / "Training" / one, 0)
    write_biwi_frame(tmp_path / "raw" / "Training" / other, 0)
    with pytest.raises(
        UserError, match=r"would both become .*Training\.mcap: convert each into its own file with --person P"
    ):
        convert(tmp_path / "raw", tmp_path / "out")
    assert convert(tmp_path / "raw", tmp_path / "other.mcap", person=other)


def test_complete_walks_before_a_broken_one_are_kept(tmp_path: Path) -> None:
    write_kgbd(tmp_path / "raw", "Person001", "1")
    broken = write_kgbd(tmp_path / "raw", "Person001", "2")
    broken.write_text(broken.read_text()[:5000])
    write_kgbd(tmp_path / "raw", "Person001", "3")
    with pytest.raises(DataError, match=r"2\.txt"):
        convert(tmp_path / "raw", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out" / "1").iterdir()] == ["1.mcap"]
    assert len(frames_of(tmp_path / "out" / "1" / "1.mcap")) == 40


def test_a_target_folder_that_cannot_be_created(tmp_path: Path) -> None:
    write_kgbd(tmp_path / "raw", "Person001", "1")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be created: .*give another OUT"):
        convert(tmp_path / "raw", tmp_path / "file")


@pytest.mark.parametrize("target", ["copy.mcap", "folder"])
def test_a_recording_is_rewritten(tmp_path: Path, target: str) -> None:
    written = write_recording(tmp_path / "in.mcap")
    (path,) = convert(tmp_path / "in.mcap", tmp_path / target)
    assert path == (tmp_path / target if target.endswith(".mcap") else tmp_path / target / "in.mcap")
    with read_recording(path) as recording:
        assert recording.started == STARTED
        assert (recording.info.name, recording.info.sensor) == (INFO.name, INFO.sensor)
        assert all(same(a, b) for a, b in zip(recording, written, strict=True))


def test_a_truncated_recording_is_repaired(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written = write_recording(tmp_path / "in.mcap")
    cut = tmp_path / "cut.mcap"
    cut.write_bytes((tmp_path / "in.mcap").read_bytes()[: (tmp_path / "in.mcap").stat().st_size * 2 // 3])
    with pytest.raises(TruncatedRecording):
        frames_of(cut)
    (path,) = convert(cut, tmp_path / "repaired.mcap")
    repaired = frames_of(path)
    last_s = repaired[-1].time_ns / 1e9
    assert caplog.messages == [f"{cut} is truncated after {last_s:.1f} s; what was before is converted"]
    assert 60 < len(repaired) < 150
    assert all(same(a, b) for a, b in zip(repaired, written[: len(repaired)], strict=True))


def test_a_recording_without_a_complete_frame_cannot_be_repaired(tmp_path: Path) -> None:
    write_recording(tmp_path / "in.mcap")
    cut = tmp_path / "cut.mcap"
    cut.write_bytes((tmp_path / "in.mcap").read_bytes()[:60])
    with pytest.raises(DataError, match=r"cut\.mcap"):
        convert(cut, tmp_path / "repaired.mcap")
    assert not (tmp_path / "repaired.mcap").exists()


def test_a_damaged_recording_leaves_no_file(tmp_path: Path) -> None:
    write_recording(tmp_path / "in.mcap")
    content = bytearray((tmp_path / "in.mcap").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "damaged.mcap").write_bytes(content)
    with pytest.raises(DataError, match=r"damaged\.mcap is damaged"):
        convert(tmp_path / "damaged.mcap", tmp_path / "out.mcap")
    assert not (tmp_path / "out.mcap").exists()


def test_walks_of_a_recording_cannot_be_selected(tmp_path: Path) -> None:
    write_recording(tmp_path / "in.mcap", 3)
    with pytest.raises(UserError, match=r"omit --person and --walk"):
        convert(tmp_path / "in.mcap", tmp_path / "out.mcap", walk="1")
    with pytest.raises(UserError, match=r"in\.mcap already exists"):
        convert(tmp_path / "in.mcap", tmp_path / "in.mcap")
    assert len(frames_of(tmp_path / "in.mcap")) == 3


def test_a_file_with_only_the_name_of_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.mcap").write_text("no")
    with pytest.raises(DataError, match=r"in\.mcap is not an MCAP recording"):
        convert(tmp_path / "in.mcap", tmp_path / "out.mcap")


def test_2d_skeletons_are_refused(tmp_path: Path) -> None:
    joints = get_layout("coco17-2d").joints
    header = ",".join(["image_name", *(f"{joint}_{part}" for joint in joints for part in ("x", "y", "conf"))])
    table = tmp_path / "poses.csv"
    table.write_text(f"{header}\n./001-nm-01-000/000001.jpg{',1' * 51}\n")
    with pytest.raises(
        UserError, match=r"2D skeletons in pixels \(layout coco17-2d\), but a recording holds 3D skeletons"
    ):
        convert(table, tmp_path / "out")
    assert not (tmp_path / "out").exists()
