"""Tests of recordings from other writers: valid ones are read, invalid ones rejected with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcap.writer import CompressionType, Writer

from stream.errors import DataError
from tests.stream.recording.recordings import read, read_error

# --- foreign files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "it is empty"), (b"Head;0.1;0.2;2.5\n", "begins with b'Head;0.1'"), (b"\x89MCAP", "MCAP")],
)
def test_a_file_that_is_not_mcap_is_rejected(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "1.txt"
    path.write_bytes(content)
    message = read_error(path)
    assert "is not an MCAP recording" in message
    assert found in message
    assert "`sge-stream convert`" in message


def test_a_missing_file_and_a_folder_are_rejected(tmp_path: Path) -> None:
    assert "cannot be opened (No such file or directory); check the path" in read_error(tmp_path / "no.mcap")
    assert "cannot be opened (" in read_error(tmp_path)


class ForeignFile:
    """MCAP file written directly; a valid recording except for what a test changes."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.file = path.open("wb")
        self.writer = Writer(self.file, **options)
        self.writer.start()
        self.sequence = 0

    def channel(
        self, *, schema: str = "sge.BodyFrame", encoding: str = "json", **metadata: str | None
    ) -> int:
        defaults = {"format": "1", "source": "s", "sensor": "kinect-v1", "layout": "kinect-v1"}
        defaults |= {"started": "2026-03-01T12:30:00+00:00"}
        texts = {key: text for key, text in (defaults | metadata).items() if text is not None}
        number = self.writer.register_schema(schema, "jsonschema", b"{}") if schema else 0
        return self.writer.register_channel("bodies", encoding, number, texts)

    def message(self, channel: int, time_ns: int, data: bytes = b'{"bodies":[]}', *, skip: int = 0) -> None:
        self.sequence += skip
        self.writer.add_message(channel, time_ns, data, time_ns, self.sequence)
        self.sequence += 1

    def finish(self) -> None:
        self.writer.finish()  # type: ignore[no-untyped-call]
        self.file.close()


NewFile = Callable[..., ForeignFile]


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[NewFile]:
    files: list[ForeignFile] = []

    def make(**options: Any) -> ForeignFile:
        files.append(ForeignFile(tmp_path / "foreign.mcap", **options))
        return files[-1]

    yield make
    for foreign_file in files:
        foreign_file.file.close()


def test_a_recording_of_another_writer_is_read(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign(compression=CompressionType.LZ4)
    channel = writer.channel()
    writer.message(channel, 3)
    writer.message(channel, 4, b'{"bodies": [], "note": "a later version may add fields"}')
    writer.finish()
    assert read(tmp_path / "foreign.mcap") == ([(3, ()), (4, ())], None)


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(
    ("channel", "found"),
    [
        ({"schema": "sensor_msgs/Image"}, "found sensor_msgs/Image as json on the topic 'bodies'"),
        ({"schema": ""}, "found no schema as json"),
        ({"encoding": "protobuf"}, "found sge.BodyFrame as protobuf"),
    ],
)
def test_an_mcap_file_of_another_program_is_rejected(
    channel: dict[str, str], found: str, chunked: bool, foreign: NewFile, tmp_path: Path
) -> None:
    writer = foreign(use_chunking=chunked)
    writer.message(writer.channel(**channel), 0)
    writer.finish()
    message = read_error(tmp_path / "foreign.mcap")
    assert "is an MCAP file of another program: expected sge.BodyFrame messages as json" in message
    assert found in message


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"layout": "octopus"}, "has bodies in the unknown layout 'octopus'; known are kinect-v1"),
        ({"layout": None}, r"has invalid metadata of its source \('layout'\)"),
        ({"started": "yesterday"}, "has invalid metadata of its source"),
        ({"format": "2"}, "has the recording format '2', this version reads '1'; use a newer sge-stream"),
        ({"format": None}, "has the recording format None"),
    ],
)
def test_invalid_source_metadata_is_rejected(
    metadata: dict[str, str | None], expected: str, foreign: NewFile, tmp_path: Path
) -> None:
    writer = foreign()
    writer.message(writer.channel(**metadata), 0)  # type: ignore[arg-type]
    writer.finish()
    assert re.search(expected, read_error(tmp_path / "foreign.mcap"))


JOINT = '{"x":1,"y":2,"z":3,"confidence":1}'


def one_body(*joints: str) -> bytes:
    return f'{{"bodies":[{{"id":1,"joints":[{",".join(joints)}]}}]}}'.encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "not a message of sge.BodyFrame"),
        (b"\xff\xfe", "not a message of sge.BodyFrame"),
        (b'{"bodies":[]', "not a message of sge.BodyFrame"),
        (b'{"bodies":7}', "not a message of sge.BodyFrame"),
        (b"{}", "not a message of sge.BodyFrame"),
        (one_body(*[JOINT] * 25), "body 1 has 25 joints instead of 20"),
        (one_body(), "body 1 has 0 joints instead of 20"),
        (one_body(*[JOINT] * 19, '{"x":1,"y":2,"confidence":1}'), "only some finite coordinates"),
        (one_body(*[JOINT] * 19, '{"x":1e39,"y":2,"z":3,"confidence":1}'), "only some finite coordinates"),
        (one_body(*[JOINT] * 19, '{"confidence":1}'), "contradicts"),
        (one_body(*[JOINT] * 19, '{"x":1,"y":2,"z":3,"confidence":7}'), "outside 0..1"),
        (one_body(*[JOINT] * 19, '{"x":null,"y":null,"z":null,"confidence":0}'), "not a message"),
        (b'{"bodies":[{"id":1,"joints":[]},{"id":1,"joints":[]}]}', "same id"),
    ],
)
def test_a_malformed_frame_ends_the_recording(
    data: bytes, expected: str, foreign: NewFile, tmp_path: Path
) -> None:
    writer = foreign()
    channel = writer.channel()
    writer.message(channel, 1_500_000_000)
    writer.message(channel, 1_600_000_000, data)
    writer.finish()
    frames, error = read(tmp_path / "foreign.mcap")
    assert frames == [(1_500_000_000, ())]
    assert "is damaged after 1.5 s" in str(error)
    assert expected in str(error)


def test_times_that_do_not_increase_are_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    channel = writer.channel()
    for time_ns in (1, 2, 2):
        writer.message(channel, time_ns)
    writer.finish()
    frames, error = read(tmp_path / "foreign.mcap")
    assert frames == [(1, ()), (2, ())]
    assert isinstance(error, DataError)


def test_a_second_channel_is_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    writer.message(writer.channel(), 1)
    writer.message(writer.channel(source="another"), 2)
    writer.finish()
    frames, error = read(tmp_path / "foreign.mcap")
    assert frames == [(1, ())]
    assert "second channel" in str(error)


def test_a_frame_on_an_unknown_channel_is_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    writer.message(writer.channel(), 1)
    writer.message(9, 2)
    writer.finish()
    frames, error = read(tmp_path / "foreign.mcap")
    assert frames == [(1, ())]
    assert "unknown channel" in str(error)
    writer = foreign()
    writer.message(1, 1)
    writer.message(writer.channel(), 2)
    writer.finish()
    assert "a frame comes before its channel" in read_error(tmp_path / "foreign.mcap")


def test_frames_without_a_checksum_are_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign(enable_crcs=False)
    writer.message(writer.channel(), 1)
    writer.finish()
    assert "a chunk has no checksum" in read_error(tmp_path / "foreign.mcap")
    writer = foreign(use_chunking=False)
    writer.message(writer.channel(), 1)
    writer.finish()
    assert "a message is outside the chunks" in read_error(tmp_path / "foreign.mcap")


def test_a_recording_without_frames_is_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    writer.channel()
    writer.finish()
    assert read_error(tmp_path / "foreign.mcap").endswith("contains no frames; record the walk again")
    writer = foreign(use_chunking=False)
    writer.channel()
    writer.finish()
    assert read_error(tmp_path / "foreign.mcap").endswith("contains no frames; record the walk again")
