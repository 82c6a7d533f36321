import sqlite3
import threading
from importlib import resources
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import given, settings
from hypothesis import strategies as st
from shop import Crash, CrashingLedger, CrashPlan

from walkout.carts.database import open_engine
from walkout.carts.entries import Entry, LedgerKind, SessionState
from walkout.carts.ledger import Ledger, LedgerError, open_ledger
from walkout.carts.schema import METADATA, REVISION


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


def test_entries_are_numbered_without_gaps_and_survive_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(url(tmp_path))
    numbers = ledger.append(*[Entry(LedgerKind.GATE_EXITED, stamp) for stamp in range(3)])
    ledger.close()
    again = Ledger(url(tmp_path))
    assert numbers == [1, 2, 3]
    assert [event.stamp_ns for event in again.events()] == [0, 1, 2]
    assert again.append(Entry(LedgerKind.TAILGATED, 9)) == [4]


def test_a_key_is_written_once_and_keeps_its_number(tmp_path: Path) -> None:
    ledger = Ledger(url(tmp_path))
    first = ledger.append(Entry(LedgerKind.TAILGATED, 5, key="a"))
    other = Ledger(url(tmp_path))
    assert other.append(Entry(LedgerKind.TAILGATED, 6, key="a"), Entry(LedgerKind.TAILGATED, 7, key="b")) == [1, 2]
    assert first == [1]
    assert [event.stamp_ns for event in ledger.events()] == [5, 7]


def test_the_entries_of_one_call_stand_or_fall_together(tmp_path: Path) -> None:
    ledger = Ledger(url(tmp_path))
    unreadable = Entry(LedgerKind.RECEIPT_DELIVERED, 2, "s", {"no": "receipt"})
    with pytest.raises(KeyError, match="receipt_id"):
        ledger.append(Entry(LedgerKind.TAILGATED, 1), unreadable)
    assert ledger.events() == []


@pytest.mark.parametrize("change", ["UPDATE ledger_events SET stamp_ns = 0", "DELETE FROM ledger_events"])
def test_what_was_written_cannot_be_changed(tmp_path: Path, change: str) -> None:
    Ledger(url(tmp_path)).append(Entry(LedgerKind.TAILGATED, 5))
    with open_engine(url(tmp_path)).begin() as connection, pytest.raises(sa.exc.IntegrityError, match="append-only"):
        connection.execute(sa.text(change))


def test_the_database_is_safe_against_a_power_cut(tmp_path: Path) -> None:
    Ledger(url(tmp_path)).close()
    with open_engine(url(tmp_path)).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_migrations_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    Ledger(url(tmp_path)).close()
    inspector = sa.inspect(open_engine(url(tmp_path)))
    for table in METADATA.tables.values():
        there = {column["name"]: column["nullable"] for column in inspector.get_columns(table.name)}
        assert there == {column.name: column.nullable for column in table.columns}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes


def test_opening_a_ledger_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(resources.files("walkout.carts.migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_write_that_dies_before_its_end_leaves_nothing(tmp_path: Path) -> None:
    ledger = CrashingLedger(url(tmp_path), CrashPlan(1))
    with pytest.raises(Crash):
        ledger.append(Entry(LedgerKind.TAILGATED, 5))
    assert Ledger(url(tmp_path)).events() == []


SESSION_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                LedgerKind.SESSION_AUTHORISED,
                LedgerKind.SESSION_ENTERED,
                LedgerKind.SESSION_EXITED,
                LedgerKind.SESSION_EXPIRED,
                LedgerKind.TRACKS_BOUND,
            ]
        ),
        st.integers(0, 3),
    ),
    max_size=25,
)


@settings(max_examples=20, deadline=None)
@given(SESSION_EVENTS)
def test_projections_are_what_a_replay_of_the_events_gives(events: list[tuple[LedgerKind, int]]) -> None:
    ledger = Ledger()
    for stamp, (kind, number) in enumerate(events):
        payload = {"track_ids": [stamp], "gate_id": "in", "party_kind": 1, "authorisation": f"hold-{number}"}
        ledger.append(Entry(kind, stamp, f"s{number}", payload))
    before = ledger.projections()
    ledger.rebuild()
    assert ledger.projections() == before
    assert all(session.state in SessionState for session in ledger.sessions(*SessionState))
    ledger.close()


def test_a_ledger_that_cannot_be_written_says_so():
    ledger = Ledger()
    assert ledger.check_writable() == "writable"
    with ledger._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        ledger.check_writable()
    ledger.close()


def test_a_ledger_that_cannot_be_opened_is_one_clear_line(tmp_path):
    with pytest.raises(LedgerError, match="unable to open database file; check the URL, the folder's permissions"):
        open_ledger(f"sqlite:///{tmp_path}/no/such/folder/ledger.db")


def test_two_processes_may_create_the_same_ledger_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE theirs (x)")
    other.execute("BEGIN IMMEDIATE")
    other.execute("SELECT * FROM theirs").fetchall()
    release = threading.Timer(0.3, other.execute, ("COMMIT",))
    release.start()
    ledger = Ledger(f"sqlite:///{path}")
    release.join()
    assert ledger.check_writable() == "writable"
    ledger.close()
    other.close()
