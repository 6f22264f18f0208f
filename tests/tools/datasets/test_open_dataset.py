"""Data sets opened by name: raw folders, packed files and folders of them, and wrong contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL, get_layout
from tools.datasets import DATASETS, FORMATS, open_dataset

BIWI_ROW = "2,0.1,0.2,3.1,300,200,2,0,0,0,0,1,0,0\n"


def write_biwi(root: Path, *folders: str, frames: int = 3) -> Path:
    """Writes folders `<session>/<person>` of frames, 10 frames/s."""
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for frame in range(frames):
            name = f"{folder.rpartition('/')[2]}_{frame:06d}-d_{1000 + 100 * frame}_skel.txt"
            (root / folder / name).write_text(BIWI_ROW * 20)
    return root


def write_ks20(root: Path) -> Path:
    for view in ("frontal", "left_lateral"):
        (root / view).mkdir(parents=True)
        for take in ("gc1", "gc2"):
            for frame in range(3):
                text = "".join(f"J{n},1,{n},2\n" for n in range(25))
                (root / view / f"{take}_body4_{frame * 33}_x.txt").write_text(text)
    return root


def write_packed(path: Path, person: int = 4, **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        "joints": np.random.default_rng(1).uniform(1, 2, (6, 20, 3)).astype(np.float32),
        "offsets": np.array([0, 3, 6]),
        "subject": np.array([person, person]),
        "trial": np.array([1, 2]),
        "fps": np.float32(30),
        "joint_names": np.array(CANONICAL),
        "sensor_kind": np.array("kinect-v2"),
    }
    np.savez(path, **(columns | more))
    return path


def write_kgbd(root: Path) -> Path:
    names = (
        "Head", "Shoulder-Center", "Shoulder-Right", "Shoulder-Left", "Elbow-Right", "Elbow-Left",
        "Wrist-Right", "Wrist-Left", "Hand-Right", "Hand-Left", "Spine", "Hip-centro", "Hip-Right",
        "Hip-Left", "Knee-Right", "Knee-Left", "Ankle-Right", "Ankle-Left", "Foot-Right", "Foot-Left",
    )  # fmt: skip
    for person in ("Person001", "Person012"):
        (root / person).mkdir(parents=True)
        for walk in "12":
            text = "".join(f"{name};1;2;{walk}\n" for name in names) * 2
            (root / person / f"{walk}.txt").write_text(text)
    return root


def test_a_raw_folder_is_described_before_a_walk_is_read(tmp_path: Path) -> None:
    root = write_biwi(tmp_path, "Training/000", "Training/001", "Testing/Still/000", "Testing/Walking/000")
    (tmp_path / "Training" / "001" / "001_000002-d_1200_skel.txt").write_text("broken")
    opened = open_dataset("biwi", root)
    assert (opened.name, opened.layout, opened.rate_hz) == ("biwi", "kinect-v1", 10.0)
    assert opened.people == ("000", "001")
    assert sorted((ref.person, ref.session) for ref in opened.walks) == [
        ("000", "Still"), ("000", "Training"), ("000", "Walking"), ("001", "Training"),
    ]  # fmt: skip
    assert "Munaro" in opened.citation
    only = opened.select_people({"000"})
    assert (only.people, only.name) == (("000",), "biwi")
    assert sorted(walk.session for walk in only.read()) == ["Still", "Training", "Walking"]
    with pytest.raises(DataError, match="expected a line for each of 20 joints, got 1"):
        list(opened.read())
    with pytest.raises(UserError, match="biwi has no person 7; it has 2, from 000 to 001"):
        opened.select_people(["7"])


def test_references_agree_with_the_walks_read(tmp_path: Path) -> None:
    for opened in (
        open_dataset("biwi", write_biwi(tmp_path / "biwi", "Training/000", "Testing/Walking/000")),
        open_dataset("ias", write_biwi(tmp_path / "ias", "Training/000", "TestingA/000", "TestingB/000")),
        open_dataset("ks20", write_ks20(tmp_path / "ks20")),
        open_dataset("kgbd", write_kgbd(tmp_path / "kgbd")),
        open_dataset(
            "patho", write_packed(tmp_path / "p.npz", gait=np.array(["normal"] * 2), sensor=np.array([3, 4]))
        ),
    ):
        walks = list(opened.read())
        assert len(walks) == len(opened.walks) > 1
        for ref, walk in zip(opened.walks, walks, strict=True):
            for name in ("person", "walk", "view", "condition", "session", "layout"):
                assert getattr(ref, name) == getattr(walk, name)
            assert walk.layout == opened.layout


def test_ks20_has_views_and_takes_and_25_joints(tmp_path: Path) -> None:
    opened = open_dataset("ks20", write_ks20(tmp_path))
    assert (opened.layout, opened.rate_hz, opened.people) == ("kinect-v2", 30.0, ("4",))
    assert sorted((ref.view, ref.session) for ref in opened.walks) == [
        ("frontal", "gc1"), ("frontal", "gc2"), ("left_lateral", "gc1"), ("left_lateral", "gc2"),
    ]  # fmt: skip


def test_biwi_and_ias_are_distinguished_by_their_sessions(tmp_path: Path) -> None:
    ias = write_biwi(tmp_path / "a", "Training/000", "TestingA/000", "TestingB/000")
    assert open_dataset("ias", ias).rate_hz == 30.0
    with pytest.raises(
        UserError, match="holds the session 'TestingA': expected the folders Still, Training, Walking"
    ):
        open_dataset("biwi", ias)
    with pytest.raises(
        UserError, match="holds the session 'Still': expected the folders TestingA, TestingB, Training"
    ):
        open_dataset("ias", write_biwi(tmp_path / "b", "Training/000", "Testing/Still/000"))


def test_packed_files_are_found_by_their_prefix(tmp_path: Path) -> None:
    write_packed(tmp_path / "kgbd_x.npz", person=9)
    for number, gait in enumerate(("normal", "lurch")):
        write_packed(
            tmp_path / f"kinect2_patho_{gait}_20j.npz",
            gait=np.array([gait] * 2),
            sensor=np.array([1, 6]),
            trial=np.array([number, number]),
        )
    assert open_dataset("kgbd", tmp_path).people == ("9",)
    patho = open_dataset("patho", tmp_path)
    assert sorted((ref.condition, ref.view) for ref in patho.walks) == [
        ("lurch", "sensor1"), ("lurch", "sensor6"), ("normal", "sensor1"), ("normal", "sensor6"),
    ]  # fmt: skip
    one = open_dataset("patho", tmp_path / "kinect2_patho_lurch_20j.npz")
    assert {ref.condition for ref in one.walks} == {"lurch"}
    with pytest.raises(DataError, match=r"several packed files"):
        open_dataset("cmu", tmp_path)


def test_a_packed_file_may_have_any_name(tmp_path: Path) -> None:
    opened = open_dataset("ks20", write_packed(tmp_path / "mine.npz", fps=np.float32(25)))
    assert (opened.name, opened.rate_hz, opened.layout) == ("ks20", 25.0, "kinect-v1")


def test_another_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds PersonNNN/k\.txt .*, which is not KS20: name the data set"):
        open_dataset("ks20", write_kgbd(tmp_path / "kgbd"))
    with pytest.raises(
        UserError, match=r"unknown data set 'KGBD'; expected one of kgbd, biwi, ias, ks20, casia-b"
    ):
        open_dataset("KGBD", tmp_path)
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        open_dataset("kgbd", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no walk in a known format"):
        open_dataset("kgbd", tmp_path / "empty")


def test_a_duplicated_walk_is_refused(tmp_path: Path) -> None:
    path = write_packed(tmp_path / "kgbd.npz", trial=np.array([1, 1]))
    with pytest.raises(DataError, match="holds walk 1 of person 4 twice"):
        open_dataset("kgbd", path)


def test_mixed_layouts_are_refused(tmp_path: Path) -> None:
    write_packed(tmp_path / "kgbd_a.npz", person=1)
    columns = {"joints": np.ones((6, 17, 3), np.float32)}
    names = np.array(get_layout("mpi-17").joints)
    write_packed(tmp_path / "kgbd_b.npz", person=2, joint_names=names, **columns)
    with pytest.raises(DataError, match=r"several layouts \(kinect-v1, mpi-17\)"):
        open_dataset("kgbd", tmp_path)


def test_every_data_set_has_a_citation_and_known_formats() -> None:
    known = {file_format.name for file_format in FORMATS}
    for info in DATASETS.values():
        assert info.citation
        assert set(info.formats) <= known


@pytest.mark.parametrize(
    ("name", "people", "walks", "layout", "rate_hz"),
    [
        ("kgbd", 164, 822, "kinect-v1", 30.0),
        ("patho", 10, 3600, "kinect-v1", 30.0),
        ("ucalgary", 13, 77, "kinect-v1", 30.0),
        ("rgb", 36, 327, "mpi-17", 60.0),
        ("cmu", 14, 69, "kinect-v1", 30.0),
    ],
)
def test_real_data_sets_open_by_name(
    data_dir: Path, name: str, people: int, walks: int, layout: str, rate_hz: float
) -> None:
    opened = open_dataset(name, data_dir)
    assert (len(opened.people), len(opened.walks)) == (people, walks)
    assert (opened.layout, opened.rate_hz) == (layout, rate_hz)
