"""Metrics of a run in the format of Prometheus; they name no person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream.bus.messages import Verdict
from stream.bus.window_times import STAGES
from stream.outputs.delivery_queue import Delivery
from stream.outputs.output import Output
from stream.system.live import Live
from stream.system.supervisor import Child
from stream.visits.events import Doubted, Identified, Left, VisitEvent

__all__ = ["CONTENT_TYPE", "MetricsOutput"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)
_CAPTURE_DROPS = {"frames_dropped": "frame-too-old", "windows_dropped": "window-not-sent"}
_OTHER_DROPS = {
    "lost": "window-lost",
    "windows_late": "window-late",
    "bad": "message-invalid",
    "decisions_dropped": "decision-not-read",
}
"""Counters of dropped items, with the cause as the label says it."""


class MetricsOutput:
    """Counts the results of a run; `text` adds what its processes report. Any thread may call `text`.

    Args:
        live: the running system.
        outputs: the outputs whose queues are reported; read each time.
    """

    def __init__(self, live: Live, outputs: Sequence[Output] = ()) -> None:
        self._live = live
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_RunCollector(live, outputs))
        latency = Histogram(
            "sge_latency_seconds",
            "Time from the frame to the decision and its stages, and from the decision to its outputs.",
            ["stage"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._to_decision, self._to_output = map(latency.labels, ("frame-to-decision", "decision-to-output"))
        self._stages = {stage: latency.labels(stage) for stage in STAGES}
        self._decisions = Counter(
            "sge_decisions", "Decisions received, by state.", ["state"], registry=self._registry
        )
        self._visits = Counter(
            "sge_visits",
            "Visits that ended, by source and outcome.",
            ["source", "outcome"],
            registry=self._registry,
        )
        self._changes = Counter(
            "sge_visit_changes", "Times that the system changed its mind in a visit.", registry=self._registry
        )
        self._doubts = Counter(
            "sge_doubts", "Times that a person seemed to be at two places at once.", registry=self._registry
        )

    @property
    def registry(self) -> CollectorRegistry:
        """All metrics."""
        return self._registry

    def text(self) -> bytes:
        """Returns all metrics as Prometheus reads them."""
        return generate_latest(self._registry)

    def __enter__(self) -> Self:
        return self

    def write(self, verdict: Verdict) -> None:
        """Counts a decision, and how long it took."""
        decision = verdict.decision
        self._decisions.labels(decision.state).inc()
        if decision.latency_ms is not None:
            self._to_decision.observe(decision.latency_ms / 1000)
        if verdict.times is not None:
            for stage, seconds in verdict.times.stages.items():
                self._stages[stage].observe(seconds)
        decided = datetime.fromisoformat(decision.time)
        waited = (datetime.now(decided.tzinfo) - decided).total_seconds()
        self._to_output.observe(max(0.0, waited))

    def write_event(self, event: VisitEvent) -> None:
        """Counts an event of a visit."""
        if isinstance(event, Left):
            outcome = "interrupted" if event.interrupted else event.outcome
            self._visits.labels(event.source, outcome).inc()
        elif isinstance(event, Identified) and event.previous is not None:
            self._changes.inc()
        elif isinstance(event, Doubted):
            self._doubts.inc()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class _RunCollector(Collector):
    """What the processes of a run report in their heartbeats, as metrics."""

    def __init__(self, live: Live, outputs: Sequence[Output]) -> None:
        self._live = live
        self._outputs = outputs

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics as they are now."""
        children = list(self._live.supervisor.children)
        names = {child.index: self._live.infos[child.index].name for child in children if _captures(child)}
        yield from self._of_sources([child for child in children if _captures(child)], names)
        yield from self._of_processes(children, names)
        yield from self._of_matcher(next((each for each in children if each.role == "matcher"), None), names)
        yield from _of_outputs([each.delivery for each in self._outputs if isinstance(each, _Delivers)])
        info = GaugeMetricFamily(
            "sge_info", "Version of the program, and the encoder.", labels=["version", "encoder"]
        )
        info.add_metric([version("sge-stream"), self._live.encoder.description], 1)
        yield info

    def _of_sources(self, captures: list[Child], names: dict[int, str]) -> Iterator[Metric]:
        frames = CounterMetricFamily("sge_frames", "Frames of a source.", labels=["source"])
        windows = CounterMetricFamily("sge_windows", "Windows cut of a source.", labels=["source"])
        tracks = CounterMetricFamily("sge_tracks", "Tracks of a source.", labels=["source"])
        up = GaugeMetricFamily("sge_source_up", "1 if the source delivers, else 0.", labels=["source"])
        down = self._live.outages.down
        for child in captures:
            source = [names[child.index]]
            frames.add_metric(source, _counter(child, "frames"))
            windows.add_metric(source, _counter(child, "windows"))
            tracks.add_metric(source, _counter(child, "tracks"))
            works = child.works and child.ready and child.index not in down
            up.add_metric(source, int(works and not self._live.ended(child.index)))
        yield from (frames, windows, tracks, up)

    def _of_processes(self, children: list[Child], names: dict[int, str]) -> Iterator[Metric]:
        drops = CounterMetricFamily(
            "sge_dropped", "Items dropped, by cause and source.", labels=["process", "source", "cause"]
        )
        up = GaugeMetricFamily("sge_process_up", "1 if the process works, else 0.", labels=["process"])
        restarts = CounterMetricFamily("sge_process_restarts", "Restarts of a process.", labels=["process"])
        cpu = CounterMetricFamily(
            "sge_process_cpu_seconds", "Processor time since its start.", labels=["process"]
        )
        waiting = GaugeMetricFamily("sge_queue_depth", "Items that wait in a process.", labels=["process"])
        for child in children:
            source = names.get(child.index, "") if _captures(child) else ""
            for counter, cause in (_CAPTURE_DROPS if _captures(child) else _OTHER_DROPS).items():
                drops.add_metric([child.label, source, cause], child.dropped_items(counter))
            up.add_metric([child.label], int(child.works))
            restarts.add_metric([child.label], child.restarts)
            cpu.add_metric([child.label], _counter(child, "cpu"))
            waiting.add_metric([child.label], _counter(child, "waiting"))
        yield from (drops, up, restarts, cpu, waiting)

    def _of_matcher(self, matcher: Child | None, names: dict[int, str]) -> Iterator[Metric]:
        if matcher is None:
            return
        calibration = GaugeMetricFamily(
            "sge_calibration",
            "Calibration of a source: 0 none, 1 provisional, 2 relied on.",
            labels=["source"],
        )
        for index, name in names.items():
            calibration.add_metric([name], _counter(matcher, f"calibration_{index}"))
        yield calibration
        in_view, people = _counter(matcher, "in_view"), _counter(matcher, "people")
        yield GaugeMetricFamily("sge_people_in_view", "Tracks in view.", value=in_view)
        known = sum(each.person is not None for each in self._live.presence())
        yield GaugeMetricFamily("sge_people_present", "Identified people who are present.", value=known)
        yield GaugeMetricFamily("sge_gallery_people", "Enrolled people.", value=people)
        readable = int(not self._live.outages.gallery)
        yield GaugeMetricFamily(
            "sge_gallery_readable", "1 if the gallery can be read, else 0.", value=readable
        )


@runtime_checkable
class _Delivers(Protocol):
    """An output with a queue."""

    @property
    def delivery(self) -> Delivery[Any]:
        """The queue."""


def _of_outputs(deliveries: Sequence[Delivery[Any]]) -> Iterator[Metric]:
    """Yields the metrics of outputs with a queue."""
    delivered = CounterMetricFamily(
        "sge_output_delivered", "Events delivered by an output.", labels=["output"]
    )
    dropped = CounterMetricFamily("sge_output_dropped", "Events that an output dropped.", labels=["output"])
    waiting = GaugeMetricFamily("sge_output_waiting", "Events that wait for a receiver.", labels=["output"])
    up = GaugeMetricFamily("sge_output_up", "1 unless the receiver fails, else 0.", labels=["output"])
    for each in deliveries:
        delivered.add_metric([each.name], each.delivered)
        dropped.add_metric([each.name], each.dropped)
        waiting.add_metric([each.name], each.waiting)
        up.add_metric([each.name], int(not each.down))
    yield from (delivered, dropped, waiting, up)


def _captures(child: Child) -> bool:
    return child.role == "capture"


def _counter(child: Child, name: str) -> float:
    """Returns a counter of the latest heartbeat; 0 if it has none."""
    status = child.status  # read once: another thread replaces it
    return status.counters.get(name, 0.0) if status is not None else 0.0
