from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gallery.store.gallery import Gallery, NewEnrolment, PersonTemplates, open_gallery
from stream.body import FloatArray
from stream.errors import GalleryError

RANDOM = np.random.default_rng(1)


def cages(windows: int = 3, f: int = 6, dimension: int = 8) -> FloatArray:
    return RANDOM.standard_normal((windows, f, dimension)).astype(np.float32)


def walk(
    templates: FloatArray | None = None, contract: str = "model-1", seconds: float = 4.5
) -> NewEnrolment:
    return NewEnrolment(contract, "kinect-v1", seconds, 0.75, cages() if templates is None else templates)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path)) as store:
        yield store


def test_an_enrolled_person_comes_back_whole(path: Path) -> None:
    first, second = cages(3), cages(5)
    before = datetime.now(UTC)
    with open_gallery(str(path)) as store:
        said = store.enrol(" Ada  Lovelace", [walk(first), walk(second, seconds=7.0)], "asked")
        asked = before - timedelta(hours=1)
        store.enrol("ben", [walk(contract="model-2")], "--yes", consent_at=asked)
    with open_gallery(str(path)) as store:
        ada, ben = store.people()
        assert ada == said == store.person("ADA LOVELACE")
        assert (ada.name, ada.consent_by, ada.windows, ada.seconds) == ("Ada Lovelace", "asked", 8, 11.5)
        assert (ada.sensors, ada.contracts) == (("kinect-v1",), ("model-1",))
        assert [(w.contract_id, w.windows, w.quality) for w in ada.enrolments] == [
            ("model-1", 3, 0.75),
            ("model-1", 5, 0.75),
        ]
        assert before <= ada.enrolled_at <= datetime.now(UTC)
        assert ada.enrolled_at.tzinfo == UTC
        assert (ben.consent_by, ben.consent_at) == ("--yes", asked)
        stored = store.templates("model-1")
        assert [(s.name, s.sensor) for s in stored] == [("Ada Lovelace", "kinect-v1")] * 2
        for got, expected in zip(stored, (first, second), strict=True):
            np.testing.assert_array_equal(got.templates, expected)
            assert got.templates.dtype == np.float32
        assert store.contracts() == {"model-1": 1, "model-2": 1}
        assert store.templates("model-3") == []
        assert store.has("ada lovelace")
        assert not store.has("ada")


def test_templates_belong_to_a_person_who_keeps_their_number(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk(), walk()], "asked")
    gallery.enrol("Ben", [walk()], "asked")
    one, two, ben = gallery.templates("model-1")
    assert one.person_id == two.person_id != ben.person_id
    gallery.rename("Ben", "Benjamin")
    assert gallery.templates("model-1")[2].person_id == ben.person_id
    gallery.remove("Benjamin")
    gallery.enrol("Eve", [walk()], "asked")
    assert gallery.templates("model-1")[2].person_id not in (ben.person_id, one.person_id)


@pytest.mark.parametrize("same", ["Ada", "ADA", " ada "])
def test_a_name_is_enrolled_once(gallery: Gallery, same: str) -> None:
    ada = gallery.enrol("Ada", [walk()], "asked")
    revision = gallery.revision()
    with pytest.raises(GalleryError, match=r"enrolled already.*remove"):
        gallery.enrol(same, [walk()], "asked")
    assert gallery.people() == [ada]
    assert gallery.revision() == revision


@pytest.mark.parametrize(
    ("bad", "wrong"),
    [
        ([], "no walk"),
        ([walk(), walk(np.empty((0, 6, 8), np.float32))], "walk 2 of 2.*its templates are"),
        ([walk(np.empty((3, 6, 0), np.float32))], "its templates are"),
        ([walk(np.full((2, 6, 8), np.nan, np.float32))], "not finite"),
        ([walk(np.concatenate([cages(2), np.full((1, 6, 8), np.inf, np.float32)]))], "not finite"),
        ([walk(np.concatenate([cages(2), np.zeros((1, 6, 8), np.float32)]))], "all zeros"),
        ([walk(cages().astype(np.float64))], "float64"),
        ([walk(cages()[0])], "float32"),
        ([walk(seconds=0.0)], "more than 0 s"),
        ([walk(seconds=float("nan"))], "more than 0 s"),
        ([NewEnrolment("model-1", "kinect-v1", 3.0, 1.5, cages())], "quality 1.5"),
        ([walk(contract="")], "contract"),
        ([replace(walk(), statistics=np.zeros((2, 3), np.float32))], r"statistics are float32 \(2, 3\)"),
        ([replace(walk(), statistics=np.full(3, np.nan, np.float32))], "statistics are not finite"),
        ([walk(), walk(cages(3, 6, 9))], "6 x 8 here, not 6 x 9"),
    ],
)
def test_what_cannot_be_matched_is_refused_and_nothing_of_it_stays(
    gallery: Gallery, bad: list[NewEnrolment], wrong: str
) -> None:
    with pytest.raises(GalleryError, match=wrong):
        gallery.enrol("Ada", bad, "asked")
    assert gallery.people() == []
    assert gallery.contracts() == {}
    assert gallery.revision() == 0


def test_the_statistics_of_segments_come_back_as_they_were(gallery: Gallery) -> None:
    statistics = np.random.default_rng(1).standard_normal(20).astype(np.float32)
    gallery.enrol("Ada", [replace(walk(), statistics=statistics), walk()], "asked")
    first, second = gallery.templates("model-1")
    assert first.statistics.tobytes() == statistics.tobytes()
    assert second.statistics.size == 0


def test_without_consent_nobody_is_enrolled(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match="consent"):
        gallery.enrol("Ada", [walk()], "probably")
    assert gallery.people() == []


def test_renaming(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    gallery.enrol("Ben", [walk()], "asked")
    gallery.rename("ada", "Zo\u00eb")
    assert [p.name for p in gallery.people()] == ["Ben", "Zo\u00eb"]
    gallery.rename("Ben", "BEN")
    assert gallery.person("ben").name == "BEN"
    with pytest.raises(GalleryError, match="enrolled already"):
        gallery.rename("Ben", "zO\u00cb")
    with pytest.raises(GalleryError, match="nobody called Ada"):
        gallery.rename("Ada", "Eve")
    with pytest.raises(GalleryError, match=r"U\+000A"):
        gallery.rename("Ben", "Eve\n")
    assert [p.name for p in gallery.people()] == ["BEN", "Zo\u00eb"]


def test_someone_who_is_not_there_is_named_with_the_nearest(gallery: Gallery) -> None:
    gallery.enrol("Ada Lovelace", [walk()], "asked")
    with pytest.raises(GalleryError, match="is it Ada Lovelace"):
        gallery.person("Ada Lovelase")
    with pytest.raises(GalleryError, match="people list"):
        gallery.remove("Xu")


def test_the_revision_changes_with_every_change_and_no_reading(gallery: Gallery) -> None:
    seen = [gallery.revision()]
    for change in (
        lambda: gallery.enrol("Ada", [walk()], "asked"),
        lambda: gallery.rename("Ada", "Eve"),
        lambda: gallery.remove("Eve"),
    ):
        change()
        gallery.people(), gallery.templates("model-1"), gallery.contracts()
        seen.append(gallery.revision())
        assert seen[-1] == gallery.revision()
    assert sorted(set(seen)) == seen


def test_templates_are_shown_nowhere(gallery: Gallery) -> None:
    secret = np.full((1, 6, 8), 0.123456789, np.float32)
    new = walk(secret)
    for record in (new, PersonTemplates(1, "Ada", "kinect-v1", secret)):
        assert "0.123" not in repr(record)
        assert "templates" not in repr(record)
    gallery.enrol("Ada", [new], "asked")
    assert "0.123" not in repr((gallery, gallery.people(), gallery.templates("model-1")))


# Where it is, and what may stand there


def test_the_url_opens_the_same_gallery_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with open_gallery("gallery.db") as store:
        store.enrol("Ada", [walk()], "asked")
        url = store.url
    monkeypatch.chdir("/" if os.name == "posix" else path.anchor)
    for spelling in (url, str(path), f"sqlite:///{path.as_posix()}"):
        with open_gallery(spelling) as store:
            assert store.url == url
            assert store.has("Ada")


def test_without_a_url_the_environment_and_then_the_data_folder_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def user_data_path(name: str, appauthor: bool) -> Path:
        return tmp_path / name

    monkeypatch.setattr(platformdirs, "user_data_path", user_data_path)
    monkeypatch.setenv("SGE_GALLERY", str(tmp_path / "other.db"))
    open_gallery(None).close()
    assert (tmp_path / "other.db").is_file()
    monkeypatch.setenv("SGE_GALLERY", "")
    open_gallery(None).close()
    assert (tmp_path / "sge-stream" / "gallery.db").is_file()


@pytest.mark.parametrize("odd", ["g?mode=ro.db", "g#1 %41.db", "\u00fc\u674e.db", "file:x.db"])
def test_any_file_name_will_do(tmp_path: Path, odd: str) -> None:
    with open_gallery(str(tmp_path / odd)) as store:
        store.enrol("Ada", [walk()], "asked")
    assert (tmp_path / odd).stat().st_size > 0
    with open_gallery(str(tmp_path / odd)) as store:
        assert store.has("Ada")


@pytest.mark.parametrize(
    "url", ["postgresql://u:pass@host/db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "", "a\0b"]
)
def test_other_urls_are_refused_with_what_is_possible(url: str) -> None:
    with pytest.raises(GalleryError, match="sqlite:///path or a path") as caught:
        open_gallery(url)
    assert "pass" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with open_gallery(str(tmp_path / "new" / "gallery.db")) as store:
            store.enrol("Ada", [walk()], "asked")
            assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
            modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "new").iterdir()}
    finally:
        os.umask(old)
    assert modes == {"gallery.db": 0o600, "gallery.db-wal": 0o600, "gallery.db-shm": 0o600}


def test_a_closed_gallery_is_one_file(path: Path) -> None:
    with open_gallery(str(path)) as store:
        store.enrol("Ada", [walk()], "asked")
        store.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


class GalleryModel(RuleBasedStateMachine):
    """The store against a dict: the name as written, and the templates, by the name without case."""

    folder: Path
    names = st.sampled_from(["Ada", "ADA", "ben", "Ben", "Zo\u00eb", "ZOE\u0308"])

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        for file in self.folder.iterdir():
            file.unlink()
        self.store = open_gallery(str(self.folder / "model.db"))
        self.model: dict[str, tuple[str, FloatArray]] = {}

    def key(self, name: str) -> str:
        return {"ada": "ada", "ben": "ben"}.get(name.lower(), "zoe")

    @rule(name=names)
    def enrol(self, name: str) -> None:
        templates, key = cages(2, 2, 3), self.key(name)
        if key in self.model:
            with pytest.raises(GalleryError):
                self.store.enrol(name, [walk(templates)], "--yes")
        else:
            shown = self.store.enrol(name, [walk(templates)], "--yes").name
            self.model[key] = (shown, templates)

    @rule(old=names, new=names)
    def rename(self, old: str, new: str) -> None:
        before, after = self.key(old), self.key(new)
        if before not in self.model or (after != before and after in self.model):
            with pytest.raises(GalleryError):
                self.store.rename(old, new)
        else:
            assert self.store.rename(old, new).done
            _, templates = self.model.pop(before)
            self.model[after] = (new.replace("E\u0308", "\u00cb"), templates)

    @rule(name=names)
    def remove(self, name: str) -> None:
        if self.key(name) in self.model:
            assert self.store.remove(name).done
            del self.model[self.key(name)]
        else:
            with pytest.raises(GalleryError):
                self.store.remove(name)

    @precondition(lambda self: self.model)
    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_gallery(str(self.folder / "model.db"))

    @invariant()
    def same(self) -> None:
        assert {p.name for p in self.store.people()} == {name for name, _ in self.model.values()}
        stored = {s.name: s.templates for s in self.store.templates("model-1")}
        assert stored.keys() == {name for name, _ in self.model.values()}
        for name, templates in self.model.values():
            np.testing.assert_array_equal(stored[name], templates)
        assert not self.store.erasure_pending()

    def teardown(self) -> None:
        self.store.close()


def test_any_sequence_of_changes_agrees_with_a_dict(tmp_path: Path) -> None:
    GalleryModel.folder = tmp_path
    machine = GalleryModel.TestCase
    machine.settings = settings(
        max_examples=15, stateful_step_count=12, suppress_health_check=[HealthCheck.too_slow]
    )
    machine().runTest()
