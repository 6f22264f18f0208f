"""Tests of draws of the published protocols, from walks and from precut windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.errors import DataError, UserError
from tests.tools.datasets.precut_arrays import write_set
from tests.tools.evaluation.synthetic_datasets import casia, ks20, sessions
from tools.datasets import Dataset, Walk, WalkRef, open_dataset
from tools.evaluation.protocols.published_draw import draw_published_split
from tools.evaluation.splits.published_splits import NamedSplit, protocol_splits
from tools.evaluation.splits.window_set import WindowSet

BIWI = {
    "000": ("Training", "Still", "Walking"),
    "001": ("Training",),
    "002": ("Training", "Still", "Walking"),
}


def dataset(name: str, walks: list[Walk]) -> Dataset:
    """Returns a data set of synthetic walks."""

    def ref(walk: Walk) -> WalkRef:
        return WalkRef(walk.person, walk.walk, lambda: walk, layout=walk.layout)

    return Dataset(name, walks[0].layout, 30.0, "nobody", tuple(ref(walk) for walk in walks))


def named(name: str, protocol: str, split: str) -> NamedSplit:
    (found,) = (found for found in protocol_splits(name, protocol) if found.name == split)
    return found


def test_a_classification_draw_has_the_names_of_all_training_people() -> None:
    draw = draw_published_split(dataset("biwi", sessions(BIWI)), named("biwi", "rn", "biwi"), f=4)
    assert draw.gallery is None
    assert draw.train is not None
    assert draw.train.names == draw.probes.names == ("000", "001", "002")
    assert set(draw.probes.people.tolist()) == {0, 2}
    assert draw.probe_people == {"biwi/0", "biwi/2"}
    assert {sequence.session for sequence in draw.train.sequences} == {"Training"}
    assert draw.excluded_pairs is None


def test_windows_start_at_the_published_steps() -> None:
    walks = ks20(2, frames=50)
    split = named("ks20", "direct", "ks20")
    draw = draw_published_split(dataset("ks20", walks), split, f=6, seed=4)
    drawn = split.draw(walks, 4)
    for windows, part, step in (
        (draw.train, drawn.train, 3),
        (draw.gallery, drawn.gallery, 6),
        (draw.probes, drawn.probe, 6),
    ):
        expected = WindowSet.cut(part, ("1", "2"), 6, step, native=True)
        assert windows is not None
        np.testing.assert_array_equal(windows.windows, expected.windows)
        assert windows.layout == "kinect-v2"
    assert draw.train is not None
    assert [one.name for one in draw.train.sequences] == [walk.name for walk in drawn.train]
    canonical = draw_published_split(dataset("ks20", walks), split, f=6, seed=4, native=False)
    assert canonical.probes.windows.shape[2] == 20


def test_a_cme_probe_is_compared_with_all_but_its_own_recording() -> None:
    data = dataset("casia-b", casia(4))
    draw = draw_published_split(data, named("casia-b", "cme", "nm-nm"), f=4)
    assert draw.gallery is not None
    assert draw.excluded_pairs is not None
    expected = [
        [probe.name == known.name for known in draw.gallery.sequences] for probe in draw.probes.sequences
    ]
    assert draw.excluded_pairs.tolist() == expected
    assert draw.excluded_pairs.sum() == len(draw.probes.sequences)
    across = draw_published_split(data, named("casia-b", "cme", "cl-nm"), f=4)
    assert across.excluded_pairs is None
    assert draw.train is not None
    assert set(draw.train.names).isdisjoint(draw.probes.names)


def test_2d_skeletons_need_native_windows() -> None:
    data = dataset("casia-b", casia(2, layout="coco17-2d"))
    draw = draw_published_split(data, named("casia-b", "cve", "view-018"), f=4)
    assert (draw.probes.layout, draw.probes.windows.shape[2]) == ("coco17-2d", 17)
    assert set(draw.probes.views.tolist()) == {"018"}
    with pytest.raises(UserError, match="are 2D image positions in pixels"):
        draw_published_split(data, named("casia-b", "cve", "view-018"), f=4, native=False)


def windows(people: list[int], seed: int) -> tuple[np.ndarray, list[int]]:
    positions = np.random.default_rng(seed).normal(0, 0.3, (len(people), 6, 20, 3))
    positions[:, :, 3, 1] += 3  # the head, above the hips (0) and the feet
    return positions, people


def test_precut_parts_have_their_roles(tmp_path: Path) -> None:
    parts = {
        "train": windows([0, 0, 1, 2, 2], 1),
        "Walking": windows([0, 2, 2], 2),
        "Still": windows([2, 0, 0, 0], 3),
    }
    opened = open_dataset("biwi", write_set(tmp_path, "BIWI", parts))
    draw = draw_published_split(opened, named("biwi", "rn", "biwi"))
    assert draw.train is not None
    assert draw.gallery is None
    assert draw.train.names == draw.probes.names == ("0", "1", "2")
    assert draw.probes.people.tolist() == [0, 2, 2]
    matched = draw_published_split(opened, named("biwi", "direct", "biwi-still"))
    assert matched.gallery is not None
    assert matched.gallery.names == matched.probes.names == ("0", "2")
    assert matched.probes.people.tolist() == [1, 0, 0, 0]
    assert matched.gallery.people.tolist() == [0, 1, 1]
    raw = parts["Walking"][0]
    np.testing.assert_allclose(matched.gallery.windows, raw - raw[:, :, :1], atol=1e-6)


def test_unsuitable_precut_parts_are_reported(tmp_path: Path) -> None:
    parts = {"train": windows([0, 1], 1), "Walking": windows([0, 3], 2)}
    opened = open_dataset("biwi", write_set(tmp_path, "BIWI", parts))
    with pytest.raises(UserError, match="have the parts train, Walking, but biwi-walking needs Still"):
        draw_published_split(opened, named("biwi", "direct", "biwi-walking"))
    with pytest.raises(UserError, match="have 6 skeletons, expected 8; use f = 6"):
        draw_published_split(opened, named("biwi", "rn", "biwi"), f=8)
    with pytest.raises(DataError, match="holds windows of person 3, who is not among the 2 people"):
        draw_published_split(opened, named("biwi", "rn", "biwi"))
    with pytest.raises(UserError, match="ks20-view-90 needs others; give the data set's original files"):
        draw_published_split(replace(opened, name="ks20"), named("ks20", "rn", "ks20-view-90"))


@pytest.mark.slow
def test_kgbd_is_drawn_as_published(data_dir: Path) -> None:
    opened = open_dataset("kgbd", data_dir).select_people({"1", "15", "36", "64"})
    draw = draw_published_split(opened, named("kgbd", "direct", "kgbd"), seed=2)
    assert draw.gallery is not None
    assert draw.duplicates == ("kgbd_kinect1_20j/64/5",)
    assert draw.probes.names == draw.gallery.names == ("1", "15", "36", "64")
    lengths = {found.walk: len(found.read().time_ns) for found in opened.select_people({"36"}).walks}
    (place,) = (n for n, sequence in enumerate(draw.probes.sequences) if sequence.person == "36")
    length = lengths[draw.probes.sequences[place].walk]
    assert (draw.probes.walks == place).sum() == (length - 20) // 6, "windows cover the whole walk"
