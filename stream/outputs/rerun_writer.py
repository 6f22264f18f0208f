"""Process that writes a file for the viewer of Rerun: `python -m stream.outputs.rerun_writer FILE`.

It reads decisions and events from standard input, a line of JSON each, and answers each line when it is in
the file. It ends with standard input, and without an answer when the file cannot be written.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import rerun

from stream.outputs.rerun_settings import WRITTEN

__all__ = ["main"]

_FLUSH_S = 5.0


def main() -> None:
    """Writes until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of the terminal
    recording = rerun.RecordingStream("sge-stream")
    try:
        recording.save(sys.argv[1])
        for line in sys.stdin.buffer:
            _log(recording, line.strip())
            recording.flush(timeout_sec=_FLUSH_S)
            sys.stdout.buffer.write(WRITTEN)
            sys.stdout.buffer.flush()
    except (RuntimeError, OSError):
        os._exit(1)  # its threads would hang
    recording.disconnect()


def _log(recording: rerun.RecordingStream, line: bytes) -> None:
    """Logs an event as text, and the numbers of a decision by source and track."""
    record: Mapping[str, Any] = msgspec.json.decode(line)
    recording.reset_time()
    recording.set_time("time", timestamp=datetime.fromisoformat(record["time"]))
    if record["t"] is not None:
        recording.set_time("source_time", duration=record["t"])
    if "event" in record:
        recording.log("events", rerun.TextLog(line.decode(), level=rerun.TextLogLevel.INFO))
        return
    track = ["tracks", record["source"], str(record["track"])]
    for name in ("score", "threshold", "confidence"):
        if record[name] is not None:
            recording.log([*track, name], rerun.Scalars(float(record[name])))


if __name__ == "__main__":
    main()
