"""Reader of recordings, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from mcap.records import Channel, Message, Schema

from stream.body import BodyFrame, SourceInfo
from stream.errors import DataError
from stream.recording.frame_json import SCHEMA_NAME, decode_bodies
from stream.recording.strict_mcap import MAGIC, DamagedError, TruncatedError, read_strictly
from stream.recording.writer import FORMAT
from stream.skeleton import LAYOUTS

__all__ = ["Recording", "TruncatedRecording", "read_recording"]


class TruncatedRecording(DataError):  # noqa: N818 - names the state of the file
    """A recording ends before its end record; its complete chunks were delivered before."""


class Recording(Iterator[BodyFrame]):
    """An open recording: the description of its source, and an iterator over its frames.

    Attributes:
        info: the recorded source, with `live` False and `finite` True.
        started: start time of the recording, UTC.
    """

    info: SourceInfo
    started: datetime

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._records = read_strictly(file)
        self._last_ns = -1
        self._sequence: int | None = None
        self._schemas: dict[int, Schema] = {}
        self._channel = self._first_channel()
        self.info, self.started = self._read_metadata(self._channel.metadata)
        self._joints = len(LAYOUTS[self.info.layout].joints)

    def __next__(self) -> BodyFrame:
        """Returns the next frame.

        Raises:
            StopIteration: the last frame was returned, and the complete file is valid.
            TruncatedRecording: the file is truncated after the frames returned before.
            DataError: the file is damaged, or is not a valid recording.
        """
        while (record := self._next_record()) is not None:
            if isinstance(record, Message):
                return self._frame(record)
            self._check_channel(record)
            if isinstance(record, Channel) and record != self._channel:
                raise self._damaged("it has a second channel of body frames")
        if self._sequence is None:
            raise DataError(f"{self._path} contains no frames; record the walk again")
        raise StopIteration

    def close(self) -> None:
        """Closes the file; may be called more than once."""
        self._records.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_record(self) -> Schema | Channel | Message | None:
        try:
            return next(self._records, None)
        except TruncatedError:
            raise self._truncated() from None
        except DamagedError as error:
            raise self._damaged(str(error)) from error
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error.strerror or error}") from error

    def _first_channel(self) -> Channel:
        while (record := self._next_record()) is not None:
            if isinstance(record, Message):
                raise self._damaged("a frame comes before its channel")
            self._check_channel(record)
            if isinstance(record, Channel):
                return record
        raise DataError(f"{self._path} contains no frames; record the walk again")

    def _check_channel(self, record: Schema | Channel) -> None:
        """Checks that a schema or channel is of the one kind that recordings use."""
        if isinstance(record, Schema):
            self._schemas[record.id] = record
            return
        schema = self._schemas.get(record.schema_id)
        name = schema.name if schema else "no schema"
        if name != SCHEMA_NAME or record.message_encoding != "json":
            raise DataError(
                f"{self._path} is an MCAP file of another program: expected {SCHEMA_NAME} messages as json, "
                f"found {name} as {record.message_encoding or 'unknown'} on the topic {record.topic!r}"
            )

    def _read_metadata(self, metadata: dict[str, str]) -> tuple[SourceInfo, datetime]:
        """Returns the source and the start time from the channel's metadata."""
        if metadata.get("format") != FORMAT:
            raise DataError(
                f"{self._path} has the recording format {metadata.get('format')!r}, this version reads "
                f"{FORMAT!r}; use a newer sge-stream"
            )
        try:
            info = SourceInfo(
                metadata["source"], metadata["sensor"], metadata["layout"], live=False, finite=True
            )
            started = datetime.fromisoformat(metadata["started"]).astimezone(UTC)
        except (KeyError, ValueError, OverflowError) as error:
            raise DataError(
                f"{self._path} has invalid metadata of its source ({error}); record the walk again"
            ) from error
        if info.layout not in LAYOUTS:
            raise DataError(
                f"{self._path} has bodies in the unknown layout {info.layout!r}; "
                f"known are {', '.join(LAYOUTS)}"
            )
        return info, started

    def _frame(self, message: Message) -> BodyFrame:
        if message.channel_id != self._channel.id:
            raise self._damaged("a frame is on an unknown channel")
        if self._sequence is not None and message.sequence != self._sequence + 1:
            raise self._damaged(f"frame {message.sequence} follows frame {self._sequence}")
        if message.log_time <= self._last_ns:
            raise self._damaged(f"the time of the next frame, {message.log_time / 1e9} s, does not increase")
        try:
            bodies = decode_bodies(message.data, self._joints)
        except ValueError as error:
            raise self._damaged(str(error)) from error
        self._sequence = message.sequence
        self._last_ns = message.log_time
        return BodyFrame(message.log_time, bodies)

    def _truncated(self) -> DataError:
        if self._last_ns < 0:
            return TruncatedRecording(
                f"{self._path} is truncated before its first frame; record the walk again"
            )
        return TruncatedRecording(
            f"{self._path} is truncated after {self._last_ns / 1e9:.1f} s; the frames before that were used; "
            f"`sge-stream convert {self._path} OUT.mcap` writes a complete recording of them"
        )

    def _damaged(self, reason: str) -> DataError:
        place = "at its start" if self._last_ns < 0 else f"after {self._last_ns / 1e9:.1f} s"
        return DataError(f"{self._path} is damaged {place}: {reason}; use another copy of it")


def read_recording(path: Path) -> Recording:
    """Opens a recording; frames are read lazily.

    Raises:
        DataError: the file does not exist, is not a recording, or its beginning is damaged or missing.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened ({error.strerror or error}); check the path and its permissions"
        ) from error
    try:
        _expect_mcap(path, file)
        return Recording(path, file)
    except BaseException:
        file.close()
        raise


def _expect_mcap(path: Path, file: BinaryIO) -> None:
    try:
        start = file.read(len(MAGIC))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if start != MAGIC:
        found = f"it begins with {start!r}" if start else "it is empty"
        raise DataError(
            f"{path} is not an MCAP recording: {found}, expected {MAGIC!r}; "
            "use `sge-stream convert` to make a recording from a file of a data set"
        )
