"""Trials of the published protocols, from walks and from windows that others cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.errors import DataError, UserError
from tests.tools.datasets.prepared_arrays import write_set
from tests.tools.evaluation.walks import casia, ks20, sessions
from tools.datasets import Dataset, Walk, WalkRef, open_dataset
from tools.evaluation.protocols.published_draw import draw_published
from tools.evaluation.splits.published_splits import NamedSplit, protocol_splits
from tools.evaluation.splits.walk_split import WindowSet

BIWI = {
    "000": ("Training", "Still", "Walking"),
    "001": ("Training",),
    "002": ("Training", "Still", "Walking"),
}


def dataset(name: str, walks: list[Walk]) -> Dataset:
    """A data set of made walks."""

    def ref(walk: Walk) -> WalkRef:
        return WalkRef(walk.person, walk.walk, lambda: walk, layout=walk.layout)

    return Dataset(name, walks[0].layout, 30.0, "nobody", tuple(ref(walk) for walk in walks))


def named(name: str, protocol: str, split: str) -> NamedSplit:
    (found,) = (found for found in protocol_splits(name, protocol) if found.name == split)
    return found


def test_a_classified_trial_knows_all_who_trained() -> None:
    trial = draw_published(dataset("biwi", sessions(BIWI)), named("biwi", "rn", "biwi"), f=4)
    assert trial.gallery is None
    assert trial.train is not None
    assert trial.train.names == trial.probes.names == ("000", "001", "002")
    assert set(trial.probes.people.tolist()) == {0, 2}
    assert trial.probe_people == {"biwi/0", "biwi/2"}
    assert {sequence.session for sequence in trial.train.sequences} == {"Training"}
    assert trial.left_out is None


def test_windows_start_as_published() -> None:
    walks = ks20(2, frames=50)
    split = named("ks20", "direct", "ks20")
    trial = draw_published(dataset("ks20", walks), split, f=6, seed=4)
    drawn = split.draw(walks, 4)
    for windows, part, step in (
        (trial.train, drawn.train, 3),
        (trial.gallery, drawn.gallery, 6),
        (trial.probes, drawn.probe, 6),
    ):
        expected = WindowSet.cut(part, ("1", "2"), 6, step, native=True)
        assert windows is not None
        np.testing.assert_array_equal(windows.windows, expected.windows)
        assert windows.layout == "kinect-v2"
    assert trial.train is not None
    assert [one.name for one in trial.train.sequences] == [walk.name for walk in drawn.train]
    canonical = draw_published(dataset("ks20", walks), split, f=6, seed=4, native=False)
    assert canonical.probes.windows.shape[2] == 20


def test_a_probe_of_cme_is_compared_with_everything_but_its_own_walk() -> None:
    data = dataset("casia-b", casia(4))
    trial = draw_published(data, named("casia-b", "cme", "nm-nm"), f=4)
    assert trial.gallery is not None
    assert trial.left_out is not None
    literal = [
        [probe.name == known.name for known in trial.gallery.sequences] for probe in trial.probes.sequences
    ]
    assert trial.left_out.tolist() == literal
    assert trial.left_out.sum() == len(trial.probes.sequences)
    across = draw_published(data, named("casia-b", "cme", "cl-nm"), f=4)
    assert across.left_out is None
    assert trial.train is not None
    assert set(trial.train.names).isdisjoint(trial.probes.names)


def test_pixels_are_measured_as_they_are_and_not_otherwise() -> None:
    data = dataset("casia-b", casia(2, layout="coco17-2d"))
    trial = draw_published(data, named("casia-b", "cve", "view-018"), f=4)
    assert (trial.probes.layout, trial.probes.windows.shape[2]) == ("coco17-2d", 17)
    assert set(trial.probes.views.tolist()) == {"018"}
    with pytest.raises(UserError, match="are places in a picture, in pixels"):
        draw_published(data, named("casia-b", "cve", "view-018"), f=4, native=False)


def windows(people: list[int], seed: int) -> tuple[np.ndarray, list[int]]:
    places = np.random.default_rng(seed).normal(0, 0.3, (len(people), 6, 20, 3))
    places[:, :, 3, 1] += 3  # the head, above the hips (0) and the feet
    return places, people


def test_prepared_parts_play_their_roles(tmp_path: Path) -> None:
    parts = {
        "train": windows([0, 0, 1, 2, 2], 1),
        "Walking": windows([0, 2, 2], 2),
        "Still": windows([2, 0, 0, 0], 3),
    }
    opened = open_dataset("biwi", write_set(tmp_path, "BIWI", parts))
    trial = draw_published(opened, named("biwi", "rn", "biwi"))
    assert trial.train is not None
    assert trial.gallery is None
    assert trial.train.names == trial.probes.names == ("0", "1", "2")
    assert trial.probes.people.tolist() == [0, 2, 2]
    matched = draw_published(opened, named("biwi", "direct", "biwi-still"))
    assert matched.gallery is not None
    assert matched.gallery.names == matched.probes.names == ("0", "2")
    assert matched.probes.people.tolist() == [1, 0, 0, 0]
    assert matched.gallery.people.tolist() == [0, 1, 1]
    raw = parts["Walking"][0]
    np.testing.assert_allclose(matched.gallery.windows, raw - raw[:, :, :1], atol=1e-6)


def test_prepared_parts_that_do_not_fit_are_told(tmp_path: Path) -> None:
    parts = {"train": windows([0, 1], 1), "Walking": windows([0, 3], 2)}
    opened = open_dataset("biwi", write_set(tmp_path, "BIWI", parts))
    with pytest.raises(UserError, match="have the parts train, Walking, and biwi-walking needs Still"):
        draw_published(opened, named("biwi", "direct", "biwi-walking"))
    with pytest.raises(UserError, match="have 6 skeletons: ask for f = 6"):
        draw_published(opened, named("biwi", "rn", "biwi"), f=8)
    with pytest.raises(DataError, match="holds windows of person 3, who is not among the 2 people"):
        draw_published(opened, named("biwi", "rn", "biwi"))
    with pytest.raises(UserError, match="ks20-view-90 needs others: give the data set's own files"):
        draw_published(replace(opened, name="ks20"), named("ks20", "rn", "ks20-view-90"))


def test_kgbd_itself_is_drawn_as_published(data_dir: Path) -> None:
    opened = open_dataset("kgbd", data_dir).only({"1", "15", "36", "64"})
    trial = draw_published(opened, named("kgbd", "direct", "kgbd"), seed=2)
    assert trial.gallery is not None
    assert trial.copies == ("kgbd_kinect1_20j/64/5",)
    assert trial.probes.names == trial.gallery.names == ("1", "15", "36", "64")
    lengths = {found.walk: len(found.read().time_ns) for found in opened.only({"36"}).recordings}
    (place,) = (n for n, sequence in enumerate(trial.probes.sequences) if sequence.person == "36")
    length = lengths[trial.probes.sequences[place].walk]
    assert (trial.probes.walks == place).sum() == (length - 20) // 6, "a whole walk: no frame of it is lost"
