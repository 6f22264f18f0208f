"""The whole system as one object: start it on some sources, iterate over its decisions.

from stream import Live

with Live(["walk.mcap"], gallery="gallery.db", speed=0) as live:
    for decision in live:
        if decision.final:
            print(decision.track, decision.person or decision.state, decision.score)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import zmq

from encoder.encoder_settings import EncoderCard, EncoderOrders
from gallery.matcher_settings import MatcherOrders, SourceCard
from gallery.store.gallery import open_gallery
from stream.body import SourceInfo
from stream.bus.messages import Ask, Reply, Status, Tick, Verdict, pack
from stream.bus.sockets import Bus
from stream.capture.capture_process import CaptureOrders
from stream.decision import Decision, MatcherName
from stream.errors import RunError, SgeError, UserError
from stream.sources import open_source
from stream.system.compatibility import backend_note, gallery_note
from stream.system.matcher_client import ask
from stream.system.outages import Outages
from stream.system.run_folder import Run, open_run
from stream.system.settings import check_fpir, check_matcher
from stream.system.supervisor import Child, Exit, Supervisor
from stream.system.verdict_receiver import Sink
from stream.view.view_output import open_view

__all__ = ["Live"]

MAX_FAILURES = 5
"""A process that fails so often in a row, each time within seconds, is given up."""

DRAIN_S = 4.0
SETTLE_S = 8.0
"""How long a capture worker may take to end after its last decision: longer than it waits to send again."""

LAST_WORDS_S = 0.5
POLL_S = 0.1


class Live:
    """A running system: capture workers, encoder, matcher, and this process as the sink.

    Args:
        sources: what `--source` takes, each its own capture process.
        gallery: a URL or a path; see `gallery.store.gallery.open_gallery`.
        fpir: the rate of strangers that may be named (0..1); None names the best candidate always.
        device: of the encoder: `auto`, `cpu`, `cuda`, `cuda:1`.
        speed: of recordings: 1 is real time, 0 as quick as the system takes them.
        encoder: weights files and trained folders, whose CAGEs are put side by side; none stand for the
            weights that ship.
        matcher: how people are compared: `fusion`, `nearest` or `rn`, see `Settings`.
        echo: gets every line that the processes log.
        view: a folder, or a port on loopback, that shows what the sources see; None shows nothing.
        notify: gets a line when a source is down while others run, and when it is up again.

    Raises:
        UserError: on entering: a source, the weights or the device cannot be used, or the gallery cannot, or
            not with these weights.
        RunError: while iterating: a process failed for good.
    """

    def __init__(
        self,
        sources: Sequence[str],
        gallery: str | None = None,
        *,
        fpir: float | None = 0.01,
        device: str = "auto",
        speed: float = 1.0,
        encoder: Sequence[str | Path] = (),
        matcher: MatcherName = "fusion",
        echo: Callable[[str], None] = lambda line: None,
        view: str | None = None,
        notify: Callable[[str], None] = lambda line: None,
    ) -> None:
        if not sources:
            msg = "no source: give at least one, such as walk.mcap or walkers:n=4"
            raise UserError(msg)
        check_fpir(fpir)
        check_matcher(matcher)
        self._specs = list(sources)
        self._gallery = gallery
        self.fpir = fpir
        self._device = device
        self._speed = speed
        self._matcher: MatcherName = matcher
        self._view = view
        # Processes that are started again must find them wherever the caller stands by then.
        self._weights = tuple(str(Path(path).absolute()) for path in encoder)
        self._exit = ExitStack()
        self._open_sources: set[int] = set()
        self._closing: dict[int, float] = {}
        self._troubles: list[SgeError] = []
        self._notify = notify
        self.infos: list[SourceInfo] = []
        self.enrolled = 0
        """How many people the gallery held on entering."""
        self.supervisor = Supervisor(echo)
        self.encoder = EncoderCard("", 0, "", "")
        """What the encoder says of itself, known once entered."""
        self.notes: list[str] = []
        """What the user should know of the gallery and the back-end of this encoder, known once entered."""

    def __enter__(self) -> Self:
        with self._exit:
            for spec in self._specs:
                source = open_source(spec, speed=self._speed)
                self.infos.append(source.info)
                source.close()
            self.outages = Outages([info.name for info in self.infos], self._notify)
            with open_gallery(self._gallery) as store:
                self._url = store.url
                self.enrolled = len(store.people())
            self.run: Run = self._exit.enter_context(open_run(self._url))
            self._bus = self._exit.enter_context(Bus(self.run.wiring))
            self._exit.callback(self.supervisor.end)
            self._sink = Sink(self._bus)
            seen = self._show()
            self._start()
            self.notes += seen
            self._exit = self._exit.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def __iter__(self) -> Iterator[Decision]:
        """Give every decision until all sources have ended.

        Raises:
            SgeError: a source or process failed; what the others had to say was given first.
        """
        while not self.done:
            verdict = self.next(POLL_S)
            if verdict is not None:
                yield verdict.decision
        self.check()

    @property
    def gallery(self) -> str:
        """The gallery's URL."""
        return self._url

    @property
    def live(self) -> bool:
        """Whether every source is a live one, so that only the user ends the run."""
        return all(info.live for info in self.infos)

    def ended(self, source: int) -> bool:
        """Whether that source has ended and its decisions were handed out."""
        return source not in self._open_sources

    @property
    def done(self) -> bool:
        """Whether every source has ended and its decisions were handed out."""
        return not self._open_sources

    def next(self, timeout: float) -> Verdict | None:
        """Wait at most `timeout` seconds for the next verdict; asking for the next acknowledges the last.

        Raises:
            SgeError: a process failed for good, and with it the run.
        """
        self._sink.acknowledge()
        deadline = time.monotonic() + timeout
        while True:
            # First what they said while the caller was busy, or they would seem to hang.
            self._hear()
            self._watch()
            while (message := self._sink.receive()) is not None:
                if isinstance(message, Verdict):
                    return message
                self._open_sources.discard(message.source)
            left = deadline - time.monotonic()
            if self.done or left <= 0:
                return None
            self._sink.wait(min(POLL_S, left))

    def source_of(self, track: int) -> int:
        """The number of the source that a track belongs to; see `stream.capture.tracking.Tracker`."""
        return (track - 1) % len(self._specs)

    def stop(self) -> None:
        """Ask the sources to end; iterating on gives the last decisions, for some seconds at most."""
        self.supervisor.stop("capture")

    def drain(self) -> Iterator[Verdict]:
        """Stop, then give what the sources still had under way, final decisions above all."""
        self.stop()
        deadline = time.monotonic() + DRAIN_S
        while not self.done and time.monotonic() < deadline:
            verdict = self.next(POLL_S)
            if verdict is not None:
                yield verdict

    def check(self) -> None:
        """Wait for the capture workers of a finished run to end, and raise the first trouble they had.

        Raises:
            SgeError: as the capture worker told it.
        """
        deadline = time.monotonic() + SETTLE_S
        while (
            self.done
            and not self._troubles
            and self.supervisor.busy("capture")
            and time.monotonic() < deadline
        ):
            self._hear(POLL_S)
            self._watch()
        if self._troubles:
            raise self._troubles[0]

    def enrol(self, name: str, tracks: Sequence[int] = (), *, consent_by: str, seconds: float = 0.0) -> Reply:
        """Enrol tracks of this run as one person; see `Ask`.

        Raises:
            UserError: refused, with the reason.
        """
        return ask(self.run, Ask(name, tuple(tracks), consent_by, seconds))

    def _start(self) -> None:
        wiring = self.run.wiring
        self.supervisor.start(Child("encoder", 0, self._encoder_orders))
        ready = self._wait_ready("encoder")
        self.encoder = msgspec.json.decode(ready.text, type=EncoderCard)
        with open_gallery(self._url) as store:
            told = (gallery_note(store, self.encoder), backend_note(self.encoder, self._weights))
        self.notes = [note for note in told if note]
        cards = tuple(SourceCard(info.name, info.sensor, info.live) for info in self.infos)
        card = self.encoder
        matcher = MatcherOrders(
            wiring,
            self._url,
            card.contract,
            card.f,
            cards,
            self.fpir,
            weights=self._weights,
            matcher=self._matcher,
        )
        self.supervisor.start(Child("matcher", 0, lambda child: matcher))
        self._wait_ready("matcher")
        for index in range(len(self._specs)):
            self._open_sources.add(index)
            self.supervisor.start(Child("capture", index, self._capture_orders(index)))

    def _show(self) -> list[str]:
        """Show the pictures of the sources where that was asked for; says where."""
        if self._view is None:
            return []
        names = [info.name for info in self.infos]
        return [self._exit.enter_context(open_view(self._view, self._bus, names))]

    def _encoder_orders(self, child: Child) -> EncoderOrders:
        return EncoderOrders(self.run.wiring, self._device, self._weights, self.encoder.contract)

    def _capture_orders(self, index: int) -> Callable[[Child], msgspec.Struct]:
        first = CaptureOrders(
            self.run.wiring,
            self._specs[index],
            index,
            len(self._specs),
            epoch=0,
            opened=0,
            f=self.encoder.f,
            speed=self._speed,
            view=self._view is not None,
        )

        def orders(child: Child) -> CaptureOrders:
            opened = int(child.status.counters.get("tracks", 0)) if child.status else 0
            return msgspec.structs.replace(first, epoch=child.restarts, opened=opened)

        return orders

    def _wait_ready(self, label: str) -> Status:
        child = self.supervisor.find(label)
        while not child.ready:
            self._watch()
            self._hear(POLL_S)
        assert child.status is not None
        return child.status

    def _hear(self, timeout: float = 0.0) -> None:
        for status in self._sink.statuses(timeout):
            self.supervisor.hear(status)
            if status.role == "capture":
                self.outages.follow(status)

    def _hear_last_words(self, child: Child) -> None:
        """It may have said why before it ended, and that may still be on its way."""
        deadline = time.monotonic() + LAST_WORDS_S
        while child.status is None or child.status.state != "failed":
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._hear(left)

    def _watch(self) -> None:
        for index, deadline in self._closing.items():
            if time.monotonic() > deadline:
                self._open_sources.discard(index)
        for ended in self.supervisor.poll():
            child = self.supervisor.find(ended.label)
            if ended.code in (SgeError.exit_code, UserError.exit_code):
                self._hear_last_words(child)
            if child.role == "capture":
                self._capture_ended(child, ended)
            elif child.status is not None and child.status.state == "failed":
                raise _told(child.status)
            elif child.role == "encoder" or self.live:
                self._restart(child, ended)
            else:
                raise _lost(ended)

    def _capture_ended(self, child: Child, ended: Exit) -> None:
        told = child.status is not None and child.status.state == "failed"
        if child.status is not None and told:
            # Its tracks were ended in order before it gave up; the other sources run on.
            self._give_up(child, _told(child.status))
        if child.index not in self._open_sources:
            return
        if told or ended.code == 0:
            # Its last tick was acknowledged, or will never be: give the decisions a moment to come.
            self._closing[child.index] = time.monotonic() + SETTLE_S
        elif not self.infos[child.index].live:
            raise _lost(ended)
        elif child.failures < MAX_FAILURES:
            self.supervisor.restart(child)
        else:
            self._end_tracks(child)
            self._give_up(child, _lost(ended))
            self._closing[child.index] = time.monotonic() + SETTLE_S

    def _give_up(self, child: Child, why: SgeError) -> None:
        """A source is lost for good; it is the run's trouble in the end, and at once where others run on."""
        self._troubles.append(why)
        others = self._open_sources - self._closing.keys() - {child.index}
        self.outages.give_up(child.index, str(why), alone=not others)

    def _end_tracks(self, child: Child) -> None:
        """Tell the matcher in a dead worker's place that its source gives nothing more."""
        push = self._bus.connect(zmq.PUSH, "windows")
        if push.poll(round(LAST_WORDS_S * 1000), zmq.POLLOUT):
            push.send_multipart(pack(Tick(child.index, child.restarts + 1, 0, last=True)))

    def _restart(self, child: Child, ended: Exit) -> None:
        if child.failures >= MAX_FAILURES:
            raise _lost(ended)
        self.supervisor.restart(child)


def _told(status: Status) -> SgeError:
    return UserError(status.text) if status.exit_code == UserError.exit_code else RunError(status.text)


def _lost(ended: Exit) -> RunError:
    words = f": {ended.words}" if ended.words else ""
    return RunError(f"the {ended.label} process stopped unexpectedly (exit {ended.code}){words}")
