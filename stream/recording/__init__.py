"""Recordings: body frames in an MCAP file, which existing viewers can open and which survives a crash.

A recording is an MCAP file (https://mcap.dev/spec) with one channel:

| element | content |
|---|---|
| channel | topic `bodies`, message encoding `json`, JSON schema `sge.BodyFrame` (see `frame_json`) |
| message | one body frame; log time = publish time; sequence numbers count the frames from 0 |
| channel metadata `format` | "1" |
| `source`, `sensor`, `layout` | as in `stream.body.SourceInfo` |
| `joints` | the layout's joint names in their order, separated by commas |
| `clock` | meaning of the times: "nanoseconds since the source began" |
| `started` | start time of the recording, UTC, ISO 8601 |
| chunks | zstd, with CRC; the first contains schema and channel, so that its CRC covers them |
| data end | CRC over all preceding data; then the MCAP summary for viewers, with its CRC |

The writer flushes a chunk to the operating system after the first frame and then every 0.5 s of source time,
and syncs to the disk every second: a crash loses less than the last second. One person (20 joints at 30
frames/s) takes 37 to 44 MB per hour.

The reader delivers all complete chunks of a truncated file, then raises `TruncatedRecording`. It detects
damage anywhere: chunk CRCs and sequence numbers are checked before a frame is delivered, all other bytes at
the end. It reads recordings of other programs too, and says which rule is broken: see `reader`.
"""

from __future__ import annotations

from stream.recording.reader import Recording, TruncatedRecording, UnorderedRecording, read_recording
from stream.recording.writer import RecordingWriter

__all__ = ["Recording", "RecordingWriter", "TruncatedRecording", "UnorderedRecording", "read_recording"]
