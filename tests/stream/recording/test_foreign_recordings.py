"""Tests of recordings from other writers: valid ones are read, invalid ones rejected with a reason."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from lz4.frame import LZ4FrameCompressor
from mcap.data_stream import RecordBuilder
from mcap.records import Chunk
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from stream.errors import EndOfSource
from stream.recording import TruncatedRecording, UnorderedRecording, read_recording
from stream.skeleton import LAYOUTS
from stream.sources import open_source
from stream.sources.playback import Playback
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


def test_a_pipe_is_refused_instead_of_waiting_for_its_writer(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no pipes in folders")
    os.mkfifo(tmp_path / "pipe.mcap")
    assert "pipe.mcap is a pipe or a device" in read_error(tmp_path / "pipe.mcap")


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
        (
            {"joints": ",".join(LAYOUTS["kinect-v1"].joints[::-1])},
            "gives 'FootRight' as joint 1, and joint 1 of the layout kinect-v1 is HipCenter",
        ),
        ({"joints": "HipCenter"}, "gives 'none' as joint 2, and joint 2 of the layout kinect-v1 is Spine"),
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
        (one_body(*[JOINT] * 19, '{"x":1,"y":2,"z":3,"confidence":7}'), "outside 0..1"),
        (one_body(*[JOINT] * 19, '{"x":1,"y":2,"z":3,"confidence":NaN}'), "outside 0..1"),
        (one_body(*[JOINT] * 19, '{"x":1,"y":2,"z":3}'), "missing required field `confidence`"),
        (b'{"bodies":' + b"[" * 100_000, "not a message of sge.BodyFrame"),
        (b'{"bodies":[NaN' + b"[" * 100_000, "not a message of sge.BodyFrame"),
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
    assert "breaks a rule of recordings after 1.5 s" in str(error)
    assert expected in str(error)


def test_times_that_do_not_increase_are_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    channel = writer.channel()
    for time_ns in (1, 2, 2):
        writer.message(channel, time_ns)
    writer.finish()
    frames, error = read(tmp_path / "foreign.mcap")
    assert frames == [(1, ()), (2, ())]
    assert isinstance(error, UnorderedRecording)
    assert "breaks a rule of recordings after 0.0 s: the time of the next frame" in str(error)
    assert "`sge-stream convert" in str(error)


@pytest.mark.parametrize(
    "lost",
    [
        '{"confidence":1}',
        '{"x":null,"y":null,"z":null,"confidence":1}',
        '{"x":NaN,"y":NaN,"z":NaN,"confidence":1}',
        '{"x":Infinity,"y":2,"z":3,"confidence":0.5}',
        '{"x":1,"y":2,"confidence":1}',
        '{"x":1e39,"y":2,"z":3,"confidence":1}',
        '{"x":1,"y":2,"z":3,"confidence":0}',
        '{"x":0,"y":0.0,"z":-0.0,"confidence":1}',
        '{"x":NaN,"y":NaN,"z":NaN,"confidence":0}',
    ],
)
def test_a_lost_joint_is_unseen_however_it_is_written(lost: str, foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    channel = writer.channel()
    for n in range(40):
        writer.message(channel, n * 33_000_000, one_body(*[JOINT] * 19, lost if n % 20 == 7 else JOINT))
    writer.finish()
    with read_recording(tmp_path / "foreign.mcap") as recording:
        seen = np.array([frame.bodies[0].confidence for frame in recording])
    assert np.argwhere(seen == 0).tolist() == [[7, 19], [27, 19]]
    with read_recording(tmp_path / "foreign.mcap") as recording:
        joints = np.array([frame.bodies[0].joints for frame in recording])
    assert np.argwhere(np.isnan(joints).all(axis=2)).tolist() == [[7, 19], [27, 19]]


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
    assert "breaks a rule of recordings after 0.0 s: a message comes before its channel" in str(error)
    writer = foreign()
    writer.message(1, 1)
    writer.message(writer.channel(), 2)
    writer.finish()
    assert "a message comes before its channel" in read_error(tmp_path / "foreign.mcap")


@pytest.mark.parametrize(
    "options",
    [
        {"enable_crcs": False},
        {"use_chunking": False},
        {"compression": CompressionType.NONE},
        {"use_statistics": False, "use_summary_offsets": False, "repeat_schemas": False},
    ],
)
def test_checksums_chunks_and_summaries_are_optional(
    options: dict[str, Any], foreign: NewFile, tmp_path: Path
) -> None:
    writer = foreign(**options)
    channel = writer.channel()
    for time_ns in (5, 8):
        writer.message(channel, time_ns)
    writer.finish()
    assert read(tmp_path / "foreign.mcap") == ([(5, ()), (8, ())], None)


@pytest.mark.parametrize(
    ("options", "checked"),
    [
        ({}, True),
        ({"enable_crcs": False}, False),
        ({"enable_crcs": False, "enable_data_crcs": True}, True),
        ({"use_chunking": False}, False),
        ({"use_chunking": False, "enable_data_crcs": True}, True),
    ],
)
def test_it_is_said_at_the_end_that_a_file_has_no_checksums(
    options: dict[str, bool],
    checked: bool,
    foreign: NewFile,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = foreign(**options)
    writer.message(writer.channel(), 5)
    writer.finish()
    path = tmp_path / "foreign.mcap"
    said = f"{path} has no checksums, so a changed byte may not have been noticed"
    with contextlib.closing(open_source(str(path), speed=0)) as source:
        assert isinstance(source, Playback)
        source.read(0)
        with pytest.raises(EndOfSource):
            source.read(0)
        assert source.remark.startswith(said) != checked
    assert [said in message for message in caplog.messages] == [True] * (not checked)


@pytest.mark.parametrize("damage", [slice(-200, -199), slice(300, 301)])
def test_checksums_that_are_there_are_verified(damage: slice, foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign(use_chunking=False, enable_data_crcs=True)
    channel = writer.channel()
    for time_ns in range(30):
        writer.message(channel, time_ns)
    writer.finish()
    content = bytearray((tmp_path / "foreign.mcap").read_bytes())
    content[damage] = bytes([content[damage][0] ^ 1])
    (tmp_path / "foreign.mcap").write_bytes(content)
    _, error = read(tmp_path / "foreign.mcap")
    assert error is not None


def test_a_cut_recording_without_chunks_gives_the_frames_before_the_cut(
    foreign: NewFile, tmp_path: Path
) -> None:
    writer = foreign(use_chunking=False)
    channel = writer.channel()
    for time_ns in range(20):
        writer.message(channel, time_ns)
    place = writer.file.tell()
    writer.message(channel, 20)
    writer.finish()
    content = (tmp_path / "foreign.mcap").read_bytes()
    (tmp_path / "foreign.mcap").write_bytes(content[: place + 7])
    frames, error = read(tmp_path / "foreign.mcap")
    assert frames == [(time_ns, ()) for time_ns in range(20)]
    assert isinstance(error, TruncatedRecording)


@pytest.mark.parametrize("chunked", [True, False])
def test_other_messages_in_the_file_are_passed_over(chunked: bool, foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign(use_chunking=chunked)
    log = writer.writer.register_channel("/rosout", "json", writer.writer.register_schema("Log", "", b""))
    image = writer.writer.register_channel("/camera", "cdr", 0)
    bodies = writer.channel()
    for n in range(6):
        writer.writer.add_message(log, n, b"{}", n, 0)
        writer.writer.add_message(image, n, b"\xff", n, 7)
        writer.message(bodies, n)
    writer.finish()
    assert read(tmp_path / "foreign.mcap") == ([(n, ()) for n in range(6)], None)


def numbered(foreign: NewFile, numbers: Sequence[int], *, others: int = 0) -> None:
    writer = foreign()
    log = writer.writer.register_channel("/rosout", "json", 0)
    bodies = writer.channel()
    for time_ns, number in enumerate(numbers):
        for _ in range(others):
            writer.writer.add_message(log, time_ns, b"{}", time_ns, 0)
        writer.sequence = number
        writer.message(bodies, time_ns)
    writer.finish()


@pytest.mark.parametrize(
    ("numbers", "others"), [([0] * 5, 0), ([0] * 5, 2), ([7, 8, 9, 10, 11], 2), ([2, 5, 8, 11, 14], 2)]
)
def test_frames_may_have_no_numbers_or_be_counted_with_other_messages(
    numbers: list[int], others: int, foreign: NewFile, tmp_path: Path
) -> None:
    numbered(foreign, numbers, others=others)
    assert read(tmp_path / "foreign.mcap") == ([(n, ()) for n in range(5)], None)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([3, 3], "frame 3 follows frame 3; each has the next number, or all 0"),
        ([3, 2], "frame 2 follows frame 3"),
        ([0, 0, 1, 3], "frame 3 follows frame 1, so frames are missing"),
        ([1, 0, 0], "frame 0 follows frame 1"),
    ],
)
def test_numbers_that_do_not_count_are_refused_with_the_rule(
    numbers: list[int], expected: str, foreign: NewFile, tmp_path: Path
) -> None:
    numbered(foreign, numbers)
    _, error = read(tmp_path / "foreign.mcap")
    assert isinstance(error, UnorderedRecording)
    assert expected in str(error)
    assert "`sge-stream convert" in str(error)


def test_an_unknown_compression_is_refused_with_the_rule(foreign: NewFile, tmp_path: Path) -> None:
    foreign_chunk(foreign, tmp_path, compression="brotli")
    message = read_error(tmp_path / "foreign.mcap")
    assert (
        "a chunk is compressed with 'brotli'; chunks are compressed with zstd or lz4, or not at all"
        in message
    )


# --- bombs --------------------------------------------------------------------------------------------------


def foreign_chunk(foreign: NewFile, tmp_path: Path, **changes: Any) -> None:
    """Writes a recording whose only chunk is changed."""
    writer = foreign()
    writer.message(writer.channel(), 1)
    writer.finish()
    path = tmp_path / "foreign.mcap"
    content = path.read_bytes()
    with path.open("rb") as file:
        chunk = next(
            record for record in StreamReader(file, emit_chunks=True).records if isinstance(record, Chunk)
        )
    old, new = RecordBuilder(), RecordBuilder()
    chunk.write(old)
    replace(chunk, **changes).write(new)
    path.write_bytes(content.replace(old.end(), new.end()))  # type: ignore[no-untyped-call]


GIBIBYTE = 2**30


@pytest.fixture(scope="module")
def packed_zeros() -> dict[str, bytes]:
    """One GiB of zeros, packed."""
    zstd = zstandard.ZstdCompressor().compressobj(size=GIBIBYTE)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    lz4 = LZ4FrameCompressor()
    block = bytes(2**24)
    parts = {"zstd": [b""], "unsized": [b""], "lz4": [lz4.begin()]}
    for _ in range(GIBIBYTE // len(block)):
        parts["zstd"].append(zstd.compress(block))
        parts["unsized"].append(unsized.compress(block))
        parts["lz4"].append(lz4.compress(block))
    parts["zstd"].append(zstd.flush())
    parts["unsized"].append(unsized.flush())
    parts["lz4"].append(lz4.flush())
    return {name: b"".join(some) for name, some in parts.items()}


@pytest.mark.slow
@pytest.mark.parametrize("stated", [GIBIBYTE, 2**26, 1000])
@pytest.mark.parametrize("name", ["zstd", "unsized", "lz4"])
def test_a_chunk_is_never_unpacked_beyond_the_limit(
    name: str, stated: int, packed_zeros: dict[str, bytes], foreign: NewFile, tmp_path: Path
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no getrusage")
    import resource

    data = packed_zeros[name]
    compression = "lz4" if name == "lz4" else "zstd"
    foreign_chunk(foreign, tmp_path, data=data, compression=compression, uncompressed_size=stated)
    path = tmp_path / "foreign.mcap"
    assert path.stat().st_size < 10_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = read_error(path)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert "more than the 64 MiB that are read" in message or "a chunk has not the size" in message
    assert grown < 2**28, "more than 256 MiB were used"


def test_a_frame_with_very_many_bodies_is_refused(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    channel = writer.channel()
    bodies = b",".join(b'{"id":1,"joints":[]}' for _ in range(300_000))
    writer.message(channel, 1, b'{"bodies":[' + bodies + b"]}")
    writer.finish()
    assert "a frame has 6.0 MiB, more than the 4 MiB that are read" in read_error(tmp_path / "foreign.mcap")


def test_a_recording_without_frames_is_rejected(foreign: NewFile, tmp_path: Path) -> None:
    writer = foreign()
    writer.channel()
    writer.finish()
    assert read_error(tmp_path / "foreign.mcap").endswith("contains no frames; record the walk again")
    writer = foreign(use_chunking=False)
    writer.channel()
    writer.finish()
    assert read_error(tmp_path / "foreign.mcap").endswith("contains no frames; record the walk again")
