"""Reading recordings, frame by frame."""

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
from stream.recording.strict_mcap import MAGIC, CutOffError, DamagedError, read_strictly
from stream.recording.writer import FORMAT
from stream.skeleton import LAYOUTS

__all__ = ["Recording", "TruncatedRecording", "read_recording"]


class TruncatedRecording(DataError):  # noqa: N818 - read: the recording is truncated
    """A recording ends before its closing record; every whole frame of it was given before."""


class Recording(Iterator[BodyFrame]):
    """A recording being read: what its source was, then its frames, one by one as they are asked for.

    Attributes:
        info: the source that was recorded, `live` False and `finite` True.
        started: UTC, when the recording was begun.
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
        self.info, self.started = self._source(self._channel.metadata)
        self._joints = len(LAYOUTS[self.info.layout].joints)

    def __next__(self) -> BodyFrame:
        """The next frame.

        Raises:
            StopIteration: the last frame was given, and the whole file is in order.
            TruncatedRecording: the file is cut off after the frames given before.
            DataError: the file is damaged, or not as a recording has to be.
        """
        while (record := self._next_record()) is not None:
            if isinstance(record, Message):
                return self._frame(record)
            self._admit(record)
            if isinstance(record, Channel) and record != self._channel:
                raise self._damaged("it has a second channel of body frames")
        if self._sequence is None:
            raise DataError(f"{self._path} holds no frames: record the walk again")
        raise StopIteration

    def close(self) -> None:
        """Close the file; calling it twice is harmless."""
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
        except CutOffError:
            raise self._cut_off() from None
        except DamagedError as error:
            raise self._damaged(str(error)) from error
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error.strerror or error}") from error

    def _first_channel(self) -> Channel:
        while (record := self._next_record()) is not None:
            if isinstance(record, Message):
                raise self._damaged("a frame comes before its channel")
            self._admit(record)
            if isinstance(record, Channel):
                return record
        raise DataError(f"{self._path} holds no frames: record the walk again")

    def _admit(self, record: Schema | Channel) -> None:
        """Take a schema or channel; all channels have to be of the one kind that recordings have."""
        if isinstance(record, Schema):
            self._schemas[record.id] = record
            return
        schema = self._schemas.get(record.schema_id)
        name = schema.name if schema else "no schema"
        if name != SCHEMA_NAME or record.message_encoding != "json":
            raise DataError(
                f"{self._path} is an MCAP file of another program: expected {SCHEMA_NAME} messages as json, "
                f"found {name} as {record.message_encoding or 'nothing known'} on the topic {record.topic!r}"
            )

    def _source(self, metadata: dict[str, str]) -> tuple[SourceInfo, datetime]:
        """The source and the start time that the channel's metadata tell of."""
        if metadata.get("format") != FORMAT:
            raise DataError(
                f"{self._path} has the recording format {metadata.get('format')!r}, this version reads "
                f"{FORMAT!r}: use a newer sge-stream"
            )
        try:
            info = SourceInfo(
                metadata["source"], metadata["sensor"], metadata["layout"], live=False, finite=True
            )
            started = datetime.fromisoformat(metadata["started"]).astimezone(UTC)
        except (KeyError, ValueError, OverflowError) as error:
            raise DataError(
                f"{self._path} does not say what was recorded ({error}): record the walk again"
            ) from error
        if info.layout not in LAYOUTS:
            raise DataError(
                f"{self._path} holds bodies in the layout {info.layout!r}, which is not known here; "
                f"known are {', '.join(LAYOUTS)}"
            )
        return info, started

    def _frame(self, message: Message) -> BodyFrame:
        if message.channel_id != self._channel.id:
            raise self._damaged("a frame stands on an unknown channel")
        if self._sequence is not None and message.sequence != self._sequence + 1:
            raise self._damaged(f"after frame {self._sequence} comes frame {message.sequence}")
        if message.log_time <= self._last_ns:
            raise self._damaged(f"the next frame's time is {message.log_time / 1e9} s")
        try:
            bodies = decode_bodies(message.data, self._joints)
        except ValueError as error:
            raise self._damaged(str(error)) from error
        self._sequence = message.sequence
        self._last_ns = message.log_time
        return BodyFrame(message.log_time, bodies)

    def _cut_off(self) -> DataError:
        if self._last_ns < 0:
            return TruncatedRecording(
                f"{self._path} is cut off before its first frame; record the walk again"
            )
        return TruncatedRecording(
            f"{self._path} is cut off after {self._last_ns / 1e9:.1f} s; what stands before was used; "
            f"`sge-stream convert {self._path} OUT.mcap` writes a whole recording of it"
        )

    def _damaged(self, reason: str) -> DataError:
        place = "from its start" if self._last_ns < 0 else f"after {self._last_ns / 1e9:.1f} s"
        return DataError(f"{self._path} is damaged {place}: {reason}; use another copy of it")


def read_recording(path: Path) -> Recording:
    """Open a recording; its frames are read as they are asked for.

    Raises:
        DataError: there is no such file, it is not a recording, or its beginning is damaged or cut off.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened ({error.strerror or error}); check the path and who may read it"
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
            "use `sge-stream convert` to make a recording of a data set's file"
        )
