from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
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
from mcap.writer import CompressionType, Writer

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import DataError, RunError, UserError
from stream.recording import Recording, RecordingWriter, TruncatedRecording, read_recording
from stream.skeleton import LAYOUTS

INFO = SourceInfo("front door", "kinect-v1", "kinect-v1", live=True, finite=False)
JOINTS = len(LAYOUTS["kinect-v1"].joints)
STARTED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

Exact = tuple[int, tuple[tuple[int, bytes, bytes], ...]]


def body(seed: int, *, unseen: tuple[int, ...] = (), number: int = 1) -> Body:
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 2, (JOINTS, 3)).astype(np.float32)
    confidence = rng.uniform(0.01, 1, JOINTS).astype(np.float32)
    joints[list(unseen)] = np.nan
    confidence[list(unseen)] = 0
    return Body(number, joints, confidence)


def walk(frames: int, *, hz: float = 30.0) -> list[BodyFrame]:
    return [
        BodyFrame(round(i * 1e9 / hz) + 5, (body(i, unseen=(i % JOINTS,)),) if i % 4 else ())
        for i in range(frames)
    ]


def exact(frame: BodyFrame) -> Exact:
    return frame.time_ns, tuple((b.id, b.joints.tobytes(), b.confidence.tobytes()) for b in frame.bodies)


def write(path: Path, frames: Iterable[BodyFrame], info: SourceInfo = INFO) -> Path:
    with RecordingWriter(path, info, started=STARTED) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def read(path: Path) -> tuple[list[Exact], DataError | None]:
    """All frames that a file gives, and the error that it ends with."""
    frames: list[Exact] = []
    try:
        with read_recording(path) as recording:
            for frame in recording:
                frames.append(exact(frame))
    except DataError as error:
        return frames, error
    return frames, None


def refusal(path: Path) -> str:
    frames, error = read(path)
    assert error is not None
    assert not frames
    assert str(path) in str(error)
    return str(error)


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
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


# --- foreign files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "it is empty"), (b"Head;0.1;0.2;2.5\n", "begins with b'Head;0.1'"), (b"\x89MCAP", "MCAP")],
)
def test_a_file_that_is_no_mcap_file_is_refused(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "1.txt"
    path.write_bytes(content)
    message = refusal(path)
    assert "is not an MCAP recording" in message
    assert found in message
    assert "`sge-stream convert`" in message


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be opened: No such file or directory" in refusal(tmp_path / "no.mcap")
    assert "cannot be opened: " in refusal(tmp_path)


class Foreign:
    """An MCAP file written by hand, a recording but for what a test changes."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.file = path.open("wb")
        self.writer = Writer(self.file, **options)
        self.writer.start()
        self.sequence = 0

    def channel(
        self, *, schema: str = "sge.BodyFrame", encoding: str = "json", **metadata: str | None
    ) -> int:
        known = {"format": "1", "source": "s", "sensor": "kinect-v1", "layout": "kinect-v1"}
        known |= {"started": "2026-03-01T12:30:00+00:00"}
        texts = {key: text for key, text in (known | metadata).items() if text is not None}
        number = self.writer.register_schema(schema, "jsonschema", b"{}") if schema else 0
        return self.writer.register_channel("bodies", encoding, number, texts)

    def message(self, channel: int, time_ns: int, data: bytes = b'{"bodies":[]}', *, skip: int = 0) -> None:
        self.sequence += skip
        self.writer.add_message(channel, time_ns, data, time_ns, self.sequence)
        self.sequence += 1

    def finish(self) -> None:
        self.writer.finish()  # type: ignore[no-untyped-call]
        self.file.close()


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Callable[..., Foreign]]:
    made: list[Foreign] = []

    def make(**options: Any) -> Foreign:
        made.append(Foreign(tmp_path / "foreign.mcap", **options))
        return made[-1]

    yield make
    for one in made:
        one.file.close()


def test_a_recording_by_another_writer_is_read(foreign: Callable[..., Foreign], tmp_path: Path) -> None:
    writer = foreign(compression=CompressionType.LZ4)
    channel = writer.channel()
    writer.message(channel, 3)
    writer.message(channel, 4, b'{"bodies": [], "note": "a later version may say more"}')
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
def test_an_mcap_file_of_another_program_is_refused(
    channel: dict[str, str], found: str, chunked: bool, foreign: Callable[..., Foreign], tmp_path: Path
) -> None:
    writer = foreign(use_chunking=chunked)
    writer.message(writer.channel(**channel), 0)
    writer.finish()
    message = refusal(tmp_path / "foreign.mcap")
    assert "is an MCAP file of another program: expected sge.BodyFrame messages as json" in message
    assert found in message


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"layout": "octopus"}, "layout 'octopus', which is not known here; known are kinect-v1"),
        ({"layout": None}, r"does not say what was recorded \('layout'\)"),
        ({"started": "yesterday"}, "does not say what was recorded"),
        ({"format": "2"}, "has the recording format '2', this version reads '1': use a newer sge-stream"),
        ({"format": None}, "has the recording format None"),
    ],
)
def test_a_source_that_is_not_known_is_refused(
    metadata: dict[str, str | None], words: str, foreign: Callable[..., Foreign], tmp_path: Path
) -> None:
    writer = foreign()
    writer.message(writer.channel(**metadata), 0)  # type: ignore[arg-type]
    writer.finish()
    assert re.search(words, refusal(tmp_path / "foreign.mcap"))


JOINT = '{"x":1,"y":2,"z":3,"confidence":1}'


def one_body(*joints: str) -> bytes:
    return f'{{"bodies":[{{"id":1,"joints":[{",".join(joints)}]}}]}}'.encode()


@pytest.mark.parametrize(
    ("data", "words"),
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
        (one_body(*[JOINT] * 19, '{"confidence":1}'), "belies"),
        (one_body(*[JOINT] * 19, '{"x":1,"y":2,"z":3,"confidence":7}'), "outside 0..1"),
        (one_body(*[JOINT] * 19, '{"x":null,"y":null,"z":null,"confidence":0}'), "not a message"),
        (b'{"bodies":[{"id":1,"joints":[]},{"id":1,"joints":[]}]}', "same id"),
    ],
)
def test_a_malformed_frame_ends_the_recording_there(
    data: bytes, words: str, foreign: Callable[..., Foreign], tmp_path: Path
) -> None:
    writer = foreign()
    channel = writer.channel()
    writer.message(channel, 1_500_000_000)
    writer.message(channel, 1_600_000_000, data)
    writer.finish()
    given_frames, error = read(tmp_path / "foreign.mcap")
    assert given_frames == [(1_500_000_000, ())]
    assert "is damaged after 1.5 s" in str(error)
    assert words in str(error)


def test_times_have_to_increase(foreign: Callable[..., Foreign], tmp_path: Path) -> None:
    writer = foreign()
    channel = writer.channel()
    for time_ns in (1, 2, 2):
        writer.message(channel, time_ns)
    writer.finish()
    given_frames, error = read(tmp_path / "foreign.mcap")
    assert given_frames == [(1, ()), (2, ())]
    assert isinstance(error, DataError)


def test_a_second_channel_is_refused(foreign: Callable[..., Foreign], tmp_path: Path) -> None:
    writer = foreign()
    writer.message(writer.channel(), 1)
    writer.message(writer.channel(source="another"), 2)
    writer.finish()
    given_frames, error = read(tmp_path / "foreign.mcap")
    assert given_frames == [(1, ())]
    assert "second channel" in str(error)


def test_a_frame_on_an_unknown_channel_is_refused(foreign: Callable[..., Foreign], tmp_path: Path) -> None:
    writer = foreign()
    writer.message(writer.channel(), 1)
    writer.message(9, 2)
    writer.finish()
    given_frames, error = read(tmp_path / "foreign.mcap")
    assert given_frames == [(1, ())]
    assert "unknown channel" in str(error)
    writer = foreign()
    writer.message(1, 1)
    writer.message(writer.channel(), 2)
    writer.finish()
    assert "a frame comes before its channel" in refusal(tmp_path / "foreign.mcap")


def test_frames_without_a_checksum_are_refused(foreign: Callable[..., Foreign], tmp_path: Path) -> None:
    writer = foreign(enable_crcs=False)
    writer.message(writer.channel(), 1)
    writer.finish()
    assert "a chunk has no checksum" in refusal(tmp_path / "foreign.mcap")
    writer = foreign(use_chunking=False)
    writer.message(writer.channel(), 1)
    writer.finish()
    assert "a message stands outside the chunks" in refusal(tmp_path / "foreign.mcap")


def test_a_recording_without_frames_is_refused(foreign: Callable[..., Foreign], tmp_path: Path) -> None:
    writer = foreign()
    writer.channel()
    writer.finish()
    assert refusal(tmp_path / "foreign.mcap").endswith("holds no frames: record the walk again")
    writer = foreign(use_chunking=False)
    writer.channel()
    writer.finish()
    assert refusal(tmp_path / "foreign.mcap").endswith("holds no frames: record the walk again")


def test_a_recording_is_an_iterator_that_ends(tmp_path: Path) -> None:
    with read_recording(write(tmp_path / "walk.mcap", walk(2))) as recording:
        assert isinstance(recording, Recording)
        assert len(list(recording)) == 2
        assert list(recording) == []
