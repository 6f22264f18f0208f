"""The whole system as one object: start it on sources, then iterate over the decisions.

from stream import Live

with Live(["walk.mcap"], gallery="gallery.db", speed=0) as live:
    for decision in live:
        if decision.final:
            print(decision.track, decision.person or decision.state, decision.confidence)
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from encoder.encoder_settings import EncoderInfo
from encoder.precision import Precision, check_precision
from gallery.store.gallery import open_gallery
from gallery.store.store_protocol import MissingGalleryError
from stream.body import SourceInfo
from stream.bus.messages import EnrolReply, EnrolRequest, Verdict, VisitMessage
from stream.bus.sockets import Bus
from stream.consent import Consent
from stream.decision import Decision, MatcherName
from stream.errors import CutOffError, UserError
from stream.sources import check_labels, open_source
from stream.system.compatibility import backend_note, gallery_note
from stream.system.matcher_client import request_enrolment
from stream.system.notices import Notice, Notifier
from stream.system.outages import Outages
from stream.system.people_list import PeopleList
from stream.system.restart_policy import POLL_S, ProcessMonitor
from stream.system.run_folder import Run, open_run
from stream.system.run_processes import RunPlan, RunProcesses
from stream.system.settings import check_encoders, check_fpir, check_history, check_matcher
from stream.system.source_places import source_places
from stream.system.supervisor import Supervisor
from stream.system.verdict_receiver import VerdictReceiver
from stream.track_numbers import source_of
from stream.view.picture_output import open_pictures, open_view, view_port
from stream.view.picture_receiver import PictureReceiver
from stream.view.skeleton_receiver import SkeletonReceiver, open_skeletons
from stream.visits.events import Left, VisitEvent
from stream.visits.interruption import interrupted
from stream.visits.presence import Presence, PresenceLog

__all__ = ["Live"]

DRAIN_S = 4.0
"""Longest wait for the last decisions after a stop."""

LOOK_AFTER_S = 0.02
"""Least time from one look at all processes to the next."""


class Live:
    """A running system: capture workers, encoder and matcher, each a process of its own.

    Entering starts the processes, leaving stops them. All methods must be called from one thread.

    Args:
        sources: source specifications, as `--source` takes them; each gets its own capture process.
        gallery: URL or path; see `gallery.store.gallery.open_gallery`. It need not exist: then no
            person is recognised, and the first enrolment makes it.
        fpir: accepted share of strangers that are named at any moment of a visit (0..1); None always names
            the best candidate.
        device: device of the encoder: `auto`, `cpu`, `cuda`, `cuda:1`.
        precision: of the encoder: `fp32`, or `bf16` on a CPU that has products of such numbers.
        speed: playback speed of recordings: 1 is real time, 0 as fast as possible.
        encoder: weights files and training folders, whose CAGEs are concatenated; empty for the shipped
            weights.
        matcher: comparison method: `fusion`, `nearest` or `rn`; see `Settings`.
        encoders: number of encoder processes; each track belongs to one of them.
        echo: receives every line that the processes log.
        view: folder that shows the pictures of the sources, drawn with skeletons and names; None for none.
        pictures: True keeps the newest of these pictures in memory instead; see `pictures` below.
        skeletons: True keeps the newest skeletons of each source in memory; see `skeletons` below.
        strict: True ends the run as soon as a source is lost. Otherwise a live source that cannot be opened
            is retried if it is not the only one, and the others continue.
        patient: True retries it also if it is the only one.
        places: names of sources by the place that they see, to notice a person at two places at once; a
            source that is in none is a place of its own. None: nothing is known of places.
        history: how long visits are stored in the gallery, such as `30d`; `0` stores none.
        remember_strangers: how long walks of people who are not enrolled are kept, such as `7d`; see
            `stream.system.settings.Settings`.
        notify: receives a line of text for each notice: a source is down or back, a process hangs or is
            restarted, windows were dropped.
        on_notice: receives the same notices as records; see `Notice`.

    Attributes:
        fpir: as given.
        notifier: hands the notices over; outputs may replace its `notify`.
        infos: descriptions of the sources, by source number.
        enrolled: number of people in the gallery at the start; None if there was no gallery.
        supervisor: the child processes.
        encoder: description of the encoder in use.
        notes: notes to the user about the gallery, the back-end and the view.
        run: folder and sockets of the run, for other commands.
        skeletons: the newest skeletons of each source, which any thread may read; None if not asked for.
        pictures: the newest picture of each source, likewise.

    Raises:
        UserError: on entering: a source, the weights, the device or the gallery cannot be used, or the
            gallery does not match the weights.
        RunError: on entering or while iterating: a process failed permanently.
    """

    def __init__(
        self,
        sources: Sequence[str],
        gallery: str | None = None,
        *,
        fpir: float | None = 0.05,
        device: str = "auto",
        precision: Precision = "fp32",
        speed: float = 1.0,
        encoder: Sequence[str | Path] = (),
        matcher: MatcherName = "fusion",
        encoders: int = 1,
        echo: Callable[[str], None] = lambda line: None,
        view: str | None = None,
        pictures: bool = False,
        skeletons: bool = False,
        strict: bool = False,
        patient: bool = False,
        places: Mapping[str, Sequence[str]] | None = None,
        history: str = "30d",
        remember_strangers: str = "0",
        notify: Callable[[str], None] = lambda line: None,
        on_notice: Callable[[Notice], None] = lambda notice: None,
    ) -> None:
        if not sources:
            msg = "no source given: pass at least one, such as walk.mcap or walkers:n=4"
            raise UserError(msg)
        check_fpir(fpir)
        check_matcher(matcher)
        check_encoders(encoders)
        check_precision(precision)
        if view is not None and view_port(view) is not None:
            msg = (
                f"view: expected a folder, got the port {view}; a program that shows them gives pictures=True"
            )
            raise UserError(msg)
        if view is not None and pictures:
            raise UserError("give either view, a folder, or pictures")
        kept_for, remembered_for = check_history(history, remember_strangers)
        self._plan = RunPlan(
            sources=tuple(sources),
            fpir=fpir,
            device=device,
            precision=precision,
            speed=speed,
            # Absolute, because a restarted process must find them after the caller changed its folder.
            weights=tuple(str(Path(path).absolute()) for path in encoder),
            matcher=matcher,
            encoders=encoders,
            view=view is not None or pictures,
            skeletons=skeletons,
            strict=strict,
            patient=patient,
            history=kept_for,
            remember_strangers=remembered_for,
        )
        self._gallery = gallery
        self.fpir: float | None = fpir
        self._view = view
        self._show_pictures = pictures
        self._places = places
        self._exit = ExitStack()
        self.notifier = Notifier(notify, on_notice)
        self._presence = PresenceLog()
        self._ending = False
        self._matcher_restarts = 0
        self._look_after_at = 0.0
        self._cut_off: deque[Left] = deque()
        """Ends of interrupted visits that are still to be returned."""
        self.infos: list[SourceInfo] = []
        self._place_of: tuple[str, ...] = ()
        self.enrolled: int | None = None
        self.supervisor: Supervisor = Supervisor(echo)
        self.encoder: EncoderInfo = EncoderInfo("", 0, "", "")
        self.notes: list[str] = []
        self.skeletons: SkeletonReceiver | None = None
        self.pictures: PictureReceiver | None = None

    def __enter__(self) -> Self:
        with self._exit:
            check_labels(self._plan.sources)
            for spec in self._plan.sources:
                source = open_source(spec, speed=self._plan.speed)
                self.infos.append(source.info)
                source.close()
            self._place_of = source_places(self._places, [info.name for info in self.infos])
            self._examine_gallery()
            self.run: Run = self._exit.enter_context(open_run(self._url, self._plan.encoders))
            self._bus = self._exit.enter_context(Bus(self.run.wiring))
            self._exit.callback(self.supervisor.end)
            self._people = PeopleList(self._url)
            self._exit.callback(self._people.close)
            self._receiver = VerdictReceiver(self._bus)
            self._monitor = ProcessMonitor(
                self._bus,
                self._receiver,
                self.supervisor,
                self.infos,
                self.notifier,
                self.run,
                strict=self._plan.strict,
            )
            self._processes = RunProcesses(self._plan, self.run.wiring, self.supervisor, self._monitor)
            view_notes = self._open_view()
            if self._plan.skeletons:
                self.skeletons = self._exit.enter_context(open_skeletons(self._bus))
            self._start()
            self.notes += view_notes
            self._exit = self._exit.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def __iter__(self) -> Iterator[Decision]:
        """Yields every decision until all sources have ended; events of visits are skipped.

        Raises:
            SgeError: a source or process failed; if it was a source, the decisions on the others came first.
        """
        for verdict in self.verdicts():
            yield verdict.decision

    def events(self) -> Iterator[VisitEvent]:
        """Yields every event of a visit until all sources have ended; decisions are skipped.

        Raises:
            SgeError: as in `__iter__`.
        """
        for result in self.results():
            if not isinstance(result, Verdict):
                yield result

    def presence(self) -> tuple[Presence, ...]:
        """Returns who is present, by the events read so far; any thread may call it."""
        return self._presence.present

    def people(self) -> tuple[str, ...]:
        """Returns the names of the enrolled people, sorted; any thread may call it, as often as it likes.

        Raises:
            GalleryError: the gallery cannot be read at present.
        """
        return self._people.names()

    def verdicts(self) -> Iterator[Verdict]:
        """Yields every decision with the amount and quality of the walking behind it.

        Raises:
            SgeError: as in `__iter__`.
        """
        for result in self.results():
            if isinstance(result, Verdict):
                yield result

    def results(self) -> Iterator[Verdict | VisitEvent]:
        """Yields every decision and every event of a visit, in order, until the sources or `end_soon` end it.

        Raises:
            SgeError: as in `__iter__`.
        """
        while not self.done:
            if self._ending:
                yield from self.drain()
                return
            result = self.next_result(POLL_S)
            if result is not None:
                yield result
        self.check()

    @property
    def gallery(self) -> str:
        """URL of the gallery."""
        return self._url

    @property
    def weights(self) -> tuple[str, ...]:
        """Paths of the weights; empty for the shipped ones."""
        return self._plan.weights

    @property
    def outages(self) -> Outages:
        """Sources that currently deliver nothing."""
        return self._monitor.outages

    @property
    def overload(self) -> str:
        """What was dropped in the last seconds, why, and what to do; empty if nothing was."""
        return self._monitor.drops.text

    @property
    def live(self) -> bool:
        """True if every source is live, so that only the user ends the run."""
        return all(info.live for info in self.infos)

    def ended(self, source: int) -> bool:
        """Returns True if the source has ended and all its decisions were returned."""
        return source not in self._monitor.open_sources

    @property
    def done(self) -> bool:
        """True if all sources have ended and all their decisions were returned."""
        return not self._monitor.open_sources

    def next(self, timeout: float) -> Verdict | None:
        """Returns the next decision like `next_result`; events of visits are skipped.

        Raises:
            SgeError: as in `next_result`.
        """
        deadline = time.monotonic() + timeout
        while True:
            result = self.next_result(max(0.0, deadline - time.monotonic()))
            if result is None or isinstance(result, Verdict):
                return result

    def next_result(self, timeout: float) -> Verdict | VisitEvent | None:
        """Waits at most `timeout` seconds for the next result; the last one has been processed.

        Raises:
            SgeError: a process failed permanently, and the run with it.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._look_after_processes()
            if self._cut_off:
                return self._interrupted_visit()
            while (message := self._receiver.receive()) is not None:
                if isinstance(message, Verdict):
                    self._processes.count_track(message.decision.track)
                    return message
                if isinstance(message, VisitMessage):
                    self._presence.update(message.event)
                    return message.event
                self._monitor.open_sources.discard(message.source)
            remaining = deadline - time.monotonic()
            if self.done or remaining <= 0:
                return None
            self._receiver.wait(min(POLL_S, remaining))

    def _look_after_processes(self) -> None:
        """Reacts to what the processes do, at times: it costs more than a result.

        Raises:
            SgeError: a process failed permanently, and the run with it.
        """
        if time.monotonic() < self._look_after_at:
            return
        # First the heartbeats that arrived while the caller was busy; else a process could seem to hang.
        self._monitor.read_heartbeats()
        self._monitor.check_processes()
        restarts = self.supervisor.find("matcher").restarts
        if restarts != self._matcher_restarts:
            self._matcher_restarts = restarts
            self._cut_off = deque(interrupted(self._presence.open_visits, datetime.now(UTC)))
        self._look_after_at = time.monotonic() + LOOK_AFTER_S

    def _interrupted_visit(self) -> VisitEvent:
        """Returns the end of a visit that a matcher followed which has ended since."""
        ended = self._cut_off.popleft()
        self._presence.update(ended)
        return ended

    def source_of(self, track: int) -> int:
        """Returns the number of the source, from 0, that a track belongs to."""
        return source_of(track, len(self._plan.sources))

    def end_soon(self) -> None:
        """Lets `results` stop the sources and end after what remains.

        Any thread, or the handler of a signal, may call it.
        """
        self._ending = True

    def stop(self) -> None:
        """Stops the sources; further iteration yields the last decisions."""
        self.supervisor.stop("capture")

    def drain(self) -> Iterator[Verdict | VisitEvent]:
        """Stops the sources and yields the remaining results, for `DRAIN_S` at most."""
        self.stop()
        deadline = time.monotonic() + DRAIN_S
        while not self.done and time.monotonic() < deadline:
            result = self.next_result(POLL_S)
            if result is not None:
                yield result

    def check(self) -> None:
        """Waits until the capture workers of a finished run have ended; raises the first error of a source.

        Raises:
            SgeError: a source was lost, with the reason.
        """
        if cut_off := self.cut_off():
            raise cut_off[0]

    def cut_off(self) -> list[CutOffError]:
        """Waits as `check` does; returns the errors of files that end early. All that they hold was used.

        Raises:
            SgeError: a source was lost for another reason.
        """
        if self.done:
            self._monitor.wait_for_capture()
        cut_off: list[CutOffError] = []
        for error in self._monitor.errors:
            if not isinstance(error, CutOffError):
                raise error
            cut_off.append(error)
        return cut_off

    def enrol(
        self,
        name: str,
        tracks: Sequence[int] = (),
        *,
        consent: Consent,
        consent_note: str = "",
        seconds: float = 0.0,
        add: bool = False,
        force: bool = False,
    ) -> EnrolReply:
        """Enrols tracks of this run as one person, or adds them to one.

        Args:
            name: the person's name.
            tracks: track numbers, one walk each; empty means the only track in view.
            consent: whose consent it is.
            consent_note: who gave it and where that is recorded, such as `her mother, form 12`: one line of
                at most 200 characters, which the gallery keeps; that of the first enrolment stays.
            seconds: usable walking required of each track; values below the minimum are raised to it.
            add: True adds the walks to the enrolled person of that name; False enrols a new person.
            force: True stores what would be refused as another person's walk or a known one, and warns.

        Raises:
            UserError: the matcher refused, with the reason; or `consent` is no `Consent`.
            RunError: the matcher sent no valid reply.
        """
        if not isinstance(consent, Consent):
            members = " or ".join(f"Consent.{each.name}" for each in Consent)
            msg = f"consent: expected {members}, which say whose consent it is, got {consent!r:.60}"
            raise UserError(msg)
        request = EnrolRequest(name, tuple(tracks), consent.value, seconds, add, force, consent_note)
        return request_enrolment(self.run, request)

    def _examine_gallery(self) -> None:
        try:
            with open_gallery(self._gallery, create=False) as store:
                self._url = store.url
                self.enrolled = len(store.people())
        except MissingGalleryError as missing:
            self._url = missing.url

    def _start(self) -> None:
        processes = self._processes
        self.encoder = processes.start_encoders()
        notes = (gallery_note(self._url, self.encoder), backend_note(self.encoder, self._plan.weights))
        self.notes = [note for note in notes if note]
        processes.start_others(
            self.encoder, self._url, self.infos, self._place_of, had_gallery=self.enrolled is not None
        )

    def _open_view(self) -> list[str]:
        """Opens the view of the pictures if requested; returns a note with its location."""
        if self._show_pictures:
            self.pictures = self._exit.enter_context(open_pictures(self._bus))
        if self._view is None:
            return []
        return [self._exit.enter_context(open_view(self._view, self._bus))]
