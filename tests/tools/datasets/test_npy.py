"""Reader of precut windows in the .npy files of the later papers: complete and broken files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL
from tests.tools.datasets.precut_arrays import write_part, write_set
from tools.datasets import find_walks, open_dataset
from tools.datasets.npy import find_precut

HEIGHTS = {
    "HipCenter": 0.0, "Spine": 0.1, "ShoulderCenter": 0.5, "Head": 0.68, "Shoulder": 0.45, "Elbow": 0.18,
    "Wrist": -0.06, "Hand": -0.13, "Hip": -0.03, "Knee": -0.42, "Ankle": -0.82, "Foot": -0.87,
}  # fmt: skip
KGBD_TEXT = (
    "Head", "ShoulderCenter", "ShoulderRight", "ShoulderLeft", "ElbowRight", "ElbowLeft", "WristRight",
    "WristLeft", "HandRight", "HandLeft", "Spine", "HipCenter", "HipRight", "HipLeft", "KneeRight",
    "KneeLeft", "AnkleRight", "AnkleLeft", "FootRight", "FootLeft",
)  # fmt: skip


def standing_bodies(count: int, f: int = 6, joints: int = 20, seed: int = 0) -> np.ndarray:
    """Returns (count, f, joints, 3) standing bodies, metres; joints beyond the canonical 20 at the chest."""
    body = np.zeros((joints, 3))
    body[:, 1] = 0.3
    for place, name in enumerate(CANONICAL[:joints]):
        body[place, 1] = HEIGHTS[name.removesuffix("Left").removesuffix("Right")]
        body[place, 0] = -0.2 if name.endswith("Left") else 0.2 if name.endswith("Right") else 0
    body += (0, 0.9, 3)
    return body + np.random.default_rng(seed).normal(0, 0.01, (count, f, joints, 3))


def write_biwi(root: Path) -> Path:
    parts = {
        "train": (standing_bodies(7, seed=1), [0, 0, 1, 1, 1, 2, 0]),
        "Walking": (standing_bodies(3, seed=2), [0, 2, 2]),
        "Still": (standing_bodies(2, seed=3), [2, 0]),
    }
    return write_set(root / "Datasets" / "BIWI" / "6", "BIWI", parts)


@pytest.mark.parametrize("name", ["npy", "biwi"])
def test_windows_have_their_people(tmp_path: Path, name: str) -> None:
    opened = open_dataset(name, write_biwi(tmp_path))
    assert (opened.name, opened.layout, opened.rate_hz) == ("biwi", "kinect-v1", 10.0)
    assert opened.walks == ()
    assert list(opened.precut) == ["train", "Still", "Walking"]
    train = opened.precut["train"].read()
    np.testing.assert_allclose(train.windows, standing_bodies(7, seed=1), atol=1e-6)
    assert train.windows.dtype == np.float32
    assert train.people == ("0", "0", "1", "1", "1", "2", "0")
    assert train.runs.tolist() == [0, 0, 1, 1, 1, 2, 3]
    assert opened.precut["Walking"].read().people == ("0", "2", "2")


@pytest.mark.parametrize(
    ("dataset", "joints", "layout"), [("KS20", 25, "kinect-v2"), ("IAS", 20, "kinect-v1")]
)
@pytest.mark.parametrize("flat", [False, True])
def test_joint_count_comes_from_the_rows_or_the_data_set(
    tmp_path: Path, dataset: str, joints: int, layout: str, flat: bool
) -> None:
    windows = standing_bodies(4, f=8, joints=joints)
    opened = open_dataset("npy", write_set(tmp_path, dataset, {"probe": (windows, [1, 1, 2, 2])}, flat=flat))
    assert (opened.name, opened.layout) == (dataset.lower(), layout)
    np.testing.assert_allclose(opened.precut["probe"].read().windows, windows, atol=1e-6)


def test_parts_in_file_names_and_both_spellings_of_casia(tmp_path: Path) -> None:
    folder = tmp_path / "IAS" / "IAS_test_npy_data"
    write_part(folder, "IAS-A", standing_bodies(1), [3])
    write_part(folder, "IAS-B", standing_bodies(1), [3])
    found = find_precut(tmp_path / "IAS")
    assert (found.name, [part.part for part in found.parts]) == ("ias", ["A", "B"])
    heads_up = standing_bodies(2, f=20)[:, :, [3, 2, 8, 9, 10, 4, 5, 6, 16, 17, 18, 12, 13, 14]]
    write_part(tmp_path / "C" / "CASIA_B_train_npy_data", "CAISA_B", heads_up, [1, 1], test=False, flat=True)
    found = find_precut(tmp_path / "C")
    assert (found.name, found.f, found.layout) == ("casia-b", 20, "openpose-14")
    np.testing.assert_allclose(found.parts[0].read().windows, heads_up, atol=1e-6)


def test_kgbd_in_text_order_is_reordered_to_sdk_order(tmp_path: Path) -> None:
    windows = standing_bodies(5, seed=8)
    as_text = windows[:, :, [CANONICAL.index(name) for name in KGBD_TEXT]]
    for name, written in (("sdk", windows), ("text", as_text)):
        opened = open_dataset("kgbd", write_set(tmp_path / name, "KGBD", {"train": (written, [1] * 5)}))
        np.testing.assert_allclose(opened.precut["train"].read().windows, windows, atol=1e-6)


def test_upside_down_skeletons_are_rotated(tmp_path: Path) -> None:
    windows = standing_bodies(3)
    opened = open_dataset("ias", write_set(tmp_path, "IAS", {"A": (windows * [-1, -1, 1], [1, 1, 1])}))
    np.testing.assert_allclose(opened.precut["A"].read().windows, windows, atol=1e-6)


def overwrite(name: str, array: np.ndarray) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, array, allow_pickle=True)


def overwrite_with_npz(name: str) -> Callable[[Path], None]:
    def write_npz(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            np.savez(file, numbers=np.arange(3))

    return write_npz


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (
            overwrite_with_npz("frame_id_BIWI_6.npy"),
            r"frame_id_BIWI_6\.npy is not a complete \.npy file",
        ),
        (
            overwrite("t_source_y_BIWI_6.npy", np.ones((12, 20))),
            r"as many numbers as in the files of y and z.* got 360, 240, 360",
        ),
        (
            lambda folder: (folder / "t_source_z_BIWI_6.npy").unlink(),
            r"t_source_z_BIWI_6\.npy is not a complete",
        ),
        (
            lambda folder: (folder / "frame_id_BIWI_6.npy").unlink(),
            r"frame_id_BIWI_6\.npy is not a complete",
        ),
        (overwrite("frame_id_BIWI_6.npy", np.arange(4)), r"person of each of the 3 windows .* shape \(4,\)"),
        (overwrite("frame_id_BIWI_6.npy", np.array([{}] * 3)), r"frame_id_BIWI_6\.npy is not .*pickle"),
        (
            overwrite("t_source_x_BIWI_6.npy", np.array([{}, None])),
            r"t_source_x_BIWI_6\.npy is not .*pickle",
        ),
        (
            overwrite("t_source_z_BIWI_6.npy", np.full((18, 20), np.nan)),
            r"z_BIWI_6\.npy: expected finite numbers",
        ),
        (
            overwrite("t_source_z_BIWI_6.npy", np.full((18, 20), "1")),
            r"z_BIWI_6\.npy: expected finite numbers",
        ),
        (
            lambda folder: (folder / "t_source_x_BIWI_6.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr'"),
            r"t_source_x_BIWI_6\.npy is not a complete \.npy file",
        ),
    ],
    ids=[
        "zip",
        "sizes",
        "no-z",
        "no-people",
        "people",
        "pickled-people",
        "pickled-x",
        "nan",
        "text",
        "truncated",
    ],
)
def test_broken_arrays_name_the_file(tmp_path: Path, broken: Callable[[Path], None], expected: str) -> None:
    folder = write_biwi(tmp_path)
    opened = open_dataset("biwi", folder)
    broken(folder / "test_npy_data" / "Walking")
    with pytest.raises(DataError, match=expected):
        opened.precut["Walking"].read()
    assert opened.precut["Still"].read().people == ("2", "0")


def test_windows_of_several_kinds_in_a_folder_are_refused(tmp_path: Path) -> None:
    write_biwi(tmp_path)
    write_set(tmp_path / "Datasets" / "BIWI" / "8", "BIWI", {"train": (standing_bodies(1, f=8), [1])})
    with pytest.raises(
        DataError, match=r"of several kinds \(biwi with f = 6, biwi with f = 8\): give the folder"
    ):
        open_dataset("npy", tmp_path / "Datasets" / "BIWI")
    again = tmp_path / "Datasets" / "BIWI" / "6" / "view_1"
    write_set(again, "BIWI", {"train": (standing_bodies(1), [1])})
    with pytest.raises(DataError, match="holds train twice"):
        open_dataset("npy", tmp_path / "Datasets" / "BIWI" / "6")
    assert list(open_dataset("npy", again).precut) == ["train"]


def test_unknown_joint_counts_and_wrong_folders_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "a", "BIWI", {"train": (np.ones((2, 6, 19, 3)), [1, 1])})
    with pytest.raises(
        DataError, match=r"expected rows of 14, 20, 25 joints, got an array of shape \(12, 19\)"
    ):
        open_dataset("npy", tmp_path / "a")
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match=r"holds no source_x_<set>_<f>\.npy"):
        open_dataset("npy", tmp_path / "b")
    with pytest.raises(UserError, match="holds windows of biwi, not of kgbd"):
        open_dataset("kgbd", write_biwi(tmp_path / "c"))


def test_windows_are_refused_where_walks_are_needed(tmp_path: Path) -> None:
    folder = write_biwi(tmp_path)
    with pytest.raises(UserError, match=r"holds precut windows, not walks"):
        list(find_walks(folder))
    with pytest.raises(UserError, match=r"biwi was given as precut windows"):
        open_dataset("biwi", folder).read()
