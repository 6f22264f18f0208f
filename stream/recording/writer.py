"""Writing recordings."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from mcap.writer import Writer

from stream.body import BodyFrame, SourceInfo
from stream.errors import RunError, UserError
from stream.recording.frame_json import SCHEMA, SCHEMA_NAME, encode_bodies
from stream.skeleton import get_layout

__all__ = ["FORMAT", "RecordingWriter"]

FORMAT = "1"
"""The version of the format that `stream.recording` describes."""

_CHUNK_NS = 500_000_000
_SYNC_S = 1.0


class RecordingWriter:
    """Writes body frames into a new recording; a context manager.

    A recording without a frame leaves no file behind.
    """

    def __init__(self, path: Path, info: SourceInfo, *, started: datetime | None = None) -> None:
        """Create the file.

        Args:
            path: the file to create.
            info: the source of the frames; its layout is a key of `stream.skeleton.LAYOUTS`.
            started: when the source began, aware of its time zone; now, where none is given.

        Raises:
            UserError: the file exists already, or cannot be created.
        """
        layout = get_layout(info.layout)
        self._path = path
        self._joints = len(layout.joints)
        self._frames = 0
        self._last_ns = -1
        self._chunk_ends_ns = 0
        self._synced_s = time.monotonic()
        self._file = _create(path)
        self._writer = Writer(self._file, enable_data_crcs=True)
        self._writer.start()
        self._channel = self._writer.register_channel(
            "bodies",
            "json",
            self._writer.register_schema(SCHEMA_NAME, "jsonschema", SCHEMA),
            {
                "format": FORMAT,
                "source": info.name,
                "sensor": info.sensor,
                "layout": info.layout,
                "joints": ",".join(layout.joints),
                "clock": "nanoseconds since the source began",
                "started": (started or datetime.now(UTC)).astimezone(UTC).isoformat(),
            },
        )

    def write(self, frame: BodyFrame) -> None:
        """Append a frame.

        Raises:
            RunError: the disk is full or gone, or the source gave a frame that breaks its contract (times
                that do not increase, a wrong number of joints). What was written before stands.
        """
        if not self._last_ns < frame.time_ns < 2**64:
            raise RunError(
                f"the source gave a frame of {frame.time_ns} ns after one of {self._last_ns} ns; "
                f"{self._path} holds what came before"
            )
        try:
            message = encode_bodies(frame.bodies, self._joints)
        except ValueError as error:
            raise RunError(
                f"the source gave a wrong frame: {error}; {self._path} holds what came before"
            ) from None
        try:
            self._writer.add_message(self._channel, frame.time_ns, message, frame.time_ns, self._frames)
            self._last_ns = frame.time_ns
            self._frames += 1
            if frame.time_ns >= self._chunk_ends_ns:
                self._chunk_ends_ns = frame.time_ns + _CHUNK_NS
                self._flush()
        except OSError as error:
            self._abandon()
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Finish the file; calling it twice is harmless.

        Raises:
            RunError: the disk is full or gone; what was written before stands, but is cut off.
        """
        if self._file.closed:
            return
        if not self._frames:
            self._abandon()
            self._path.unlink(missing_ok=True)
            return
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._abandon()
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _flush(self) -> None:
        """Finish the chunk; after that a crash of this process cannot lose it."""
        self._writer.flush()  # type: ignore[no-untyped-call]
        now_s = time.monotonic()
        if now_s - self._synced_s >= _SYNC_S:
            os.fsync(self._file.fileno())
            self._synced_s = now_s

    def _abandon(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _unwritable(self, error: OSError) -> RunError:
        seconds = max(self._last_ns, 0) / 1e9
        return RunError(
            f"{self._path} could not be written on after {seconds:.1f} s: {error.strerror or error}; "
            f"what stands in it can be used, `sge-stream convert {self._path} OUT.mcap` makes it whole"
        )


def _create(path: Path) -> BinaryIO:
    try:
        # A recording is enough to make a template of: nobody else may read it.
        return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))
    except FileExistsError:
        raise UserError(f"{path} exists already; give another name, or remove it first") from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; give a place that exists and is writable"
        ) from error
