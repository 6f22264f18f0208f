"""Tests of recordings: exact round trips, and detection of all damage."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mcap.reader import make_reader
from mcap.records import Chunk
from mcap.stream_reader import StreamReader, breakup_chunk

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import DataError, RunError, UserError
from stream.recording import Recording, RecordingWriter, TruncatedRecording, read_recording
from stream.skeleton import LAYOUTS
from stream.unseen_joints import FARTHEST
from tests.stream.recording.recordings import (
    INFO,
    JOINTS,
    STARTED,
    ExactFrame,
    body,
    exact,
    read,
    read_error,
    walk,
    write,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[ExactFrame]]:
    """A recording of four chunks, as bytes, and its frames."""
    frames = walk(7, hz=4)
    path = write(tmp_path_factory.mktemp("small") / "walk.mcap", frames)
    return path.read_bytes(), [exact(frame) for frame in frames]


# --- round trips --------------------------------------------------------------------------------------------


def test_the_source_is_known_before_the_first_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.mcap", walk(3))
    with read_recording(path) as recording:
        assert recording.info == SourceInfo("front door", "kinect-v1", "kinect-v1", live=False, finite=True)
        assert recording.started == STARTED


def test_the_start_time_is_in_utc_and_defaults_to_now(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with RecordingWriter(tmp_path / "now.mcap", INFO) as writer:
        writer.write(walk(1)[0])
    with read_recording(tmp_path / "now.mcap") as recording:
        assert before <= recording.started <= datetime.now(UTC)
    local = STARTED.astimezone(timezone(timedelta(hours=5)))
    with RecordingWriter(tmp_path / "local.mcap", INFO, started=local) as writer:
        writer.write(walk(1)[0])
    with read_recording(tmp_path / "local.mcap") as recording:
        assert recording.started == STARTED
        assert recording.started.tzinfo is UTC


places = st.floats(-FARTHEST, FARTHEST, width=32)
confidences = st.floats(width=32, min_value=0, max_value=1, exclude_min=True)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    joints = draw(hnp.arrays(np.float32, (JOINTS, 3), elements=places))
    confidence = draw(hnp.arrays(np.float32, JOINTS, elements=confidences))
    missing = draw(st.lists(st.integers(0, JOINTS - 1), max_size=4))
    joints[(joints == 0).all(axis=1)] = 1  # at the origin it would be unseen
    joints[missing] = np.nan
    confidence[missing] = 0
    return Body(draw(st.integers(0, 2**64 - 1)), joints, confidence)


@st.composite
def series(draw: st.DrawFn) -> list[BodyFrame]:
    times = draw(st.lists(st.integers(0, 2**62), unique=True, min_size=1, max_size=5))
    frame_bodies = st.lists(bodies(), max_size=2, unique_by=lambda b: b.id)
    return [BodyFrame(time_ns, tuple(draw(frame_bodies))) for time_ns in sorted(times)]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(frames=series())
def test_every_number_round_trips_bit_for_bit(frames: list[BodyFrame], tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    path.unlink(missing_ok=True)
    write(path, frames)
    assert read(path) == ([exact(frame) for frame in frames], None)


def test_negative_zero_keeps_its_sign(tmp_path: Path) -> None:
    negative = body(1)
    negative.joints[:, 1:] = -0.0
    frames, _ = read(write(tmp_path / "walk.mcap", [BodyFrame(0, (negative,))]))
    assert frames == [exact(BodyFrame(0, (negative,)))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_can_be_recorded(layout: str, tmp_path: Path) -> None:
    count = len(LAYOUTS[layout].joints)
    recorded = Body(3, np.ones((count, 3), np.float32), np.ones(count, np.float32))
    frame = BodyFrame(7, (recorded,))
    path = write(tmp_path / "walk.mcap", [frame], SourceInfo("s", "any", layout, live=False, finite=True))
    with read_recording(path) as recording:
        assert recording.info.layout == layout
        assert [exact(f) for f in recording] == [exact(frame)]


def test_frames_are_read_lazily(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.mcap", walk(900))
    with read_recording(path) as recording:
        tracemalloc.start()
        count = sum(1 for _ in recording)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 900
    assert peak < path.stat().st_size / 2, "the whole recording was in memory"


# --- other readers ------------------------------------------------------------------------------------------


def test_another_mcap_reader_opens_a_recording(tmp_path: Path) -> None:
    frames = walk(40)
    with write(tmp_path / "walk.mcap", frames).open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.statistics.message_count == 40
        assert summary.statistics.message_start_time == frames[0].time_ns
        assert summary.statistics.message_end_time == frames[-1].time_ns
        (channel,) = summary.channels.values()
        assert (channel.topic, channel.message_encoding) == ("bodies", "json")
        assert channel.metadata == {
            "format": "1",
            "source": "front door",
            "sensor": "kinect-v1",
            "layout": "kinect-v1",
            "joints": ",".join(LAYOUTS["kinect-v1"].joints),
            "clock": "nanoseconds since the source began",
            "started": "2026-03-01T12:30:00+00:00",
        }
        for number, (schema, _, message) in enumerate(reader.iter_messages()):
            assert schema is not None and (schema.name, schema.encoding) == ("sge.BodyFrame", "jsonschema")
            assert message.log_time == message.publish_time == frames[number].time_ns
            assert message.sequence == number
            check_against_schema(json.loads(message.data), json.loads(schema.data))


def check_against_schema(value: Any, schema: dict[str, Any]) -> None:
    """Check a message against the subset of JSON Schema that Foxglove and Lichtblick support."""
    match schema["type"]:
        case "object":
            assert isinstance(value, dict)
            assert set(schema.get("required", ())) <= value.keys() <= schema["properties"].keys()
            for key, needed in schema.get("dependentRequired", {}).items():
                assert key not in value or set(needed) <= value.keys()
            for key in value:
                check_against_schema(value[key], schema["properties"][key])
        case "array":
            assert isinstance(value, list)
            assert schema["items"]["type"] in ("object", "number", "integer"), "viewers reject nested arrays"
            for item in value:
                check_against_schema(item, schema["items"])
        case "integer":
            assert isinstance(value, int)
        case "number":
            assert isinstance(value, int | float)
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value)
        case other:
            pytest.fail(f"viewers do not support the type {other}")


def test_numbers_have_at_most_nine_significant_digits(tmp_path: Path) -> None:
    with write(tmp_path / "walk.mcap", walk(8)).open("rb") as file:
        text = b"".join(message.data for _, _, message in make_reader(file).iter_messages()).decode()
    numbers = re.findall(r'"[xyz]":-?([0-9.]+)', text)
    assert len(numbers) > 300
    assert max(len(number.replace(".", "").lstrip("0")) for number in numbers) == 9


# --- writing: errors ----------------------------------------------------------------------------------------


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    path.write_text("precious")
    with pytest.raises(UserError, match="exists already; give another name"):
        RecordingWriter(path, INFO)
    assert path.read_text() == "precious"


def test_a_path_that_cannot_be_written_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory; give a path"):
        RecordingWriter(tmp_path / "missing" / "walk.mcap", INFO)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        RecordingWriter(tmp_path / "file" / "walk.mcap", INFO)


def test_a_recording_without_frames_leaves_no_file(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.mcap", [])
    assert not path.exists()
    write(path, walk(1))
    assert len(read(path)[0]) == 1


def body_with(**parts: Any) -> Body:
    good = body(1, missing=(2,))
    return Body(1, parts.get("joints", good.joints), parts.get("confidence", good.confidence))


def with_value(array: Any, index: Any, value: float) -> Any:
    array = array.copy()
    array[index] = value
    return array


GOOD = body(1, missing=(2,))
INVALID_FRAMES: dict[str, tuple[BodyFrame, str]] = {
    "same time": (BodyFrame(5, ()), "frame at 5 ns after one at 5 ns"),
    "earlier": (BodyFrame(4, ()), "frame at 4 ns"),
    "before the source": (BodyFrame(-1, ()), "frame at -1 ns"),
    "joints": (
        BodyFrame(6, (body_with(joints=GOOD.joints[:5], confidence=GOOD.confidence[:5]),)),
        "5 joints",
    ),
    "confidences": (BodyFrame(6, (body_with(confidence=GOOD.confidence[:5]),)), "joints instead of 20"),
    "float64": (BodyFrame(6, (body_with(joints=GOOD.joints.astype(np.float64)),)), "not float32"),
    "confidence above 1": (
        BodyFrame(6, (body_with(confidence=with_value(GOOD.confidence, 3, 1.1)),)),
        "outside 0..1",
    ),
    "NaN confidence": (
        BodyFrame(6, (body_with(confidence=with_value(GOOD.confidence, 2, np.nan)),)),
        "outside 0..1",
    ),
    "duplicate id": (BodyFrame(6, (GOOD, GOOD)), "same id"),
}


@pytest.mark.parametrize("name", INVALID_FRAMES)
def test_an_invalid_frame_is_rejected_and_earlier_frames_remain(name: str, tmp_path: Path) -> None:
    invalid, expected = INVALID_FRAMES[name]
    path = tmp_path / "walk.mcap"
    first = BodyFrame(5, (GOOD,))
    with pytest.raises(RunError, match=expected), RecordingWriter(path, INFO) as writer:
        writer.write(first)
        writer.write(invalid)
    assert read(path) == ([exact(first)], None)


@pytest.mark.parametrize(
    ("lost", "confidence"),
    [
        ((np.nan, np.nan, np.nan), 1),
        ((1, np.nan, 2), 1),
        ((1, 2, np.inf), 0.5),
        ((1, 2, 3), 0),
        ((0, 0, 0), 1),
    ],
)
def test_an_unseen_joint_is_recorded_as_unseen(
    lost: tuple[float, ...], confidence: float, tmp_path: Path
) -> None:
    given = body(1)
    given.joints[4], given.confidence[4] = lost, confidence
    written = [BodyFrame(n * 33_000_000, (given if n == 9 else body(1),)) for n in range(12)]
    with read_recording(write(tmp_path / "walk.mcap", written)) as recording:
        seen = np.array([frame.bodies[0].confidence > 0 for frame in recording])
    assert np.argwhere(~seen).tolist() == [[9, 4]]


def test_a_full_disk_is_reported_and_earlier_frames_remain(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "walk.mcap"
    frames = walk(200)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    written = 0
    with pytest.raises(RunError, match=r"writing .* failed after .* s: File too large"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
        try:
            with RecordingWriter(path, INFO) as writer:
                for frame in frames:
                    writer.write(frame)
                    written += 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    frames_read, error = read(path)
    assert isinstance(error, TruncatedRecording)
    assert frames_read == [exact(frame) for frame in frames[: len(frames_read)]]
    assert frames[written].time_ns - frames_read[-1][0] < 1e9


def test_close_may_be_called_twice(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "walk.mcap", INFO)
    writer.write(walk(1)[0])
    writer.close()
    writer.close()
    recording = read_recording(tmp_path / "walk.mcap")
    recording.close()
    recording.close()


# --- truncation ---------------------------------------------------------------------------------------------


def chunk_ends(data: bytes) -> list[tuple[int, int]]:
    """Returns the end of each chunk of an MCAP file, and the number of messages before it."""
    stream = io.BytesIO(data)
    ends = []
    messages = 0
    for record in StreamReader(stream, emit_chunks=True).records:
        if isinstance(record, Chunk):
            messages += sum(type(inner).__name__ == "Message" for inner in breakup_chunk(record))
            ends.append((stream.tell(), messages))
    return ends


@pytest.mark.slow
def test_a_recording_truncated_at_any_byte_gives_its_complete_chunks_and_an_error(
    small: tuple[bytes, list[ExactFrame]], tmp_path: Path
) -> None:
    data, frames = small
    ends = chunk_ends(data)
    assert [messages for _, messages in ends] == [1, 3, 5, 7]
    path = tmp_path / "cut.mcap"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        frames_read, error = read(path)
        whole = max((messages for end, messages in ends if end <= length), default=0)
        assert frames_read == frames[:whole], f"cut at {length}"
        assert error is not None and str(path) in str(error)
        assert isinstance(error, TruncatedRecording) == (length >= 8), f"cut at {length}: {error}"
    path.write_bytes(data)
    assert read(path) == (frames, None)


def test_the_truncation_error_gives_the_time_and_the_fix(
    small: tuple[bytes, list[ExactFrame]], tmp_path: Path
) -> None:
    data, _ = small
    path = tmp_path / "cut.mcap"
    path.write_bytes(data[:-1])
    _, error = read(path)
    assert str(error) == (
        f"{path} is truncated after 1.5 s; the frames before that were used; "
        f"`sge-stream convert {path} OUT.mcap` writes a complete recording of them"
    )
    path.write_bytes(data[:40])
    assert read_error(path) == f"{path} is truncated before its first frame; record the walk again"


WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
import numpy as np
from stream.body import Body, BodyFrame, SourceInfo
from stream.recording import RecordingWriter

info = SourceInfo("s", "kinect-v1", "kinect-v1", live=True, finite=False)
writer = RecordingWriter(Path(sys.argv[1]), info)
rng = np.random.default_rng(0)
number = 0
while True:
    joints = rng.normal(size=(20, 3)).astype(np.float32)
    writer.write(BodyFrame(number * 33_333_333, (Body(1, joints, np.ones(20, np.float32)),)))
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("frames", [1, 17, 250])
def test_a_killed_recorder_loses_less_than_a_second(frames: int, tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    with subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for _ in range(frames):
            process.stdout.readline()
        process.kill()
        # Frames reported before the process ended were written too.
        rest = process.stdout.read().splitlines()
        written = int(rest[-1]) if rest and rest[-1].isdigit() else frames - 1
    frames_read, error = read(path)
    assert isinstance(error, TruncatedRecording)
    assert [time_ns for time_ns, _ in frames_read] == [i * 33_333_333 for i in range(len(frames_read))]
    assert written * 33_333_333 - frames_read[-1][0] < 1e9


# --- damage -------------------------------------------------------------------------------------------------


def damaged(path: Path, data: bytes, frames: list[ExactFrame]) -> DataError | None:
    """Read damaged bytes; check that all frames are valid, and that there is an error if any is missing."""
    path.write_bytes(data)
    frames_read, error = read(path)
    assert frames_read == frames[: len(frames_read)]
    assert error is not None or frames_read == frames
    assert error is None or str(path) in str(error)
    return error


@pytest.mark.slow
def test_a_flipped_bit_in_any_byte_is_detected(small: tuple[bytes, list[ExactFrame]], tmp_path: Path) -> None:
    data, frames = small
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << (place % 8)
        error = damaged(tmp_path / "flipped.mcap", bytes(flipped), frames)
        assert error is not None, f"a flipped bit in byte {place} was not detected"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(draw=st.data())
def test_changed_removed_or_inserted_bytes_never_give_a_wrong_frame(
    draw: st.DataObject, small: tuple[bytes, list[ExactFrame]], tmp_path: Path
) -> None:
    data, frames = small
    start = draw.draw(st.integers(0, len(data) - 1), "start")
    stop = draw.draw(st.integers(start, min(len(data), start + 64)), "stop")
    middle = draw.draw(st.binary(max_size=64), "middle")
    mutant = data[:start] + middle + data[stop:]
    if mutant != data:
        damaged(tmp_path / "mutant.mcap", mutant, frames)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(draw=st.data())
def test_a_truncated_recording_with_a_changed_byte_never_gives_a_wrong_frame(
    draw: st.DataObject, small: tuple[bytes, list[ExactFrame]], tmp_path: Path
) -> None:
    data, frames = small
    cut = bytearray(data[: draw.draw(st.integers(1, len(data) - 1), "length")])
    place = draw.draw(st.integers(0, len(cut) - 1), "place")
    cut[place] ^= draw.draw(st.integers(1, 255), "mask")
    assert damaged(tmp_path / "cut.mcap", bytes(cut), frames) is not None


def test_a_missing_chunk_is_detected_before_the_next_frame(
    small: tuple[bytes, list[ExactFrame]], tmp_path: Path
) -> None:
    data, frames = small
    (_, _), (start, _), (end, _), _ = chunk_ends(data)
    path = tmp_path / "hole.mcap"
    path.write_bytes(data[:start] + data[end:])
    frames_read, error = read(path)
    assert frames_read == frames[:3]
    assert re.search(r"damaged after 0\.5 s: frame 5 follows frame 2, so frames are missing", str(error))


def test_a_recording_is_an_iterator_that_ends(tmp_path: Path) -> None:
    with read_recording(write(tmp_path / "walk.mcap", walk(2))) as recording:
        assert isinstance(recording, Recording)
        assert len(list(recording)) == 2
        assert list(recording) == []
