"""The option objects of readers and writers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum

STORAGE_ID = "mcap"
#: What can be read only.
READABLE_ID = "sqlite3"
PRESETS = ("", "none", "fastwrite", "zstd_fast", "zstd_small")


@dataclass
class StorageOptions:
    """Where and how a bag is stored.

    Attributes:
        uri: folder of the bag (a reader also takes the ``.mcap`` file).
        storage_id: ``mcap`` or empty; readers also know ``sqlite3``.
        max_bagfile_size: bytes after which a new file is begun; 0 is never.
        max_bagfile_duration: seconds after which a new file is begun; 0 is never.
        max_cache_size: accepted; chunks are the cache here.
        storage_preset_profile: one of ``none``, ``fastwrite`` (no chunks, hence no index), ``zstd_fast``,
            ``zstd_small``.
        storage_config_uri: not supported; must be empty.
        snapshot_mode: not supported; must be False.
        start_time_ns: ignored by the writer; the reader starts here (-1: at the beginning).
        end_time_ns: the reader ends here (-1: at the end).
        custom_data: stored with the bag.
    """

    uri: str = ""
    storage_id: str = ""
    max_bagfile_size: int = 0
    max_bagfile_duration: int = 0
    max_cache_size: int = 0
    storage_preset_profile: str = ""
    storage_config_uri: str = ""
    snapshot_mode: bool = False
    start_time_ns: int = -1
    end_time_ns: int = -1
    custom_data: dict[str, str] = field(default_factory=dict)

    def check(self, known: tuple[str, ...] = (STORAGE_ID,)) -> None:
        """Raise RuntimeError for what this stand-in cannot do; `known` storages are those that can."""
        if self.storage_id not in ("", *known):
            raise RuntimeError(f"No storage could be initialized: storage '{self.storage_id}' is not supported, "
                               f"only {' and '.join(known)}")
        if self.storage_preset_profile not in PRESETS:
            raise RuntimeError(f"unknown storage preset profile '{self.storage_preset_profile}'; "
                               f"choose one of: {', '.join(PRESETS[1:])}")
        if self.storage_config_uri:
            raise RuntimeError("a storage config file is not supported")
        if self.snapshot_mode:
            raise RuntimeError("snapshot mode is not supported")


@dataclass
class ConverterOptions:
    """Serialisation formats; only ``cdr`` (or nothing) is known."""

    input_serialization_format: str = ""
    output_serialization_format: str = ""

    def check(self) -> None:
        """Raise RuntimeError for another format than CDR."""
        for name in (self.input_serialization_format, self.output_serialization_format):
            if name not in ("", "cdr"):
                raise RuntimeError(f"serialization format '{name}' is not supported, only 'cdr'")


@dataclass
class StorageFilter:
    """Which topics a reader returns: those named, those that match `regex`; neither given means all. Exclusion wins."""

    topics: list[str] = field(default_factory=list)
    regex: str = ""
    exclude_topics: list[str] = field(default_factory=list)
    regex_to_exclude: str = ""

    def accepts(self, topic: str) -> bool:
        """Return whether the topic passes."""
        if topic in self.exclude_topics or (self.regex_to_exclude and re.search(self.regex_to_exclude, topic)):
            return False
        if not self.topics and not self.regex:
            return True
        return topic in self.topics or bool(self.regex and re.search(self.regex, topic))


class ReadOrderSortBy(IntEnum):
    """What a reader sorts by."""

    ReceivedTimestamp = 0
    PublishedTimestamp = 1
    File = 2


@dataclass
class ReadOrder:
    """Order of reading; only the default, by time of reception, is supported."""

    sort_by: ReadOrderSortBy = ReadOrderSortBy.ReceivedTimestamp
    reverse: bool = False
