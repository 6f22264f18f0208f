"""The index of a changed gallery, loaded with the one before: equal to a freshly loaded one, and cheaper."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gallery.calibration.gallery_calibration import calibrate_gallery
from gallery.scoring.backend import Backend
from gallery.scoring.fusion import FusionModel
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment, PersonTemplates
from gallery.store.rows import read_cages
from tests.gallery.flat_visits import flat_visits
from tests.gallery.scoring.test_fusion import MODEL, mean_segment, synthetic_windows

CONTRACT = "model-1"
ALONE, AT_SITE, PLAIN = "kinect-v1", "camera", "kinect-v2"
"""Kinds of sensors whose people are compared alone, relative to the site's mean, and by windows alone."""

SENSORS = (ALONE, AT_SITE, PLAIN)
SITE = replace(MODEL, weights={**MODEL.weights, "site": 1.0})
BACKEND = Backend(
    fusions={ALONE: MODEL, AT_SITE: SITE},
    visits={sensor: flat_visits(-9.0) for sensor in SENSORS},
    version="v1",
)
PROBE = synthetic_windows(1, 12)
NAMES = ("Ada", "Ben", "Cy", "Dee")


def walk(seed: int, sensor: str) -> NewEnrolment:
    rows = synthetic_windows(seed, 12 + seed % 3)
    return NewEnrolment(CONTRACT, sensor, 3.0, 1.0, rows, mean_segment(rows))


def numbers(index: TemplateIndex, sensor: str) -> list[object]:
    """Returns all that decisions need of an index."""
    track = index.track_statistics(sensor)
    for window in PROBE:
        track.add(window)
    (added,) = index.track_scores([track], sensor)
    ends = TemplateMeans.ends(len(PROBE), len(PROBE))
    return [
        index.people,
        index.names,
        index.owners.tolist(),
        [(each.walk_id, each.person_id, each.name, each.templates.tobytes()) for each in index.walks],
        index.people_of(sensor),
        index.scores(index.describe(PROBE, sensor), sensor).tolist(),
        None if added is None else added.tolist(),
        index.walk_course(PROBE, mean_segment(PROBE), ends, sensor).tolist(),
        {
            name: term.tolist()
            for name, term in index.walk_terms(PROBE, mean_segment(PROBE), ends, sensor).items()
        },
    ]


def check(gallery: Gallery, before: TemplateIndex | None) -> TemplateIndex:
    """Returns the index that is loaded with the one before; asserts that it is the fresh one."""
    changed = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS, before)
    fresh = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS)
    for sensor in SENSORS:
        assert numbers(changed, sensor) == numbers(fresh, sensor)
    assert calibrate_gallery(gallery, changed) == calibrate_gallery(gallery, fresh)
    return changed


class ChangedGallery(RuleBasedStateMachine):
    """Changes of a gallery in any order, each followed by a load with the index before."""

    names = st.sampled_from(NAMES)
    seeds = st.integers(1, 9)
    sensors = st.sampled_from(SENSORS)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "gallery.db"
        self.gallery = open_gallery(str(self.path))
        self.index: TemplateIndex | None = None

    def known(self) -> list[str]:
        return [person.name for person in self.gallery.people()]

    @rule(name=names, seed=seeds, sensor=sensors)
    def enrol(self, name: str, seed: int, sensor: str) -> None:
        if name in self.known():
            self.gallery.add_walks(name, [walk(seed, sensor)])
        else:
            self.gallery.enrol(name, [walk(seed, sensor)], "asked")

    @precondition(lambda self: self.known())
    @rule(other=names, place=st.integers(0, 9))
    def rename_or_merge(self, other: str, place: int) -> None:
        name = self.known()[place % len(self.known())]
        if other not in self.known():
            self.gallery.rename(name, other)
        elif other != name:
            self.gallery.merge(other, name)

    @precondition(lambda self: self.known())
    @rule(place=st.integers(0, 9))
    def remove(self, place: int) -> None:
        self.gallery.remove(self.known()[place % len(self.known())])

    @rule(name=names, seed=seeds, in_place=st.booleans())
    def replace_file(self, name: str, seed: int, in_place: bool) -> None:
        other = self.path.with_name("other.db")
        with open_gallery(str(other)) as made:
            made.enrol(name, [walk(seed, ALONE), walk(seed + 1, AT_SITE)], "asked")
        if in_place:
            self.gallery.close()
            shutil.copyfile(other, self.path)
            self.gallery = open_gallery(str(self.path))
            other.unlink()
        else:
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            other.replace(self.path)

    @rule()
    def restore(self) -> None:
        backup = self.path.with_name("backup.db")
        with open_gallery(str(backup)) as made:
            made.replace_people(self.gallery, made.revision())
            self.gallery.replace_people(made, self.gallery.revision())
        backup.unlink()

    @invariant()
    def same(self) -> None:
        self.index = check(self.gallery, self.index)

    def teardown(self) -> None:
        self.gallery.close()
        self.folder.cleanup()


@pytest.mark.slow
def test_after_any_changes_the_index_is_the_freshly_loaded_one() -> None:
    machine = ChangedGallery.TestCase
    machine.settings = settings(
        max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
    )
    machine().runTest()


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with open_gallery(str(tmp_path / "gallery.db")) as opened:
        for seed, name in enumerate(NAMES, 1):
            opened.enrol(name, [walk(seed, ALONE), walk(seed + 4, ALONE)], "asked")
        yield opened


def test_only_new_walks_are_read_and_prepared_and_only_their_people_compared(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS)
    calls: Counter[str] = Counter()

    def counting(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any) -> Any:
            calls[name] += 1
            return own(*arguments)

        return count

    monkeypatch.setattr("gallery.store.gallery.read_cages", counting("read", read_cages))
    monkeypatch.setattr(FusionModel, "enrol", counting("prepared", FusionModel.enrol))
    monkeypatch.setattr(FusionModel, "consistency", counting("compared", FusionModel.consistency))
    gallery.add_walks("Ben", [walk(9, ALONE)])
    gallery.rename("Cy", "Eve")
    gallery.remove("Dee")
    changed = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS, before)
    assert sorted(changed.names.values()) == ["Ada", "Ben", "Eve"]
    assert calls == {"read": 1, "prepared": 1, "compared": 1}
    known = {each.walk_id: each for each in before.walks}
    assert [each.name for each in changed.walks if known.get(each.walk_id) is each] == ["Ada"] * 2 + [
        "Ben"
    ] * 2


def test_templates_of_a_removed_person_are_forgotten(gallery: Gallery) -> None:
    before = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS)
    gallery.remove("Ada")
    changed = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS, before)
    assert "Ada" not in {each.name for each in changed.walks}
    assert all(map(np.isfinite, changed.scores(changed.describe(PROBE, ALONE), ALONE).ravel()))


def test_nothing_keeps_the_former_name_of_a_person(gallery: Gallery) -> None:
    gallery.rename("Ada", "Former name")
    before = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS)
    gallery.rename("Former name", "Ada")
    changed = TemplateIndex.load(gallery, CONTRACT, BACKEND, SENSORS, before)
    del before
    gc.collect()
    # Not isinstance, which asks objects of torch for their class: one of them warns.
    kept = {each.name for each in gc.get_objects() if type(each) is PersonTemplates}
    assert kept >= set(changed.names.values())
    assert "Former name" not in kept
