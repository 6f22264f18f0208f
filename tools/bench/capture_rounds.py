"""Processor time of the capture of one source, in a process of its own.

    python -m tools.bench.capture_rounds PEOPLE SECONDS

is the process; see `tools.bench.workers`. A round puts frames that were made before through a capture worker,
which sends its windows to another process. Making the frames, and reading them from a recording, are measured
apart.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import zmq

from stream.body import BodyFrame, SourceInfo
from stream.bus.messages import Ack, Tick, pack, unpack
from stream.bus.sockets import Bus, Wiring, create_wiring
from stream.capture import capture_process
from stream.capture.capture_process import CaptureSettings
from stream.errors import EndOfSource
from stream.recording import RecordingWriter, read_recording
from stream.sources.simulated import parse_simulated, simulated_frames
from stream.unseen_joints import mark_unseen_in_frame
from tools.bench.cpu_shares import OTHER, sample_modules
from tools.bench.workers import Rates, Worker, serve_rounds

__all__ = ["FPS", "RECORDING", "SIMULATION", "STEPS", "TOTAL", "capture_worker"]

FPS = 30

TOTAL, SIMULATION, RECORDING = "total", "simulation", "recording"
"""Names of the figures of a round beside its steps: microseconds per person and frame."""

_STEPS = {
    "unseen joints": ("stream.unseen_joints",),
    "20 joints": ("stream.skeleton",),
    "tracks": ("stream.capture.tracking",),
    "change of the body": ("stream.windows.body_change", "stream.windows.boosted_trees"),
    "resampling": ("stream.windows.resampling",),
    "windows": ("stream.windows.cutting",),
    "posture and walking": (
        "stream.windows.posture",
        "stream.windows.walk_detection",
        "stream.windows.body_history",
    ),
    "view": ("stream.windows.heading",),
    "levelling": ("stream.capture.levelling", "stream.capture.tilt_estimate"),
    "places": ("stream.capture.body_places",),
    "ticks and sending": (
        "stream.bus.delivery",
        "stream.bus.encoder_choice",
        "stream.bus.file_delivery",
        "stream.bus.live_delivery",
        "stream.bus.messages",
    ),
}
"""Step -> the modules that do its work."""

STEPS = (*_STEPS, OTHER)

_WARM_S = 0.5
"""Source time that the first round alone takes: it loads and caches."""

_SENSOR = "kinect-v1"
"""Of the frames, so that changes of the body are looked for as with a real sensor."""


def capture_worker(people: int, seconds: float) -> Worker:
    """Starts the process whose rounds give microseconds of processor time per person and frame.

    Args:
        people: in each frame.
        seconds: of source time in a round.
    """
    return Worker(__name__, str(people), str(seconds), threads=1)


class _Made:
    """A source of frames that were made before; unseen joints are marked as in a device."""

    info = SourceInfo("made", _SENSOR, "kinect-v1", live=False, finite=True)
    dropped = 0

    def __init__(self, frames: Sequence[BodyFrame]) -> None:
        self._frames = iter(frames)

    def read(self, timeout: float) -> BodyFrame | None:
        frame = next(self._frames, None)
        if frame is None:
            raise EndOfSource
        return mark_unseen_in_frame(frame)

    def rename(self, name: str) -> None:
        pass

    def close(self) -> None:
        pass


def _round(wiring: Wiring, folder: Path, people: int, seconds: float) -> Rates:
    started = time.process_time()
    options = {"n": str(people), "seconds": str(seconds), "fps": str(FPS), "live": "0"}
    frames = list(simulated_frames(parse_simulated(options)))
    made = time.process_time()
    with sample_modules({name: step for step, names in _STEPS.items() for name in names}) as samples:
        settings = CaptureSettings(wiring, "made", 0, 1, 0, 0, 6, 0.0)
        capture_process.run(settings, threading.Event(), _Made(frames))
    sent = time.process_time()
    per_person = 1e6 / (people * len(frames))
    total = (sent - made) * per_person
    rates = {
        TOTAL: total,
        SIMULATION: (made - started) * per_person,
        RECORDING: _reading_s(folder / "made.mcap", frames) * per_person,
    }
    return rates | _shares(samples, total)


def _shares(samples: Counter[str], total: float) -> Rates:
    """Returns the part of each step in the total; empty where nothing could be sampled."""
    count = samples.total()
    return {step: total * samples[step] / count for step in STEPS} if count else {}


def _reading_s(path: Path, frames: Sequence[BodyFrame]) -> float:
    with RecordingWriter(path, _Made.info) as writer:
        for frame in frames:
            writer.write(frame)
    started = time.process_time()
    with read_recording(path) as recording:
        for _ in recording:
            pass
    taken = time.process_time() - started
    path.unlink()
    return taken


def _receive(wiring: Wiring) -> None:
    """Receives windows in place of encoder and matcher, until the process that started this one ends."""
    with Bus(wiring) as bus:
        windows, acks = bus.bind(zmq.PULL, "windows"), bus.bind(zmq.ROUTER, "acks", high_water=64)
        bus.bind(zmq.PULL, "status", high_water=1000)
        acks.router_handover = True  # every round is another worker of the same name
        while True:
            tick, _ = unpack(windows.recv_multipart())
            if isinstance(tick, Tick):
                acks.send_multipart([f"capture-{tick.source}".encode(), *pack(Ack(tick.source, 0, tick.seq))])


def _serve(people: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wiring = create_wiring(folder)
        receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(wiring,), daemon=True)
        receiver.start()
        try:
            _round(wiring, folder, people, _WARM_S)
            serve_rounds(lambda: _round(wiring, folder, people, seconds))
        finally:
            receiver.kill()
            receiver.join()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), float(sys.argv[2]))
