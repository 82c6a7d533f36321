"""`SequentialReader`: reads a bag message by message, also one that was never closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from rosbag2_py import metadata as meta
from rosbag2_py import qos
from rosbag2_py.db3_file import Db3File
from rosbag2_py.mcap_file import McapFile, StoredMessage
from rosbag2_py.metadata import BagMetadata, FileInformation, TopicInformation, TopicMetadata
from rosbag2_py.options import (
    READABLE_ID,
    STORAGE_ID,
    ConverterOptions,
    ReadOrder,
    ReadOrderSortBy,
    StorageFilter,
    StorageOptions,
)

_READABLE = (STORAGE_ID, READABLE_ID)


def get_registered_readers() -> set[str]:
    """Return the storages that can be read."""
    return set(_READABLE)


class SequentialReader:
    """Returns serialised messages in the order of their reception."""

    def __init__(self) -> None:
        self._files: list[McapFile] | list[Db3File] = []
        self._metadata: BagMetadata | None = None
        self._filter = StorageFilter()
        self._start_ns: int | None = None
        self._end_ns: int | None = None
        self._messages: Iterator[StoredMessage] = iter(())
        self._next: StoredMessage | None = None

    def open(self, storage_options: StorageOptions, converter_options: ConverterOptions | None = None) -> None:
        """Open a bag: its folder or a single ``.mcap`` file. RuntimeError when it is none."""
        storage_options.check(_READABLE)
        (converter_options or ConverterOptions()).check()
        self.close()
        self._files, self._metadata = open_bag(Path(storage_options.uri))
        self._start_ns = storage_options.start_time_ns if storage_options.start_time_ns >= 0 else None
        self._end_ns = storage_options.end_time_ns if storage_options.end_time_ns >= 0 else None
        self._restart()

    def open_uri(self, uri: str) -> None:
        """Open a bag with default options."""
        self.open(StorageOptions(uri=str(uri)))

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
        self._files, self._metadata, self._next = [], None, None
        self._filter = StorageFilter()
        self._messages = iter(())

    def __enter__(self) -> SequentialReader:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.close()

    def get_metadata(self) -> BagMetadata:
        """Return what is known of the bag."""
        self._require_open()
        return self._metadata

    def get_all_topics_and_types(self) -> list[TopicMetadata]:
        """Return the bag's topics."""
        return [t.topic_metadata for t in self.get_metadata().topics_with_message_count]

    def has_next(self) -> bool:
        """Return whether `read_next` will return a message."""
        self._require_open()
        return self._next is not None

    def read_next(self) -> tuple[str, bytes, int]:
        """Return topic, message in CDR and time of reception in nanoseconds."""
        message = self.read_next_stored()
        return message.topic, message.data, message.log_ns

    def read_next_stored(self) -> StoredMessage:
        """Return the next message with both its times (not in upstream's interface)."""
        self._require_open()
        if self._next is None:
            raise RuntimeError("Bag is at end. No next message.")
        message, self._next = self._next, next(self._messages, None)
        return message

    def seek(self, timestamp_ns: int) -> None:
        """Continue with the first message received at this time or later."""
        self._require_open()
        self._start_ns = int(timestamp_ns)
        self._restart()

    def set_filter(self, storage_filter: StorageFilter) -> None:
        """Return only messages of some topics, from the present position on."""
        self._require_open()
        self._filter = replace(storage_filter)
        self._resume()

    def reset_filter(self) -> None:
        """Return messages of all topics again, from the present position on."""
        self.set_filter(StorageFilter())

    def set_read_order(self, order: ReadOrder) -> bool:
        """Accept the default order; return False for those not supported."""
        return order.sort_by == ReadOrderSortBy.ReceivedTimestamp and not order.reverse

    def _require_open(self) -> None:
        if self._metadata is None:
            raise RuntimeError("Bag is not open. Call open() before reading.")

    def _resume(self) -> None:
        if self._next is not None:
            self._start_ns = self._next.log_ns
        self._restart()

    def _restart(self) -> None:
        topics = {t.name for t in self.get_all_topics_and_types() if self._filter.accepts(t.name)}
        self._messages = chain.from_iterable(f.messages(topics, self._start_ns, self._end_ns) for f in self._files)
        self._next = next(self._messages, None)


class Info:
    """Metadata of a bag without reading its messages."""

    def read_metadata(self, uri: str, storage_id: str = "") -> BagMetadata:
        """Return the metadata; RuntimeError when there is no bag."""
        StorageOptions(uri=uri, storage_id=storage_id).check(_READABLE)
        files, metadata = open_bag(Path(uri))
        for file in files:
            file.close()
        return metadata


def open_bag(path: Path) -> tuple[list[McapFile] | list[Db3File], BagMetadata]:
    """Return the files of a bag, in order, and its metadata.

    Where ``metadata.yaml`` is missing, or disagrees with a file that was cut off, the metadata come from the files.
    """
    if not path.exists():
        raise RuntimeError(f"No such bag: {path}")
    if path.is_file():
        files = [McapFile(path)]
        return files, describe(files)
    if (path / meta.FILE_NAME).is_file():
        metadata = meta.read_metadata(path)
        if metadata.storage_identifier not in _READABLE:
            raise RuntimeError(f"{path}: storage '{metadata.storage_identifier}' is not supported, only "
                               f"{' and '.join(_READABLE)}; convert it with: rosbags-convert")
        if metadata.compression_mode.lower() in ("file", "message"):
            raise RuntimeError(f"{path}: compression by {metadata.compression_mode.lower()} is not supported; "
                               "convert it with: rosbags-convert")
        if metadata.storage_identifier == READABLE_ID:
            return [Db3File(path / name) for name in metadata.relative_file_paths], metadata
        files = [McapFile(path / name) for name in metadata.relative_file_paths]
        return files, metadata if all(f.complete for f in files) else describe(files)
    names = sorted(path.glob("*.mcap"), key=_file_number)
    if not names:
        raise RuntimeError(f"{path}: no {meta.FILE_NAME} and no .mcap file: not a bag")
    files = [McapFile(name) for name in names if name.stat().st_size > 0]
    return files, describe(files)


def describe(files: list[McapFile]) -> BagMetadata:
    """Return the metadata that follows from the files themselves."""
    topics: dict[str, TopicInformation] = {}
    infos = []
    for file in files:
        start, end = file.span_ns
        counts = file.counts
        infos.append(FileInformation(file.path.name, start, end - start, sum(counts.values())))
        for channel in file.channels:
            schema = file.schema_of(channel)
            known = topics.setdefault(channel.topic, TopicInformation(TopicMetadata(
                len(topics), channel.topic, schema.name if schema else "", channel.message_encoding,
                qos.from_plain(channel.metadata.get("offered_qos_profiles")),
                channel.metadata.get("topic_type_hash", ""))))
            known.message_count += counts.pop(channel.topic, 0)
    metadata = meta.combine(infos, list(topics.values()), {})
    metadata.bag_size = sum(f.path.stat().st_size for f in files)
    return metadata


def _file_number(path: Path) -> tuple[int, str]:
    number = path.stem.rpartition("_")[2]
    return (int(number) if number.isdigit() else 0, path.name)
