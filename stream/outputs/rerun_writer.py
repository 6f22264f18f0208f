"""Process that writes a file for the viewer of Rerun: `python -m stream.outputs.rerun_writer FILE`.

It reads decisions, events and skeletons from standard input, a line of JSON each, and answers each line when
it is in the file. It ends with standard input, and without an answer when the file cannot be written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import rerun

from stream.outputs.rerun_settings import WRITTEN
from stream.skeleton import BONES

__all__ = ["main"]

_FLUSH_S = 5.0


def main() -> None:
    """Writes until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of the terminal
    writer = _Writer(rerun.RecordingStream("sge-stream"))
    try:
        writer.open(sys.argv[1])
        for line in sys.stdin.buffer:
            writer.write(line.strip())
            sys.stdout.buffer.write(WRITTEN)
            sys.stdout.buffer.flush()
    except (RuntimeError, OSError):
        os._exit(1)  # its threads would hang
    writer.close()


class _Writer:
    """Writes records into a recording."""

    def __init__(self, recording: rerun.RecordingStream) -> None:
        self._recording = recording
        self._shown: dict[str, set[int]] = {}
        """Tracks whose skeletons are shown, by source."""

    def open(self, path: str) -> None:
        self._recording.save(path)
        self._recording.log("skeletons", rerun.ViewCoordinates.LUF, static=True)

    def write(self, line: bytes) -> None:
        """Writes a record; returns when it is in the file."""
        record: Mapping[str, Any] = msgspec.json.decode(line)
        self._recording.reset_time()
        self._recording.set_time("time", timestamp=datetime.fromisoformat(record["time"]))
        if record["t"] is not None:
            self._recording.set_time("source_time", duration=record["t"])
        if "event" in record:
            self._recording.log("events", rerun.TextLog(line.decode(), level=rerun.TextLogLevel.INFO))
        elif "skeletons" in record:
            self._log_skeletons(record["source"], record["skeletons"])
        else:
            self._log_decision(record)
        self._recording.flush(timeout_sec=_FLUSH_S)

    def close(self) -> None:
        self._recording.disconnect()

    def _log_decision(self, record: Mapping[str, Any]) -> None:
        for name in ("score", "threshold", "confidence"):
            if record[name] is not None:
                path: list[object] = ["tracks", record["source"], str(record["track"]), name]
                self._recording.log(path, rerun.Scalars(float(record[name])))

    def _log_skeletons(self, source: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        for body in bodies:
            joints = body["joints"]
            bones = [(joints[joint], joints[parent]) for joint, parent in BONES]
            strips = [bone for bone in bones if None not in bone]
            path: list[object] = ["skeletons", source, str(body["track"])]
            self._recording.log(path, rerun.LineStrips3D(strips, labels=[f"track {body['track']}"]))
        shown = {body["track"] for body in bodies}
        for track in self._shown.get(source, set()) - shown:
            self._recording.log(["skeletons", source, str(track)], rerun.Clear(recursive=True))
        self._shown[source] = shown


if __name__ == "__main__":
    main()
