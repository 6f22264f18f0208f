"""The matcher process: CAGEs in, decisions out; enrols on request and follows the gallery's changes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import zmq

from gallery.calibration.gallery_calibration import calibrate_gallery
from gallery.enrolment import prepare_enrolment
from gallery.gallery_watch import GalleryWatch, LoadedGallery, StoredEnrolment
from gallery.matcher import Matcher
from gallery.matcher_settings import MatcherSettings
from gallery.open_set_decision import Track, TrackDecision
from gallery.recognition.reranking import Reranking
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery
from gallery.tick_order import OrderedTick, tick_order
from gallery.visits.ranked_candidates import RankedCandidate, ranked_candidates
from gallery.visits.stranger_bank import StrangerBank
from gallery.visits.visit_keeper import KnownVisitor, VisitKeeper
from gallery.visits.visit_publisher import VisitPublisher
from gallery.visits.visit_records import KeepRule, VisitToKeep
from gallery.visits.visit_tracker import VisitTracker
from gallery.visits.walk_likeness import walk_likeness
from stream.body import FloatArray
from stream.bus.heartbeat import Heartbeat
from stream.bus.messages import (
    MAX_TEXT,
    Ack,
    BadMessage,
    EnrolReply,
    EnrolRequest,
    SourceEnded,
    Tick,
    Verdict,
    VisitMessage,
    WindowRow,
    pack,
    unpack,
)
from stream.bus.outbox import Outbox
from stream.bus.sockets import DECISION_TOPIC, EVENT_TOPIC, Bus
from stream.bus.window_times import WindowTimes
from stream.decision import Decision, ReasonCode, to_json
from stream.errors import SgeError
from stream.visits.events import VisitEvent, event_json

if TYPE_CHECKING:
    from gallery.recognition.retraining import Retraining

__all__ = ["run"]

_WAIT_MS = 100
_READABLE = int(zmq.POLLIN)
_LATENCIES = 1000
_WINDOWS_AT_ONCE = 64
"""Windows that are compared at once, if they wait: more would delay the first."""

_Received = tuple[Tick, FloatArray]


def run(settings: MatcherSettings, stop: threading.Event) -> None:
    """Runs the matcher process until `stop` is set.

    Raises:
        SgeError: the gallery or the encoder's back-end cannot be used.
    """
    with Bus(settings.wiring) as bus:
        heartbeat = Heartbeat(bus, "matcher")
        try:
            with contextlib.closing(_Service(settings, bus, heartbeat)) as service:
                service.serve(stop)
        except SgeError as error:
            heartbeat.send_failure(error)
            raise


class _Service:
    def __init__(self, settings: MatcherSettings, bus: Bus, heartbeat: Heartbeat) -> None:
        self._settings = settings
        self._heartbeat = heartbeat
        self._cages = bus.bind(zmq.PULL, "cages")
        self._acks = bus.bind(zmq.ROUTER, "acks", high_water=64)
        self._acks.router_handover = True  # a restarted capture worker takes over from the one that died
        self._control = bus.bind(zmq.ROUTER, "control")
        self._observers = bus.bind(zmq.XPUB, "decisions", high_water=1000)
        self._observed: set[bytes] = set()
        """Topics that observers have subscribed to."""
        self._outbox = Outbox(bus.connect(zmq.DEALER, "sink"))
        self._poller = zmq.Poller()
        self._poller.register(self._control, zmq.POLLIN)
        self._poller.register(self._observers, zmq.POLLIN)
        self._orders = [tick_order(bus.encoders, live=card.live) for card in settings.sources]
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._counters = dict.fromkeys(("windows", "decisions", "lost", "bad"), 0)
        self._run = uuid4().hex[:8]
        self._backend = load_backend(
            settings.contract, map(Path, settings.weights), fused=settings.matcher == "fusion"
        )
        self._retraining = _retraining() if settings.matcher == "rn" else None
        self._requests: deque[tuple[bytes, EnrolRequest]] = deque()
        rule = KeepRule(
            timedelta(seconds=settings.history_s),
            timedelta(seconds=settings.remember_strangers_s),
            settings.fpir,
        )
        self._keeper = VisitKeeper(rule, StrangerBank(self._backend))
        self._loaded: TemplateIndex | None = None
        """Of the gallery when it was last read; the thread of the gallery alone uses it once that runs."""
        self._gallery = GalleryWatch(
            settings.gallery, self._load, self._keeper, had_gallery=settings.had_gallery
        )
        loaded = self._gallery.load()
        self._matcher = Matcher(
            settings.sources,
            settings.f,
            settings.fpir,
            loaded.index,
            Reranking() if self._retraining else None,
            loaded.calibrations,
        )
        tracker = VisitTracker(
            self._run, settings.sources, settings.contract, self._candidates, settings.places, self._likeness
        )
        self._visits = VisitPublisher(settings.sources, tracker, rule, self)
        self._retrain()
        self._gallery.start()

    def serve(self, stop: threading.Event) -> None:
        """Receives, decides and publishes until `stop` is set."""
        if not all(card.live for card in self._settings.sources):
            self._await_training(stop)
        self._beat(force=True)
        while not stop.is_set():
            self._beat()
            self._follow_gallery()
            self._enrol()
            self._take_network()
            self._visits.follow_time()
            # A full outbox stops reading, which in turn holds back the encoder and the files.
            self._poller.register(self._cages, 0 if self._outbox.full else _READABLE)
            self._poller.register(self._outbox.socket, self._outbox.poll_events)
            ready = dict(self._poller.poll(_WAIT_MS))
            if self._control in ready:
                self._take_request()
            if self._observers in ready:
                self._follow_observer()
            if ready.get(self._cages, 0) & _READABLE:
                self._receive()
            self._outbox.pump()

    def close(self) -> None:
        """Cancels a training in progress; waits for an enrolment that is being stored, and answers it."""
        if self._retraining is not None:
            self._retraining.close()
        self._gallery.close()
        for result in self._gallery.results():
            if isinstance(result, StoredEnrolment):
                self._reply(result.sender, result.reply)
        while self._control.poll(0):
            self._take_request()
        for sender, _ in self._requests:
            self._reply(sender, EnrolReply("the running system is ending; nobody was enrolled"))

    def _follow_observer(self) -> None:
        """Follows who observes: without observers, nothing is written for them."""
        subscribed, topic = (message := self._observers.recv())[:1] == b"\x01", message[1:]
        (self._observed.add if subscribed else self._observed.discard)(topic)

    def _receive(self) -> None:
        """Processes the ticks that wait.

        Those of devices are compared at once. Those of files are compared tick by tick, so that the same file
        gives the same scores to the last bit, whatever the load.
        """
        received: list[_Received] = []
        windows = 0
        while windows < _WINDOWS_AT_ONCE and self._cages.poll(0):
            try:
                tick, cages = unpack(self._cages.recv_multipart())
                if not isinstance(tick, Tick) or tick.source >= len(self._settings.sources):
                    raise BadMessage
                if tick.rows and (tick.contract != self._settings.contract or cages.ndim != 3):
                    raise BadMessage
            except BadMessage:
                self._counters["bad"] += 1
                continue
            received.append((tick, cages))
            windows += max(1, len(tick.rows))
        for ticks in self._due(received):
            self._observe(ticks)

    def _due(self, received: Iterable[_Received]) -> Iterator[list[OrderedTick]]:
        """Yields ticks in order: those of different devices together, each tick of a file alone."""
        together: dict[int, OrderedTick] = {}
        for tick, cages in received:
            live = self._settings.sources[tick.source].live
            if together and (not live or tick.source in together):
                yield list(together.values())
                together.clear()
            for each in self._take(tick, cages):
                if live:
                    together[tick.source] = each
                else:
                    yield [each]
        if together:
            yield list(together.values())

    def _take(self, tick: Tick, cages: FloatArray) -> Sequence[OrderedTick]:
        """Returns the ticks of a source that are due now that another one has arrived."""
        if self._training and not self._settings.sources[tick.source].live:
            return ()  # not acknowledged, so it is sent again
        arrival = self._orders[tick.source].take(tick, cages)
        if arrival.restarts:
            decisions = self._matcher.end_source(tick.source)
            self._publish(decisions, live=True)
            self._visits.end_source(tick.source, decisions)
        self._counters["lost"] += arrival.lost
        if arrival.known is not None:
            self._acknowledge(tick, arrival.known)
        return arrival.ticks

    def _observe(self, ticks: Sequence[OrderedTick]) -> None:
        """Decides on ticks of different sources."""
        before = []
        for tick in (ordered.tick for ordered in ticks):
            live = self._settings.sources[tick.source].live
            before.append(self._matcher.end_missing(tick) if live and not tick.last else [])
        found = self._matcher.observe_all([(ordered.tick, ordered.cages) for ordered in ticks])
        for ordered, missing, decisions in zip(ticks, before, found, strict=True):
            tick = ordered.tick
            self._counters["windows"] += len(tick.rows)
            ended = self._matcher.end_source(tick.source) if tick.last else []
            every = [*missing, *decisions, *ended]
            self._publish(every, live=self._settings.sources[tick.source].live, ordered=ordered)
            self._visits.observe(tick, every)
            self._acknowledge(tick, tick.seq)

    def _acknowledge(self, tick: Tick, seq: int) -> None:
        # The next acknowledgement replaces a lost one, or the capture worker sends the tick again.
        ack = Ack(tick.source, tick.epoch, seq, tick.encoder)
        self._acks.send_multipart([f"capture-{tick.source}".encode(), *pack(ack)])

    def _publish(
        self, decisions: list[TrackDecision], *, live: bool, ordered: OrderedTick | None = None
    ) -> None:
        for decided in decisions:
            times = _times(decided.window, ordered)
            decision = self._decision(decided, times)
            self._counters["decisions"] += 1
            verdict = Verdict(
                self._outbox.next_number,
                decided.seconds,
                decided.quality,
                decision,
                decided.track.no_windows or "",
                times,
            )
            self._outbox.put(verdict, may_drop=live and not decided.final)
            if self._observed:
                self._observers.send_multipart([DECISION_TOPIC, to_json(decision)])

    @property
    def index(self) -> TemplateIndex:
        """The present templates of the gallery."""
        return self._matcher.index

    def send(self, event: VisitEvent) -> None:
        """Sends an event of a visit to the parent and to observers."""
        self._outbox.put(VisitMessage(self._outbox.next_number, event))
        self._observers.send_multipart([EVENT_TOPIC, event_json(event)])

    def send_end(self, source: int) -> None:
        """Tells the parent that a source has ended."""
        self._outbox.put(SourceEnded(self._outbox.next_number, source))

    def keep(self, kept: VisitToKeep) -> None:
        """Stores a visit."""
        self._gallery.keep(kept)

    def _candidates(self, track: Track) -> list[RankedCandidate]:
        return ranked_candidates(self._matcher.decision_rule, track)

    def _likeness(self, track: Track, other: Track) -> float | None:
        return walk_likeness(self._matcher.decision_rule, track, other)

    def _decision(self, decided: TrackDecision, times: WindowTimes | None) -> Decision:
        latency: float | None = None
        if times is not None:
            latency = (times.decided_ns - times.arrival_ns) / 1e6
            self._latencies.append(latency)
        return Decision(
            id=f"{self._run}-{self._counters['decisions'] + 1}",
            source=self._settings.sources[decided.track.source].name,
            track=decided.track.number,
            t=round(decided.time_ns / 1e9, 4),
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            state=decided.state,
            person=decided.candidate if decided.state == "person" else None,
            candidate=decided.candidate,
            score=_rounded(decided.score, 4),
            threshold=_rounded(decided.threshold, 4),
            margin=_rounded(decided.margin, 4),
            reason=decided.reason,
            latency_ms=_rounded(latency, 3),
            final=decided.final,
            lost_windows=decided.lost_windows,
            calibration=decided.calibration,
            provisional=decided.provisional,
            reason_code=decided.reason_code,
            runner_up=decided.runner_up,
            runner_up_score=_rounded(decided.runner_up_score, 4),
            confidence=decided.confidence,
        )

    def _take_request(self) -> None:
        sender, *parts = self._control.recv_multipart()
        try:
            request, _ = unpack(parts)
        except BadMessage:
            self._counters["bad"] += 1
            return
        if isinstance(request, EnrolRequest):
            self._requests.append((sender, request))
        else:
            self._counters["bad"] += 1

    def _enrol(self) -> None:
        """Begins the next enrolment when the one before is stored and its templates are compared with."""
        while self._requests and not self._gallery.busy:
            self._follow_gallery()  # the index that came before the watch was no longer busy
            sender, request = self._requests.popleft()
            try:
                prepared = prepare_enrolment(self._matcher, self._settings.contract, request)
            except SgeError as error:
                self._reply(sender, EnrolReply(str(error)[:MAX_TEXT]))
            else:
                self._gallery.store(sender, prepared)

    def _reply(self, sender: bytes, reply: EnrolReply) -> None:
        self._control.send_multipart([sender, *pack(reply)])

    def _follow_gallery(self) -> None:
        for result in self._gallery.results():
            if isinstance(result, StoredEnrolment):
                self._reply(result.sender, result.reply)
            elif isinstance(result, KnownVisitor):
                self._visits.release(result)
            else:
                self._matcher.replace_index(result.index, result.calibrations)
                self._visits.follow_people()
                self._retrain()

    @property
    def _training(self) -> bool:
        return self._retraining is not None and self._retraining.pending

    def _retrain(self) -> None:
        if self._retraining is not None:
            self._retraining.begin(self._matcher.index)

    def _take_network(self) -> None:
        network = self._retraining.take() if self._retraining is not None else None
        if network is not None:
            self._matcher.use_predictor(network)

    def _await_training(self, stop: threading.Event) -> None:
        """Waits for the first network: ticks of a file received before it would be sent twice."""
        while self._retraining is not None and self._retraining.pending and not stop.is_set():
            self._heartbeat.send("training")
            self._retraining.wait(_WAIT_MS / 1000)
            self._take_network()

    def _load(self, gallery: Gallery | None, without_people: ReasonCode) -> LoadedGallery:
        sensors = {card.sensor for card in self._settings.sources}
        if gallery is None:
            self._loaded = None
            index = TemplateIndex([], self._backend, sensors, without_people)
            return LoadedGallery(index, {})
        index = TemplateIndex.load(
            gallery, self._settings.contract, self._backend, sensors, before=self._loaded
        )
        self._loaded = index
        return LoadedGallery(index, calibrate_gallery(gallery, index))

    def _beat(self, *, force: bool = False) -> None:
        if not (force or self._heartbeat.is_due("ready")):
            return
        counters: dict[str, float] = {
            **self._counters,
            "decisions_dropped": self._outbox.dropped,
            "gallery": int(self._gallery.had_gallery),
            "gallery_unread": self._gallery.unread,
            "people": len(self._matcher.index.people),
            "in_view": len(self._matcher.tracks),
            "visits": self._visits.in_view,
            "windows_late": self._visits.late,
            "waiting": self._outbox.waiting,
            **self._calibration_states(),
            "visits_dropped": self._keeper.lost,
        }
        if self._latencies:
            p50, p95 = np.percentile(self._latencies, [50, 95])
            counters |= {"latency_p50": float(p50), "latency_p95": float(p95)}
        trouble = self._gallery.trouble
        if self._keeper.trouble and not trouble:
            trouble, counters["history_stuck"] = self._keeper.trouble, 1
        self._heartbeat.send("ready", counters, trouble, force=force)

    def _calibration_states(self) -> dict[str, float]:
        """Returns for each source 0 if it is uncalibrated, 1 if provisionally calibrated, else 2."""
        found = [self._matcher.calibrations.get(card.sensor) for card in self._settings.sources]
        states = (0 if each is None else 1 if each.provisional else 2 for each in found)
        return {f"calibration_{source}": state for source, state in enumerate(states)}


def _retraining() -> Retraining:
    from gallery.recognition.retraining import Retraining  # noqa: PLC0415 - torch takes seconds and 200 MB to load

    return Retraining()


def _times(window: WindowRow | None, ordered: OrderedTick | None) -> WindowTimes | None:
    """Returns when a window passed each point of its way up to the decision, which is made now."""
    if window is None or ordered is None:
        return None
    tick = ordered.part_of(window.track)
    return WindowTimes(
        window.arrival_ns,
        window.ready_ns,
        tick.sent_ns,
        tick.taken_ns,
        tick.encoded_ns,
        time.monotonic_ns(),
    )


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
