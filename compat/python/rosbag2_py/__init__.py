"""Stand-in of rosbag2_py on the `mcap` library: reading and writing of rosbag2 bags with MCAP storage.

A bag is a folder ``NAME/`` with ``metadata.yaml`` and ``NAME_0.mcap``, which every ROS 2 tool and Foxglove open. What
the writer has flushed survives a crash: the reader finds it without the index and without ``metadata.yaml``.
"""

from rosbag2_py.metadata import (
    BagMetadata,
    FileInformation,
    TopicInformation,
    TopicMetadata,
    read_metadata,
    write_metadata,
)
from rosbag2_py.options import ConverterOptions, ReadOrder, ReadOrderSortBy, StorageFilter, StorageOptions
from rosbag2_py.reader import Info, SequentialReader, get_registered_readers
from rosbag2_py.reindex import Reindexer
from rosbag2_py.writer import SequentialWriter, get_registered_compressors, get_registered_writers

__standin__ = True

__all__ = [
    "BagMetadata",
    "ConverterOptions",
    "FileInformation",
    "Info",
    "ReadOrder",
    "ReadOrderSortBy",
    "Reindexer",
    "SequentialReader",
    "SequentialWriter",
    "StorageFilter",
    "StorageOptions",
    "TopicInformation",
    "TopicMetadata",
    "get_registered_compressors",
    "get_registered_readers",
    "get_registered_writers",
    "read_metadata",
    "write_metadata",
]
