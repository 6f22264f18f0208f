"""Starts the processes of a run, and gives each the settings of its next start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from encoder.encoder_settings import EncoderInfo, EncoderSettings
from encoder.precision import Precision
from gallery.matcher_settings import MatcherSettings, SourceCard
from stream.body import SourceInfo
from stream.bus.sockets import Wiring
from stream.capture.capture_process import CaptureSettings
from stream.decision import MatcherName
from stream.errors import UserError
from stream.system.restart_policy import ProcessMonitor
from stream.system.supervisor import Child, Supervisor
from stream.track_numbers import opened_up_to, source_of

__all__ = ["RunPlan", "RunProcesses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What the processes of a run are to do; see `stream.system.live.Live` for the fields."""

    sources: tuple[str, ...]
    fpir: float | None
    device: str
    precision: Precision
    speed: float
    weights: tuple[str, ...]
    matcher: MatcherName
    encoders: int
    view: bool
    """Whether the capture workers draw pictures."""
    skeletons: bool
    strict: bool
    patient: bool
    history: timedelta
    remember_strangers: timedelta


class RunProcesses:
    """The processes of a run.

    Args:
        plan: what they do.
        wiring: the sockets of the run.
        supervisor: starts them, and starts them again.
        monitor: waits for them.
    """

    def __init__(
        self, plan: RunPlan, wiring: Wiring, supervisor: Supervisor, monitor: ProcessMonitor
    ) -> None:
        self._plan = plan
        self._wiring = wiring
        self._supervisor = supervisor
        self._monitor = monitor
        self._contract = ""
        self._matcher = Child("matcher", 0, self._matcher_settings)
        self._captures = [
            Child("capture", index, self._capture_settings) for index in range(len(plan.sources))
        ]
        self._first: MatcherSettings | None = None
        """Of the matcher's first start; None before."""
        self._opened: dict[int, int] = {}
        """Number of tracks that each source has opened."""
        self._delivered: set[int] = set()
        """Sources that have delivered frames."""

    def start_encoders(self) -> EncoderInfo:
        """Starts all encoder processes at once and waits for them; returns what all say of themselves.

        Meanwhile the other processes import their modules.

        Raises:
            SgeError: the weights or the device cannot be used.
        """
        several = self._plan.encoders > 1
        children = [
            Child("encoder", index, self._encoder_settings, one_of_several=several)
            for index in range(self._plan.encoders)
        ]
        for child in children:
            self._supervisor.start(child)
        for child in (self._matcher, *self._captures):
            self._supervisor.load(child)
        ready = [self._monitor.wait_ready(child.label) for child in children]
        infos = [msgspec.json.decode(status.text, type=EncoderInfo) for status in ready]
        if len({info.contract for info in infos}) > 1:
            raise UserError("the weights changed while the encoder processes loaded them; start again")
        self._contract = infos[0].contract
        devices = dict.fromkeys(info.device for info in infos)
        return msgspec.structs.replace(infos[0], device=", ".join(devices))

    def start_others(
        self,
        encoder: EncoderInfo,
        gallery: str,
        sources: Sequence[SourceInfo],
        places: Sequence[str],
        *,
        had_gallery: bool,
    ) -> None:
        """Starts the matcher, waits for it, and starts the capture workers; `start_encoders` comes before.

        Args:
            encoder: as `start_encoders` returned it.
            gallery: its URL.
            sources: descriptions, by source number.
            places: of the sources; empty if nothing is known of places.
            had_gallery: whether there was a gallery at the start.

        Raises:
            SgeError: the gallery or the back-end cannot be used.
        """
        plan = self._plan
        self._first = MatcherSettings(
            self._wiring,
            gallery,
            encoder.contract,
            encoder.f,
            tuple(SourceCard(info.name, info.sensor, info.live) for info in sources),
            plan.fpir,
            weights=plan.weights,
            matcher=plan.matcher,
            had_gallery=had_gallery,
            places=tuple(places),
            history_s=plan.history.total_seconds(),
            remember_strangers_s=plan.remember_strangers.total_seconds(),
        )
        self._supervisor.start(self._matcher)
        self._monitor.wait_ready("matcher")
        for capture in self._captures:
            self._monitor.open_sources.add(capture.index)
            self._supervisor.start(capture)

    def count_track(self, track: int) -> None:
        """Remembers that a source opened a track, whose number a restarted worker must not use again."""
        sources = len(self._plan.sources)
        source = source_of(track, sources)
        self._opened[source] = max(self._opened.get(source, 0), opened_up_to(track, sources))

    def _encoder_settings(self, child: Child) -> EncoderSettings:
        plan = self._plan
        return EncoderSettings(
            self._wiring, plan.device, plan.precision, plan.weights, self._contract, child.index
        )

    def _matcher_settings(self, child: Child) -> MatcherSettings:
        """Returns the settings of a start of the matcher, which must know if there ever was a gallery."""
        assert self._first is not None
        if child.status is not None and child.status.counters.get("gallery", 0) > 0:
            self._first = msgspec.structs.replace(self._first, had_gallery=True)
        return self._first

    def _capture_settings(self, child: Child) -> CaptureSettings:
        assert self._first is not None
        plan, index = self._plan, child.index
        counters = child.status.counters if child.status else {}
        self._opened[index] = max(self._opened.get(index, 0), int(counters.get("tracks", 0)))
        if counters.get("frames", 0):
            self._delivered.add(index)
        several = len(plan.sources) > 1 or plan.patient
        return CaptureSettings(
            self._wiring,
            plan.sources[index],
            index,
            len(plan.sources),
            epoch=child.restarts,
            opened=self._opened[index],
            f=self._first.f,
            speed=plan.speed,
            view=plan.view,
            retry=index in self._delivered or (several and not plan.strict),
            skeletons=plan.skeletons,
        )
