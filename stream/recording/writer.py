"""Writer of recordings."""

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
"""Version of the file format; see `stream.recording`."""

_CHUNK_NS = 500_000_000
_SYNC_S = 1.0


class RecordingWriter:
    """Writes body frames to a new recording; a context manager.

    Without any frame, no file remains.

    Attributes:
        info: source of the frames; its pose model may be set until the first frame is written.
    """

    def __init__(self, path: Path, info: SourceInfo, *, started: datetime | None = None) -> None:
        """Creates the file.

        Args:
            path: the file to create.
            info: source of the frames; its layout is a key of `stream.skeleton.LAYOUTS`.
            started: start time of the source, with a time zone; default: now.

        Raises:
            UserError: the file already exists, or cannot be created.
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
        self.info = info
        self._started = started or datetime.now(UTC)
        self._channel: int | None = None

    def write(self, frame: BodyFrame) -> None:
        """Appends a frame.

        Raises:
            RunError: the disk is full or not available, or the frame violates the source contract (time does
                not increase, wrong number of joints). Frames written before remain valid.
        """
        if not self._last_ns < frame.time_ns < 2**64:
            raise RunError(
                f"the source delivered a frame at {frame.time_ns} ns after one at {self._last_ns} ns; "
                f"{self._path} contains the frames before it"
            )
        try:
            message = encode_bodies(frame.bodies, self._joints)
        except ValueError as error:
            raise RunError(
                f"the source delivered an invalid frame: {error}; {self._path} contains the frames before it"
            ) from None
        try:
            if self._channel is None:
                self._channel = self._register_channel()
            self._writer.add_message(self._channel, frame.time_ns, message, frame.time_ns, self._frames)
            self._last_ns = frame.time_ns
            self._frames += 1
            if frame.time_ns >= self._chunk_ends_ns:
                self._chunk_ends_ns = frame.time_ns + _CHUNK_NS
                self._flush()
        except OSError as error:
            self._close_file()
            raise self._write_error(error) from error

    def close(self) -> None:
        """Finishes the file; may be called more than once.

        Raises:
            RunError: the disk is full or not available; the file is truncated, frames written before are
                valid.
        """
        if self._file.closed:
            return
        if not self._frames:
            self._close_file()
            self._path.unlink(missing_ok=True)
            return
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            self._close_file()
            raise self._write_error(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _register_channel(self) -> int:
        metadata = {
            "format": FORMAT,
            "source": self.info.name,
            "sensor": self.info.sensor,
            "layout": self.info.layout,
            "joints": ",".join(get_layout(self.info.layout).joints),
            "clock": "nanoseconds since the source began",
            "started": self._started.astimezone(UTC).isoformat(),
        }
        if self.info.pose_model:
            metadata["pose_model"] = self.info.pose_model
        schema = self._writer.register_schema(SCHEMA_NAME, "jsonschema", SCHEMA)
        return self._writer.register_channel("bodies", "json", schema, metadata)

    def _flush(self) -> None:
        """Finishes the chunk, so that a crash of this process cannot lose it."""
        self._writer.flush()  # type: ignore[no-untyped-call]
        now_s = time.monotonic()
        if now_s - self._synced_s >= _SYNC_S:
            os.fsync(self._file.fileno())
            self._synced_s = now_s

    def _close_file(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _write_error(self, error: OSError) -> RunError:
        seconds = max(self._last_ns, 0) / 1e9
        return RunError(
            f"writing {self._path} failed after {seconds:.1f} s: {error.strerror or error}; earlier frames "
            f"are usable: `sge-stream convert {self._path} OUT.mcap` writes a complete recording of them"
        )


def _create(path: Path) -> BinaryIO:
    try:
        # A recording is biometric data: only its owner may read it.
        return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))
    except FileExistsError:
        raise UserError(f"{path} exists already; give another name, or remove it first") from None
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {error.strerror or error}; "
            "give a path in an existing, writable folder"
        ) from error
