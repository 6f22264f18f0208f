"""Readers of CASIA-B: GaitGraph's 2D table and arrays of 14 joints in 3D, complete and broken."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.errors import DataError
from stream.skeleton import get_layout
from tools.datasets import Walk, detect, find_walks, open_dataset, read_walks

HEADER = ",".join(
    ["image_name", *(f"{joint}_{part}" for joint in get_layout("coco").joints for part in ("x", "y", "conf"))]
)


def pose(seed: int, confidence: float = 0.9) -> np.ndarray:
    """Returns 17 positions in an image of 320 by 240 pixels, each with a confidence."""
    positions = np.random.default_rng(seed).uniform([0, 0], [320, 240], (17, 2)).round(3)
    return np.column_stack([positions, np.full(17, confidence)])


def row(sequence: str, frame: int, body: np.ndarray) -> str:
    return f"./{sequence}/{frame:06d}.jpg," + ",".join(f"{value:g}" for value in body.ravel())


def write_table(path: Path, rows: Sequence[str], newline: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + newline for line in (HEADER, *rows)).encode())
    return path


def only(path: Path) -> Walk:
    (walk,) = read_walks(path)
    return walk


def test_a_table_of_poses_becomes_2d_walks(tmp_path: Path) -> None:
    bodies = [pose(seed) for seed in range(6)]
    rows = [row("007-bg-02-036", frame, body) for frame, body in zip((3, 4, 5, 9), bodies, strict=False)]
    rows += [row("007-nm-01-180", frame, body) for frame, body in enumerate(bodies[4:], 1)]
    path = write_table(tmp_path / "casia-b_pose_coco.csv", rows)
    bag, normal = read_walks(path)
    assert (bag.person, bag.walk, bag.name) == ("007", "bg-02-036", "casia-b/007/bg-02-036")
    assert (bag.condition, bag.session, bag.view) == ("bg", "02", "036")
    assert (bag.sensor, bag.layout) == ("rgb-2d", "coco17-2d")
    assert bag.time_ns.tolist() == [0, 40_000_000, 80_000_000, 240_000_000]
    expected = np.stack(bodies[:4])[..., :2]
    np.testing.assert_allclose(bag.joints[..., :2], -expected, rtol=1e-6)
    assert (bag.joints[..., 2] == 0).all()
    np.testing.assert_allclose(bag.confidence, 0.9, rtol=1e-6)
    assert normal.joints.shape == (2, 17, 3)
    assert bag.joints.dtype == bag.confidence.dtype == np.float32


def test_rows_may_have_any_order_and_line_ending(tmp_path: Path) -> None:
    names = ("001-nm-01-000", "002-cl-01-090")
    rows = [row(name, frame, pose(frame)) for name in names for frame in range(1, 9)]
    straight = list(read_walks(write_table(tmp_path / "a.csv", rows)))
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = list(read_walks(write_table(tmp_path / "b.csv", [rows[n] for n in order], "\r\n")))
    for one, other in zip(straight, mixed, strict=True):
        assert (one.person, one.walk) == (other.person, other.walk)
        np.testing.assert_array_equal(one.joints, other.joints)
        np.testing.assert_array_equal(one.time_ns, other.time_ns)


def test_a_byte_order_mark_is_no_part_of_the_table(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.csv", [row("001-nm-01-000", frame, pose(frame)) for frame in (1, 2)])
    plain, text = only(path), path.read_text()
    path.write_text(text, encoding="utf-8-sig")
    np.testing.assert_array_equal(only(path).joints, plain.joints)
    path.write_text(text, encoding="utf-16")
    with pytest.raises(DataError, match=r"a\.csv is a text in UTF-16 or UTF-32: save it as UTF-8"):
        only(path)


def test_joints_without_confidence_or_coordinates_are_unseen(tmp_path: Path) -> None:
    body = pose(1)
    body[5, 2] = 0
    body[6, 2] = 1.2
    text = row("001-nm-01-000", 1, body).split(",")
    text[1 + 3 * 8] = ""
    walk = only(write_table(tmp_path / "a.csv", [",".join(text)]))
    assert np.flatnonzero(walk.confidence[0] == 0).tolist() == [5, 8]
    assert np.isnan(walk.joints[0, [5, 8]]).all()
    assert walk.confidence[0, 6] == 1


def test_a_joint_in_the_corner_of_the_image_is_seen(tmp_path: Path) -> None:
    body = pose(1)
    body[3, :2] = 0
    walk = only(write_table(tmp_path / "a.csv", [row("001-nm-01-000", 1, body)]))
    assert walk.confidence[0, 3] > 0


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("./001-nm-01/000003.jpg," + ",".join("1" * 51), r"line 4: expected <folder>/<xxx-mm-nn-vvv>"),
        ("./001-xx-01-000/000003.jpg,1", r"line 4: expected .* got './001-xx-01-000/000003\.jpg'"),
        (row("001-nm-01-000", 3, pose(0)) + ",7", r"line 4: expected .* and 51 numbers"),
        (row("001-nm-01-000", 3, pose(0)).rsplit(",", 1)[0], r"line 4: expected .* and 51 numbers"),
        (row("001-nm-01-000", 3, pose(0)).replace(",0.9", ",much", 1), r"line 4: .* got 'much'"),
        (row("001-nm-01-000", 3, pose(0)).replace("000003", "three"), r"line 4: expected"),
        (row("001-nm-01-000", 3, pose(0)).replace("000003", "3" * 30), r"line 4: expected"),
        (row("001-nm-01-000", 2, pose(0)), r"line 4: frame 2 of 001-nm-01-000 occurs twice"),
    ],
    ids=["folder", "condition", "too-long", "short", "no-number", "frame", "far", "twice"],
)
def test_broken_rows_name_file_and_line(tmp_path: Path, broken: str, expected: str) -> None:
    rows = [row("001-nm-01-000", frame, pose(frame)) for frame in (1, 2)]
    path = write_table(tmp_path / "a.csv", [*rows, broken, row("001-nm-01-000", 9, pose(9))])
    with pytest.raises(DataError, match=expected) as error:
        list(read_walks(path))
    assert str(path) in str(error.value)


def test_two_tables_with_the_same_sequence_are_refused(tmp_path: Path) -> None:
    for name in ("train", "train_valid"):
        write_table(tmp_path / f"casia-b_pose_{name}.csv", [row("001-nm-01-000", 1, pose(1))])
    write_table(tmp_path / "casia-b_pose_zzz.csv", [row("101-nm-01-000", 1, pose(1))])
    with pytest.raises(
        DataError, match=r"train_valid\.csv holds sequence 001-nm-01-000, and so does casia-b_pose_train"
    ):
        list(find_walks(tmp_path))
    (tmp_path / "casia-b_pose_train_valid.csv").unlink()
    assert [ref.person for ref in find_walks(tmp_path)] == ["001", "101"]


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no walks"):
        open_dataset("casia-b", write_table(tmp_path / "a.csv", []))


# --- 14 joints in 3D


def standing(frames: int) -> np.ndarray:
    """Returns (frames, 14, 3) of a standing person, metres, Y up."""
    body = np.zeros((14, 3))
    body[:, 1] = [0.7, 0.5, 0.45, 0.2, 0, 0.45, 0.2, 0, 0, -0.4, -0.8, 0, -0.4, -0.8]
    body[[2, 3, 4, 8, 9, 10], 0], body[[5, 6, 7, 11, 12, 13], 0] = 0.15, -0.15
    return body + np.random.default_rng(frames).normal(0, 0.01, (frames, 14, 3))


def write_npz(path: Path, name: str, skeletons: np.ndarray) -> None:
    arrays: dict[str, Any] = {name: skeletons}
    np.savez(path, **arrays)


def test_arrays_in_an_npz_are_found_whatever_the_bytes_before_their_name(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, standing(20))
    for time in [(16, 6, 6), (20, 7, 30), (23, 22, 58)]:  # their bytes are one character of UTF-8
        path = tmp_path / f"{time[0]}.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo("001-nm-01-000.npy", (2026, 1, 1, *time)), content.getvalue())
        assert detect(path).name == "casia-b-3d"


def test_arrays_are_found_by_file_name_by_folder_and_in_an_npz(tmp_path: Path) -> None:
    skeletons = standing(30)
    (tmp_path / "flat").mkdir()
    np.save(tmp_path / "flat" / "001-nm-01-000.npy", skeletons)
    np.save(tmp_path / "flat" / "labels.npy", np.arange(3))
    tree = tmp_path / "tree" / "001" / "nm-01" / "000"
    tree.mkdir(parents=True)
    np.save(tree / "000.npy", skeletons.reshape(30, 42).astype(np.float32))
    write_npz(tmp_path / "all.npz", "001-nm-01-000", skeletons)
    assert {detect(path).name for path in (tmp_path / "flat", tmp_path / "tree", tmp_path / "all.npz")} == {
        "casia-b-3d"
    }
    for path in (tmp_path / "flat", tmp_path / "tree", tmp_path / "all.npz"):
        walk = only(path)
        assert (walk.person, walk.walk, walk.layout) == ("001", "nm-01-000", "openpose-14")
        assert (walk.condition, walk.session, walk.view) == ("nm", "01", "000")
        np.testing.assert_allclose(walk.joints, skeletons, atol=1e-6)
        assert walk.time_ns[-1] == 29 * 40_000_000
        assert walk.confidence.all()


def test_skeletons_whose_y_points_down_are_rotated(tmp_path: Path) -> None:
    np.save(tmp_path / "001-cl-01-090.npy", standing(5) * [-1, -1, 1])
    np.testing.assert_allclose(only(tmp_path).joints, standing(5), atol=1e-6)


def test_joints_that_are_not_finite_are_unseen(tmp_path: Path) -> None:
    skeletons = standing(4)
    skeletons[2, 7] = np.nan
    np.save(tmp_path / "001-cl-01-090.npy", skeletons)
    assert np.argwhere(only(tmp_path).confidence == 0).tolist() == [[2, 7]]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (
            np.ones((5, 17, 3)),
            r"expected numbers of shape \(frames, 14, 3\) .* got float64 of shape \(5, 17, 3\)",
        ),
        (np.ones((5, 14, 2)), r"got float64 of shape \(5, 14, 2\); 2D skeletons of 17 joints are read from"),
        (np.ones(42), r"got float64 of shape \(42,\)"),
        (np.full((5, 42), "x"), r"got <U1"),
        (np.array([{}, {}]), r"not a complete \.npy file of plain numbers \(.*pickle"),
    ],
    ids=["17", "2d", "flat", "text", "pickle"],
)
def test_errors_name_the_file_of_arrays_of_another_shape(
    tmp_path: Path, array: np.ndarray, expected: str
) -> None:
    path = tmp_path / "001-cl-01-090.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError, match=expected) as error:
        only(tmp_path)
    assert str(path) in str(error.value)


def test_errors_name_the_file_of_truncated_arrays(tmp_path: Path) -> None:
    path = tmp_path / "001-cl-01-090.npy"
    np.save(path, standing(20))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"001-cl-01-090\.npy is not a complete \.npy file"):
        only(tmp_path)
    write_npz(tmp_path / "all.npz", "002-cl-01-090", standing(20))
    whole = (tmp_path / "all.npz").read_bytes()
    (tmp_path / "all.npz").write_bytes(whole[:-40])
    with pytest.raises(DataError, match=r"all\.npz is not a complete \.npz file of plain arrays"):
        only(tmp_path / "all.npz")


def test_a_pickle_within_an_npz_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "001-nm-01-000.npy", np.array([{}]), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "all.npz", "w") as archive:
        archive.write(tmp_path / "001-nm-01-000.npy", "001-nm-01-000.npy")
    with pytest.raises(DataError, match=r"all\.npz is not a complete \.npz file of plain arrays .*pickle"):
        only(tmp_path / "all.npz")


def test_a_sequence_in_two_files_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "001-nm-01-000.npy", standing(3))
    write_npz(tmp_path / "more.npz", "001-nm-01-000", standing(3))
    with pytest.raises(
        DataError,
        match=r"more\.npz, array 001-nm-01-000 holds sequence .*, and so does .*/001-nm-01-000\.npy",
    ):
        list(find_walks(tmp_path))


def test_2d_and_3d_skeletons_are_not_mixed(tmp_path: Path) -> None:
    """The first format found in a folder is read, the other is ignored."""
    np.save(tmp_path / "001-nm-01-000.npy", standing(30))
    write_table(tmp_path / "poses.csv", [row("002-nm-01-000", 1, pose(1))])
    opened = open_dataset("casia-b", tmp_path)
    assert (opened.layout, opened.people) == ("openpose-14", ("001",))
    poses = open_dataset("casia-b", tmp_path / "poses.csv")
    assert (poses.layout, poses.people, poses.rate_hz) == ("coco17-2d", ("002",), 25.0)
