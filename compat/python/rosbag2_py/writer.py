"""`SequentialWriter`: writes a bag, in such a way that a crash loses at most the last second."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import yaml
from mcap.writer import CompressionType, Writer

from rosbag2_py import metadata as meta
from rosbag2_py import qos
from rosbag2_py.definitions import definition_of, hash_of
from rosbag2_py.metadata import FileInformation, TopicInformation, TopicMetadata
from rosbag2_py.options import STORAGE_ID, ConverterOptions, StorageOptions

#: Seconds after which what was written is handed to the operating system.
FLUSH_S = 1.0
CHUNK_BYTES = 1024 * 1024


def get_registered_writers() -> set[str]:
    """Return the storages that can be written."""
    return {STORAGE_ID}


def get_registered_compressors() -> set[str]:
    """Return the file and message compressors (none; the presets compress within MCAP)."""
    return set()


class SequentialWriter:
    """Writes serialised messages, in the order they are given, to a new bag. Safe to use from several threads."""

    def __init__(self) -> None:
        self._options: StorageOptions | None = None
        self._folder = Path()
        self._topics: dict[str, TopicInformation] = {}
        self._files: list[FileInformation] = []
        self._file: _File | None = None
        self._lock = threading.Lock()

    def open(self, storage_options: StorageOptions, converter_options: ConverterOptions | None = None) -> None:
        """Create the bag's folder and its first file; RuntimeError when the folder exists."""
        storage_options.check()
        (converter_options or ConverterOptions()).check()
        if self._options is not None:
            raise RuntimeError("the writer is open already")
        if not storage_options.uri:
            raise RuntimeError("a bag needs a name (StorageOptions.uri)")
        self._folder = Path(storage_options.uri)
        try:
            self._folder.mkdir(parents=True)
        except FileExistsError:
            raise RuntimeError(f"Bag directory already exists ({self._folder}), can't overwrite existing bag") from None
        except OSError as error:
            raise RuntimeError(f"Failed to create bag directory ({self._folder}): {error.strerror}") from None
        self._options = replace(storage_options)
        self._begin_file()

    def create_topic(self, topic: TopicMetadata) -> None:
        """Announce a topic; its definition and, if not given, its hash are taken from the ament index."""
        with self._lock:
            self._require_open()
            if topic.serialization_format not in ("", "cdr"):
                raise RuntimeError(f"serialization format '{topic.serialization_format}' is not supported, only 'cdr'")
            if topic.name in self._topics:
                return
            topic = replace(topic, id=len(self._topics), serialization_format="cdr",
                            type_description_hash=topic.type_description_hash or hash_of(topic.type))
            self._topics[topic.name] = TopicInformation(topic)
            self._file.add_topic(topic)

    def remove_topic(self, topic: TopicMetadata) -> None:
        """Take back the announcement of a topic that has no messages yet."""
        with self._lock:
            known = self._topics.get(topic.name)
            if known is not None and known.message_count == 0:
                del self._topics[topic.name]

    def write(self, topic_name: str, data: bytes, stamp_ns: int, publish_ns: int | None = None) -> None:
        """Write one message.

        Args:
            topic_name: a topic that was created.
            data: the message in CDR, with its 4-byte header.
            stamp_ns: when it was received.
            publish_ns: when it was sent, if known.
        """
        with self._lock:
            self._require_open()
            topic = self._topics.get(topic_name)
            if topic is None:
                raise RuntimeError(f"Topic '{topic_name}' has not been created yet! Call 'create_topic' first.")
            if self._file.is_full(self._options, stamp_ns):
                self._end_file()
                self._begin_file()
            self._file.write(topic_name, data, stamp_ns, stamp_ns if publish_ns is None else publish_ns)
            topic.message_count += 1

    def flush(self) -> None:
        """Hand everything to the operating system now (not in upstream's interface)."""
        with self._lock:
            if self._file is not None:
                self._file.flush()

    def split_bagfile(self) -> None:
        """End the current file and begin the next."""
        with self._lock:
            self._require_open()
            self._end_file()
            self._begin_file()

    def close(self) -> None:
        """End the file and write ``metadata.yaml``; does nothing when closed already."""
        with self._lock:
            if self._options is None:
                return
            self._end_file()
            meta.write_metadata(self._folder, self._metadata())
            self._options = None

    def __enter__(self) -> SequentialWriter:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.close()

    def _require_open(self) -> None:
        if self._options is None:
            raise RuntimeError("Bag is not open. Call open() before writing.")

    def _metadata(self) -> meta.BagMetadata:
        return meta.combine(self._files, list(self._topics.values()), self._options.custom_data)

    def _begin_file(self) -> None:
        path = self._folder / f"{self._folder.resolve().name}_{len(self._files)}.mcap"
        self._file = _File(path, self._options.storage_preset_profile)
        for topic in self._topics.values():
            self._file.add_topic(topic.topic_metadata)

    def _end_file(self) -> None:
        self._files.append(self._file.information())
        text = yaml.safe_dump(meta.to_plain(self._metadata()), sort_keys=False, allow_unicode=True)
        self._file.close(text)
        self._file = None


class _File:
    """One MCAP file in the making."""

    def __init__(self, path: Path, preset: str) -> None:
        self._path = path
        self._stream = path.open("wb")
        compression = CompressionType.ZSTD if preset.startswith("zstd") else CompressionType.NONE
        self._writer = Writer(self._stream, chunk_size=CHUNK_BYTES, compression=compression,
                              use_chunking=preset != "fastwrite", enable_crcs=False)
        self._writer.start(profile="ros2")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._sequence: dict[int, int] = {}
        self._first_ns: int | None = None
        self._last_ns = 0
        self._count = 0
        self._flushed_s = time.monotonic()

    def add_topic(self, topic: TopicMetadata) -> None:
        """Write the topic's channel and, if new, its schema."""
        if topic.type not in self._schemas:
            encoding, text = definition_of(topic.type)
            self._schemas[topic.type] = self._writer.register_schema(topic.type, encoding, text.encode())
        self._channels[topic.name] = self._writer.register_channel(
            topic.name, "cdr", self._schemas[topic.type],
            {"offered_qos_profiles": qos.to_text(topic.offered_qos_profiles),
             "topic_type_hash": topic.type_description_hash})

    def write(self, topic: str, data: bytes, log_ns: int, publish_ns: int) -> None:
        """Write a message; flushes once a second."""
        channel = self._channels[topic]
        sequence = self._sequence[channel] = self._sequence.get(channel, -1) + 1
        self._writer.add_message(channel, log_ns, data, publish_ns, sequence)
        self._first_ns = log_ns if self._first_ns is None else min(self._first_ns, log_ns)
        self._last_ns = max(self._last_ns, log_ns)
        self._count += 1
        if time.monotonic() - self._flushed_s > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Complete the chunk and hand it to the operating system."""
        self._writer.flush()
        self._flushed_s = time.monotonic()

    def is_full(self, options: StorageOptions, now_ns: int) -> bool:
        """Return whether the next message belongs into a new file."""
        if not self._count:
            return False
        if options.max_bagfile_size and self._stream.tell() >= options.max_bagfile_size:
            return True
        return bool(options.max_bagfile_duration
                    and now_ns - self._first_ns >= options.max_bagfile_duration * 1_000_000_000)

    def information(self) -> FileInformation:
        """Return what metadata.yaml says about this file."""
        start = self._first_ns or 0
        return FileInformation(self._path.name, start, max(0, self._last_ns - start), self._count)

    def close(self, serialized_metadata: str) -> None:
        """Write the index and close."""
        self._writer.add_metadata("rosbag2", {"serialized_metadata": serialized_metadata})
        self._writer.finish()
        self._stream.close()
