"""`sge-stream visits` and `people adopt`: lists, reasons, the truth, figures, review, strangers enrolled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.history import VisitHistory
from gallery.store.history_records import NewCandidate, NewVisit
from gallery.store.visit_json import VisitRecord
from gallery.visits import review as review_module
from gallery.visits.visit_records import KeepRule
from stream.errors import GalleryError, UserError
from stream.terminal.people_command import people
from stream.terminal.visits_command import visits
from tests.gallery.store.stored_visits import new_visit
from tests.gallery.visits.finished import BACKEND, enrol, finished, load

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def gallery(tmp_path: Path) -> str:
    """A gallery with Ada and Ben, two visits of Ada and one of nobody who is enrolled."""
    path = str(tmp_path / "gallery.db")
    with open_gallery(path) as store:
        enrol(store, "Ada", 1)
        enrol(store, "Ben [x]", 2)
        ids = ids_of(store)
        near = (NewCandidate(ids["Ada"], 0.4, 0.5), NewCandidate(ids["Ben [x]"], 0.1, None))
        store.history.add(
            [
                visit("old-1", ids["Ada"], left_at=NOW - 3 * DAY),
                visit("new-1", ids["Ada"], changes=2),
                visit("new-2", candidates=near),
            ]
        )
    return path


def ids_of(store: Gallery) -> dict[str, int]:
    return {each.name: each.person_id for each in store.templates("c")}


def visit(visit_id: str, person: int | None = None, **changes: Any) -> NewVisit:
    times = {"arrived_at": NOW - timedelta(seconds=9), "left_at": NOW, "keep_until": NOW + 30 * DAY}
    return new_visit(visit_id, person, **(times | changes))


def invoke(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False, env={"COLUMNS": "140"})


def output(command: Any, *arguments: str) -> str:
    done = invoke(command, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def listed(gallery: str, *arguments: str) -> list[dict[str, Any]]:
    text = output(visits, *arguments, "--json", "--gallery", gallery)
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", [[], ["list"]])
def test_visits_are_listed_newest_first(gallery: str, name: list[str]) -> None:
    found = listed(gallery, *name)
    assert [each["visit"] for each in found] == ["new-1", "new-2", "old-1"]
    assert list(found[0]) == list(VisitRecord.__struct_fields__)
    assert (found[0]["person"], found[1]["person"], found[1]["kept"]) == ("Ada", None, False)
    assert found[1]["candidates"][0] == {"name": "Ada", "score": 0.4, "threshold": 0.5}
    assert [each["visit"] for each in listed(gallery, *name, "--since", "1d")] == ["new-1", "new-2"]
    assert [each["visit"] for each in listed(gallery, *name, "--unknown")] == ["new-2"]
    table = output(visits, *name, "--gallery", gallery)
    assert "new-1" in table
    assert "unknown" in table
    assert "no visit is stored" not in table


def test_visits_whose_time_is_over_are_not_shown_but_deleted(gallery: str) -> None:
    with open_gallery(gallery) as store:
        store.history.add([visit("over", keep_until=NOW - timedelta(seconds=1))])
    assert "over" not in {each["visit"] for each in listed(gallery)}
    with open_gallery(gallery) as store:
        assert "over" not in {each.id for each in store.history.visits()}


def test_visits_whose_time_is_over_are_not_shown_of_a_gallery_that_is_only_read(
    gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget(history: VisitHistory, now: datetime) -> int:
        raise GalleryError("it is only read")

    with open_gallery(gallery) as store:
        store.history.add([visit("over", keep_until=NOW - timedelta(seconds=1))])
    monkeypatch.setattr(VisitHistory, "forget", forget)
    assert [each["visit"] for each in listed(gallery)] == ["new-1", "new-2", "old-1"]
    with pytest.raises(GalleryError, match="no visit 'over' is stored"):
        invoke(visits, "show", "over", "--gallery", gallery)
    with open_gallery(gallery) as store:
        assert store.history.visit("over").id == "over"


def test_a_visit_is_shown_with_scores_and_reasons(gallery: str) -> None:
    text = output(visits, "show", "new-2", "--gallery", gallery)
    assert "unknown: the score of the best candidate is below the threshold" in text
    assert "5.2 s of usable walking, towards, away; quality 75 %" in text
    assert "compared with 3 people, --fpir 0.05" in text
    assert "Ben [x]" in text
    assert "0.100" in text, "what is missing to the threshold"
    assert "nothing of the walk is kept" in text
    assert "the answer changed 2 times" in output(visits, "show", "new-1", "--gallery", gallery)
    record = msgspec.json.decode(
        output(visits, "show", "old", "--json", "--gallery", gallery), type=VisitRecord
    )
    assert (record.visit, record.views) == ("old-1", ("towards", "away"))


def test_the_truth_is_recorded_and_taken_back(gallery: str) -> None:
    output(visits, "confirm", "old", "--gallery", gallery)
    denied = output(visits, "deny", "new-1", "--was", "ben [X]", "--gallery", gallery)
    assert denied == "visit new-1: Ada is denied; it was Ben [x]\n"
    found = {each["visit"]: (each["truth"], each["was"], each["kept"]) for each in listed(gallery)}
    assert found["new-1"] == ("denied", "Ben [x]", True)
    assert found["old-1"] == ("confirmed", None, True)
    output(visits, "deny", "new-2", "--gallery", gallery)
    output(visits, "deny", "old-1", "--yes", "--gallery", gallery)
    found = {each["visit"]: (each["truth"], each["was"], each["kept"]) for each in listed(gallery)}
    assert found["old-1"] == ("denied", None, False)
    output(visits, "confirm", "new-1", "--gallery", gallery)
    assert listed(gallery)[0]["truth"] == "confirmed"


def test_a_walk_is_erased_only_after_a_question(gallery: str) -> None:
    with pytest.raises(UserError, match="pass --yes to answer: Deny that visit new-1 was Ada"):
        invoke(visits, "deny", "new-1", "--gallery", gallery)
    assert [each["truth"] for each in listed(gallery)] == [None] * 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "new"], "new is part of several visits' ids: new-1, new-2; give more"),
        (["confirm", "x"], "no visit 'x' is stored"),
        (["deny", "new-1", "--was", "Bem"], "no person named Bem is enrolled"),
        (["deny", "new-1", "--was", "ada"], "if it was, confirm it"),
        (["list", "--since", "yesterday"], "--since: expected a duration such as"),
    ],
)
def test_mistakes_are_explained(gallery: str, arguments: list[str], text: str) -> None:
    with pytest.raises(UserError, match=text):
        invoke(visits, *arguments, "--gallery", gallery)


def test_figures_come_from_judged_visits(gallery: str) -> None:
    assert "none of 3 visits is judged" in output(visits, "figures", "--gallery", gallery)
    with open_gallery(gallery) as store:
        ids = ids_of(store)
        more = [visit(f"a{n}", ids["Ada"], walk=None) for n in range(7)] + [visit("u1")]
        store.history.add(more)
        for each in more[:5]:
            store.history.judge(each.id, "confirmed")
        store.history.judge("a5", "denied")
        store.history.judge("a6", "denied", "Ben [x]")
        store.history.judge("u1", "confirmed")
        store.history.judge("new-2", "denied")
    text = output(visits, "figures", "--gallery", gallery)
    assert "9 of 11 visits judged" in text
    # Wilson's interval of 2 in 7 and of 1 in 2, computed by hand.
    assert "false matches: 2 of 7 judged visits (29 %, 95 % interval 8 to 64 %)" in text
    assert "misses: 2 of 7 judged visits" in text
    assert "strangers named: 1 of 2 judged visits (50 %, 95 % interval 9 to 91 %)" in text


@pytest.fixture
def remembered(gallery: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stores visits of a person's walks as the matcher does; strangers are remembered."""
    monkeypatch.setattr(review_module, "load_backend", lambda *_, **__: BACKEND)
    rule = KeepRule(3650 * DAY, 7 * DAY, 0.05)

    def store_visit(
        name: str, person: int, walk: int, number: int | None = None, known: str | None = None
    ) -> None:
        with open_gallery(gallery) as store:
            index = load(store)
            ids = {each: number for number, each in index.names.items()}
            end = finished(name, person, walk, known, person_id=ids.get(known or ""), walking_s=4.0)
            kept = rule.record(end, index)
            assert kept is not None
            if kept.stranger is None:
                store.history.add([kept.visit])
            else:
                new = replace(kept.visit, walk=kept.stranger)
                store.history.add_stranger(new, number, NOW + 7 * DAY)

    return store_visit


def test_a_remembered_stranger_is_enrolled_with_consent(
    gallery: str, remembered: Callable[..., None]
) -> None:
    remembered("s-1", 7, 1)
    remembered("s-2", 7, 2, 1)
    with pytest.raises(UserError, match="Does Eve agree that a template of their gait is stored"):
        invoke(people, "adopt", "visitor 1", "Eve", "--gallery", gallery)
    text = output(people, "adopt", "visitor 1", " Eve ", "--yes", "--gallery", gallery)
    assert text == "Eve is enrolled: 2 walks, 8.0 s of usable walking; 2 earlier visits of visitor 1\n"
    with open_gallery(gallery) as store:
        eve = store.person("Eve")
        assert (eve.consent_by, len(eve.enrolments), eve.enrolments[0].view) == ("--yes", 2, "towards")
        assert store.history.visit("s-1").person == "Eve"
        assert (store.history.visit("s-1").outcome, store.history.visit("s-1").kept) == ("unknown", False)
        store.remove("Eve")
        assert "s-1" not in {each.id for each in store.history.visits()}


def test_only_strangers_of_whom_enough_is_kept_are_enrolled(
    gallery: str, remembered: Callable[..., None]
) -> None:
    remembered("s-1", 7, 1)
    remembered("k-1", 1, 2)
    for arguments, text in (
        (["visitor 9", "Eve"], "no visitor 9 is known; strangers get numbers where they are remembered"),
        (["nobody", "Eve"], "such as \"visitor 7\", got 'nobody'"),
        (["1", "ada"], "ada is enrolled already"),
        (["visitor 2", "Eve"], "a walk of visitor 2 is recognised as Ada"),
    ):
        with pytest.raises(UserError, match=text):
            invoke(people, "adopt", *arguments, "--yes", "--gallery", gallery)
    done = invoke(people, "adopt", "2", "Eve", "--yes", "--force", "--gallery", gallery)
    assert "is recognised as Ada" in done.stderr
    with pytest.raises(GalleryError, match="of visitor 2 times and scores are stored, and no walk any more"):
        invoke(people, "adopt", "2", "Fay", "--yes", "--gallery", gallery)


def test_a_visit_is_shown_with_the_evidence_for_each_person(
    gallery: str, remembered: Callable[..., None]
) -> None:
    remembered("s-1", 7, 1)
    remembered("k-1", 1, 2, known="Ada")
    text = output(visits, "show", "k-1", "--gallery", gallery)
    evidence = text[text.index("compared anew with the present gallery") :]
    assert evidence.index("Ada") < evidence.index("Ben [x]"), "best first"
    assert "single windows" in evidence
    assert "compared anew with" in output(visits, "show", "s-1", "--gallery", gallery)
    assert "compared anew with" not in output(visits, "show", "new-2", "--gallery", gallery)


def test_a_review_lists_what_a_changed_gallery_would_answer(
    gallery: str, remembered: Callable[..., None]
) -> None:
    remembered("s-1", 7, 1)
    remembered("r-1", 1, 3, known="Ada")
    before = output(visits, "review", "--gallery", gallery)
    assert "0 of 2 compared visits would have another answer now" in before
    assert "2 visits not compared: everybody is enrolled with another encoder" in before
    with open_gallery(gallery) as store:
        enrol(store, "Eve", 7)
        store.remove("Ada")
    text = output(visits, "review", "--gallery", gallery)
    assert "unknown (visitor 1) -> Eve (score" in text
    assert "1 of 1 compared visits would have another answer now" in text
    assert "1 visit of unknown people not compared: nothing is kept of their walks unless strangers" in text
