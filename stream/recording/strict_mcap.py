"""Strict MCAP reader: complete records, all checksums verified, and only two kinds of errors.

The package `mcap` accepts short reads, skips unknown records, does not verify the summary, and raises
exceptions of `struct`, the decompressors and the text decoder.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Generator
from typing import IO, BinaryIO, cast

from mcap.records import Channel, Chunk, DataEnd, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import MCAP0_MAGIC

__all__ = ["MAGIC", "DamagedError", "TruncatedError", "read_strictly"]

MAGIC: bytes = MCAP0_MAGIC
"""First and last eight bytes of every MCAP file."""

_CRC_AND_MAGIC = 4 + len(MAGIC)
_FOOTER = 9 + 8 + 8 + _CRC_AND_MAGIC


class TruncatedError(Exception):
    """The file ends before its closing magic, at a record that was to be read."""


class DamagedError(Exception):
    """The content differs from what was written."""


class _ExactReader:
    """File whose reads return all requested bytes or fail; has the methods that `mcap` needs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        file.seek(-min(size, len(MAGIC)), os.SEEK_END)
        self.has_end_magic = size >= 2 * len(MAGIC) and file.read() == MAGIC
        self.remaining = size
        file.seek(0)

    def read(self, length: int) -> bytes:
        """Returns exactly `length` bytes."""
        # Checked before reading, so that a damaged length cannot allocate more memory than the file size.
        data = self._file.read(length) if length <= self.remaining else b""
        self.remaining -= len(data)
        if len(data) < length:
            if self.has_end_magic:
                raise DamagedError("a record runs past the end of the file")
            raise TruncatedError
        return data


def read_strictly(file: BinaryIO) -> Generator[Schema | Channel | Message]:
    """Yields the schemas, channels and messages of an MCAP file in order, chunk by chunk.

    Messages are read only from chunks with a valid checksum. The checksums of the data and the summary follow
    the messages in the file, so they are verified after the last message was yielded.

    Args:
        file: an open, seekable file; it is read from its start.

    Raises:
        TruncatedError: the file ends early; everything before was yielded.
        DamagedError: a checksum or a record is wrong; everything yielded before is valid.
        OSError: the file cannot be read.
    """
    stream = _ExactReader(file)
    try:
        yield from _read_records(stream)
    except (TruncatedError, DamagedError, OSError):
        raise
    except Exception as error:  # from mcap, struct, zstandard, lz4 or UTF-8 decoding
        raise DamagedError(f"{type(error).__name__}: {error}") from error


def _read_records(stream: _ExactReader) -> Generator[Schema | Channel | Message]:
    records = StreamReader(
        cast(IO[bytes], stream), emit_chunks=True, validate_crcs=True, record_size_limit=None
    ).records
    for record in records:
        if isinstance(record, Chunk):
            if record.uncompressed_crc == 0:
                raise DamagedError("a chunk has no checksum")
            for inner in breakup_chunk(record, validate_crc=True):
                if isinstance(inner, Schema | Channel | Message):
                    yield inner
        elif isinstance(record, Schema | Channel):
            yield record
        elif isinstance(record, Message):
            raise DamagedError("a message is outside the chunks")
        elif isinstance(record, DataEnd):
            _check_summary(stream)
            return
    raise DamagedError("the data has no end record")


def _check_summary(stream: _ExactReader) -> None:
    """Verifies what follows the data: the summary, the footer with its checksum, and the closing magic."""
    if not stream.has_end_magic:
        raise TruncatedError
    summary = stream.read(stream.remaining)
    if len(summary) < _FOOTER:
        raise DamagedError("the summary is too short")
    (crc,) = struct.unpack_from("<I", summary, len(summary) - _CRC_AND_MAGIC)
    if crc not in (0, zlib.crc32(summary[:-_CRC_AND_MAGIC])):  # 0 means no checksum in MCAP
        raise DamagedError("the summary's checksum is wrong")
