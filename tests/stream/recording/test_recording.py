"""Recordings: what is written comes back, and damage never goes unseen."""

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
from tests.stream.recording.recordings import (
    INFO,
    JOINTS,
    STARTED,
    Exact,
    body,
    exact,
    read,
    refusal,
    walk,
    write,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Exact]]:
    """A recording of four chunks, as bytes, and its frames."""
    frames = walk(7, hz=4)
    path = write(tmp_path_factory.mktemp("small") / "walk.mcap", frames)
    return path.read_bytes(), [exact(frame) for frame in frames]


# --- what is written comes back -----------------------------------------------------------------------------


def test_it_says_what_was_recorded_before_the_first_frame(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.mcap", walk(3))
    with read_recording(path) as recording:
        assert recording.info == SourceInfo("front door", "kinect-v1", "kinect-v1", live=False, finite=True)
        assert recording.started == STARTED


def test_the_start_time_is_kept_in_utc_and_is_now_where_none_is_given(tmp_path: Path) -> None:
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


finite32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
confidences = st.floats(width=32, min_value=0, max_value=1, exclude_min=True)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    joints = draw(hnp.arrays(np.float32, (JOINTS, 3), elements=finite32))
    confidence = draw(hnp.arrays(np.float32, JOINTS, elements=confidences))
    unseen = draw(st.lists(st.integers(0, JOINTS - 1), max_size=4))
    joints[unseen] = np.nan
    confidence[unseen] = 0
    return Body(draw(st.integers(0, 2**64 - 1)), joints, confidence)


@st.composite
def series(draw: st.DrawFn) -> list[BodyFrame]:
    times = draw(st.lists(st.integers(0, 2**62), unique=True, min_size=1, max_size=5))
    seen = st.lists(bodies(), max_size=2, unique_by=lambda b: b.id)
    return [BodyFrame(time_ns, tuple(draw(seen))) for time_ns in sorted(times)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(frames=series())
def test_every_number_comes_back_bit_for_bit(frames: list[BodyFrame], tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    path.unlink(missing_ok=True)
    write(path, frames)
    assert read(path) == ([exact(frame) for frame in frames], None)


def test_negative_zero_keeps_its_sign(tmp_path: Path) -> None:
    one = body(1)
    one.joints[:] = -0.0
    frames, _ = read(write(tmp_path / "walk.mcap", [BodyFrame(0, (one,))]))
    assert frames == [exact(BodyFrame(0, (one,)))]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_can_be_recorded(layout: str, tmp_path: Path) -> None:
    count = len(LAYOUTS[layout].joints)
    seen = Body(3, np.ones((count, 3), np.float32), np.ones(count, np.float32))
    frame = BodyFrame(7, (seen,))
    path = write(tmp_path / "walk.mcap", [frame], SourceInfo("s", "any", layout, live=False, finite=True))
    with read_recording(path) as recording:
        assert recording.info.layout == layout
        assert [exact(f) for f in recording] == [exact(frame)]


def test_frames_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.mcap", walk(900))
    with read_recording(path) as recording:
        tracemalloc.start()
        count = sum(1 for _ in recording)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 900
    assert peak < path.stat().st_size / 2, "the whole recording was held at once"


# --- what other readers see ---------------------------------------------------------------------------------


def test_another_mcap_reader_opens_it(tmp_path: Path) -> None:
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
    """Hold a message to the part of JSON Schema that Foxglove and Lichtblick understand, and no more."""
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
            assert schema["items"]["type"] in ("object", "number", "integer"), (
                "viewers refuse arrays in arrays"
            )
            for item in value:
                check_against_schema(item, schema["items"])
        case "integer":
            assert isinstance(value, int)
        case "number":
            assert isinstance(value, int | float)
            assert schema.get("minimum", value) <= value <= schema.get("maximum", value)
        case other:
            pytest.fail(f"viewers do not know the type {other}")


def test_numbers_have_at_most_nine_significant_digits(tmp_path: Path) -> None:
    with write(tmp_path / "walk.mcap", walk(8)).open("rb") as file:
        text = b"".join(message.data for _, _, message in make_reader(file).iter_messages()).decode()
    numbers = re.findall(r'"[xyz]":-?([0-9.]+)', text)
    assert len(numbers) > 300
    assert max(len(number.replace(".", "").lstrip("0")) for number in numbers) == 9


# --- writing: refusals --------------------------------------------------------------------------------------


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "walk.mcap"
    path.write_text("precious")
    with pytest.raises(UserError, match="exists already; give another name"):
        RecordingWriter(path, INFO)
    assert path.read_text() == "precious"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory; give a place"):
        RecordingWriter(tmp_path / "missing" / "walk.mcap", INFO)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        RecordingWriter(tmp_path / "file" / "walk.mcap", INFO)


def test_a_recording_without_frames_leaves_no_file(tmp_path: Path) -> None:
    path = write(tmp_path / "walk.mcap", [])
    assert not path.exists()
    write(path, walk(1))
    assert len(read(path)[0]) == 1


def changed(**parts: Any) -> Body:
    good = body(1, unseen=(2,))
    return Body(1, parts.get("joints", good.joints), parts.get("confidence", good.confidence))


def with_value(array: Any, index: Any, value: float) -> Any:
    array = array.copy()
    array[index] = value
    return array


GOOD = body(1, unseen=(2,))
WRONG_FRAMES: dict[str, tuple[BodyFrame, str]] = {
    "same time": (BodyFrame(5, ()), "frame of 5 ns after one of 5 ns"),
    "earlier": (BodyFrame(4, ()), "frame of 4 ns"),
    "before the source": (BodyFrame(-1, ()), "frame of -1 ns"),
    "joints": (BodyFrame(6, (changed(joints=GOOD.joints[:5], confidence=GOOD.confidence[:5]),)), "5 joints"),
    "confidences": (BodyFrame(6, (changed(confidence=GOOD.confidence[:5]),)), "joints instead of 20"),
    "float64": (BodyFrame(6, (changed(joints=GOOD.joints.astype(np.float64)),)), "not float32"),
    "half seen": (BodyFrame(6, (changed(joints=with_value(GOOD.joints, (3, 1), np.nan)),)), "some finite"),
    "infinite": (BodyFrame(6, (changed(joints=with_value(GOOD.joints, 3, np.inf)),)), "some finite"),
    "sure of unseen": (BodyFrame(6, (changed(confidence=with_value(GOOD.confidence, 2, 0.5)),)), "belies"),
    "unsure of seen": (BodyFrame(6, (changed(confidence=with_value(GOOD.confidence, 3, 0)),)), "belies"),
    "too sure": (BodyFrame(6, (changed(confidence=with_value(GOOD.confidence, 3, 1.1)),)), "outside 0..1"),
    "NaN sure": (BodyFrame(6, (changed(confidence=with_value(GOOD.confidence, 2, np.nan)),)), "outside 0..1"),
    "twins": (BodyFrame(6, (GOOD, GOOD)), "same id"),
}


@pytest.mark.parametrize("name", WRONG_FRAMES)
def test_a_frame_that_breaks_the_contract_is_refused_and_the_rest_stands(name: str, tmp_path: Path) -> None:
    wrong, words = WRONG_FRAMES[name]
    path = tmp_path / "walk.mcap"
    first = BodyFrame(5, (GOOD,))
    with pytest.raises(RunError, match=words), RecordingWriter(path, INFO) as writer:
        writer.write(first)
        writer.write(wrong)
    assert read(path) == ([exact(first)], None)


def test_a_full_disk_is_said_and_what_was_written_stands(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "walk.mcap"
    frames = walk(200)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    written = 0
    with pytest.raises(RunError, match=r"could not be written on after .* s: File too large"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
        try:
            with RecordingWriter(path, INFO) as writer:
                for frame in frames:
                    writer.write(frame)
                    written += 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    given_frames, error = read(path)
    assert isinstance(error, TruncatedRecording)
    assert given_frames == [exact(frame) for frame in frames[: len(given_frames)]]
    assert frames[written].time_ns - given_frames[-1][0] < 1e9


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "walk.mcap", INFO)
    writer.write(walk(1)[0])
    writer.close()
    writer.close()
    recording = read_recording(tmp_path / "walk.mcap")
    recording.close()
    recording.close()


# --- cut off ------------------------------------------------------------------------------------------------


def chunk_ends(data: bytes) -> list[tuple[int, int]]:
    """Where each chunk of an MCAP file ends, and how many messages stand before that."""
    stream = io.BytesIO(data)
    ends = []
    messages = 0
    for record in StreamReader(stream, emit_chunks=True).records:
        if isinstance(record, Chunk):
            messages += sum(type(inner).__name__ == "Message" for inner in breakup_chunk(record))
            ends.append((stream.tell(), messages))
    return ends


def test_a_recording_cut_at_any_byte_gives_its_whole_chunks_and_then_says_so(
    small: tuple[bytes, list[Exact]], tmp_path: Path
) -> None:
    data, frames = small
    ends = chunk_ends(data)
    assert [messages for _, messages in ends] == [1, 3, 5, 7]
    path = tmp_path / "cut.mcap"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        given_frames, error = read(path)
        whole = max((messages for end, messages in ends if end <= length), default=0)
        assert given_frames == frames[:whole], f"cut at {length}"
        assert error is not None and str(path) in str(error)
        assert isinstance(error, TruncatedRecording) == (length >= 8), f"cut at {length}: {error}"
    path.write_bytes(data)
    assert read(path) == (frames, None)


def test_the_error_says_after_how_many_seconds_and_what_to_do(
    small: tuple[bytes, list[Exact]], tmp_path: Path
) -> None:
    data, _ = small
    path = tmp_path / "cut.mcap"
    path.write_bytes(data[:-1])
    _, error = read(path)
    assert str(error) == (
        f"{path} is cut off after 1.5 s; what stands before was used; "
        f"`sge-stream convert {path} OUT.mcap` writes a whole recording of it"
    )
    path.write_bytes(data[:40])
    assert refusal(path) == f"{path} is cut off before its first frame; record the walk again"


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
        # What it still reported before it died was written as well.
        rest = process.stdout.read().splitlines()
        written = int(rest[-1]) if rest and rest[-1].isdigit() else frames - 1
    given_frames, error = read(path)
    assert isinstance(error, TruncatedRecording)
    assert [time_ns for time_ns, _ in given_frames] == [i * 33_333_333 for i in range(len(given_frames))]
    assert written * 33_333_333 - given_frames[-1][0] < 1e9


# --- damage -------------------------------------------------------------------------------------------------


def damaged(path: Path, data: bytes, frames: list[Exact]) -> DataError | None:
    """Read damaged bytes: only good frames may be given, and an error unless it is all of them."""
    path.write_bytes(data)
    given_frames, error = read(path)
    assert given_frames == frames[: len(given_frames)]
    assert error is not None or given_frames == frames
    assert error is None or str(path) in str(error)
    return error


def test_a_flipped_bit_in_any_byte_is_found(small: tuple[bytes, list[Exact]], tmp_path: Path) -> None:
    data, frames = small
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << (place % 8)
        error = damaged(tmp_path / "flipped.mcap", bytes(flipped), frames)
        assert error is not None, f"a flipped bit in byte {place} was not found"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(draw=st.data())
def test_bytes_changed_dropped_or_put_in_never_give_a_wrong_frame(
    draw: st.DataObject, small: tuple[bytes, list[Exact]], tmp_path: Path
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
def test_a_cut_off_recording_with_a_changed_byte_never_gives_a_wrong_frame(
    draw: st.DataObject, small: tuple[bytes, list[Exact]], tmp_path: Path
) -> None:
    data, frames = small
    cut = bytearray(data[: draw.draw(st.integers(1, len(data) - 1), "length")])
    place = draw.draw(st.integers(0, len(cut) - 1), "place")
    cut[place] ^= draw.draw(st.integers(1, 255), "mask")
    assert damaged(tmp_path / "cut.mcap", bytes(cut), frames) is not None


def test_a_missing_chunk_is_found_before_the_next_frame(
    small: tuple[bytes, list[Exact]], tmp_path: Path
) -> None:
    data, frames = small
    (_, _), (start, _), (end, _), _ = chunk_ends(data)
    path = tmp_path / "hole.mcap"
    path.write_bytes(data[:start] + data[end:])
    given_frames, error = read(path)
    assert given_frames == frames[:3]
    assert re.search(r"damaged after 0\.5 s: after frame 2 comes frame 5", str(error))


def test_a_recording_is_an_iterator_that_ends(tmp_path: Path) -> None:
    with read_recording(write(tmp_path / "walk.mcap", walk(2))) as recording:
        assert isinstance(recording, Recording)
        assert len(list(recording)) == 2
        assert list(recording) == []
