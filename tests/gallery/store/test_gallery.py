"""The gallery on every engine: people, templates, names, revisions, erasure."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from gallery.store.engines import ENGINES, open_store
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment, PersonTemplates
from gallery.store.schema import template
from stream.body import FloatArray
from stream.consent import Consent
from stream.errors import GalleryError
from tests.gallery.store.plain_store import PlainStore

RANDOM = np.random.default_rng(1)


def cages(windows: int = 3, f: int = 6, dimension: int = 8) -> FloatArray:
    return RANDOM.standard_normal((windows, f, dimension)).astype(np.float32)


def walk(
    templates: FloatArray | None = None, contract: str = "model-1", seconds: float = 4.5
) -> NewEnrolment:
    return NewEnrolment(contract, "kinect-v1", seconds, 0.75, cages() if templates is None else templates)


def test_an_enrolled_person_is_read_back_completely(url: str) -> None:
    first, second = cages(3), cages(5)
    before = datetime.now(UTC)
    consent_at = before - timedelta(hours=1)
    with open_gallery(url) as opened:
        enrolled = opened.enrol(" Ada  Lovelace", [walk(first), walk(second, seconds=7.0)], "asked")
        opened.enrol("ben", [walk(contract="model-2")], "--yes", consent_at=consent_at)
    with open_gallery(url) as opened:
        ada, ben = opened.people()
        assert ada == enrolled == opened.person("ADA LOVELACE")
        assert (ada.name, ada.consent_by, ada.windows, ada.seconds) == ("Ada Lovelace", "asked", 8, 11.5)
        assert (ada.sensors, ada.contracts) == (("kinect-v1",), ("model-1",))
        assert [(w.contract_id, w.windows, w.quality) for w in ada.enrolments] == [
            ("model-1", 3, 0.75),
            ("model-1", 5, 0.75),
        ]
        assert before <= ada.enrolled_at <= datetime.now(UTC)
        assert ada.enrolled_at.tzinfo == UTC
        assert (ben.consent_by, ben.consent_at) == ("--yes", consent_at)
        stored = opened.templates("model-1")
        assert [(s.name, s.sensor) for s in stored] == [("Ada Lovelace", "kinect-v1")] * 2
        for got, expected in zip(stored, (first, second), strict=True):
            np.testing.assert_array_equal(got.templates, expected)
            assert got.templates.dtype == np.float32
        assert opened.contracts() == {"model-1": 1, "model-2": 1}
        assert opened.templates("model-3") == []
        assert opened.has("ada lovelace")
        assert not opened.has("ada")


def test_person_ids_survive_renaming_and_are_not_reused(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk(), walk()], "asked")
    gallery.enrol("Ben", [walk()], "asked")
    one, two, ben = gallery.templates("model-1")
    assert one.person_id == two.person_id != ben.person_id
    gallery.rename("Ben", "Benjamin")
    assert gallery.templates("model-1")[2].person_id == ben.person_id
    gallery.remove("Benjamin")
    gallery.enrol("Eve", [walk()], "asked")
    assert gallery.templates("model-1")[2].person_id not in (ben.person_id, one.person_id)


def test_walk_ids_stay_with_their_walks_and_are_not_reused(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk(cages(1)), walk(cages(2))], "asked")
    gallery.enrol("Ben", [walk(cages(3))], "asked")
    ids = {len(stored.templates): stored.walk_id for stored in gallery.templates("model-1")}
    assert len(set(ids.values())) == 3
    gallery.merge("Ada", "Ben")
    gallery.rename("Ada", "Eve")
    assert {len(stored.templates): stored.walk_id for stored in gallery.templates("model-1")} == ids
    gallery.remove("Eve")
    gallery.enrol("Cy", [walk()], "asked")
    (stored,) = gallery.templates("model-1")
    assert stored.walk_id not in ids.values()


def test_pose_model_and_view_are_read_back(gallery: Gallery) -> None:
    seen = replace(walk(), pose_model="full", view="towards,away")
    enrolled = gallery.enrol("Ada", [seen, walk()], "asked")
    assert gallery.person("Ada") == enrolled
    expected = [("full", "towards,away"), (None, None)]
    assert [(each.pose_model, each.view) for each in enrolled.enrolments] == expected
    assert [(each.pose_model, each.view) for each in gallery.templates("model-1")] == expected


@pytest.mark.parametrize("same", ["Ada", "ADA", " ada "])
def test_a_name_can_be_enrolled_only_once(gallery: Gallery, same: str) -> None:
    ada = gallery.enrol("Ada", [walk()], "asked")
    revision = gallery.revision()
    with pytest.raises(GalleryError, match=r"enrolled already.*add-walk"):
        gallery.enrol(same, [walk()], "asked")
    assert gallery.people() == [ada]
    assert gallery.revision() == revision


@pytest.mark.parametrize(
    ("walks", "reason"),
    [
        ([], "no walk"),
        (
            [walk(), walk(np.empty((0, 6, 8), np.float32))],
            r"walk 2 of 2.*templates .* got float32 \(0, 6, 8\)",
        ),
        ([walk(np.empty((3, 6, 0), np.float32))], r"templates .* got float32 \(3, 6, 0\)"),
        ([walk(np.full((2, 6, 8), np.nan, np.float32))], "not finite"),
        ([walk(np.concatenate([cages(2), np.full((1, 6, 8), np.inf, np.float32)]))], "not finite"),
        ([walk(np.concatenate([cages(2), np.zeros((1, 6, 8), np.float32)]))], "all zeros"),
        ([walk(cages().astype(np.float64))], "float64"),
        ([walk(cages()[0])], "float32"),
        ([walk(seconds=0.0)], "more than 0 s"),
        ([walk(seconds=float("nan"))], "more than 0 s"),
        ([NewEnrolment("model-1", "kinect-v1", 3.0, 1.5, cages())], r"quality of 0\.\.1, got 3\.0 s, 1\.5"),
        ([walk(contract="")], "contract"),
        ([replace(walk(), statistics=np.zeros((2, 3), np.float32))], r"statistics .* got float32 \(2, 3\)"),
        ([replace(walk(), statistics=np.full(3, np.nan, np.float32))], "statistics are not finite"),
        ([replace(walk(), pose_model="")], "expected a pose model and views"),
        ([replace(walk(), view="up")], "expected a pose model and views"),
        ([replace(walk(), view="away,towards")], "expected a pose model and views"),
        ([walk(), walk(cages(3, 6, 9))], "expected templates of 6 x 8.*got 6 x 9"),
    ],
)
def test_invalid_walks_are_refused_and_nothing_is_stored(
    gallery: Gallery, walks: list[NewEnrolment], reason: str
) -> None:
    with pytest.raises(GalleryError, match=reason):
        gallery.enrol("Ada", walks, "asked")
    assert gallery.people() == []
    assert gallery.contracts() == {}
    assert gallery.revision() == 0


def test_segment_statistics_are_read_back_unchanged(gallery: Gallery) -> None:
    statistics = np.random.default_rng(1).standard_normal(20).astype(np.float32)
    gallery.enrol("Ada", [replace(walk(), statistics=statistics), walk()], "asked")
    first, second = gallery.templates("model-1")
    assert first.statistics.tobytes() == statistics.tobytes()
    assert second.statistics.size == 0


def test_enrolment_without_consent_is_refused(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match="consent"):
        gallery.enrol("Ada", [walk()], "probably")
    assert gallery.people() == []


def test_walks_are_added_to_a_person_whose_consent_stays(gallery: Gallery) -> None:
    first, second, third = cages(3), cages(4), cages(5)
    ada = gallery.enrol("Ada", [walk(first)], "asked")
    gallery.enrol("Ben", [walk()], "asked")
    revision = gallery.revision()
    camera = replace(walk(third), sensor="camera")
    added = gallery.add_walks(" ADA ", [walk(second), camera])
    assert gallery.revision() > revision
    assert added == gallery.person("Ada")
    assert (added.name, added.consent_at, added.consent_by, added.enrolled_at) == (
        "Ada",
        ada.consent_at,
        "asked",
        ada.enrolled_at,
    )
    assert [each.windows for each in added.enrolments] == [3, 4, 5]
    assert added.sensors == ("camera", "kinect-v1")
    stored = [each for each in gallery.templates("model-1") if each.name == "Ada"]
    assert len({each.person_id for each in stored}) == 1
    for got, expected in zip(stored, (first, second, third), strict=True):
        np.testing.assert_array_equal(got.templates, expected)


@pytest.mark.parametrize(
    ("name", "walks", "reason"),
    [
        ("Eve", [walk()], "no person named Eve"),
        ("Ada", [], "no walk"),
        ("Ada", [walk(), walk(np.zeros((1, 6, 8), np.float32))], "walk 2 of 2.*all zeros"),
        ("Ada", [walk(), walk(cages(3, 6, 9))], "expected templates of 6 x 8"),
    ],
)
def test_of_added_walks_all_or_none_are_stored(
    gallery: Gallery, name: str, walks: list[NewEnrolment], reason: str
) -> None:
    ada = gallery.enrol("Ada", [walk()], "asked")
    revision = gallery.revision()
    with pytest.raises(GalleryError, match=reason):
        gallery.add_walks(name, walks)
    assert gallery.people() == [ada]
    assert gallery.revision() == revision


def test_merging_gives_one_person_the_walks_of_another(gallery: Gallery) -> None:
    of_ada, of_eve = cages(3), cages(4)
    ada = gallery.enrol("Ada", [walk(of_ada)], "asked")
    gallery.enrol("Ben", [walk()], "asked")
    gallery.enrol("Eve", [walk(of_eve), walk(contract="model-2")], "--yes")
    revision = gallery.revision()
    kept = gallery.templates("model-1")[0].person_id
    assert gallery.merge("ada", "EVE").done
    assert gallery.revision() > revision
    assert [person.name for person in gallery.people()] == ["Ada", "Ben"]
    merged = gallery.person("Ada")
    assert (merged.consent_at, merged.consent_by) == (ada.consent_at, "asked")
    assert [each.contract_id for each in merged.enrolments] == ["model-1", "model-1", "model-2"]
    stored = {len(each.templates): each for each in gallery.templates("model-1") if each.name == "Ada"}
    np.testing.assert_array_equal(stored[4].templates, of_eve)
    assert {each.person_id for each in stored.values()} == {kept}
    gallery.enrol("Eve", [walk()], "asked")  # the name is free


@pytest.mark.parametrize(
    ("name", "other", "reason"),
    [
        ("Ada", "ADA", "cannot be merged with itself"),
        ("Ada", "Eve", "no person named Eve"),
        ("Eve", "Ada", "no person named Eve"),
    ],
)
def test_people_who_cannot_be_merged_stay_as_they_are(
    gallery: Gallery, name: str, other: str, reason: str
) -> None:
    people = [gallery.enrol(each, [walk()], "asked") for each in ("Ada", "Ben")]
    revision = gallery.revision()
    with pytest.raises(GalleryError, match=reason):
        gallery.merge(name, other)
    assert gallery.people() == people
    assert gallery.revision() == revision


def test_renaming_changes_the_name_and_refuses_taken_unknown_and_invalid_names(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    gallery.enrol("Ben", [walk()], "asked")
    gallery.rename("ada", "Zo\u00eb")
    assert [p.name for p in gallery.people()] == ["Ben", "Zo\u00eb"]
    gallery.rename("Ben", "BEN")
    assert gallery.person("ben").name == "BEN"
    with pytest.raises(GalleryError, match="enrolled already"):
        gallery.rename("Ben", "zO\u00cb")
    with pytest.raises(GalleryError, match="no person named Ada"):
        gallery.rename("Ada", "Eve")
    with pytest.raises(GalleryError, match=r"U\+000A"):
        gallery.rename("Ben", "Eve\n")
    assert [p.name for p in gallery.people()] == ["BEN", "Zo\u00eb"]


def test_the_error_for_an_unknown_name_suggests_the_most_similar(gallery: Gallery) -> None:
    gallery.enrol("Ada Lovelace", [walk()], "asked")
    with pytest.raises(GalleryError, match="did you mean Ada Lovelace"):
        gallery.person("Ada Lovelase")
    with pytest.raises(GalleryError, match="people list"):
        gallery.remove("Xu")


def test_every_change_and_no_read_increases_the_revision(gallery: Gallery) -> None:
    revisions = [gallery.revision()]
    for change in (
        lambda: gallery.enrol("Ada", [walk()], "asked"),
        lambda: gallery.rename("Ada", "Eve"),
        lambda: gallery.remove("Eve"),
    ):
        change()
        gallery.people(), gallery.templates("model-1"), gallery.contracts()
        revisions.append(gallery.revision())
        assert revisions[-1] == gallery.revision()
    assert sorted(set(revisions)) == revisions


def test_no_repr_shows_template_values(gallery: Gallery) -> None:
    secret = np.full((1, 6, 8), 0.123456789, np.float32)
    new = walk(secret)
    for record in (new, PersonTemplates(1, "Ada", "kinect-v1", secret)):
        assert "0.123" not in repr(record)
        assert "templates" not in repr(record)
    gallery.enrol("Ada", [new], "asked")
    assert "0.123" not in repr((gallery, gallery.people(), gallery.templates("model-1")))


def test_a_missing_template_is_reported_as_damage(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    with closing(open_store(gallery.url, wait=5.0, create=False)) as store, store.write() as db:
        db.execute(delete(template).where(template.c.position == 1))
    with pytest.raises(GalleryError, match="is damaged; restore a copy"):
        gallery.templates("model-1")


class _NotErasing(PlainStore):
    """A store whose erasures always fail."""

    def erase(self, *, patient: bool) -> None:
        raise GalleryError("in use; try again")


def test_an_erasure_that_fails_is_completed_when_the_gallery_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"plain://{tmp_path.as_posix()}/gallery.db"
    monkeypatch.setitem(ENGINES, "plain", _NotErasing)
    with open_gallery(url) as opened:
        opened.enrol("Ada", [walk()], "asked")
        assert not opened.erasure_pending()
        erasure = opened.rename("Ada", "Eve")
        assert not erasure.done
        assert "still in the database: in use; try again" in erasure.reason
        assert opened.erasure_pending()
    with open_gallery(url) as opened:  # a failing erasure does not prevent opening
        assert opened.erasure_pending()
    monkeypatch.setitem(ENGINES, "plain", PlainStore)
    with open_gallery(url) as opened:
        assert not opened.erasure_pending()
        assert opened.has("Eve")


def test_of_threads_that_enrol_one_name_at_once_one_succeeds(url: str) -> None:
    start = threading.Barrier(6)
    outcomes: list[str] = []

    def enrol(number: int) -> None:
        templates = np.full((20, 6, 96), number, np.float32)
        start.wait()
        try:
            with open_gallery(url, wait=60) as opened:  # all create the gallery at once, too
                opened.enrol("Ada", [walk(templates)], "--yes")
            outcomes.append("enrolled")
        except GalleryError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=enrol, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("enrolled") == 1
    assert sum("enrolled already" in outcome for outcome in outcomes) == 5
    with open_gallery(url) as opened:
        (stored,) = opened.templates("model-1")
        assert len(set(stored.templates.ravel().tolist())) == 1


def test_threads_share_a_gallery(url: str) -> None:
    with open_gallery(url, wait=60) as opened:

        def enrol(number: int) -> None:
            for k in range(5):
                opened.enrol(f"{number}-{k}", [walk()], "--yes")

        threads = [threading.Thread(target=enrol, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened.people()) == len(opened.templates("model-1")) == 20
        assert opened.revision() == 20


def test_renaming_onto_another_person_names_the_command_that_joins_both(gallery: Gallery) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    gallery.enrol("Ada L.", [walk()], "asked")
    with pytest.raises(GalleryError) as refused:
        gallery.rename("Ada", "Ada L.")
    assert "Ada L. is enrolled already, so Ada is not renamed" in str(refused.value)
    assert "(sge-stream people merge 'Ada L.' Ada)" in str(refused.value)


def test_whose_consent_it_is_is_kept_with_a_note(gallery: Gallery) -> None:
    note = "  her mother, form 12 "
    with pytest.raises(GalleryError, match="one line of at most 200"):
        gallery.enrol("Ada", [walk()], Consent.STATED, consent_note="a\nb")
    with pytest.raises(GalleryError, match="one line of at most 200"):
        gallery.enrol("Ada", [walk()], Consent.STATED, consent_note="a" * 201)
    gallery.enrol("Ada", [walk()], Consent.STATED, consent_note=note)
    gallery.enrol("Ben", [walk()], Consent.ASKED)
    gallery.add_walks("Ada", [walk()])
    ada, ben = gallery.people()
    assert (ada.consent_by, ada.consent_note) == ("--yes", "her mother, form 12")
    assert (ben.consent_by, ben.consent_note) == ("asked", "")
    gallery.merge("Ben", "Ada")
    assert [person.consent_note for person in gallery.people()] == [""]
