"""Reading of ``.db3`` files, the SQLite storage that older distributions recorded by default."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from rosbag2_py.mcap_file import StoredMessage


class Db3File:
    """One file of a bag in SQLite storage; read only. What it holds is described by the bag's ``metadata.yaml``."""

    #: A database is never cut off: a transaction is in it or not.
    complete = True

    def __init__(self, path: Path) -> None:
        """Open the file. RuntimeError when it is not a database of messages."""
        self.path = path
        try:
            self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            self._database.execute("SELECT topic_id, timestamp, data FROM messages LIMIT 1")
        except sqlite3.Error as error:
            raise RuntimeError(f"{path}: cannot be read: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def messages(self, topics: Collection[str] | None = None, start_ns: int | None = None,
                 end_ns: int | None = None) -> Iterator[StoredMessage]:
        """Yield messages of the topics in the order of their reception, `end_ns` included."""
        ids = {number: name for number, name in self._database.execute("SELECT id, name FROM topics")
               if topics is None or name in topics}
        rows = self._database.execute(
            "SELECT topic_id, timestamp, data FROM messages WHERE timestamp >= ? AND timestamp <= ? "
            "ORDER BY timestamp, id", (start_ns or 0, 2**63 - 1 if end_ns is None else end_ns))
        for number, stamp_ns, data in rows:
            if number in ids:
                yield StoredMessage(ids[number], bytes(data), stamp_ns, stamp_ns)
