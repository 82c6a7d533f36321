"""One MCAP file for reading: by its index, or by a scan when it was cut off before the index was written."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, ChunkIndex, Message, Schema
from mcap.stream_reader import MAGIC_SIZE, breakup_chunk
from mcap.summary import Summary

_RECORD_HEAD = struct.Struct("<BQ")
_MESSAGE_HEAD = struct.Struct("<HIQQ")


@dataclass(frozen=True)
class StoredMessage:
    """A message as it lies in the file; times in nanoseconds."""

    topic: str
    data: bytes
    log_ns: int
    publish_ns: int


@dataclass(frozen=True)
class _Loose:
    """Place of a message that is in no chunk."""

    log_ns: int
    offset: int
    length: int
    channel_id: int


class McapFile:
    """Channels, counts and messages of a file; `complete` tells whether it was closed properly.

    Raises RuntimeError when the file is not MCAP at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._stream: IO[bytes] = path.open("rb")
        except OSError as error:
            raise RuntimeError(f"{path}: cannot be opened: {error.strerror}") from None
        self._loose: list[_Loose] = []
        try:
            self._reader = SeekingReader(self._stream)
            summary = self._read_summary()
        except (McapError, struct.error, EOFError):
            self._stream.close()
            raise RuntimeError(f"{path}: not an MCAP file") from None
        self.complete = summary is not None and summary.statistics is not None
        if not self.complete or (summary.statistics.message_count and not summary.chunk_indexes):
            summary = self._scan()
        self._summary = summary
        # Everything below reads by this summary, be it the file's own or the one put together by the scan.
        self._reader.get_summary = lambda: summary  # type: ignore[method-assign]

    def _read_summary(self) -> Summary | None:
        try:
            return self._reader.get_summary()
        except Exception as error:
            # A file cut at an arbitrary byte makes the library fail in many ways; the magic was checked before.
            if self._stream.seek(0, 2) < MAGIC_SIZE:
                raise EOFError from error
            return None

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    @property
    def channels(self) -> list[Channel]:
        """The topics in the order of their announcement."""
        return [self._summary.channels[key] for key in sorted(self._summary.channels)]

    def schema_of(self, channel: Channel) -> Schema | None:
        """Return the definition of a channel's messages."""
        return self._summary.schemas.get(channel.schema_id)

    @property
    def counts(self) -> dict[str, int]:
        """Messages per topic."""
        counts: Counter[str] = Counter()
        for key, count in self._summary.statistics.channel_message_counts.items():
            counts[self._summary.channels[key].topic] += count
        return counts

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last time of reception; zeros when empty."""
        statistics = self._summary.statistics
        if not statistics.message_count:
            return 0, 0
        return statistics.message_start_time, statistics.message_end_time

    def messages(self, topics: Collection[str] | None = None, start_ns: int | None = None,
                 end_ns: int | None = None) -> Iterator[StoredMessage]:
        """Yield messages by time of reception, of some topics, from `start_ns` to `end_ns` (both included)."""
        if self._loose:
            yield from self._loose_messages(topics, start_ns, end_ns)
        if not self._summary.chunk_indexes:
            return
        found = self._reader.iter_messages(topics, starting_at=start_ns, ending_at=end_ns)
        for _, channel, message in found:
            yield StoredMessage(channel.topic, message.data, message.log_time, message.publish_time)

    def _loose_messages(self, topics: Collection[str] | None, start_ns: int | None,
                        end_ns: int | None) -> Iterator[StoredMessage]:
        for place in sorted(self._loose, key=lambda p: p.log_ns):
            topic = self._summary.channels[place.channel_id].topic
            if (topics is not None and topic not in topics) or (start_ns is not None and place.log_ns < start_ns) \
                    or (end_ns is not None and place.log_ns > end_ns):
                continue
            self._stream.seek(place.offset)
            message = Message.read(ReadDataStream(self._stream), place.length)
            yield StoredMessage(topic, message.data, message.log_time, message.publish_time)

    def _scan(self) -> Summary:
        """Put a summary together from all complete records."""
        from mcap.records import Statistics

        summary = Summary()
        counts: Counter[int] = Counter()
        times: list[int] = []
        size = self._stream.seek(0, 2)
        offset = MAGIC_SIZE
        while offset + _RECORD_HEAD.size <= size:
            self._stream.seek(offset)
            opcode, length = _RECORD_HEAD.unpack(self._stream.read(_RECORD_HEAD.size))
            body = offset + _RECORD_HEAD.size
            if body + length > size or opcode == Opcode.DATA_END:
                break
            if opcode == Opcode.CHUNK:
                self._scan_chunk(summary, counts, times, offset, length)
            elif opcode == Opcode.SCHEMA:
                schema = Schema.read(ReadDataStream(self._stream))
                summary.schemas[schema.id] = schema
            elif opcode == Opcode.CHANNEL:
                channel = Channel.read(ReadDataStream(self._stream))
                summary.channels[channel.id] = channel
            elif opcode == Opcode.MESSAGE:
                channel_id, _, log_ns, _ = _MESSAGE_HEAD.unpack(self._stream.read(_MESSAGE_HEAD.size))
                self._loose.append(_Loose(log_ns, body, length, channel_id))
                counts[channel_id] += 1
                times.append(log_ns)
            offset = body + length
        summary.statistics = Statistics(
            attachment_count=0, channel_count=len(summary.channels), channel_message_counts=dict(counts),
            chunk_count=len(summary.chunk_indexes), message_count=sum(counts.values()), metadata_count=0,
            message_start_time=min(times, default=0), message_end_time=max(times, default=0),
            schema_count=len(summary.schemas))
        return summary

    def _scan_chunk(self, summary: Summary, counts: Counter[int], times: list[int], offset: int, length: int) -> None:
        chunk = Chunk.read(ReadDataStream(self._stream))
        for record in breakup_chunk(chunk):
            if isinstance(record, Schema):
                summary.schemas[record.id] = record
            elif isinstance(record, Channel):
                summary.channels[record.id] = record
            elif isinstance(record, Message):
                counts[record.channel_id] += 1
        times += [chunk.message_start_time, chunk.message_end_time]
        summary.chunk_indexes.append(ChunkIndex(
            chunk_length=length + _RECORD_HEAD.size, chunk_start_offset=offset, compression=chunk.compression,
            compressed_size=len(chunk.data), message_end_time=chunk.message_end_time, message_index_length=0,
            message_index_offsets={}, message_start_time=chunk.message_start_time,
            uncompressed_size=chunk.uncompressed_size))
