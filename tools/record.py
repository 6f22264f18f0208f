"""`sge-stream record`: records a source until it ends or the user stops it."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from rich.console import Console
from rich.text import Text

from stream.capture.recorder import record
from stream.errors import UserError
from stream.sources import open_source
from stream.terminal.signals import on_end_signals

__all__ = ["record_source"]

MAX_SECONDS = 7 * 24 * 3600


def record_source(spec: str, target: Path, *, seconds: float | None, speed: float, out: Console) -> None:
    """Records a source; Ctrl-C, SIGTERM and SIGHUP stop it and keep the frames recorded so far.

    Args:
        spec: the source, as in `--source`.
        target: the recording, `*.mcap`.
        seconds: maximum length; None for no limit but the end of the source.
        speed: playback speed of a source that can be replayed.
        out: console for the progress and the result.

    Raises:
        UserError: the source or the target cannot be used, or no frame came.
    """
    if seconds is not None and not 0 < seconds <= MAX_SECONDS:
        msg = f"--seconds: expected more than 0 and at most {MAX_SECONDS}, got {seconds:g}"
        raise UserError(msg)
    if target.suffix.lower() != ".mcap":
        msg = f"expected a recording named *.mcap, got {target}"
        raise UserError(msg)
    stop = threading.Event()
    with contextlib.closing(open_source(spec, speed=speed)) as source, on_end_signals(lambda _: stop.set()):
        with out.status(Text(f"recording {source.info.name} into {target}; Ctrl-C stops")):
            frames = record(source, target, seconds=seconds, stop=stop)
        dropped = f", {source.dropped} dropped" if source.dropped else ""
    out.print(f"{target}: {frames} frames{dropped}", highlight=False, soft_wrap=True)
