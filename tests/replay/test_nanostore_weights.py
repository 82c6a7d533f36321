"""Weight events on a real store's load cells.

The data is public: github.com/QuandoSJ/AUTOCHECKOUT-TEAM6, commit 1700777, testcases/BENCHMARK-1 (MIT), a trace of the
AiFi NanoStore for the CPS-IoT Week 2020 AutoCheckout competition. WALKOUT_REAL_DATA names the folder that holds it.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from walkout.drivers.types import ReadingBatch
from walkout.interactions.shelf_monitor import ShelfMonitor, ShelfMonitorParameters
from walkout.interactions.types import WeightEvent
from walkout.store.model import Fixture, FixtureType, Lane, Pose2, Shelf

PERIOD_NS = 16_666_667
BATCH_NS = 200_000_000


def messages() -> Iterator[tuple[str, np.ndarray]]:
    """Yield gondola and (12, shelves, plates) grams; row and column 0 of the published arrays are empty."""
    folder = os.environ.get("WALKOUT_REAL_DATA")
    if not folder:
        pytest.skip("WALKOUT_REAL_DATA is not set; data: github.com/QuandoSJ/AUTOCHECKOUT-TEAM6 testcases/BENCHMARK-1")
    places = [Path(folder), Path(folder) / "nanostore_benchmark_1"]
    file = next((place / "plate_data.json" for place in places if (place / "plate_data.json").is_file()), None)
    assert file is not None, f"WALKOUT_REAL_DATA is set, but there is no plate_data.json in {folder}"
    for line in file.read_text().splitlines():
        plates = json.loads(line)["document"]["plate_data"]
        values = plates["values"]
        grams = np.frombuffer(base64.b64decode(values["data"]), "<f4").reshape(values["shape"])
        yield str(plates["plate_id"]["shelf_id"]["gondola_id"]["id"]), grams[:, 1:, 1:]


def gondola(name: str, shelves: int, plates: int) -> Fixture:
    boards = tuple(
        Shelf(s, 0, 0.3 * s, 1, 0.4, 0.3, tuple(Lane(f"{name}/{s + 1}/{p + 1}", p, 0, 0.1, 0.4) for p in range(plates)))
        for s in range(shelves)
    )
    return Fixture(name, FixtureType.GONDOLA, Pose2(0, 0), (0.5, 1.2, 2.0), boards)


@pytest.fixture(scope="module")
def events() -> list[WeightEvent]:
    monitors: dict[str, ShelfMonitor] = {}
    counts: dict[str, int] = {}
    found = []
    for name, grams in messages():
        if name not in monitors:
            monitors[name] = ShelfMonitor(ShelfMonitorParameters(), gondola(name, *grams.shape[1:]))
        stamp_ns = counts.get(name, 0) * BATCH_NS
        counts[name] = counts.get(name, 0) + 1
        found += monitors[name].add(ReadingBatch(name, stamp_ns, PERIOD_NS, grams.reshape(len(grams), -1)))
    return found


def test_the_one_purchase_is_the_one_event(events: list[WeightEvent]) -> None:
    (event,) = [e for e in events if not e.provisional and e.delta_g != 0]
    assert event.lane_ids == ("1/5/11",)
    assert -626 <= event.delta_g <= -621
    assert 11.9e9 <= event.onset_ns <= 12.5e9


def test_what_was_announced_for_nothing_is_taken_back(events: list[WeightEvent]) -> None:
    last = {event.event_id: event for event in events}
    assert not any(event.provisional for event in last.values())
