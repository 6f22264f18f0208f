"""The matcher process: CAGEs in, decisions out; enrols on request and follows the gallery's changes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import zmq

from gallery.enrolment import enrol_tracks
from gallery.matcher import Finding, Matcher
from gallery.matcher_settings import MatcherOrders
from gallery.recognition.reranking import Reranking
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery, open_gallery
from stream.body import FloatArray
from stream.bus.heartbeat import Heartbeat
from stream.bus.messages import Ack, Ask, BadMessage, Ended, Reply, Tick, Verdict, pack, unpack
from stream.bus.outbox import Outbox
from stream.bus.sockets import Bus
from stream.decision import Decision, to_json
from stream.errors import GalleryError, SgeError

if TYPE_CHECKING:
    from gallery.recognition.retraining import Retraining

__all__ = ["run"]

RELOAD_S = 1.0
_WAIT_MS = 100
_LATENCIES = 1000


def run(orders: MatcherOrders, stop: threading.Event) -> None:
    """Decide until `stop` is set.

    Raises:
        SgeError: the gallery or the encoder's back-end cannot be used.
    """
    with Bus(orders.wiring) as bus:
        heart = Heartbeat(bus, "matcher")
        try:
            with (
                open_gallery(orders.gallery) as store,
                contextlib.closing(_Service(orders, bus, heart, store)) as service,
            ):
                service.serve(stop)
        except SgeError as error:
            heart.failed(str(error), error.exit_code)
            raise


class _Service:
    def __init__(self, orders: MatcherOrders, bus: Bus, heart: Heartbeat, store: Gallery) -> None:
        self._orders = orders
        self._heart = heart
        self._store = store
        self._cages = bus.bind(zmq.PULL, "cages")
        self._acks = bus.bind(zmq.ROUTER, "acks", high_water=64)
        self._acks.router_handover = True  # a restarted capture worker takes over from the one that died
        self._control = bus.bind(zmq.ROUTER, "control")
        self._observers = bus.bind(zmq.XPUB, "decisions", high_water=1000)
        self._outbox = Outbox(bus.connect(zmq.DEALER, "sink"))
        self._poller = zmq.Poller()
        self._poller.register(self._control, zmq.POLLIN)
        self._poller.register(self._observers, zmq.POLLIN)
        self._expected: dict[int, tuple[int, int]] = {}
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._counters = dict.fromkeys(("windows", "decisions", "lost", "bad", "gallery_unread"), 0)
        self._run = uuid4().hex[:8]
        self._revision = store.revision()
        self._backend = load_backend(
            orders.contract, map(Path, orders.weights), fused=orders.matcher == "fusion"
        )
        self._retraining = _retraining() if orders.matcher == "rn" else None
        self._matcher = Matcher(
            orders.sources,
            orders.f,
            orders.fpir,
            self._load_index(),
            Reranking() if self._retraining else None,
        )
        self._retrain()
        self._reload_due = time.monotonic() + RELOAD_S

    def serve(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        if not all(card.live for card in self._orders.sources):
            self._await_training(stop)
        self._beat(force=True)
        while not stop.is_set():
            self._beat()
            self._follow_gallery()
            self._follow_training()
            # A full outbox stops the reading, and so in turn the encoder and the files.
            self._poller.register(self._cages, 0 if self._outbox.full else zmq.POLLIN)
            self._poller.register(self._outbox.socket, self._outbox.wants)
            ready = dict(self._poller.poll(_WAIT_MS))
            if self._control in ready:
                self._answer()
            if self._observers in ready:
                self._observers.recv()  # a subscription; XPUB keeps count of them itself
            if ready.get(self._cages, 0) & zmq.POLLIN:
                self._receive()
            self._outbox.pump()

    def close(self) -> None:
        """End the training that is under way."""
        if self._retraining is not None:
            self._retraining.close()

    def _receive(self) -> None:
        try:
            tick, cages = unpack(self._cages.recv_multipart())
            if not isinstance(tick, Tick) or tick.source >= len(self._orders.sources):
                raise BadMessage
            if tick.rows and (tick.contract != self._orders.contract or cages.ndim != 3):
                raise BadMessage
        except BadMessage:
            self._counters["bad"] += 1
            return
        if self._in_order(tick):
            self._observe(tick, cages)

    def _in_order(self, tick: Tick) -> bool:
        """Whether the tick is the next one to decide on; a file's others come again, or came before."""
        live = self._orders.sources[tick.source].live
        if not live and self._training:
            return False  # left unacknowledged, it comes again
        # A device's matcher may have been restarted in the middle; a file's sees every tick from the first.
        epoch, expected = self._expected.get(tick.source, (tick.epoch, tick.seq if live else 0))
        if tick.epoch != epoch:
            self._publish(self._matcher.end_source(tick.source), live=True)
            expected = 0
        if tick.seq < expected:
            self._acknowledge(tick.source, tick.epoch, expected - 1)
            return False
        if tick.seq > expected and not live:
            return False
        self._counters["lost"] += tick.seq - expected
        self._expected[tick.source] = (tick.epoch, tick.seq + 1)
        return True

    def _observe(self, tick: Tick, cages: FloatArray) -> None:
        live = self._orders.sources[tick.source].live
        self._counters["windows"] += len(tick.rows)
        findings = self._matcher.observe(tick, cages)
        if tick.last:
            findings += self._matcher.end_source(tick.source)
        elif live:
            findings += self._matcher.end_unheard(tick)
        self._publish(findings, live=live)
        if tick.last:
            self._outbox.put(Ended(self._outbox.next_number, tick.source))
        self._acknowledge(tick.source, tick.epoch, tick.seq)

    def _acknowledge(self, source: int, epoch: int, seq: int) -> None:
        # Lost acknowledgements are made good by the next, or when the capture worker sends again.
        self._acks.send_multipart([f"capture-{source}".encode(), *pack(Ack(source, epoch, seq))])

    def _publish(self, findings: list[Finding], *, live: bool) -> None:
        for finding in findings:
            decision = self._decision(finding)
            self._counters["decisions"] += 1
            verdict = Verdict(self._outbox.next_number, finding.seconds, finding.quality, decision)
            self._outbox.put(verdict, may_drop=live and not finding.final)
            self._observers.send(to_json(decision))

    def _decision(self, finding: Finding) -> Decision:
        latency: float | None = None
        if finding.arrival_ns is not None:
            latency = (time.monotonic_ns() - finding.arrival_ns) / 1e6
            self._latencies.append(latency)
        return Decision(
            id=f"{self._run}-{self._counters['decisions'] + 1}",
            source=self._orders.sources[finding.track.source].name,
            track=finding.track.number,
            t=round(finding.time_ns / 1e9, 4),
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            state=finding.state,
            person=finding.candidate if finding.state == "person" else None,
            candidate=finding.candidate,
            score=_rounded(finding.score, 4),
            threshold=_rounded(finding.threshold, 4),
            margin=_rounded(finding.margin, 4),
            reason=finding.reason,
            latency_ms=_rounded(latency, 3),
            final=finding.final,
        )

    def _answer(self) -> None:
        who, *parts = self._control.recv_multipart()
        try:
            question, _ = unpack(parts)
        except BadMessage:
            self._counters["bad"] += 1
            return
        if not isinstance(question, Ask):
            self._counters["bad"] += 1
            return
        try:
            reply = enrol_tracks(self._matcher, self._store, self._orders.contract, question)
        except SgeError as error:
            reply = Reply(str(error)[:2000])
        self._control.send_multipart([who, *pack(reply)])
        self._reload_due = 0.0

    def _follow_gallery(self) -> None:
        if time.monotonic() < self._reload_due:
            return
        self._reload_due = time.monotonic() + RELOAD_S
        try:
            revision = self._store.revision()
            if revision != self._revision:
                self._matcher.replace_index(self._load_index())
                self._revision = revision
                self._retrain()
        except GalleryError:
            # Somebody holds the gallery; the templates in memory serve until it can be read again.
            self._counters["gallery_unread"] += 1

    @property
    def _training(self) -> bool:
        return self._retraining is not None and self._retraining.pending

    def _retrain(self) -> None:
        if self._retraining is not None:
            self._retraining.begin(self._matcher.index)

    def _follow_training(self) -> None:
        network = self._retraining.take() if self._retraining is not None else None
        if network is not None:
            self._matcher.use_predictor(network)

    def _await_training(self, stop: threading.Event) -> None:
        """Wait for the first network: a file that came before it would be sent twice."""
        while self._retraining is not None and self._retraining.pending and not stop.is_set():
            self._heart.beat("training")
            self._retraining.wait(_WAIT_MS / 1000)
            self._follow_training()

    def _load_index(self) -> TemplateIndex:
        sensors = {card.sensor for card in self._orders.sources}
        return TemplateIndex.load(self._store, self._orders.contract, self._backend, sensors)

    def _beat(self, *, force: bool = False) -> None:
        counters: dict[str, float] = {
            **self._counters,
            "decisions_dropped": self._outbox.dropped,
            "people": len(self._matcher.index.people),
            "in_view": len(self._matcher.tracks),
        }
        if self._latencies:
            p50, p95 = np.percentile(self._latencies, [50, 95])
            counters |= {"latency_p50": float(p50), "latency_p95": float(p95)}
        self._heart.beat("ready", counters, force=force)


def _retraining() -> Retraining:
    from gallery.recognition.retraining import Retraining  # noqa: PLC0415 - torch takes seconds and 200 MB to load

    return Retraining()


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)
