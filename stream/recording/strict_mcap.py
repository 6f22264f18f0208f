"""Strict MCAP reader: complete records, all checksums verified, bounded memory, and three kinds of errors.

The reader of the package `mcap` accepts short reads, unpacks chunks to whatever size they have, does not
verify the summary, and raises exceptions of `struct`, the decompressors and the text decoder. Only its
record parsers are used here.

Checksums are optional in MCAP: a checksum of 0 was not computed, and messages outside chunks have none but
that of all data. Such messages are read. Checksums that are there are verified before a message is yielded.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Generator, Iterator
from io import BytesIO
from typing import BinaryIO

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, Message, Schema
from mcap.writer import MCAP0_MAGIC

__all__ = [
    "MAGIC",
    "MAX_CHUNK_BYTES",
    "MAX_TEXT_BYTES",
    "DamagedError",
    "RuleError",
    "TruncatedError",
    "read_strictly",
]

MAGIC: bytes = MCAP0_MAGIC
"""First and last eight bytes of every MCAP file."""

MAX_CHUNK_BYTES = 64 * 2**20
"""Largest chunk, unpacked, and largest message outside chunks."""

MAX_TEXT_BYTES = 2**20
"""Largest schema or channel."""

_CRC_AND_MAGIC = 4 + len(MAGIC)
_FOOTER = 9 + 8 + 8 + _CRC_AND_MAGIC
_HEAD = struct.Struct("<BQ")
_BLOCK = 2**20

Record = Schema | Channel | Message


class TruncatedError(Exception):
    """The file ends before its closing magic, at a record that was to be read."""


class DamagedError(Exception):
    """The content differs from what was written."""


class RuleError(Exception):
    """The file is a valid MCAP file, but breaks a rule that recordings keep; the text is the rule."""


class _ExactReader:
    """File whose reads return all requested bytes or fail; computes their checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        file.seek(-min(size, len(MAGIC)), os.SEEK_END)
        self.has_end_magic = size >= 2 * len(MAGIC) and file.read() == MAGIC
        self.remaining = size
        self.crc = 0
        file.seek(0)

    def read(self, length: int) -> bytes:
        """Returns exactly `length` bytes."""
        # Checked before reading, so that a damaged length cannot allocate more memory than the file size.
        data = self._file.read(length) if length <= self.remaining else b""
        self.remaining -= len(data)
        self.crc = zlib.crc32(data, self.crc)
        if len(data) < length:
            if self.has_end_magic:
                raise DamagedError("a record runs past the end of the file")
            raise TruncatedError
        return data

    def skip(self, length: int) -> None:
        """Reads `length` bytes and keeps none."""
        if length > self.remaining:
            self.read(length)  # raises
        while length:
            length -= len(self.read(min(length, _BLOCK)))


def read_strictly(file: BinaryIO, on_unchecked: Callable[[], object] = lambda: None) -> Generator[Record]:
    """Yields the schemas, channels and messages of an MCAP file in order, chunk by chunk.

    The checksums of the data and the summary follow the messages in the file, so they are verified after the
    last message was yielded.

    Args:
        file: an open, seekable file; it is read from its start.
        on_unchecked: called after the last message if no checksum covers some of them.

    Raises:
        TruncatedError: the file ends early; everything before was yielded.
        DamagedError: a checksum or a record is wrong; everything yielded before is valid.
        RuleError: a record is too large, or compressed in an unknown way.
        OSError: the file cannot be read.
    """
    stream = _ExactReader(file)
    try:
        yield from _read_records(stream, on_unchecked)
    except (TruncatedError, DamagedError, RuleError, OSError):
        raise
    except Exception as error:  # from mcap, struct, zstandard, lz4 or UTF-8 decoding
        raise DamagedError(f"{type(error).__name__}: {error}") from error


def _read_records(stream: _ExactReader, on_unchecked: Callable[[], object]) -> Generator[Record]:
    stream.skip(len(MAGIC))
    checked = True
    while stream.remaining > len(MAGIC) or not stream.has_end_magic:
        data_crc = stream.crc
        opcode, length = _HEAD.unpack(stream.read(_HEAD.size))
        if opcode == Opcode.CHUNK:
            # A packed chunk that is larger than the limit is also larger unpacked.
            chunk = Chunk.read(_fields(_read_limited(stream, length, MAX_CHUNK_BYTES)))
            checked = checked and chunk.uncompressed_crc != 0
            yield from _split(_unpack(chunk))
        elif opcode in _LIMITS:
            checked = checked and opcode != Opcode.MESSAGE
            yield _parse(opcode, _read_limited(stream, length, _LIMITS[opcode]))
        elif opcode == Opcode.DATA_END:
            end = DataEnd.read(_fields(_read_limited(stream, length, MAX_TEXT_BYTES)))
            if end.data_section_crc not in (0, data_crc):
                raise DamagedError("the checksum of the data is wrong")
            if not checked and not end.data_section_crc:
                on_unchecked()
            _check_summary(stream)
            return
        else:  # an index, metadata, an attachment or a record of a later version
            stream.skip(length)
    raise DamagedError("the data has no end record")


_LIMITS = {
    Opcode.SCHEMA: MAX_TEXT_BYTES,
    Opcode.CHANNEL: MAX_TEXT_BYTES,
    Opcode.MESSAGE: MAX_CHUNK_BYTES,
}


def _read_limited(stream: _ExactReader, length: int, limit: int) -> bytes:
    if limit < length <= stream.remaining:
        raise _too_large("a record", length, limit)
    return stream.read(length)


def _too_large(what: str, size: int, limit: int) -> RuleError:
    return RuleError(f"{what} has {size / 2**20:.1f} MiB, more than the {limit / 2**20:g} MiB that are read")


def _unpack(chunk: Chunk) -> bytes:
    """Returns the records of a chunk; never unpacks more than the limit."""
    size = chunk.uncompressed_size
    if size > MAX_CHUNK_BYTES:
        raise _too_large("an unpacked chunk", size, MAX_CHUNK_BYTES)
    # One byte more than stated, to notice a chunk that states too little. `zstandard.decompress` would
    # allocate what the compressed data state.
    if chunk.compression == "zstd":
        unpacker = zstandard.ZstdDecompressor(max_window_size=2 * MAX_CHUNK_BYTES)
        with unpacker.stream_reader(BytesIO(chunk.data)) as unpacked:
            data: bytes = unpacked.read(size + 1)
    elif chunk.compression == "lz4":
        data = lz4.frame.LZ4FrameDecompressor().decompress(chunk.data, max_length=size + 1)
    elif not chunk.compression:
        data = chunk.data
    else:
        raise RuleError(
            f"a chunk is compressed with {chunk.compression[:20]!r}; chunks are compressed with zstd or lz4, "
            "or not at all"
        )
    if len(data) != size:
        raise DamagedError("a chunk has not the size that it states")
    if chunk.uncompressed_crc not in (0, zlib.crc32(data)):
        raise DamagedError("the checksum of a chunk is wrong")
    return data


def _split(data: bytes) -> Iterator[Record]:
    """Yields the records of an unpacked chunk; one at a time, since many small ones take more memory."""
    start = 0
    while start < len(data):
        opcode, length = _HEAD.unpack_from(data, start)
        start += _HEAD.size
        if length > len(data) - start:
            raise DamagedError("a record runs past the end of its chunk")
        if opcode in _LIMITS:
            if length > _LIMITS[opcode]:
                raise _too_large("a record", length, _LIMITS[opcode])
            yield _parse(opcode, data[start : start + length])
        start += length


def _parse(opcode: int, content: bytes) -> Record:
    fields = _fields(content)
    record: Record
    if opcode == Opcode.MESSAGE:
        record = Message.read(fields, len(content))
    else:
        record = Schema.read(fields) if opcode == Opcode.SCHEMA else Channel.read(fields)
    return record


def _fields(content: bytes) -> ReadDataStream:
    return ReadDataStream(BytesIO(content))


def _check_summary(stream: _ExactReader) -> None:
    """Verifies what follows the data: the summary, the footer with its checksum, and the closing magic."""
    if not stream.has_end_magic:
        raise TruncatedError
    if stream.remaining < _FOOTER:
        raise DamagedError("the summary is too short")
    stream.crc = 0
    stream.skip(stream.remaining - _CRC_AND_MAGIC)
    computed = stream.crc
    (crc,) = struct.unpack_from("<I", stream.read(_CRC_AND_MAGIC))
    if crc not in (0, computed):  # 0 means no checksum in MCAP
        raise DamagedError("the checksum of the summary is wrong")
