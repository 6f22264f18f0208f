"""Conversion of recordings of other programs whose frames break the rules of numbers and times."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcap.writer import Writer

from stream.errors import DataError
from stream.recording import UnorderedRecording, read_recording
from tools.convert import convert

JOINTS = ",".join(['{"x":1,"y":2,"z":3,"confidence":1}'] * 20)
Message = tuple[int, int, tuple[int, ...]]


def write(path: Path, messages: list[Message], *, enable_crcs: bool = True) -> Path:
    """Writes messages of (sequence number, time, body ids)."""
    metadata = {"format": "1", "source": "s", "sensor": "kinect-v1", "layout": "kinect-v1"}
    with path.open("wb") as file:
        writer = Writer(file, enable_crcs=enable_crcs)
        writer.start()
        schema = writer.register_schema("sge.BodyFrame", "jsonschema", b"{}")
        channel = writer.register_channel(
            "bodies", "json", schema, metadata | {"started": "2026-03-01T12:30:00Z"}
        )
        for number, time_ns, ids in messages:
            bodies = ",".join(f'{{"id":{body},"joints":[{JOINTS}]}}' for body in ids)
            writer.add_message(channel, time_ns, f'{{"bodies":[{bodies}]}}'.encode(), time_ns, number)
        writer.finish()  # type: ignore[no-untyped-call]
    return path


def frames(path: Path) -> list[tuple[int, tuple[int, ...]]]:
    with read_recording(path) as recording:
        return [(frame.time_ns, tuple(body.id for body in frame.bodies)) for frame in recording]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([(0, 1, (1,)), (1, 1, (2,)), (2, 4, (2,))], [(1, (1, 2)), (4, (2,))]),
        ([(0, 1, (1,)), (1, 1, (1,))], [(1, (1,))]),
        ([(0, 5, (1,)), (1, 3, (2,)), (2, 8, ())], [(3, (2,)), (5, (1,)), (8, ())]),
        ([(4, 1, (1,)), (4, 2, (1,))], [(1, (1,)), (2, (1,))]),
        ([(4, 1, (1,)), (9, 2, (1,))], [(1, (1,)), (2, (1,))]),
    ],
    ids=["a message for each body", "twice the same", "out of order", "one number", "frames missing"],
)
def test_convert_writes_a_whole_recording_of_unordered_frames(
    messages: list[Message], expected: list[tuple[int, tuple[int, ...]]], tmp_path: Path
) -> None:
    path = write(tmp_path / "in.mcap", messages)
    with pytest.raises(
        UnorderedRecording, match=r"`sge-stream convert .*in.mcap OUT.mcap` writes a recording"
    ):
        frames(path)
    assert convert(path, tmp_path / "out.mcap") == [tmp_path / "out.mcap"]
    assert frames(tmp_path / "out.mcap") == expected


def test_bodies_that_convert_leaves_out_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "in.mcap", [(0, 1, (1, 2)), (1, 1, (1, 2)), (2, 5, (1,))])
    convert(path, tmp_path / "out.mcap")
    assert caplog.messages == [
        f"{path}: left out, because another body of that time has the same id: 2 bodies"
    ]


def test_convert_says_that_the_recording_had_no_checksums(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "in.mcap", [(0, 1, (1,)), (1, 2, (1,))], enable_crcs=False)
    convert(path, tmp_path / "out.mcap")
    assert [f"{path} has no checksums" in message for message in caplog.messages] == [True]
    convert(tmp_path / "out.mcap", tmp_path / "again.mcap")
    assert len(caplog.messages) == 1


def test_convert_mends_no_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "in.mcap", [(0, 5, (1,)), (1, 3, (2,))])
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged"):
        convert(path, tmp_path / "out.mcap")
    assert not (tmp_path / "out.mcap").exists()


@pytest.mark.parametrize("name", ["sequence0", "unchunked", "extra_topic"])
def test_recordings_of_other_programs_become_recordings(name: str, cases_dir: Path, tmp_path: Path) -> None:
    convert(cases_dir / f"{name}.mcap", tmp_path / "out.mcap")
    assert frames(tmp_path / "out.mcap") == frames(cases_dir / f"{name}.mcap")
    assert len(frames(tmp_path / "out.mcap")) in (60, 240)
