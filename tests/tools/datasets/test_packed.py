"""Reader of packed data sets: real files, files packed by the definition, and broken files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import DataError
from stream.skeleton import CANONICAL, get_layout
from tools.datasets import detect, find_walks, read_walks


def pack(joints: np.ndarray, scale: float) -> dict[str, np.ndarray]:
    """Packs joints by the definition of the format, one number at a time."""
    grid = np.round(joints / scale).astype(int)
    frames, count, _ = joints.shape
    high, low = np.zeros((2, count, 3, frames), np.uint8)
    for j in range(count):
        for axis in range(3):
            before = 0
            for t in range(frames):
                value = int(grid[t, j, axis] - (grid[t, 0, axis] if j else 0))
                high[j, axis, t], low[j, axis, t] = divmod((value - before) % 2**16, 256)
                before = value
    return {"joints_hi": high, "joints_lo": low, "joints_scale": np.array(scale)}


def write_packed(path: Path, bodies: np.ndarray, **more: Any) -> Path:
    columns = {
        "offsets": np.array([0, 3, len(bodies)]),
        "subject": np.array([4, 4], np.int16),
        "trial": np.array(["a", "b"]),
        "fps": np.float32(25),
        "joint_names": np.array(CANONICAL),
        "sensor_kind": np.array("radar"),
        "joints": bodies.astype(np.float32),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    columns.update(more)
    np.savez_compressed(path, **{name: value for name, value in columns.items() if value is not None})  # type: ignore[arg-type]
    return path


BODIES = np.random.default_rng(8).uniform(-3, 3, (8, 20, 3))


def test_metre_arrays_are_read(tmp_path: Path) -> None:
    bodies = BODIES.copy()
    bodies[4, 2], bodies[5, 6] = np.nan, 0
    first, second = read_walks(write_packed(tmp_path / "mine.npz", bodies))
    assert (first.person, first.walk, first.sensor, first.layout) == ("4", "a", "radar", "kinect-v1")
    assert first.name == "mine/4/a"
    np.testing.assert_array_equal(first.joints, bodies[:3].astype(np.float32))
    bodies[5, 6] = np.nan  # unseen, whatever the kind of sensor
    np.testing.assert_array_equal(second.joints, bodies[3:].astype(np.float32))
    assert second.time_ns.tolist() == [0, 40_000_000, 80_000_000, 120_000_000, 160_000_000]
    assert np.argwhere(second.confidence != 1).tolist() == [[1, 2], [2, 6]]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.00025, 0.0005]))
def test_unpacking_the_grid_restores_the_joints(
    tmp_path_factory: pytest.TempPathFactory, seed: int, scale: float
) -> None:
    bodies = np.random.default_rng(seed).uniform(-4, 4, (8, 20, 3))
    path = write_packed(
        tmp_path_factory.mktemp("grid") / "grid.npz", bodies, joints=None, **pack(bodies, scale)
    )
    walks = list(read_walks(path))
    joints = np.concatenate([walk.joints for walk in walks])
    # Half a grid step, and the rounding of float32.
    np.testing.assert_allclose(joints, bodies, atol=scale / 2 + 1e-6)


@pytest.mark.parametrize(
    ("name", "walks", "people", "sensor", "layout"),
    [
        ("kgbd_kinect1_20j", 822, 164, "kinect-v1", "kinect-v1"),
        ("kinect2_patho_normal_20j", 1200, 10, "kinect-v2", "kinect-v1"),
        ("kinect2_ucalgary_a_20j", 77, 13, "kinect-v2", "kinect-v1"),
        ("rgb_metrabs_large_17j", 327, 36, "camera", "mpi-17"),
        ("cmu_walk_20j", 69, 14, "mocap", "kinect-v1"),
    ],
)
def test_real_packed_files(
    data_dir: Path, name: str, walks: int, people: int, sensor: str, layout: str
) -> None:
    refs = list(find_walks(data_dir / f"{name}.npz"))
    assert len({(ref.person, ref.walk) for ref in refs}) == len(refs) == walks
    assert len({ref.person for ref in refs}) == people
    with np.load(data_dir / f"{name}.npz", allow_pickle=False) as data:
        lengths, rate = np.diff(data["offsets"]), float(data["fps"])
    for index in (0, walks // 2, walks - 1):
        walk = refs[index].read()
        assert (walk.sensor, walk.layout) == (sensor, layout)
        assert walk.joints.shape == (lengths[index], len(get_layout(layout).joints), 3)
        assert walk.time_ns[-1] == round((lengths[index] - 1) * 1e9 / rate)
        # The skeleton of an adult is 1.1 to 2 m high in most frames.
        height = np.nanmedian(np.ptp(walk.joints[..., 1], axis=1))
        assert 1.1 < height < 2.0


def test_views_and_conditions_of_real_packed_files(data_dir: Path) -> None:
    (walk,) = read_walks(data_dir / "kinect2_patho_lurch_20j.npz", "3", "lurch-2-sensor5")
    assert (walk.view, walk.condition) == ("sensor5", "lurch")
    views = {ref.read().view for ref in find_walks(data_dir / "rgb_metrabs_large_17j.npz", "Diz_001")}
    assert views == {"towards", "away"}


@pytest.mark.slow
def test_interpolated_joints_have_confidence_one_half(data_dir: Path) -> None:
    path = data_dir / "kinect2_patho_normal_20j.npz"
    with np.load(path, allow_pickle=False) as data:
        interpolated = {tuple(pair) for pair in data["interpolated_frame_joint"].tolist()}
    halves = np.concatenate([walk.confidence for walk in read_walks(path)]) == 0.5
    assert {tuple(pair) for pair in np.argwhere(halves).tolist()} == interpolated


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"sensor_kind": None}, r"does not state the kind of sensor.*add a text array `sensor_kind`"),
        ({"fps": None}, r"has no array `fps`"),
        ({"fps": np.float32(0)}, r"array `fps`: expected one rate"),
        ({"joints": None}, r"has no array `joints`"),
        ({"joints": BODIES[:7]}, r"expected 8 frames of 20 joints, .* got 7 of 20"),
        ({"joints_scale": np.array(0.1)}, r"has no array `joints_hi`"),
        ({"joint_names": np.array(CANONICAL[::-1])}, r"its 20 joints \(FootRight, .* no known layout"),
        ({"subject": np.array([1, 2, 3])}, r"array `subject`: expected 2 entries, one per walk, got int64"),
        ({"offsets": np.array([0, 9, 8])}, r"array `offsets`: expected increasing frame numbers"),
        ({"offsets": np.array(["0", "3", "8"])}, r"array `offsets`: expected increasing frame numbers"),
        ({"joints": BODIES.astype(str)}, r"array `joints`: expected \(frames, joints, 3\) metres, got <U"),
        ({"interpolated_frame_joint": np.array([1, 2])}, r"expected \(K, 2\) frames and joints, got int64"),
        ({"interpolated_frame_joint": np.array([[1, 20]])}, r"frames of the file, and joints below 20"),
        ({"trial": np.array([{}, {}])}, r"not a complete \.npz file of plain arrays \(.*pickle"),
    ],
    ids=[
        "no-sensor", "no-rate", "zero-rate", "no-joints", "too-few", "half-a-grid", "order", "shape",
        "offsets", "text-offsets", "text-joints", "flat-interpolated", "no-such-joint", "pickle",
    ],
)  # fmt: skip
def test_broken_packed_files(tmp_path: Path, more: dict[str, Any], expected: str) -> None:
    path = write_packed(tmp_path / "mine.npz", BODIES, **more)
    with pytest.raises(DataError, match=expected) as error:
        list(read_walks(path))
    assert str(path) in str(error.value)


def test_a_truncated_packed_file_is_refused(tmp_path: Path) -> None:
    path = write_packed(tmp_path / "mine.npz", BODIES)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"not a complete \.npz"):
        list(read_walks(path))


def test_several_packed_files_are_refused(tmp_path: Path) -> None:
    write_packed(tmp_path / "a.npz", BODIES)
    write_packed(tmp_path / "b.npz", BODIES)
    with pytest.raises(DataError, match=r"several packed files \(a\.npz, b\.npz.*give one of the files"):
        list(find_walks(tmp_path))


def test_a_packed_file_is_detected_by_its_content(tmp_path: Path) -> None:
    assert detect(write_packed(tmp_path / "p.npz", BODIES)).name == "packed"


def test_millimetres_are_refused_with_the_cause(tmp_path: Path) -> None:
    bodies = np.random.default_rng(8).uniform(-300, 300, (40, 20, 3))
    path = write_packed(tmp_path / "mm.npz", bodies, offsets=np.array([0, 20, 40]))
    with pytest.raises(DataError, match=r"mm\.npz: .* its coordinates look like millimetres"):
        list(read_walks(path))


@pytest.mark.parametrize("sensor", ["radar", "kinect-v2", "mocap", "camera"])
def test_skeletons_centred_on_the_hip_are_read_of_every_kind_of_sensor(sensor: str, tmp_path: Path) -> None:
    centred = BODIES - BODIES[:, :1]
    centred[4, 6] = 0
    path = write_packed(tmp_path / "mine.npz", centred, sensor_kind=np.array(sensor))
    first, second = read_walks(path)
    assert (first.confidence == 1).all()
    assert np.argwhere(second.confidence == 0).tolist() == [[1, 6]]
