"""What each process of the live system does until it is ready, timed in a fresh interpreter.

    python -m tools.bench.start_parts PROCESS GALLERY SOURCE

is the process, and writes seconds by cause, in order, as JSON. This module imports nothing large, so that
imports are timed too.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

from stream.lasting_imports import lasting_imports

__all__ = ["PROCESSES", "WHOLE"]

Seconds = dict[str, float]

WHOLE = "live"
"""The whole system, from the import of `stream.system.live`."""

_START_WITHIN_S = 120.0
_POLL_S = 0.05


class _Laps:
    """Seconds since the lap before, by cause."""

    def __init__(self) -> None:
        self.seconds: Seconds = {}
        self._last = time.perf_counter()

    def end(self, cause: str) -> None:
        now = time.perf_counter()
        self.seconds[cause] = now - self._last
        self._last = now


def _capture(path: str, source: str) -> Seconds:
    laps = _Laps()
    with lasting_imports():
        import_module("stream.capture.capture_process")
    from stream.sources import open_source  # noqa: PLC0415 - the import is timed

    laps.end("imports")
    opened = open_source(source)
    while opened.read(1.0) is None:
        pass
    laps.end("source, first frame")
    opened.close()
    return laps.seconds


def _encoder(path: str, source: str) -> Seconds:
    laps = _Laps()
    with lasting_imports():
        import_module("encoder.encoder_process")
    from encoder.inference import Encoder  # noqa: PLC0415
    from encoder.weights import load_encoder  # noqa: PLC0415

    laps.end("imports")
    loaded = load_encoder()
    laps.end("weights")
    encoder = Encoder(loaded)
    encoder.warm_up()
    laps.end("warm-up")
    return laps.seconds


def _matcher(path: str, source: str) -> Seconds:
    laps = _Laps()
    with lasting_imports():
        import_module("gallery.matcher_process")
    from gallery.calibration.gallery_calibration import calibrate_gallery  # noqa: PLC0415
    from gallery.scoring.backend import load_backend  # noqa: PLC0415
    from gallery.scoring.template_index import TemplateIndex  # noqa: PLC0415
    from gallery.store.gallery import open_gallery  # noqa: PLC0415

    laps.end("imports")
    with open_gallery(path, create=False) as gallery:
        contract = gallery.people()[0].enrolments[0].contract_id
        laps.end("gallery")
        backend = load_backend(contract)
        laps.end("back-end")
        index = TemplateIndex.load(gallery, contract, backend, ["simulated"])
        laps.end("templates")
        calibrate_gallery(gallery, index)
        laps.end("thresholds")
    return laps.seconds


def _live(path: str, source: str) -> Seconds:
    laps = _Laps()
    from stream.system.live import Live  # noqa: PLC0415

    laps.end("imports")
    with Live([source], path) as live:
        laps.end("encoder and matcher are ready")
        deadline = time.monotonic() + _START_WITHIN_S
        while not live.supervisor.find("capture 1").ready and time.monotonic() < deadline:
            live.next(_POLL_S)
        laps.end("the source is ready")
    return laps.seconds


PROCESSES = {"capture": _capture, "encoder": _encoder, "matcher": _matcher, WHOLE: _live}
"""What is timed, by name."""


def main() -> None:
    """Times one process."""
    name, path, source = sys.argv[1:]
    sys.stdout.write(json.dumps(PROCESSES[name](path, source)))


if __name__ == "__main__":
    main()
