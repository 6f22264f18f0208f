"""The readers of files that users give, as `tools.trials.fuzz_readers` tries them.

To add a reader, add a line to `READERS`: a name, the name of its file, the parts of a valid file, how a file
is made of them, and how it is read. Parts are damaged as well as the file made of them, since a change of a
packed file rarely gets past its checksums.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mcap.writer import CompressionType, Writer
from safetensors.numpy import save

from encoder.model import EncoderConfig
from encoder.training.train_config import read_train_config
from encoder.weights import load_encoder, load_weights, save_weights, seeded_state
from gallery.scoring.backend import load_backend
from stream.recording import read_recording
from stream.recording.frame_json import encode_bodies
from stream.skeleton import CANONICAL
from stream.sources.camera.video_reader import VideoReader
from stream.sources.simulated import parse_simulated, simulated_frames
from stream.system.settings import read_config
from tools.datasets import open_dataset, read_walks
from tools.trials.video_files import FORMATS, write_video

__all__ = ["READERS", "FuzzedReader"]

_FRAMES = 24
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class FuzzedReader:
    """A reader and its valid file.

    Attributes:
        name: for `--reader`.
        file: name of the file, in a folder of its own.
        parts: makes the parts of a valid file.
        build: makes the file of parts.
        read: reads the file to its end; raises `stream.errors.SgeError` if it is wrong.
    """

    name: str
    file: str
    parts: Callable[[], list[bytes]]
    build: Callable[[Sequence[bytes]], bytes]
    read: Callable[[Path], object]


def _frames() -> Iterator[tuple[int, bytes]]:
    frames = simulated_frames(parse_simulated({"n": "2", "seed": "7", "seconds": "1", "live": "0"}))
    for frame, _ in zip(frames, range(_FRAMES), strict=False):
        yield frame.time_ns, encode_bodies(frame.bodies, len(CANONICAL))


def _messages() -> list[bytes]:
    return [message for _, message in _frames()]


def _mcap(**options: object) -> Callable[[Sequence[bytes]], bytes]:
    def build(messages: Sequence[bytes]) -> bytes:
        file = io.BytesIO()
        writer = Writer(file, **options)  # type: ignore[arg-type]
        writer.start()
        schema = writer.register_schema("sge.BodyFrame", "jsonschema", b"{}")
        metadata = {"format": "1", "source": "s", "sensor": "kinect-v1", "layout": "kinect-v1"}
        metadata |= {"started": "2026-03-01T12:30:00+00:00"}
        channel = writer.register_channel("bodies", "json", schema, metadata)
        for number, message in enumerate(messages):
            time_ns = number * 33_000_000
            writer.add_message(channel, time_ns, message, time_ns, number)
        writer.finish()  # type: ignore[no-untyped-call]
        return file.getvalue()

    return build


def _read_recording(path: Path) -> None:
    with read_recording(path) as recording:
        deque(recording, maxlen=0)


def _joints() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.5, 3, (8, 20, 3)).astype(np.float32)


def _packed() -> list[bytes]:
    """The members of a packed file, with their names; see `_zip`."""
    columns = {
        "offsets": np.array([0, 3, 8]),
        "subject": np.array([4, 4], np.int16),
        "trial": np.array(["a", "b"]),
        "fps": np.float32(25),
        "joint_names": np.array(CANONICAL),
        "sensor_kind": np.array("kinect-v1"),
        "joints": _joints(),
    }
    return [_member(name, np.asarray(array)) for name, array in columns.items()]


def _casia_arrays() -> list[bytes]:
    return [_member(f"001-nm-0{n}-090", _joints()[:, :14]) for n in (1, 2)]


def _member(name: str, array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return f"{name}.npy\n".encode() + file.getvalue()


def _zip(members: Sequence[bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        known: set[str] = set()
        for member in members:
            name, _, content = member.partition(b"\n")
            text = name.decode("latin-1")[:60] or "x"
            if text not in known:
                known.add(text)
                archive.writestr(text, content)
    return file.getvalue()


def _whole(parts: Sequence[bytes]) -> bytes:
    return b"".join(parts)


def _read_walks(path: Path) -> None:
    deque(read_walks(path), maxlen=0)


def _read_folder(path: Path) -> None:
    _read_walks(path.parent)


def _read_weights(path: Path) -> None:
    load_weights(path)
    load_encoder(path)


def _kgbd() -> list[bytes]:
    names = (
        "Hip-centro" if name == "HipCenter"
        else name.replace("Left", "-Left").replace("Right", "-Right").replace("Center", "-Center")
        for name in CANONICAL
    )  # fmt: skip
    order = list(names)
    lines = (
        f"{name};{x};{y};{z}\n" for frame in _joints() for name, (x, y, z) in zip(order, frame, strict=True)
    )
    return ["".join(lines).encode()]


def _table(columns: int) -> Callable[[], list[bytes]]:
    def make() -> list[bytes]:
        row = ["1", "0.5", "0.25", "1.5", "3", "4", "2", *["0"] * columns][:columns]
        return [(",".join(row) + "\n").encode() * 25]

    return make


def _csv() -> list[bytes]:
    head = ",".join(["image_name", *(f"c{n}" for n in range(51))]) + "\n"
    rows = (f"x/001-nm-01-090/{n:03d}.jpg," + ",".join(["12.5"] * 51) + "\n" for n in range(6))
    return [head.encode(), *(row.encode() for row in rows)]


def _npy() -> list[bytes]:
    file = io.BytesIO()
    np.save(file, _joints()[:, :14])
    return [file.getvalue()]


def _precut() -> list[bytes]:
    file = io.BytesIO()
    np.save(file, _joints()[:6, :, 0])
    return [file.getvalue()]


def _read_precut(path: Path) -> None:
    people = path.with_name("frame_id_KGBD_6.npy")
    np.save(people, np.zeros(1, np.int64))
    for axis in "yz":
        path.with_name(f"source_{axis}_KGBD_6.npy").write_bytes(path.read_bytes())
    for part in open_dataset("npy", path.parent).precut.values():
        part.read()


def _weights() -> list[bytes]:
    config = EncoderConfig(f=4, joints=3, hidden=5)
    with TemporaryDirectory() as folder:
        path = Path(folder, "saved")
        save_weights(path, seeded_state(config), config, {"rate_hz": "30"})
        return _safetensors_parts(path.read_bytes())


def _safetensors_parts(content: bytes) -> list[bytes]:
    """Returns the JSON header and the numbers of a safetensors file."""
    (length,) = _LENGTH.unpack_from(content)
    return [content[_LENGTH.size : _LENGTH.size + length], content[_LENGTH.size + length :]]


def _safetensors(parts: Sequence[bytes]) -> bytes:
    header, *numbers = parts or [b""]
    return _LENGTH.pack(len(header)) + header + b"".join(numbers)


_FITTED_ON = {"data": "d", "people": 3, "walks": 6, "windows": 60}
_IMPOSTORS = {
    "data": "d", "strangers": 9, "windows": [10, 50], "comparisons": [100, 90], "tails": [0.5, 0.1],
    "scores": [[0.2, 0.5], [0.1, 0.4]], "excess": [0.1, 0.2],
}  # fmt: skip
_CARD = {"encoder": "e", "sensors": {"kinect-v1": {"projection": _FITTED_ON, "impostors": _IMPOSTORS}}}


def _backend_arrays() -> bytes:
    mean, matrix = np.ones(6, np.float32), np.ones((6, 2), np.float32)
    return save({"kinect-v1.mean": mean, "kinect-v1.matrix": matrix})


def _read_backend(path: Path) -> None:
    """Reads a back-end of which one of the two files is given."""
    others = {".json": json.dumps(_CARD).encode(), ".safetensors": _backend_arrays()}
    del others[path.suffix]
    for suffix, content in others.items():
        path.with_suffix(suffix).write_bytes(content)
    load_backend(path.stem, [path.parent])


_PICTURES = 30
_HEADER = 2000  # bytes


def _video(name: str) -> list[bytes]:
    """Returns the start, the pictures and the end of a video: the small headers and index matter most."""
    form, times = FORMATS[name]
    with TemporaryDirectory() as folder:
        content = write_video(Path(folder, name), times[:_PICTURES], form).read_bytes()
    return [content[:_HEADER], content[_HEADER:-_HEADER], content[-_HEADER:]]


def _read_video(path: Path) -> None:
    last_ns = -1
    with closing(VideoReader(path)) as reader:
        for picture in reader.pictures():
            assert picture.time_ns > last_ns
            last_ns = picture.time_ns
            picture.image()


_VIDEOS = (
    "varying.mp4",
    "fragments.mp4",
    "mpeg4.mov",
    "varying.mkv",
    "sound.mkv",
    "mjpeg.avi",
    "h264-reordered.avi",
    "browser.webm",
)

_CONFIG = b"""sources = ["a.mcap", "walkers:n=2"]
gallery = "g.db"
fpir = 0.05
speed = 2.0
json = true
view = 8090
"""
_TRAINING = b"""epochs = 3
seed = 1
attention = "las"

[augment]
rotation_deg = 5.0
"""

READERS = (
    FuzzedReader("mcap", "walk.mcap", _messages, _mcap(enable_data_crcs=True), _read_recording),
    FuzzedReader("mcap-lz4", "walk.mcap", _messages, _mcap(compression=CompressionType.LZ4), _read_recording),
    FuzzedReader(
        "mcap-plain", "walk.mcap", _messages, _mcap(use_chunking=False, enable_crcs=False), _read_recording
    ),
    FuzzedReader("packed", "walks.npz", _packed, _zip, _read_walks),
    FuzzedReader("casia-npz", "walks.npz", _casia_arrays, _zip, _read_walks),
    FuzzedReader("casia-npy", "001-nm-01-090.npy", _npy, _whole, _read_walks),
    FuzzedReader("casia-csv", "walks.csv", _csv, _whole, _read_walks),
    FuzzedReader("precut", "source_x_KGBD_6.npy", _precut, _whole, _read_precut),
    FuzzedReader("kgbd", "1.txt", _kgbd, _whole, _read_walks),
    FuzzedReader("biwi", "000_000000-d_8349192_skel.txt", _table(14), _whole, _read_folder),
    FuzzedReader("ks20", "gc1_body1_100_a.txt", _table(8), _whole, _read_folder),
    FuzzedReader("weights", "encoder.safetensors", _weights, _safetensors, _read_weights),
    FuzzedReader("back-end", "abc.json", lambda: [json.dumps(_CARD).encode()], _whole, _read_backend),
    FuzzedReader(
        "back-end-arrays",
        "abc.safetensors",
        lambda: _safetensors_parts(_backend_arrays()),
        _safetensors,
        _read_backend,
    ),
    *(FuzzedReader(name, name, partial(_video, name), _whole, _read_video) for name in _VIDEOS),
    FuzzedReader("config", "live.toml", lambda: [_CONFIG], _whole, read_config),
    FuzzedReader("training", "train.toml", lambda: [_TRAINING], _whole, read_train_config),
)
"""All readers, in the order in which they are tried."""
