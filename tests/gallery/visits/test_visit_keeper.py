"""Visits on their way into the gallery: what is kept of whom, and what waits when it cannot be stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.scoring.track_scores import MAX_TEMPLATES, TemplateMeans
from gallery.store import sqlite_connection
from gallery.store.gallery import Gallery, open_gallery
from gallery.visits.stranger_bank import StrangerBank
from gallery.visits.visit_keeper import MAX_WAITING, KnownVisitor, VisitKeeper
from gallery.visits.visit_records import KEPT_TEMPLATES, STRANGER_TEMPLATES, KeepRule, fewer_templates
from stream.body import FloatArray
from tests.gallery.visits.finished import BACKEND, CONTRACT, SENSOR, enrol, finished, load, templates_of

DAY = timedelta(days=1)
NONE = timedelta()
LEFT = datetime(2026, 5, 6, 7, 8, 9, 250_000, UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "g.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path), wait=0.05) as opened:
        enrol(opened, "Ada", 1)
        enrol(opened, "Ben", 2)
        yield opened


@dataclass
class Run:
    """A keeper with a clock of its own."""

    gallery: Gallery
    rule: KeepRule
    time: float = 0.0

    def __post_init__(self) -> None:
        self.index = load(self.gallery)
        self.ids = {name: person for person, name in self.index.names.items()}
        self.keeper = VisitKeeper(
            self.rule,
            StrangerBank(BACKEND),
            lambda: self.time,
            lambda: LEFT + timedelta(seconds=self.time),
        )

    def visit(self, visit: str, person: int, walk: int = 1, name: str | None = None) -> bool:
        """Ends a visit of a person who is said to be `name`; returns whether it is to be stored."""
        candidates = {name or "Ada": self.ids[name or "Ada"]}
        kept = self.rule.record(finished(visit, person, walk, name, candidates), self.index)
        if kept is not None:
            self.keeper.add(kept)
        return kept is not None

    def store(self, after: float = 0.0) -> list[KnownVisitor]:
        self.time += after
        return self.keeper.store(self.gallery)

    @property
    def stored(self) -> list[str]:
        return sorted(each.id for each in self.gallery.history.visits())


def traces(path: Path, cages: FloatArray) -> int:
    """Counts pieces of a walk's templates in the files of a gallery, in both precisions."""
    data = b"".join(file.read_bytes() for file in path.parent.iterdir())
    kept = [
        cages,
        *(fewer_templates(cages, len(cages), limit) for limit in (KEPT_TEMPLATES, STRANGER_TEMPLATES)),
    ]
    bits = [each.astype(kind).tobytes() for each in kept for kind in ("<f2", "<f4")]
    return sum(each[at : at + 16] in data for each in bits for at in range(0, len(each) - 15, 16))


def test_of_identified_people_the_walk_is_kept_and_of_strangers_nothing(gallery: Gallery, path: Path) -> None:
    run = Run(gallery, KeepRule(30 * DAY, NONE, 0.05))
    revision = gallery.revision()
    assert run.visit("a", 1, name="Ada")
    assert run.visit("u", 9)
    assert run.store() == []
    known, unknown = gallery.history.visit("a"), gallery.history.visit("u")
    assert (known.person, known.kept, known.views) == ("Ada", True, ("towards",))
    assert (known.left_at, known.walking_s, known.people, known.fpir) == (LEFT, 1.2, 2, 0.05)
    assert (unknown.person, unknown.kept, unknown.visitor) == (None, False, None)
    assert [each.name for each in unknown.candidates] == ["Ada"]
    assert gallery.revision() == revision, "the matcher need not load anything anew"
    assert traces(path, templates_of(1, 1)) > 0
    assert traces(path, templates_of(9, 1)) == 0


def test_strangers_are_recognised_again_where_they_are_remembered(gallery: Gallery, path: Path) -> None:
    run = Run(gallery, KeepRule(30 * DAY, 7 * DAY, 0.05))
    for visit, person, walk in (("a", 8, 1), ("b", 9, 1), ("c", 8, 2), ("d", 7, 1), ("e", 9, 2), ("f", 8, 3)):
        run.visit(visit, person, walk)
    answers = {each.visit: each.number for each in run.store()}
    assert answers == {"a": 1, "b": 2, "c": 1, "d": 3, "e": 2, "f": 1}
    assert gallery.history.visit("c").visitor == "visitor 1"
    assert traces(path, templates_of(9, 1)) > 0
    run.store(after=8 * DAY.total_seconds())
    assert traces(path, templates_of(9, 1)) == 0, "the time for which strangers are remembered is over"
    assert run.stored == ["a", "b", "c", "d", "e", "f"]
    run.visit("g", 8, 4)
    assert run.store() == [KnownVisitor("g", 4)]


def test_without_a_history_nothing_is_stored_and_old_visits_go_when_their_time_is_over(
    gallery: Gallery,
) -> None:
    Run(gallery, KeepRule(DAY, NONE, None)).visit("lost", 1, name="Ada")
    before = Run(gallery, KeepRule(DAY, NONE, None))
    before.visit("a", 1, name="Ada")
    before.store()
    run = Run(gallery, KeepRule(NONE, NONE, None))
    assert not run.visit("b", 1, name="Ada")
    run.store()
    assert run.stored == ["a"]
    run.store(after=2 * DAY.total_seconds())
    assert run.stored == []


def test_a_shorter_history_holds_for_visits_stored_before(gallery: Gallery) -> None:
    run = Run(gallery, KeepRule(30 * DAY, NONE, None))
    run.visit("a", 1, name="Ada")
    run.store()
    later = Run(gallery, KeepRule(DAY, NONE, None), time=2 * DAY.total_seconds())
    later.store()
    assert later.stored == []


def test_visits_wait_while_the_gallery_is_locked(gallery: Gallery, path: Path) -> None:
    run = Run(gallery, KeepRule(30 * DAY, 7 * DAY, 0.05))
    run.visit("a", 1, name="Ada")
    run.visit("u", 9)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert run.store() == []
        assert "is in use by another program" in run.keeper.trouble
        assert (run.keeper.waiting, run.keeper.lost) == (2, 0)
        other.execute("ROLLBACK")
    assert run.store() == [], "it waits before it tries again"
    assert run.store(after=60) == [KnownVisitor("u", 1)]
    assert (run.stored, run.keeper.trouble, run.keeper.waiting) == (["a", "u"], "", 0)


def test_a_full_disk_is_said_and_nothing_is_lost(
    gallery: Gallery, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(gallery, KeepRule(30 * DAY, NONE, 0.05))
    with closing(sqlite3.connect(path)) as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
    full = (*sqlite_connection._PRAGMAS, f"PRAGMA max_page_count={pages}")
    monkeypatch.setattr(sqlite_connection, "_PRAGMAS", full)
    with open_gallery(str(path), wait=0.05) as small:
        for number in range(40):
            run.visit(f"v{number:02}", 1, name="Ada")
        run.keeper.store(small)
    assert "no more room on its disk" in run.keeper.trouble
    assert run.keeper.waiting + len(run.stored) == 40
    monkeypatch.undo()
    run.store(after=60)
    assert (len(run.stored), run.keeper.lost, run.keeper.trouble) == (40, 0, "")


def test_of_too_many_visits_that_wait_the_oldest_go_and_are_counted(gallery: Gallery, path: Path) -> None:
    run = Run(gallery, KeepRule(30 * DAY, NONE, 0.05))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for number in range(MAX_WAITING + 3):
            run.visit(f"v{number:04}", 9)
        run.store()
        other.execute("ROLLBACK")
    assert (run.keeper.waiting, run.keeper.lost) == (MAX_WAITING, 3)
    run.store(after=60)
    assert (len(run.stored), run.stored[0]) == (MAX_WAITING, "v0003")


def test_a_visit_of_a_removed_person_is_not_stored(gallery: Gallery) -> None:
    run = Run(gallery, KeepRule(30 * DAY, NONE, 0.05))
    run.visit("a", 1, name="Ada")
    gallery.remove("Ada")
    run.store()
    assert run.stored == []
    run.index = load(gallery)
    assert not run.visit("b", 1, name="Ada") or run.store() == []
    assert run.stored == []


def test_the_identified_person_need_not_be_among_the_candidates(gallery: Gallery) -> None:
    run = Run(gallery, KeepRule(30 * DAY, NONE, 0.05))
    visit = finished("a", 1, name="Ada", candidates={"Ben": run.ids["Ben"]}, person_id=run.ids["Ada"])
    kept = run.rule.record(visit, run.index)
    assert kept is not None
    run.keeper.add(kept)
    run.store()
    stored = gallery.history.visit("a")
    assert (stored.person, [each.name for each in stored.candidates]) == ("Ada", ["Ben"])


@pytest.mark.parametrize(
    ("reason", "remembered"),
    [("stranger", True), ("nobody-enrolled", True), ("ambiguous", False), ("uncalibrated", False)],
)
def test_only_strangers_are_remembered(gallery: Gallery, reason: str, remembered: bool) -> None:
    run = Run(gallery, KeepRule(30 * DAY, 7 * DAY, 0.05))
    kept = run.rule.record(finished("u", 9, reason_code=reason), run.index)
    assert kept is not None
    assert (kept.stranger is not None) is remembered
    assert kept.visit.walk is None


def test_without_usable_walking_there_is_no_walk_to_keep(gallery: Gallery) -> None:
    run = Run(gallery, KeepRule(30 * DAY, 7 * DAY, 0.05))
    empty = np.zeros((0, 0, 0), np.float32)
    kept = run.rule.record(finished("u", 9, cages=empty), run.index)
    assert kept is not None
    assert kept.stranger is None


@given(windows=st.integers(1, 400), limit=st.sampled_from([1, STRANGER_TEMPLATES, KEPT_TEMPLATES]))
def test_fewer_templates_are_means_over_as_many_windows(windows: int, limit: int) -> None:
    each = np.random.default_rng(windows).standard_normal((windows, 2, 3)).astype(np.float32)
    fewer = fewer_templates(TemplateMeans.of(each), windows, limit)
    assert len(TemplateMeans.of(each)) <= MAX_TEMPLATES
    ends = TemplateMeans.ends(len(fewer), windows)
    assert len(fewer) <= limit
    starts = np.concatenate([[0], ends[:-1]])
    expected = np.stack([each[a:b].mean(axis=0) for a, b in zip(starts, ends, strict=True)])
    np.testing.assert_allclose(fewer, expected, atol=1e-4)


def test_strangers_of_an_uncalibrated_sensor_get_no_number(gallery: Gallery) -> None:
    from gallery.scoring.backend import Backend

    run = Run(gallery, KeepRule(30 * DAY, 7 * DAY, 0.05))
    run.keeper = VisitKeeper(run.rule, StrangerBank(Backend()))
    run.visit("u", 9)
    assert run.store() == [KnownVisitor("u", None)]
    assert gallery.history.visitors(CONTRACT, SENSOR) == []
