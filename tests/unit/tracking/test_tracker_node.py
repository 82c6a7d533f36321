"""The tracker node loses its shoppers when all cameras fall silent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rclpy
from rclpy.time import Time
from tracked_scenes import Walker, record

from walkout import msg
from walkout.ros.conversions import detections_to_msg
from walkout.store.loader import load_store
from walkout.tracking.node import TrackerNode

START_S = 500.0


class Clock:
    """A clock that is set by hand, minutes ahead of the cameras' stamps."""

    def __init__(self) -> None:
        self.seconds = START_S

    def now(self) -> Time:
        return Time(nanoseconds=int(self.seconds * 1e9))


@pytest.fixture
def node() -> Iterator[TrackerNode]:
    rclpy.init()
    made = TrackerNode()
    made.start_unmanaged()
    yield made
    made.destroy_node()
    rclpy.shutdown()


def test_shoppers_are_lost_when_all_detections_stop(node: TrackerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    published: list[msg.Shoppers] = []
    monkeypatch.setattr(node, "get_clock", lambda: clock)
    monkeypatch.setattr(node._shoppers, "publish", published.append)
    store = load_store("corner")
    low, high = store.floor[:2], store.floor[2:]
    middle = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2
    walker = Walker(lambda t: (middle[0] - 1.0 + 0.6 * t, middle[1]))
    node._on_timer()
    for frame in record([walker], 4, cameras=store.cameras):
        clock.seconds = START_S + frame.stamp_ns * 1e-9
        node._on_detections(detections_to_msg(frame, store.camera_by_id[frame.camera_id]))
        node._on_timer()
    assert [s.state for s in published[-1].shoppers] == [msg.Shopper.CONFIRMED]
    for _ in range(40):
        clock.seconds += 0.25
        node._on_timer()
    assert [s.state for s in published[-1].shoppers] == [msg.Shopper.LOST]


def test_two_who_walk_together_are_published_as_a_group(node: TrackerNode, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[msg.Shoppers] = []
    monkeypatch.setattr(node._shoppers, "publish", published.append)
    store = load_store("corner")
    middle = (store.floor[0] + store.floor[2]) / 2, (store.floor[1] + store.floor[3]) / 2
    walkers = [
        Walker(lambda t, s=s: (middle[0] - 1.0 + 0.3 * t, middle[1] + s), look=n) for n, s in enumerate((0, 0.9))
    ]
    for frame in record(walkers, 7, cameras=store.cameras):
        node._on_detections(detections_to_msg(frame, store.camera_by_id[frame.camera_id]))
    shoppers = published[-1].shoppers
    assert len(shoppers) == 2
    assert {s.group_id for s in shoppers} == {min(s.track_id for s in shoppers)}
    assert all(0.5 < s.group_probability < 1.0 for s in shoppers)
