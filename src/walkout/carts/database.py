"""Opening a database so that what was committed survives a power cut and two processes can share it."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

_WAIT_S = 10.0
"""How long a connection waits for another one's lock."""
_RETRY_S = 0.05


def open_engine(url: str) -> sa.Engine:
    """Open the database at ``url`` (SQLite or PostgreSQL).

    SQLite runs in WAL mode with synchronous=FULL. A connection with the execution option ``write`` takes the write lock
    when its transaction begins, so that two writers wait for each other instead of failing half-way.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed)
    if parsed.database in (None, "", ":memory:"):
        engine = sa.create_engine(parsed, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = sa.create_engine(parsed, connect_args={"timeout": _WAIT_S})
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: _begin says which lock is taken.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(1000 * _WAIT_S)}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Switch to WAL; while another process writes to a new database, SQLite refuses that at once instead of waiting."""
    for _ in range(int(_WAIT_S / _RETRY_S)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(_RETRY_S)
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
