"""However a store is ended, nothing is left of it; and while it runs, its views fit it.

Ctrl-C is in test_store_launch.py, the death of single nodes too.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from walkout.ros import qos, rviz_config
from walkout.ros.marker_lint import MarkerLint

CONFIG = Path(__file__).parents[2] / "rviz" / "store.rviz"
END_S = 15
"""The longest that the end may take on a busy machine."""


def is_running(process) -> bool:
    """Whether a process is there; what only waits to be reaped by the system's first process is not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end_by_sigterm(store):
    store.process.terminate()


def end_launcher(store):
    store.process.kill()


def end_group(store):
    os.killpg(store.process.pid, signal.SIGKILL)


class Views:
    """What RViz would get: static frames and markers, from before and after it has started."""

    def __init__(self, node) -> None:
        self.node = node
        self.frames: set[str] = set()
        self.arrays: dict[str, list[MarkerArray]] = {}
        node.create_subscription(TFMessage, "/tf_static", self._on_frames, qos.LATCHED)
        for topic, profile in (("/markers/store", qos.LATCHED), ("/markers/shoppers", qos.MARKERS)):
            node.create_subscription(MarkerArray, topic, self.arrays.setdefault(topic, []).append, profile)

    def _on_frames(self, message) -> None:
        for transform in message.transforms:
            self.frames |= {transform.header.frame_id, transform.child_frame_id}

    def have_shoppers(self) -> bool:
        return bool(self.arrays["/markers/store"]) and any(a.markers for a in self.arrays["/markers/shoppers"])

    def offers(self) -> dict[str, rviz_config.Offer]:
        found = {}
        for topic, types in self.node.get_topic_names_and_types():
            offered = [end.qos_profile for end in self.node.get_publishers_info_by_topic(topic)]
            markers = [marker for array in self.arrays.get(topic, []) for marker in array.markers]
            if offered:
                found[topic] = rviz_config.Offer(
                    types[0],
                    reliable=all(p.reliability == qos.EVENTS.reliability for p in offered),
                    latched=all(p.durability == qos.LATCHED.durability for p in offered),
                    frames=frozenset(marker.header.frame_id for marker in markers),
                    namespaces=frozenset(marker.ns for marker in markers),
                )
        return found


@pytest.mark.timeout(400)
def test_nothing_is_left_however_the_store_is_ended(launch, observer, free_port, tmp_path):
    views = Views(observer)
    for end in (end_by_sigterm, end_launcher, end_group):
        store = launch(
            "walkout", "store.launch.py", "store:=kiosk", "scenario:=kiosk_one", "compose:=nodes",
            f"port:={free_port}", f"ledger:={tmp_path / 'ledger.db'}",
        )  # fmt: skip
        store.wait_for(lambda store=store: "is live at http" in store.output, 90, "web page")
        if end is end_by_sigterm:
            store.wait_for(views.have_shoppers, 90, "markers")
            check_views(views)
        processes = store.children()
        assert len(processes) > 10

        end(store)
        store.process.wait(END_S)
        psutil.wait_procs([process for process in processes if is_running(process)], END_S)
        assert [process.cmdline() for process in processes if is_running(process)] == [], end.__name__
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", free_port))
        if end is end_by_sigterm:
            store._reader.join(2)
            assert "Traceback" not in store.output, store.output
            assert store.process.returncode == 0, store.output


def check_views(views):
    """The shipped RViz configuration shows something in this graph, and the markers are as they should be."""
    config = rviz_config.read(CONFIG)
    assert rviz_config.compare(config, views.offers(), views.frames) == []
    for topic, arrays in views.arrays.items():
        lint = MarkerLint(frozenset(views.frames))
        problems = [problem for array in arrays for problem in lint.check(array)]
        # The first array may delete what was shown before we listened.
        assert [problem for problem in problems if "never shown" not in problem] == [], topic
