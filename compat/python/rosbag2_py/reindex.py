"""`Reindexer`: completes a bag that was cut off, so that every other tool can open it too."""

from __future__ import annotations

from pathlib import Path

from mcap.writer import CompressionType, Writer

from rosbag2_py import metadata as meta
from rosbag2_py.mcap_file import McapFile
from rosbag2_py.options import StorageOptions
from rosbag2_py.reader import describe, open_bag


class Reindexer:
    """Writes ``metadata.yaml`` anew and gives files that lack an index one; no complete message is lost."""

    def reindex(self, storage_options: StorageOptions) -> None:
        """Reindex the bag's folder; RuntimeError when it is none."""
        folder = Path(storage_options.uri)
        if not folder.is_dir():
            raise RuntimeError(f"No such bag folder: {folder}")
        old = folder / meta.FILE_NAME
        if old.exists():
            old.unlink()
        files, _ = open_bag(folder)
        paths = []
        for file in files:
            if not file.complete:
                _complete(file)
            file.close()
            paths.append(file.path)
        files = [McapFile(path) for path in paths]
        meta.write_metadata(folder, describe(files))
        for file in files:
            file.close()


def _complete(file: McapFile) -> None:
    """Replace a cut file by one with the same messages and an index."""
    temporary = file.path.with_suffix(".mcap.new")
    with temporary.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.NONE, enable_crcs=False)
        writer.start(profile="ros2")
        schemas: dict[int, int] = {}
        channels: dict[str, int] = {}
        for channel in file.channels:
            schema = file.schema_of(channel)
            if schema is not None and schema.id not in schemas:
                schemas[schema.id] = writer.register_schema(schema.name, schema.encoding, schema.data)
            channels[channel.topic] = writer.register_channel(
                channel.topic, channel.message_encoding, schemas.get(channel.schema_id, 0), channel.metadata)
        for message in file.messages():
            writer.add_message(channels[message.topic], message.log_ns, message.data, message.publish_ns)
        writer.finish()
    temporary.replace(file.path)
