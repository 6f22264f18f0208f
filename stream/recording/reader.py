"""Reader of recordings, frame by frame.

Recordings of other programs are read where that is safe: channels of other messages are passed over, frames
may have no sequence numbers (all 0), and checksums may be missing. What breaks a rule of the format is
refused with that rule. Rules of numbers and times can be mended: `read_recording(path, mend=True)` reads such
frames as they are, for `sge-stream convert`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from mcap.records import Channel, Message, Schema

from stream.body import BodyFrame, SourceInfo
from stream.errors import CutOffError, DataError
from stream.recording.conventions import follow_conventions
from stream.recording.frame_json import SCHEMA_NAME, decode_bodies
from stream.recording.strict_mcap import MAGIC, DamagedError, RuleError, TruncatedError, read_strictly
from stream.recording.writer import FORMAT
from stream.skeleton import LAYOUTS

__all__ = ["MAX_MESSAGE_BYTES", "Recording", "TruncatedRecording", "UnorderedRecording", "read_recording"]

MAX_MESSAGE_BYTES = 4 * 2**20
"""Largest message of a frame: about 1000 bodies."""

_FORMATS = "see the page Formats of the documentation"


class TruncatedRecording(CutOffError):  # noqa: N818 - names the state of the file
    """A recording ends before its end record; its complete chunks were delivered before."""


class UnorderedRecording(DataError):  # noqa: N818 - names the state of the file
    """Numbers or times of the frames break the rules; `sge-stream convert` mends them."""


class Recording(Iterator[BodyFrame]):
    """An open recording: the description of its source, and an iterator over its frames.

    Joints that were not seen are marked, see `stream.unseen_joints`; units are judged from the first bodies,
    see `stream.recording.conventions`.

    Attributes:
        info: the recorded source, with `live` False and `finite` True.
        started: start time of the recording, UTC.
    """

    info: SourceInfo
    started: datetime

    def __init__(self, path: Path, file: BinaryIO, *, mend: bool = False) -> None:
        self._path = path
        self._file = file
        self._mend = mend
        self._unchecked = False
        self._records = read_strictly(file, self._note_unchecked)
        self._last_ns = -1
        self._sequence: int | None = None
        self._others = 0  # messages of other channels since the last frame
        self._schemas: dict[int, str] = {}
        self._other_channels: set[int] = set()
        self._channel = self._first_channel()
        self.info, self.started = self._read_metadata(self._channel.metadata)
        layout = LAYOUTS[self.info.layout]
        self._joints = len(layout.joints)
        self._frames = follow_conventions(self._raw_frames(), layout, self._unusual)

    def __next__(self) -> BodyFrame:
        """Returns the next frame.

        Raises:
            StopIteration: the last frame was returned, and the complete file is valid.
            TruncatedRecording: the file is truncated after the frames returned before.
            UnorderedRecording: the numbers or times of the frames break the rules.
            DataError: the file is damaged, or is not a valid recording.
        """
        return next(self._frames)

    @property
    def remark(self) -> str:
        """Says, after the last frame, that the file has no checksums, if so; else empty."""
        if not self._unchecked:
            return ""
        return (
            f"{self._path} has no checksums, so a changed byte may not have been noticed; "
            "recordings that `sge-stream convert` writes have them"
        )

    def close(self) -> None:
        """Closes the file; may be called more than once."""
        self._frames.close()
        self._records.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _note_unchecked(self) -> None:
        self._unchecked = True

    def _next_record(self) -> Schema | Channel | Message | None:
        try:
            return next(self._records, None)
        except TruncatedError:
            raise self._truncated() from None
        except DamagedError as error:
            raise self._damaged(str(error)) from error
        except RuleError as error:
            raise self._broken_rule(str(error)) from error
        except OSError as error:
            raise DataError(f"{self._path} cannot be read: {error.strerror or error}") from error

    def _first_channel(self) -> Channel:
        """Returns the first channel of body frames; reads on until it comes."""
        other = ""
        while (record := self._next_record()) is not None:
            if isinstance(record, Message):
                if record.channel_id not in self._other_channels:
                    raise self._broken_rule("a message comes before its channel")
            elif not self._is_body_channel(record) and isinstance(record, Channel):
                name = self._schemas.get(record.schema_id, "no schema")
                kind = f"{name} as {record.message_encoding or 'unknown'}"
                other = other or f"{kind} on the topic {record.topic!r}"
            elif isinstance(record, Channel):
                return record
        if other:
            raise DataError(
                f"{self._path} is an MCAP file of another program: expected {SCHEMA_NAME} messages as json, "
                f"found {other}"
            )
        raise DataError(f"{self._path} contains no frames; record the walk again")

    def _is_body_channel(self, record: Schema | Channel) -> bool:
        """Notes a schema or a channel of another program's messages; returns whether it is one of frames."""
        if isinstance(record, Schema):
            self._schemas[record.id] = record.name
            return False
        frames = self._schemas.get(record.schema_id) == SCHEMA_NAME and record.message_encoding == "json"
        if not frames:
            self._other_channels.add(record.id)
        return frames

    def _read_metadata(self, metadata: dict[str, str]) -> tuple[SourceInfo, datetime]:
        """Returns the source and the start time from the channel's metadata."""
        if metadata.get("format") != FORMAT:
            raise DataError(
                f"{self._path} has the recording format {metadata.get('format')!r}, this version reads "
                f"{FORMAT!r}; use a newer sge-stream"
            )
        try:
            info = SourceInfo(
                metadata["source"],
                metadata["sensor"],
                metadata["layout"],
                live=False,
                finite=True,
                pose_model=metadata.get("pose_model", ""),
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
        self._check_joint_names(metadata.get("joints", ""), info.layout)
        return info, started

    def _check_joint_names(self, given: str, layout: str) -> None:
        """Refuses joints in another order than the layout's; programs need not give their names."""
        expected = LAYOUTS[layout].joints
        names = [name.strip() for name in given.split(",")] if given else expected
        for number, (name, other) in enumerate(zip_longest(expected, names, fillvalue="none"), 1):
            if name != other:
                raise self._broken_rule(
                    f"its metadata gives {other[:60]!r} as joint {number}, and joint {number} of the layout "
                    f"{layout} is {name}; joints are in the order of the layout"
                )

    def _raw_frames(self) -> Generator[BodyFrame]:
        """Yields the frames as they are in the file."""
        while (record := self._next_record()) is not None:
            if not isinstance(record, Message):
                if self._is_body_channel(record) and record != self._channel:
                    raise self._broken_rule("it has a second channel of body frames; a recording has one")
            elif record.channel_id == self._channel.id:
                yield self._frame(record)
                self._others = 0
            elif record.channel_id in self._other_channels:
                self._others += 1
            else:
                raise self._broken_rule("a message comes before its channel")
        if self._sequence is None:
            raise DataError(f"{self._path} contains no frames; record the walk again")

    def _frame(self, message: Message) -> BodyFrame:
        if not self._mend:
            self._check_order(message)
        if len(message.data) > MAX_MESSAGE_BYTES:
            size, limit = len(message.data) / 2**20, MAX_MESSAGE_BYTES / 2**20
            raise self._broken_rule(f"a frame has {size:.1f} MiB, more than the {limit:g} MiB that are read")
        try:
            bodies = decode_bodies(message.data, self._joints)
        except ValueError as error:
            raise self._broken_rule(str(error)) from error
        self._sequence = message.sequence
        self._last_ns = message.log_time
        return BodyFrame(message.log_time, bodies)

    def _check_order(self, message: Message) -> None:
        """Checks number and time of a frame; see the sequence numbers in `docs/formats.md`."""
        last, number = self._sequence, message.sequence
        # Some programs count the messages of all channels, others none.
        if last is not None and number - last not in (1, 1 + self._others) and (last or number):
            if number > last:
                raise UnorderedRecording(
                    f"{self._path} is damaged {self._place}: frame {number} follows frame {last}, so frames "
                    f"are missing; use another copy of it, or {self._mended} without them"
                )
            raise self._unordered(f"frame {number} follows frame {last}; each has the next number, or all 0")
        if message.log_time <= self._last_ns:
            raise self._unordered(
                f"the time of the next frame, {message.log_time / 1e9} s, does not increase; one frame holds "
                "all bodies of its moment"
            )

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
        return DataError(f"{self._path} is damaged {self._place}: {reason}; use another copy of it")

    def _broken_rule(self, rule: str) -> DataError:
        return DataError(f"{self._path} breaks a rule of recordings {self._place}: {rule}; {_FORMATS}")

    def _unordered(self, rule: str) -> DataError:
        return UnorderedRecording(
            f"{self._path} breaks a rule of recordings {self._place}: {rule}; {self._mended} that keeps it"
        )

    def _unusual(self, problem: str) -> DataError:
        return DataError(f"{self._path} cannot be used: {problem}; {_FORMATS}")

    @property
    def _mended(self) -> str:
        return f"`sge-stream convert {self._path} OUT.mcap` writes a recording"

    @property
    def _place(self) -> str:
        return "at its start" if self._last_ns < 0 else f"after {self._last_ns / 1e9:.1f} s"


def read_recording(path: Path, *, mend: bool = False) -> Recording:
    """Opens a recording; frames are read lazily.

    Args:
        path: the file.
        mend: read frames whose numbers or times break the rules, in the order of the file.

    Raises:
        DataError: the file does not exist, is not a recording, or its beginning is damaged or missing.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # Opening a pipe would wait for its writer.
            raise DataError(f"{path} is a pipe or a device; a recording is read from a file")
        file = path.open("rb")
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened ({error.strerror or error}); check the path and its permissions"
        ) from error
    try:
        _expect_mcap(path, file)
        return Recording(path, file, mend=mend)
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
