"""Recordings: body frames in an MCAP file, which existing viewers open and which survives a crash.

An MCAP file (https://mcap.dev/spec) with one channel:

| where | what |
|---|---|
| channel | topic `bodies`, message encoding `json`, JSON schema `sge.BodyFrame` (see `framejson`) |
| message | one body frame; log time = publish time; sequence numbers count the frames from 0 |
| channel metadata `format` | "1" |
| `source`, `sensor`, `layout` | as in `stream.body.SourceInfo` |
| `joints` | the layout's joint names in their order, separated by commas |
| `clock` | what the times are: "nanoseconds since the source began" |
| `started` | UTC, ISO 8601: when the file was begun |
| chunks | zstd, with CRC; schema and channel stand in the first, so that the CRC covers them too |
| data end | CRC over everything before it; then MCAP's summary for viewers, with its CRC |

A chunk is finished and handed to the operating system with the first frame and then every half second of the
source's time, and forced to the disk every second: a crash costs less than the last second. One person
(20 joints at 30 frames/s) takes 37 to 42 MB an hour.

A file that is cut off gives its whole chunks, then `TruncatedRecording`. Damage anywhere is found: chunk CRCs
and sequence numbers keep a wrong frame from being given; all other bytes are checked by the end.
"""

from __future__ import annotations

from stream.recording.reader import Recording, TruncatedRecording, read_recording
from stream.recording.writer import RecordingWriter

__all__ = ["Recording", "RecordingWriter", "TruncatedRecording", "read_recording"]
