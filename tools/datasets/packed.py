"""Packed skeletons: one .npz file of many walks. Pickled objects are never loaded.

| array | content |
|---|---|
| `joints` (N, J, 3) float32 | frames of all walks, walk by walk; or instead the next three arrays |
| `joints_hi`, `joints_lo` (J, 3, N) uint8 | high and low byte of 16-bit grid values, stored as differences to the previous frame, modulo 2**16; joint 0 relative to the origin, the others relative to joint 0 |
| `joints_scale` () float | metres per grid step |
| `offsets` (S + 1,) int | walk s has frames `offsets[s]` to `offsets[s + 1]`, exclusive |
| `subject`, `trial` (S,) | the person, and the walk among the person's walks |
| `fps` () float | frames a second |
| `joint_names` (J,) text | names of the joints in order; they determine the layout |
| `gait` or `style` (S,) text | optional: the person's way of walking |
| `sensor` (S,) int, `toward_camera` (S,) bool | optional: number of the sensor; whether the person came nearer |
| `interpolated_frame_joint` (K, 2) int | optional: interpolated (frame, joint) pairs; read with confidence 0.5 |
| `sensor_kind` () text | optional: the kind of sensor; otherwise the prefix of the file name determines it (`_SENSOR_BY_PREFIX`) |

Metres, right-handed, Y up; which joints were not seen is said in `stream.unseen_joints`.
"""  # noqa: E501 - rows of a table

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.errors import DataError
from stream.recording.conventions import unit_problem
from stream.skeleton import LAYOUTS
from stream.unseen_joints import mark_unseen_in_walk
from tools.datasets.frame_times import nominal_times
from tools.datasets.npz import read_arrays
from tools.datasets.recorded_walk import IntArray, Walk, WalkRef

__all__ = ["find", "matches"]

_SENSOR_BY_PREFIX = {
    "kgbd": "kinect-v1",
    "kinect2_patho": "kinect-v2",
    "rgb": "camera",
    "cmu": "mocap",
}
_FRAME_ARRAYS = {"joints", "joints_hi", "joints_lo"}
_COLUMNS = {
    "offsets", "subject", "trial", "fps", "joint_names", "gait", "style", "sensor", "toward_camera",
    "interpolated_frame_joint", "sensor_kind", "joints_scale",
}  # fmt: skip
_JUDGED_FRAMES = 30


def matches(path: Path, head: str) -> bool:
    """Returns whether a file that begins with `head` is a .npz."""
    return path.suffix == ".npz" and head.startswith("PK\x03\x04")


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the walks of one packed file; its frames are unpacked at the first read and then kept.

    Raises:
        DataError: there are several packed files (each numbers its people from 1), or the file is incomplete.
    """
    path, *others = (path for path in files if path.suffix == ".npz")
    if others:
        raise DataError(
            f"{path.parent} holds several packed files ({path.name}, {others[0].name}, ...), each with its "
            "own numbers of people: give one of the files"
        )
    packed = _Packed(path)
    for index in range(len(packed.people)):
        yield packed.ref(index)


class _Packed:
    """An open packed file: reads the columns at once, the frames on demand."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns = read_arrays(path, _COLUMNS.__contains__)
        offsets = self._column("offsets")
        if offsets.dtype.kind not in "iu":
            raise self._bad_array("offsets", "increasing frame numbers from 0", offsets)
        self._offsets: IntArray = offsets.ravel().astype(np.int64)
        walks = len(self._offsets) - 1
        if walks < 1 or self._offsets[0] != 0 or (np.diff(self._offsets) < 0).any():
            raise self._bad_array("offsets", "increasing frame numbers from 0", self._offsets)
        self.people = self._text_column("subject", walks)
        gaits = self._text_column("gait", walks, "")
        sensors = [f"sensor{n}" if n else "" for n in self._text_column("sensor", walks, "")]
        parts = zip(gaits, self._text_column("trial", walks), sensors, strict=True)
        self.walks = ["-".join(filter(None, names)) for names in parts]
        self._conditions = gaits if any(gaits) else self._text_column("style", walks, "")
        facing = {"True": "towards", "False": "away", "": ""}
        self._views = [
            s or facing[t]
            for s, t in zip(sensors, self._text_column("toward_camera", walks, ""), strict=True)
        ]
        self._layout = self._read_layout()
        self._sensor = self._read_sensor()
        fps = self._column("fps")
        if fps.dtype.kind not in "fiu" or fps.size != 1 or not 0 < fps.item() < 1e4:
            raise self._bad_array("fps", "one rate, frames a second", fps)
        self._rate_hz = float(fps.item())
        self._interpolated = self._read_interpolated()

    def ref(self, index: int) -> WalkRef:
        """Returns a reference to one walk."""
        return WalkRef(
            person=self.people[index],
            walk=self.walks[index],
            read=partial(self.read, index),
            view=self._views[index],
            condition=self._conditions[index],
            layout=self._layout,
            rate_hz=self._rate_hz,
        )

    def read(self, index: int) -> Walk:
        """Decodes one walk."""
        start, end = self._offsets[index : index + 2].tolist()
        joints = self._decode(start, end)
        confidence = np.ones(joints.shape[:2], np.float32)
        own = (self._interpolated[:, 0] >= start) & (self._interpolated[:, 0] < end)
        frame, joint = self._interpolated[own].T
        confidence[frame - start, joint] = 0.5
        layout = LAYOUTS[self._layout]
        joints, confidence = mark_unseen_in_walk(layout, joints, confidence)
        if problem := unit_problem(layout, (), joints[:_JUDGED_FRAMES], confidence[:_JUDGED_FRAMES]):
            raise DataError(f"{self._path}: {problem}; write it as `tools.datasets.packed` says")
        person, walk = self.people[index], self.walks[index]
        return Walk(
            person=person,
            walk=walk,
            sensor=self._sensor,
            layout=self._layout,
            time_ns=nominal_times(len(joints), self._rate_hz),
            joints=joints,
            confidence=confidence,
            name=f"{self._path.stem}/{person}/{walk}",
            view=self._views[index],
            condition=self._conditions[index],
        )

    def _decode(self, start: int, end: int) -> FloatArray:
        if "joints_scale" not in self._columns:
            return self._frames[start:end].astype(np.float32)
        steps: NDArray[np.int16] = self._frames[..., start:end].transpose(2, 0, 1).copy()
        steps[:, 1:] += steps[:, :1]
        return steps.astype(np.float32) * np.float32(self._columns["joints_scale"])

    @cached_property
    def _frames(self) -> NDArray[Any]:
        """All frames: (N, J, 3) metres, or (J, 3, N) int16 grid steps, accumulated over time."""
        arrays = read_arrays(self._path, _FRAME_ARRAYS.__contains__)
        grid = "joints_scale" in self._columns
        missing = ({"joints_hi", "joints_lo"} if grid else {"joints"}) - arrays.keys()
        if missing:
            raise self._missing_array(sorted(missing)[0])
        if grid:
            for name in ("joints_hi", "joints_lo"):
                if arrays[name].ndim != 3 or arrays[name].shape[1] != 3:
                    raise self._bad_array(name, "(joints, 3, frames) bytes", arrays[name])
            steps = (arrays["joints_hi"].astype(np.uint16) << 8) | arrays["joints_lo"]
            frames = np.cumsum(steps.view(np.int16), axis=-1, dtype=np.int16)
        else:
            frames = arrays["joints"]
            if frames.dtype.kind not in "fiu" or frames.ndim != 3 or frames.shape[2] != 3:
                raise self._bad_array("joints", "(frames, joints, 3) metres", frames)
        count, joints = (frames.shape[-1], frames.shape[0]) if grid else frames.shape[:2]
        if count != self._offsets[-1] or joints != len(LAYOUTS[self._layout].joints):
            raise DataError(
                f"{self._path}: expected {self._offsets[-1]} frames of {len(LAYOUTS[self._layout].joints)} "
                f"joints, according to its other arrays, got {count} of {joints}; download the file again"
            )
        return frames

    def _column(self, name: str) -> NDArray[Any]:
        if name not in self._columns:
            raise self._missing_array(name)
        return self._columns[name]

    def _text_column(self, name: str, walks: int, default: str | None = None) -> list[str]:
        """Returns a column as text, one entry per walk; `default` for each if the file lacks the column."""
        if default is not None and name not in self._columns:
            return [default] * walks
        column = self._column(name)
        if column.shape != (walks,):
            raise self._bad_array(name, f"{walks} entries, one per walk", column)
        return [str(value) for value in column.tolist()]

    def _read_layout(self) -> str:
        names = tuple(self._column("joint_names").tolist())
        for layout in LAYOUTS.values():
            if layout.joints == names:
                return layout.name
        raise DataError(
            f"{self._path}: its {len(names)} joints ({', '.join(map(str, names[:4]))}, ...) match no known "
            f"layout; expected the names and the order of one of {', '.join(LAYOUTS)}"
        )

    def _read_interpolated(self) -> IntArray:
        """Returns the (K, 2) interpolated frames and joints."""
        found = self._columns.get("interpolated_frame_joint", np.empty((0, 2), np.int64))
        joints = len(LAYOUTS[self._layout].joints)
        if found.dtype.kind not in "iu" or found.ndim != 2 or found.shape[1] != 2:
            raise self._bad_array("interpolated_frame_joint", "(K, 2) frames and joints", found)
        pairs: IntArray = found.astype(np.int64)
        if ((pairs < 0) | (pairs >= (self._offsets[-1], joints))).any():
            expected = f"frames of the file, and joints below {joints}"
            raise self._bad_array("interpolated_frame_joint", expected, found)
        return pairs

    def _read_sensor(self) -> str:
        if "sensor_kind" in self._columns:
            return str(self._columns["sensor_kind"])
        for prefix, sensor in _SENSOR_BY_PREFIX.items():
            if self._path.name.startswith(prefix):
                return sensor
        raise DataError(
            f"{self._path} does not state the kind of sensor: add a text array `sensor_kind` to it, for "
            "example kinect-v2"
        )

    def _bad_array(self, name: str, expected: str, found: NDArray[Any]) -> DataError:
        return DataError(
            f"{self._path}, array `{name}`: expected {expected}, got {found.dtype} of shape {found.shape}; "
            "download the file again"
        )

    def _missing_array(self, name: str) -> DataError:
        return DataError(
            f"{self._path} has no array `{name}`; expected packed skeletons as described in "
            "`tools.datasets.packed`"
        )
