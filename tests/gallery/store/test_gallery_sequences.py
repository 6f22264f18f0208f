"""Random sequences of changes to a gallery, compared with a dict, on every engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from stream.body import FloatArray
from stream.errors import GalleryError

RANDOM = np.random.default_rng(1)


def cages() -> FloatArray:
    return RANDOM.standard_normal((2, 2, 3)).astype(np.float32)


def walk(templates: FloatArray) -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 4.5, 0.75, templates)


class GalleryModel(RuleBasedStateMachine):
    """The gallery compared with a dict: the name as written and the walks, by the name without case."""

    url: str
    names = st.sampled_from(["Ada", "ADA", "ben", "Ben", "Zo\u00eb", "ZOE\u0308"])

    def __init__(self) -> None:
        super().__init__()
        self.gallery = open_gallery(self.url)
        for person in self.gallery.people():
            self.gallery.remove(person.name)
        self.model: dict[str, tuple[str, list[FloatArray]]] = {}

    def key(self, name: str) -> str:
        return {"ada": "ada", "ben": "ben"}.get(name.lower(), "zoe")

    @rule(name=names)
    def enrol(self, name: str) -> None:
        templates, key = cages(), self.key(name)
        if key in self.model:
            with pytest.raises(GalleryError):
                self.gallery.enrol(name, [walk(templates)], "--yes")
        else:
            stored = self.gallery.enrol(name, [walk(templates)], "--yes").name
            self.model[key] = (stored, [templates])

    @rule(name=names)
    def add_walk(self, name: str) -> None:
        templates = cages()
        if self.key(name) in self.model:
            self.gallery.add_walks(name, [walk(templates)])
            self.model[self.key(name)][1].append(templates)
        else:
            with pytest.raises(GalleryError):
                self.gallery.add_walks(name, [walk(templates)])

    @rule(name=names, other=names)
    def merge(self, name: str, other: str) -> None:
        kept, removed = self.key(name), self.key(other)
        if kept == removed or not {kept, removed} <= self.model.keys():
            with pytest.raises(GalleryError):
                self.gallery.merge(name, other)
        else:
            assert self.gallery.merge(name, other).done
            self.model[kept][1].extend(self.model.pop(removed)[1])

    @rule(old=names, new=names)
    def rename(self, old: str, new: str) -> None:
        before, after = self.key(old), self.key(new)
        if before not in self.model or (after != before and after in self.model):
            with pytest.raises(GalleryError):
                self.gallery.rename(old, new)
        else:
            assert self.gallery.rename(old, new).done
            _, walks = self.model.pop(before)
            self.model[after] = (new.replace("E\u0308", "\u00cb"), walks)

    @rule(name=names)
    def remove(self, name: str) -> None:
        if self.key(name) in self.model:
            assert self.gallery.remove(name).done
            del self.model[self.key(name)]
        else:
            with pytest.raises(GalleryError):
                self.gallery.remove(name)

    @precondition(lambda self: self.model)
    @rule()
    def reopen(self) -> None:
        self.gallery.close()
        self.gallery = open_gallery(self.url)

    @invariant()
    def same(self) -> None:
        assert {p.name for p in self.gallery.people()} == {name for name, _ in self.model.values()}
        stored: dict[str, list[bytes]] = {}
        for entry in self.gallery.templates("model-1"):
            stored.setdefault(entry.name, []).append(entry.templates.tobytes())
        expected = {name: [each.tobytes() for each in walks] for name, walks in self.model.values()}
        assert {name: sorted(walks) for name, walks in stored.items()} == {
            name: sorted(walks) for name, walks in expected.items()
        }
        assert not self.gallery.erasure_pending()

    def teardown(self) -> None:
        self.gallery.close()


@pytest.mark.slow
def test_any_sequence_of_changes_agrees_with_a_dict(url: str) -> None:
    GalleryModel.url = url
    machine = GalleryModel.TestCase
    machine.settings = settings(
        max_examples=15, stateful_step_count=12, suppress_health_check=[HealthCheck.too_slow]
    )
    machine().runTest()
