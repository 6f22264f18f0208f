"""The matcher process and its gallery: locked, made, replaced and deleted while windows come in."""

from __future__ import annotations

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import zmq

from gallery.enrolment import PreparedEnrolment, store_enrolment
from gallery.matcher_process import run
from gallery.matcher_settings import MatcherSettings, SourceCard
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment
from stream.body import FloatArray
from stream.bus.messages import (
    EnrolReply,
    EnrolRequest,
    SourceEnded,
    Status,
    Tick,
    TrackPlace,
    Verdict,
    VisitMessage,
    WindowRow,
    pack,
    unpack,
)
from stream.bus.sockets import Bus, create_wiring
from stream.system.verdict_receiver import VerdictReceiver
from stream.visits.events import Left, VisitEvent

CONTRACT, F, D = "c", 6, 16
WAIT_S = 60.0
TENTH = 100_000_000
"""Nanoseconds of 0.1 s."""

RANDOM = np.random.default_rng(5)
ADA, BEN, CY = (RANDOM.standard_normal((F, D)).astype(np.float32) for _ in range(3))
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files that are open")


def enrol(path: Path, name: str, cages: FloatArray) -> None:
    walk = NewEnrolment(CONTRACT, "kinect-v1", 3.0, 1.0, np.stack([cages] * 3))
    with open_gallery(str(path)) as opened:
        opened.enrol(name, [walk], "asked")


def names(path: Path) -> list[str]:
    with open_gallery(str(path), create=False) as opened:
        return [person.name for person in opened.people()]


class Running:
    """A matcher process, run by a thread, and all its neighbours."""

    def __init__(
        self,
        gallery: Path,
        folder: Path,
        had_gallery: bool = False,
        history_s: float = 0.0,
        encoders: int = 1,
    ) -> None:
        cards = (SourceCard("door", "kinect-v1", live=True),)
        wiring = create_wiring(folder, encoders=encoders)
        settings = MatcherSettings(
            wiring,
            f"sqlite:///{gallery}",
            CONTRACT,
            F,
            cards,
            None,
            matcher="nearest",
            had_gallery=had_gallery,
            history_s=history_s,
            remember_strangers_s=history_s,
        )
        self._bus = Bus(wiring)
        self._receiver = VerdictReceiver(self._bus)
        self._cages = self._bus.connect(zmq.PUSH, "cages")
        self._control = self._bus.connect(zmq.DEALER, "control")
        self._seq = 0
        self.stop = threading.Event()
        self.failures: list[Exception] = []
        self._thread = threading.Thread(target=self._run, args=(settings,))
        self._thread.start()

    def _run(self, settings: MatcherSettings) -> None:
        try:
            run(settings, self.stop)
        except Exception as error:
            self.failures.append(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.join()
        self._bus.close()
        assert self.failures == []

    def join(self) -> None:
        """Ends the matcher and waits for its end."""
        self.stop.set()
        self._thread.join()

    def walk(self, cages: FloatArray, track: int, windows: int = 40) -> Verdict:
        """Sends windows of a track; returns the decision on the last one."""
        for k in range(windows):
            start = k * 100_000_000
            row = WindowRow(track, start, start + 166_666_667, 7, 1.0)
            self.send(Tick(0, 0, self._seq, CONTRACT, (1, F, D), (row,), open=(track,)), cages[None])
            self._seq += 1
            verdict = self._verdict()
            while verdict.decision.final or verdict.decision.track != track:
                verdict = self._verdict()
        return verdict

    def send(self, tick: Tick, cages: FloatArray | None = None) -> None:
        """Sends a tick as an encoder does."""
        self._cages.send_multipart(pack(tick, cages))

    def _verdict(self) -> Verdict:
        while True:
            self._receiver.acknowledge()
            message = self._receiver.receive()
            if isinstance(message, Verdict):
                return message
            assert message is None or isinstance(message, VisitMessage)
            self._receiver.wait(WAIT_S)

    def end_source(self) -> list[Verdict | VisitEvent]:
        """Sends the last tick; returns what comes until the source has ended."""
        self.send(Tick(0, 0, self._seq, CONTRACT, last=True, time_ns=9_000_000_000))
        return self.results()

    def results(self) -> list[Verdict | VisitEvent]:
        """Returns what comes until the source has ended."""
        found: list[Verdict | VisitEvent] = []
        while True:
            self._receiver.acknowledge()
            message = self._receiver.receive()
            if isinstance(message, SourceEnded):
                return found
            if isinstance(message, VisitMessage):
                found.append(message.event)
            elif message is not None:
                found.append(message)
            else:
                self._receiver.wait(WAIT_S)

    def ask(self, name: str, track: int) -> None:
        self._control.send_multipart(pack(EnrolRequest(name, (track,), "--yes")))

    def replied(self) -> bool:
        """Whether a reply is there."""
        return bool(self._control.poll(0))

    def reply(self) -> EnrolReply:
        assert self._control.poll(int(WAIT_S * 1000)), "no reply"
        reply, _ = unpack(self._control.recv_multipart())
        assert isinstance(reply, EnrolReply)
        return reply

    def status(self, condition: Callable[[Status], bool]) -> Status:
        """Returns the next heartbeat that satisfies the condition."""
        while True:
            for status in self._receiver.heartbeats(WAIT_S):
                if condition(status):
                    return status

    def walk_until(self, cages: FloatArray, track: int, condition: Callable[[Verdict], bool]) -> Verdict:
        """Sends windows until a decision satisfies the condition."""
        while not condition(verdict := self.walk(cages, track, windows=1)):
            pass
        return verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "g.db"


@pytest.fixture
def start(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Running]:
    # Not `tmp_path`, which contains the test name: paths of ipc sockets must be short.
    return lambda: Running(path, tmp_path_factory.mktemp("r"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program that holds the gallery."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


def test_decisions_go_on_while_the_gallery_is_locked(start: Callable[[], Running], path: Path) -> None:
    enrol(path, "Ada", ADA)
    with start() as matcher:
        assert matcher.walk(ADA, 1).decision.person == "Ada"
        matcher.walk(BEN, 2)
        with locked(path):
            matcher.ask("Ben", 2)
            assert matcher.walk(ADA, 3, windows=100).decision.person == "Ada"
            assert not matcher.replied()
        assert matcher.reply().error == ""
        assert names(path) == ["Ada", "Ben"]
        matcher.walk_until(BEN, 4, lambda verdict: verdict.decision.person == "Ben")


def test_decisions_go_on_while_a_changed_gallery_is_loaded(
    start: Callable[[], Running], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(path, "Ada", ADA)
    load, loading, go_on = TemplateIndex.load, threading.Event(), threading.Event()

    def load_slowly(*arguments: Any, **options: Any) -> TemplateIndex:
        loading.set()
        assert go_on.wait(WAIT_S)
        return load(*arguments, **options)

    with start() as matcher:
        assert matcher.walk(ADA, 1).decision.person == "Ada"
        monkeypatch.setattr(TemplateIndex, "load", load_slowly)
        enrol(path, "Ben", BEN)
        assert loading.wait(WAIT_S)
        assert matcher.walk(ADA, 2).decision.person == "Ada"
        go_on.set()
        matcher.walk_until(BEN, 3, lambda verdict: verdict.decision.person == "Ben")


def test_windows_of_an_encoder_that_hung_change_no_visit_that_has_ended(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Track 1 goes through encoder 0, which hangs after 2 s; its places go through encoder 1."""

    def windows(first: int, last: int, seq: int, sent_ns: int) -> None:
        rows = tuple(WindowRow(1, n * TENTH, (n + 2) * TENTH, 7, 1.0) for n in range(first, last))
        matcher.send(
            Tick(
                *(0, 0, seq, CONTRACT, (len(rows), F, D), rows),
                open=(1,),
                time_ns=last * TENTH,
                sent_ns=sent_ns,
            ),
            np.stack([ADA] * len(rows)),
        )

    enrol(path, "Ada", ADA)
    with Running(path, tmp_path_factory.mktemp("r"), encoders=2) as matcher:
        windows(0, 20, 0, sent_ns=1)
        for n in range(20, 60):
            seen = (TrackPlace(1, n * TENTH, n / 10, 3.0, 1.3),) if n < 30 else ()
            matcher.send(Tick(0, 0, n - 20, encoder=1, time_ns=n * TENTH, places=seen, sent_ns=2 + n))
        windows(20, 28, 1, sent_ns=3)
        assert (
            matcher.status(lambda status: status.counters.get("windows") == 28).counters["windows_late"] == 8
        )
        for encoder, seq in ((0, 2), (1, 40)):
            matcher.send(Tick(0, 0, seq, encoder=encoder, last=True, time_ns=60 * TENTH, sent_ns=99))
        found = matcher.results()
    told = [event for event in found if not isinstance(event, Verdict)]
    assert [type(event).__name__ for event in told] == ["Arrived", "Identified", "Left"]
    final = [each for each in found if isinstance(each, Verdict) and each.decision.final]
    assert [(each.decision.track, each.decision.person) for each in final] == [(1, "Ada")]
    assert sum(isinstance(each, Verdict) for each in found) == 29, "no decision is lost"


def test_requests_are_answered_in_order(start: Callable[[], Running], path: Path) -> None:
    enrol(path, "Ada", ADA)
    with start() as matcher:
        matcher.walk(BEN, 1)
        with locked(path):
            matcher.ask("Ben", 1)
            matcher.ask("Cy", 9)
            matcher.ask("Ben", 1)
            matcher.walk(BEN, 1, windows=5)
            assert not matcher.replied()
        assert matcher.reply().error == ""
        assert "there is no track 9" in matcher.reply().error
        assert "is enrolled already" in matcher.reply().error


def test_an_enrolment_in_progress_is_finished_at_the_end(
    start: Callable[[], Running], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(path, "Ada", ADA)
    storing = threading.Event()

    def store(gallery: Gallery, prepared: PreparedEnrolment) -> EnrolReply:
        storing.set()
        return store_enrolment(gallery, prepared)

    monkeypatch.setattr("gallery.gallery_watch.store_enrolment", store)
    with start() as matcher:
        matcher.walk(BEN, 1)
        with locked(path):
            matcher.ask("Ben", 1)
            matcher.ask("Cy", 1)
            assert storing.wait(WAIT_S)
            matcher.stop.set()
        matcher.join()
        assert matcher.reply().error == ""
        assert "is ending; nobody was enrolled" in matcher.reply().error
    assert names(path) == ["Ada", "Ben"]


def test_without_a_gallery_nobody_is_known_until_an_enrolment_makes_it(
    start: Callable[[], Running], path: Path
) -> None:
    with start() as matcher:
        verdict = matcher.walk(ADA, 1)
        assert (verdict.decision.state, verdict.decision.reason) == ("unknown", "nobody is enrolled")
        assert list(path.parent.iterdir()) == []
        matcher.ask("Ada", 1)
        assert matcher.reply().error == ""
        assert names(path) == ["Ada"]
        matcher.walk_until(ADA, 2, lambda verdict: verdict.decision.person == "Ada")


def test_a_gallery_that_somebody_makes_is_followed(start: Callable[[], Running], path: Path) -> None:
    with start() as matcher:
        assert matcher.status(lambda status: status.state == "ready").text == ""
        enrol(path, "Ada", ADA)
        matcher.walk_until(ADA, 1, lambda verdict: verdict.decision.person == "Ada")


@pytest.mark.slow
@POSIX
def test_the_people_of_a_deleted_gallery_are_forgotten(start: Callable[[], Running], path: Path) -> None:
    enrol(path, "Ada", ADA)
    with start() as matcher:
        assert matcher.walk(ADA, 1).decision.person == "Ada"
        path.unlink()
        verdict = matcher.walk_until(ADA, 1, lambda verdict: verdict.decision.candidate is None)
        assert verdict.decision.reason == "the gallery is gone"
        matcher.ask("Ben", 1)
        assert "is gone: somebody moved or deleted it" in matcher.reply().error
        assert list(path.parent.iterdir()) == []
        status = matcher.status(lambda status: "is gone" in status.text)
        assert status.counters["gallery_unread"] > 0
        enrol(path, "Cy", CY)
        matcher.walk_until(CY, 2, lambda verdict: verdict.decision.person == "Cy")
        matcher.status(lambda status: status.text == "")


def test_a_restarted_matcher_makes_no_gallery_in_place_of_one_that_is_gone(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with Running(path, tmp_path_factory.mktemp("r"), had_gallery=True) as matcher:
        assert matcher.walk(ADA, 1).decision.reason == "the gallery is gone"
        assert (
            "is gone: somebody moved or deleted it" in matcher.status(lambda status: status.text != "").text
        )
        matcher.ask("Ada", 1)
        assert f"the gallery {path} is gone: somebody moved or deleted it" in matcher.reply().error
        assert list(path.parent.iterdir()) == []
        enrol(path, "Cy", CY)
        matcher.walk_until(CY, 2, lambda verdict: verdict.decision.person == "Cy")
        assert matcher.status(lambda status: status.text == "").counters["gallery"] == 1


@POSIX
def test_a_replaced_gallery_is_followed(start: Callable[[], Running], path: Path, tmp_path: Path) -> None:
    enrol(path, "Ada", ADA)
    enrol(tmp_path / "other.db", "Ben", BEN)
    with start() as matcher:
        assert matcher.walk(ADA, 1).decision.person == "Ada"
        (tmp_path / "other.db").replace(path)
        verdict = matcher.walk_until(ADA, 1, lambda verdict: verdict.decision.candidate != "Ada")
        # What track 1 showed of Ada, the first person of the old file, does not count for Ben, the first now.
        assert verdict.decision.candidate is None
        matcher.walk_until(BEN, 2, lambda verdict: verdict.decision.person == "Ben")
        matcher.ask("Cy", 1)
        assert matcher.reply().error == ""
        assert names(path) == ["Ben", "Cy"]


@POSIX
def test_a_gallery_replaced_by_something_else_is_reported(start: Callable[[], Running], path: Path) -> None:
    enrol(path, "Ada", ADA)
    with start() as matcher:
        assert matcher.walk(ADA, 1).decision.person == "Ada"
        path.unlink()
        path.write_text("dear diary")
        matcher.walk_until(ADA, 1, lambda verdict: verdict.decision.candidate is None)
        matcher.ask("Ben", 1)
        assert "is not a gallery and was not changed" in matcher.reply().error
    assert path.read_text() == "dear diary"


@pytest.mark.slow
def test_visits_of_a_locked_gallery_are_told_at_once_and_stored_later(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    enrol(path, "Ada", ADA)
    with open_gallery(str(path)) as opened:
        opened.remove("Ada")  # so that everybody is a stranger
    with Running(path, tmp_path_factory.mktemp("r"), history_s=1e6) as matcher:
        matcher.walk(BEN, 1)
        with locked(path):
            *_, left = matcher.end_source()
            assert isinstance(left, Left), "the source ends after its visits"
            assert (left.outcome, left.visitor, left.reason_code) == ("unknown", None, "nobody-enrolled")
        matcher.join()
    with open_gallery(str(path)) as opened:
        visit = opened.history.visit(left.visit)
        assert (visit.outcome, visit.source, visit.kept) == ("unknown", "door", False)


def test_an_identified_visit_is_stored_with_its_walk_and_another_program_sees_it(
    path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    enrol(path, "Ada", ADA)
    with Running(path, tmp_path_factory.mktemp("r"), history_s=1e6) as matcher:
        assert matcher.walk(ADA, 1).decision.person == "Ada"
        *_, left = matcher.end_source()
        assert isinstance(left, Left)
        matcher.join()
    with open_gallery(str(path)) as opened:
        visit = opened.history.visit(left.visit)
        assert (visit.person, visit.kept) == ("Ada", True)
        walk = dict(opened.history.walks())[left.visit]
        np.testing.assert_allclose(walk.templates, np.stack([ADA] * len(walk.templates)), atol=2e-3)
