"""Readers of raw data sets: genuine files, files written in the same formats, and broken files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL
from tools.datasets import Walk, detect, find_walks, read_walks
from tools.datasets.frame_times import stamp_times

BIWI_ROWS = """\
2.0000,-0.0637,0.2063,3.1383,308.3990,202.4538,2.0000,0.0000,0.0000,0.0000,0.0006,0.9995,0.0122,0.0290
2.0000,-0.0638,0.2799,3.1372,308.3802,189.0304,2.0000,0.0000,0.0000,1.0000,0.0193,0.0077,-0.0018,0.9998
2.0000,-0.0597,0.6479,3.1340,309.1240,121.8962,2.0000,0.0000,1.0000,2.0000,-0.0025,0.0001,0.0063,1.0000
"""  # three genuine rows of 000_000000-d_8349192_skel.txt

STANDING = np.array(
    [
        (side * width, height, 3.0)
        for side, width, height in [
            (0, 0, 0.0), (0, 0, 0.1), (0, 0, 0.5), (0, 0, 0.68),
            (-1, 0.19, 0.45), (-1, 0.24, 0.18), (-1, 0.25, -0.06), (-1, 0.26, -0.13),
            (1, 0.19, 0.45), (1, 0.24, 0.18), (1, 0.25, -0.06), (1, 0.26, -0.13),
            (-1, 0.09, -0.03), (-1, 0.1, -0.42), (-1, 0.1, -0.82), (-1, 0.11, -0.87),
            (1, 0.09, -0.03), (1, 0.1, -0.42), (1, 0.1, -0.82), (1, 0.11, -0.87),
        ]
    ],
    np.float32,
)  # fmt: skip
HANDS = [CANONICAL.index(name) for name in ("HandLeft", "HandRight", "FootLeft", "FootRight")]
WRISTS = [index - 1 for index in HANDS]


KGBD_ORDER = (
    "Head", "Shoulder-Center", "Shoulder-Right", "Shoulder-Left", "Elbow-Right", "Elbow-Left",
    "Wrist-Right", "Wrist-Left", "Hand-Right", "Hand-Left", "Spine", "Hip-centro", "Hip-Right", "Hip-Left",
    "Knee-Right", "Knee-Left", "Ankle-Right", "Ankle-Left", "Foot-Right", "Foot-Left",
)  # fmt: skip


@pytest.fixture(scope="session")
def genuine_kgbd(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KGBD's raw text of persons 1 and 34, written by the script supplied with the data."""
    out = tmp_path_factory.mktemp("kgbd")
    subprocess.run([sys.executable, str(data_dir / "unpack_kgbd.py"), str(out), "1", "34"], check=True)
    return out


class RawWriter:
    """Writes raw data sets below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def kgbd_lines(frames: int, seed: int = 0) -> list[str]:
        values = np.random.default_rng(seed).uniform(0.5, 3, (frames, 20, 3)).round(5)
        return [
            f"{name};{x:.6g};{y:.6g};{z:.6g}"
            for frame in values
            for name, (x, y, z) in zip(KGBD_ORDER, frame, strict=True)
        ]

    def kgbd(self, person: str, walk: str, lines: Sequence[str], newline: str = "\n") -> Path:
        path = self.root / person / f"{walk}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(line + newline for line in lines).encode())
        return path

    def biwi(self, where: str, file: str, joints: np.ndarray, states: Sequence[int] = (2,) * 20) -> Path:
        """Writes one frame: 20 rows of joints, then 19 rows of zeros, as in the genuine file."""
        path = self.root / where / file
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            [2, *joint, 320 + 575.8 * joint[0] / 3, 240 - 575.8 * joint[1] / 3, state, 0, 0, row, 0, 0, 0, 1]
            for row, (joint, state) in enumerate(zip(joints.tolist(), states, strict=True))
        ]
        text = "\n".join(",".join(f"{value:.4f}" for value in row) for row in rows + [[0] * 14] * 19)
        path.write_text(text + "\n")
        return path

    def ks20(self, view: str, file: str, joints: np.ndarray) -> Path:
        path = self.root / view / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"Joint{i},{x:.6f},{y:.6f},{z:.6f}\n" for i, (x, y, z) in enumerate(joints)))
        return path


@pytest.fixture
def raw(tmp_path: Path) -> RawWriter:
    return RawWriter(tmp_path / "raw")


def only(walks: Iterator[Walk]) -> Walk:
    (walk,) = walks
    return walk


def same(a: Walk, b: Walk) -> bool:
    return (
        np.array_equal(a.joints, b.joints, equal_nan=True)
        and np.array_equal(a.confidence, b.confidence)
        and np.array_equal(a.time_ns, b.time_ns)
    )


# --- KGBD


@pytest.mark.slow
def test_kgbd_text_and_its_packed_file_hold_the_same_walks(genuine_kgbd: Path, data_dir: Path) -> None:
    packed = data_dir / "kgbd_kinect1_20j.npz"
    for person, count in (("1", 5), ("34", 6)):
        texts, grids = (list(read_walks(path, person)) for path in (genuine_kgbd, packed))
        assert [walk.walk for walk in texts] == [str(k) for k in range(1, count + 1)]
        for text, grid in zip(texts, grids, strict=True):
            assert (text.person, text.walk) == (grid.person, grid.walk) == (person, grid.walk)
            assert (text.sensor, text.layout) == (grid.sensor, grid.layout) == ("kinect-v1", "kinect-v1")
            np.testing.assert_allclose(text.joints, grid.joints, atol=2e-4)
            np.testing.assert_array_equal(text.time_ns, grid.time_ns)
            np.testing.assert_array_equal(text.confidence, grid.confidence)
            assert text.joints.dtype == text.confidence.dtype == np.float32
            assert text.time_ns.dtype == np.int64


def test_kgbd_skeletons_are_upright_with_left_on_the_left(genuine_kgbd: Path) -> None:
    walk = next(read_walks(genuine_kgbd / "Person001"))
    at = dict(zip(CANONICAL, np.median(walk.joints, axis=0), strict=True))
    assert (
        at["Head"][1] > at["ShoulderCenter"][1] > at["HipCenter"][1] > at["KneeLeft"][1] > at["AnkleLeft"][1]
    )
    assert at["ShoulderLeft"][0] < at["ShoulderRight"][0]  # in most frames they walk towards the sensor


def test_kgbd_times_are_those_of_30_frames_a_second(raw: RawWriter) -> None:
    path = raw.kgbd("Person007", "2", raw.kgbd_lines(100))
    walk = only(read_walks(path))
    assert (walk.person, walk.walk, walk.name) == ("7", "2", "kgbd/7/2")
    assert walk.time_ns.tolist() == [round(n * 1e9 / 30) for n in range(100)]


def test_kgbd_joints_are_identified_by_name(raw: RawWriter) -> None:
    lines = raw.kgbd_lines(30)
    rng = np.random.default_rng(1)
    shuffled = [lines[20 * n + k] for n in range(30) for k in rng.permutation(20)]
    straight = only(read_walks(raw.kgbd("Person001", "1", lines)))
    mixed = only(read_walks(raw.kgbd("Person002", "1", shuffled, newline="\r\n")))
    assert same(straight, mixed)
    name, *numbers = lines[20 * 4 + 11].split(";")
    assert name == "Hip-centro"
    np.testing.assert_allclose(straight.joints[4, 0], [float(number) for number in numbers], rtol=1e-6)


def test_a_joint_at_the_origin_is_unseen(raw: RawWriter, data_dir: Path) -> None:
    lines = raw.kgbd_lines(3)
    lines[20 + 10] = "Spine;0;0;0"
    lines[40 + 0] = "Head;nan;1;2"
    walk = only(read_walks(raw.kgbd("Person001", "1", lines)))
    assert np.argwhere(walk.confidence == 0).tolist() == [[1, 1], [2, 3]]
    assert np.argwhere(np.isnan(walk.joints).any(axis=2)).tolist() == [[1, 1], [2, 3]]
    genuine = only(read_walks(data_dir / "kgbd_kinect1_20j.npz", "147", "4"))
    assert np.argwhere(genuine.confidence == 0).tolist() == [[602, j] for j in (0, 1, 2, 4, 8, 12, 16)]


@pytest.mark.slow
def test_identical_walks_are_both_read(data_dir: Path) -> None:
    fourth, fifth = (only(read_walks(data_dir / "kgbd_kinect1_20j.npz", "64", walk)) for walk in "45")
    assert same(fourth, fifth)


@pytest.mark.parametrize(
    ("corrupt", "expected"),
    [
        (lambda lines: lines[:-3], r"ends in line 77, in the middle of a frame.*delete its last 17 lines"),
        (
            lambda lines: [*lines[:25], *lines[26:], lines[0]],
            r"lines 21 to 40: .* got no Elbow-Left; a line is missing or duplicated",
        ),
        (
            lambda lines: [*lines[:45], "Knee-Left;1;2;x", *lines[46:]],
            r"line 46: expected `Joint;x;y;z`.*2;x",
        ),
        (lambda lines: [*lines[:45], "Tail;1;2;3", *lines[46:]], r"line 46: .* got 'Tail;1;2;3'"),
        (
            lambda lines: [*lines[:45], "Head;1;2583;3", *lines[46:]],
            r"line 46: .*within 50 .* got 'Head;1;2583;3'",
        ),
        (lambda lines: [*lines[:45], "Head;1;2", *lines[46:]], r"line 46: .* got 'Head;1;2'"),
        (lambda lines: [*lines[:45], "", *lines[45:]], r"line 46: .* got ''"),
        (lambda lines: [line + ";9" for line in lines], r"line 1: expected `Joint;x;y;z`"),
        (lambda lines: [], r"line 1: expected `Joint;x;y;z`"),
        (lambda lines: ["\x00\x01\x02"], r"line 1: expected `Joint;x;y;z`"),
    ],
    ids=[
        "truncated",
        "duplicated",
        "no-number",
        "no-joint",
        "too-far",
        "short",
        "blank",
        "too-long",
        "empty",
        "binary",
    ],
)
def test_broken_kgbd_text_names_file_and_line(raw: RawWriter, corrupt: Any, expected: str) -> None:
    raw.kgbd("Person001", "1", raw.kgbd_lines(2))
    path = raw.kgbd("Person001", "2", corrupt(raw.kgbd_lines(4)))
    walks = read_walks(raw.root)
    assert next(walks).walk == "1", "the walk before the broken one was not read"
    with pytest.raises(DataError, match=expected) as error:
        next(walks)
    assert str(path) in str(error.value)


# --- BIWI and IAS-Lab


def test_genuine_biwi_rows_are_read(raw: RawWriter) -> None:
    folder = raw.root / "Training" / "000"
    folder.mkdir(parents=True)
    rest = "0.0000," * 13 + "0.0000\n"
    (folder / "000_000000-d_8349192_skel.txt").write_text(BIWI_ROWS + rest * 36)
    walk = only(read_walks(raw.root))
    assert (walk.person, walk.walk, walk.session) == ("000", "Training", "Training")
    assert (walk.sensor, walk.layout, walk.name) == ("kinect-v1", "kinect-v1", "biwi/000/Training")
    assert walk.time_ns.tolist() == [0]
    expected = [(-0.0637, 0.2063, 3.1383), (-0.0638, 0.2799, 3.1372), (-0.0597, 0.6479, 3.1340)]
    np.testing.assert_allclose(walk.joints[0, :3], expected, atol=1e-6)
    assert np.isnan(walk.joints[0, 3:]).all()
    assert walk.confidence.tolist() == [[1.0] * 3 + [0.0] * 17]


def test_biwi_sessions_and_people_come_from_folders(raw: RawWriter) -> None:
    for where in ("Training/000", "Training/049", "Testing/Still/000", "Testing/Walking/000"):
        for frame in range(3):
            raw.biwi(where, f"007b_{frame:06d}-d_{1000 + 100 * frame}_skel.txt", STANDING)
            (raw.root / where / f"007b_{frame:06d}-e_1000_groundCoeff.txt").write_text("0,1,0,0.9\n")
            (raw.root / where / f"007b_{frame:06d}-a_1000_rgb.jpg").write_bytes(
                b"\xff\xd8\xff\xe0 no picture"
            )
    found = sorted((ref.person, ref.walk) for ref in find_walks(raw.root))
    assert found == [("000", "Still"), ("000", "Training"), ("000", "Walking"), ("049", "Training")]
    assert only(read_walks(raw.root, "49")).walk == "Training"
    assert only(read_walks(raw.root / "Testing", "000", "Walking")).joints.shape == (3, 20, 3)
    assert only(read_walks(raw.root / "Testing" / "Still" / "000")).person == "000"


def test_biwi_tracking_state_is_confidence(raw: RawWriter) -> None:
    states = [2] * 20
    states[5], states[9] = 1, 0
    raw.biwi("Training/003", "003_000000-d_0_skel.txt", STANDING, states)
    raw.biwi("Training/003", "003_000001-d_100_skel.txt", np.zeros((20, 3)), [0] * 20)
    walk = only(read_walks(raw.root))
    expected = np.ones(20)
    expected[5], expected[9] = 0.5, 0
    np.testing.assert_array_equal(walk.confidence, [expected, np.zeros(20)])
    np.testing.assert_allclose(walk.joints[0, 5], STANDING[5], atol=1e-4)
    assert np.isnan(walk.joints[0, 9]).all()
    assert np.isnan(walk.joints[1]).all()


@pytest.mark.parametrize("unit_ns", [1_000_000, 1_000, 100, 1], ids=["ms", "us", "100ns", "ns"])
def test_biwi_times_are_right_for_every_unit_of_stamps(raw: RawWriter, unit_ns: int) -> None:
    times_ms = [0, 98, 203, 301, 399, 61_502, 61_600]  # with a gap of a minute
    for frame, time_ms in enumerate(times_ms):
        stamp = 8_349_192 + time_ms * 1_000_000 // unit_ns
        # Frame numbers are not padded: alphabetical order differs from time order.
        raw.biwi("Training/001", f"001_{frame + 7}-d_{stamp}_skel.txt", STANDING + frame)
    walk = only(read_walks(raw.root))
    assert walk.time_ns.tolist() == [time_ms * 1_000_000 for time_ms in times_ms]
    np.testing.assert_allclose(walk.joints[:, 0, 0], np.arange(7), atol=1e-4)


def test_a_skeleton_written_twice_is_read_once(raw: RawWriter) -> None:
    for frame, stamp in enumerate([500, 600, 600, 700]):
        raw.biwi("Training/001", f"001_{frame:06d}-d_{stamp}_skel.txt", STANDING)
    assert only(read_walks(raw.root)).time_ns.tolist() == [0, 100_000_000, 200_000_000]


def test_ias_lab_is_detected_by_nites_copied_joints_and_rotated_upright(raw: RawWriter) -> None:
    body = STANDING.copy()
    body[WRISTS] = body[HANDS]
    optical = body * [-1, -1, 1]  # x right, y down, z away
    for frame in range(4):
        raw.biwi("TestingA/005", f"005_{frame:06d}_skel.txt", optical - np.array([0, 0, 0.1 * frame]))
    walk = only(read_walks(raw.root))
    assert (walk.sensor, walk.session, walk.name) == ("nite", "TestingA", "ias-lab/005/TestingA")
    np.testing.assert_allclose(walk.joints[0], body, atol=1e-4)
    assert walk.joints[0, CANONICAL.index("HandLeft"), 0] < walk.joints[0, CANONICAL.index("HandRight"), 0]
    np.testing.assert_allclose(walk.time_ns, [0, 33_333_333, 66_666_667, 100_000_000], atol=1)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("001_000002-d_300_skel.txt", None, r"_300_skel\.txt: expected a line for each of 20 joints, got 0"),
        ("001_000002-d_300_skel.txt", BIWI_ROWS, r"expected a line for each of 20 joints, got 3"),
        ("001_000002-d_300_skel.txt", "1,2,3\n" * 20, r"line 1: expected numbers in columns 1 to 14"),
        ("001_000002-d_300_skel.txt", BIWI_ROWS * 6 + "a," * 13 + "b\n" * 2, r"line 19: expected numbers"),
        (
            "001_000002-d_300_skel.txt",
            BIWI_ROWS * 6
            + BIWI_ROWS.splitlines()[0].replace("2.0000,0.0000,0", "7.0000,0.0000,0")
            + "\n"
            + BIWI_ROWS,
            r"line 19: expected a tracking state of 0, 1 or 2 in column 7, got 7",
        ),
        (
            "frame2_skel.txt",
            BIWI_ROWS * 7,
            r"frame2_skel\.txt: expected a name like 000_000000-d_8349192_skel",
        ),
        ("001_000002-d_150_skel.txt", BIWI_ROWS * 7, r"expected a later time than that of the frame before"),
    ],
    ids=["empty", "truncated", "columns", "text", "state", "name", "back-in-time"],
)
def test_broken_biwi_frames_name_file_and_line(
    raw: RawWriter, name: str, text: str | None, expected: str
) -> None:
    for frame, stamp in enumerate([100, 200]):
        raw.biwi("Training/001", f"001_{frame:06d}-d_{stamp}_skel.txt", STANDING)
    (raw.root / "Training" / "001" / name).write_text(text or "")
    assert [ref.person for ref in find_walks(raw.root)] == ["001"]
    with pytest.raises(DataError, match=expected):
        list(read_walks(raw.root))


# --- KS20


def test_ks20_views_takes_and_people_come_from_names(raw: RawWriter) -> None:
    rng = np.random.default_rng(2)
    bodies = rng.uniform(0.5, 3, (5, 25, 3)).round(6)
    for view in ("frontal", "left_lateral"):
        for name in ("gc1_body1", "gc2_body1", "gc1_body11"):
            for frame, body in enumerate(bodies):
                raw.ks20(view, f"{name}_{998 + frame * 33}_skeleton.txt", body)  # 3 digits, then 4
    refs = [(ref.person, ref.walk) for ref in find_walks(raw.root)]
    people = [("1", "gc1"), ("1", "gc2"), ("11", "gc1")]
    assert refs == [
        (person, f"{view}-{take}") for view in ("frontal", "left_lateral") for person, take in people
    ]
    walk = only(read_walks(raw.root, "11", "frontal-gc1"))
    assert (walk.sensor, walk.layout, walk.view) == ("kinect-v2", "kinect-v2", "frontal")
    assert walk.session == "gc1"
    assert walk.joints.shape == (5, 25, 3)
    np.testing.assert_allclose(walk.joints, bodies, atol=1e-6)
    assert walk.time_ns.tolist() == [frame * 33_000_000 for frame in range(5)]


def test_a_ks20_joint_at_the_origin_is_unseen(raw: RawWriter) -> None:
    body = np.full((25, 3), 1.5)
    body[24] = 0
    raw.ks20("frontal", "gc1_body1_1_a.txt", body)
    walk = only(read_walks(raw.root))
    assert walk.confidence[0].tolist() == [1.0] * 24 + [0.0]
    assert np.isnan(walk.joints[0, 24]).all()


def test_broken_ks20_frames_name_the_file(raw: RawWriter) -> None:
    raw.ks20("frontal", "gc1_body1_1_a.txt", np.ones((24, 3)))
    with pytest.raises(DataError, match=r"gc1_body1_1_a\.txt: expected a line for each of 25 joints, got 24"):
        list(read_walks(raw.root))
    raw.ks20("frontal", "gc1_body1_1_b.txt", np.ones((25, 3)))
    with pytest.raises(DataError, match=r"gc1_body1_1_b\.txt has the same time as gc1_body1_1_a\.txt"):
        list(find_walks(raw.root))


# --- stamps


@given(
    unit_ns=st.sampled_from([1, 100, 1_000, 1_000_000]),
    rate_hz=st.sampled_from([10.0, 30.0]),
    off=st.floats(0.4, 2.5),
    start=st.integers(0, 10**12),
    seed=st.integers(0, 2**32 - 1),
)
def test_stamp_times_are_right_for_every_unit(
    unit_ns: int, rate_hz: float, off: float, start: int, seed: int
) -> None:
    """The true rate is 0.4 to 2.5 times the nominal one; intervals vary by 10 %."""
    rng = np.random.default_rng(seed)
    steps_ns = 1e9 / (rate_hz * off) * rng.uniform(0.9, 1.1, 20)
    stamps = start + np.concatenate([[0], np.cumsum(np.ceil(steps_ns / unit_ns))]).astype(np.int64)
    assert stamp_times(stamps, rate_hz).tolist() == ((stamps - start) * unit_ns).tolist()


@pytest.mark.parametrize("rate_hz", [10.0, 30.0])
def test_a_frame_counter_counts_frames(rate_hz: float) -> None:
    times = stamp_times(np.array([41, 42, 43, 45]), rate_hz)
    assert times.tolist() == [round(n * 1e9 / rate_hz) for n in (0, 1, 2, 4)]


# --- all of them


def test_formats_are_detected_by_content(raw: RawWriter) -> None:
    text = raw.kgbd("Person001", "1", raw.kgbd_lines(1))
    assert detect(text).name == "kgbd"
    (text.parent / "0-readme.txt").write_text("Walks of person 1; see the paper\n")
    assert detect(raw.root).name == "kgbd"
    renamed = text.rename(text.with_name("000_000000-d_1_skel.txt"))
    assert detect(renamed).name == "kgbd"
    assert detect(raw.biwi("b/Training/001", "001_000000-d_1_skel.txt", STANDING)).name == "biwi"
    assert detect(raw.ks20("k/frontal", "gc1_body1_1_a.txt", np.ones((25, 3)))).name == "ks20"


def test_a_video_that_is_not_of_casia_b_is_to_be_recorded(tmp_path: Path) -> None:
    (tmp_path / "walk.MP4").write_bytes(b"pictures")
    with pytest.raises(
        DataError, match=r"`sge-stream record OUT.mcap --source .*walk.MP4` makes a recording"
    ):
        detect(tmp_path / "walk.MP4")
    with pytest.raises(DataError, match="no walk in a known format"):
        detect(tmp_path)


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("shopping\n")
    with pytest.raises(
        DataError, match=r"no walk in a known format; known formats are kgbd: .*PersonNNN.*packed: "
    ):
        detect(tmp_path)
    with pytest.raises(UserError, match=r"nowhere: no such file or folder"):
        list(read_walks(tmp_path / "nowhere"))


def test_a_single_frame_file_is_refused(raw: RawWriter) -> None:
    frame = raw.biwi("Training/001", "001_000000-d_1_skel.txt", STANDING)
    with pytest.raises(UserError, match=r"is one frame of a walk: give its folder"):
        list(find_walks(frame))


def test_walks_are_listed_without_reading_them(raw: RawWriter) -> None:
    raw.kgbd("Person001", "1", raw.kgbd_lines(1))
    raw.kgbd("Person001", "2", ["broken"])
    assert [ref.walk for ref in find_walks(raw.root)] == ["1", "2"]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        ({}, ["1/1", "1/2", "12/1", "12/2"]),
        ({"person": "12"}, ["12/1", "12/2"]),
        ({"person": "012", "walk": "02"}, ["12/2"]),
        ({"walk": "1"}, ["1/1", "12/1"]),
        ({"person": "2"}, []),
    ],
)
def test_people_and_walks_can_be_selected(
    raw: RawWriter, selection: dict[str, str], found: list[str]
) -> None:
    for person in ("Person001", "Person012"):
        for walk in "12":
            raw.kgbd(person, walk, raw.kgbd_lines(1))
    assert [f"{walk.person}/{walk.walk}" for walk in read_walks(raw.root, **selection)] == found


@pytest.mark.parametrize(
    ("frames", "trim", "kept"),
    [(40, 10, range(10, 30)), (20, 10, range(0)), (7, 10, range(0)), (5, 1, range(1, 4))],
)
def test_trimming_removes_frames_from_both_ends(raw: RawWriter, frames: int, trim: int, kept: range) -> None:
    walk = only(read_walks(raw.kgbd("Person001", "1", raw.kgbd_lines(frames))))
    trimmed = walk.trimmed(trim)
    np.testing.assert_array_equal(trimmed.joints, walk.joints[kept.start : kept.stop])
    np.testing.assert_array_equal(trimmed.confidence, walk.confidence[kept.start : kept.stop])
    assert trimmed.time_ns.tolist() == [int(walk.time_ns[n] - walk.time_ns[kept.start]) for n in kept]
    assert (trimmed.person, trimmed.walk, trimmed.name) == (walk.person, walk.walk, walk.name)
