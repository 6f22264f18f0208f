"""MCAP read strictly: whole records, every checksum checked, and two ways to fail instead of a dozen.

`mcap` itself takes a short read for data, passes over records it does not know, checks no summary, and lets
the exceptions of `struct`, of the decompressors and of the text decoder through.
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

__all__ = ["MAGIC", "CutOffError", "DamagedError", "read_strictly"]

MAGIC: bytes = MCAP0_MAGIC
"""The first and the last eight bytes of every MCAP file."""

_CRC_AND_MAGIC = 4 + len(MAGIC)
_FOOTER = 9 + 8 + 8 + _CRC_AND_MAGIC


class CutOffError(Exception):
    """The file ends before its closing magic, and what it lacks was needed now."""


class DamagedError(Exception):
    """The bytes are not those that were written."""


class _WholeReads:
    """A file whose reads are whole, or fail; the part of a binary stream that `mcap` reads with."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        file.seek(-min(size, len(MAGIC)), os.SEEK_END)
        self.closed_properly = size >= 2 * len(MAGIC) and file.read() == MAGIC
        self.left = size
        file.seek(0)

    def read(self, length: int) -> bytes:
        """Exactly `length` bytes."""
        # Asked before reading, so that a damaged length cannot ask for more memory than the file is long.
        data = self._file.read(length) if length <= self.left else b""
        self.left -= len(data)
        if len(data) < length:
            if self.closed_properly:
                raise DamagedError("a record runs past the end of the file")
            raise CutOffError
        return data


def read_strictly(file: BinaryIO) -> Generator[Schema | Channel | Message]:
    """The schemas, channels and messages of an MCAP file in their order, chunk by chunk.

    Messages are taken from chunks with a checksum alone. The checksums of the data and of the summary stand
    behind them in the file, so they are checked after the last message was given.

    Args:
        file: an open file that can seek; it is read from its start.

    Raises:
        CutOffError: the file ends early; everything before that was given.
        DamagedError: a checksum or a record is wrong; what was given before is good.
        OSError: the file cannot be read.
    """
    stream = _WholeReads(file)
    try:
        yield from _checked(stream)
    except (CutOffError, DamagedError, OSError):
        raise
    except Exception as error:  # of mcap, struct, zstandard, lz4, or a text that is no UTF-8
        raise DamagedError(f"{type(error).__name__}: {error}") from error


def _checked(stream: _WholeReads) -> Generator[Schema | Channel | Message]:
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
            raise DamagedError("a message stands outside the chunks")
        elif isinstance(record, DataEnd):
            _check_summary(stream)
            return
    raise DamagedError("the data has no end record")


def _check_summary(stream: _WholeReads) -> None:
    """Check what follows the data: the summary, the footer with its checksum, and the closing magic."""
    if not stream.closed_properly:
        raise CutOffError
    rest = stream.read(stream.left)
    if len(rest) < _FOOTER:
        raise DamagedError("the summary is too short")
    (crc,) = struct.unpack_from("<I", rest, len(rest) - _CRC_AND_MAGIC)
    if crc not in (0, zlib.crc32(rest[:-_CRC_AND_MAGIC])):  # 0 is MCAP's word for "none"
        raise DamagedError("the summary's checksum is wrong")
