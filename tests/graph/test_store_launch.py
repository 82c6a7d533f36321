"""The full store through its launch file: shoppers come, buy, leave and get receipts; then Ctrl-C."""

from __future__ import annotations

import socket
import urllib.request

import psutil
import pytest

from walkout import msg
from walkout.ros import qos

RECEIPT_TIMEOUT_S = 150
TRUTH_READERS = {"observer"}


class Collected:
    """What the observer has heard."""

    def __init__(self, node) -> None:
        self.receipts, self.baskets, self.shoppers, self.carts = {}, [], [], []
        node.create_subscription(msg.Receipt, "receipts", self._on_receipt, qos.LEDGER)
        node.create_subscription(msg.TruthBasket, "truth/baskets", self.baskets.append, qos.EVENTS)
        node.create_subscription(msg.Shoppers, "shoppers", self.shoppers.append, qos.STREAMS)
        node.create_subscription(msg.Carts, "carts", self.carts.append, qos.EVENTS)

    def _on_receipt(self, message) -> None:
        self.receipts[message.receipt_id] = message

    def paid(self):
        settled = (msg.Receipt.CAPTURED, msg.Receipt.RELEASED)
        return [receipt for receipt in self.receipts.values() if receipt.payment_state in settled]


@pytest.mark.timeout(300)
def test_shoppers_leave_with_receipts_and_ctrl_c_ends_everything(launch, observer, domain_id, free_port, tmp_path):
    heard = Collected(observer)
    store = launch(
        "walkout",
        "store.launch.py",
        "store:=kiosk",
        "scenario:=kiosk_one",
        f"port:={free_port}",
        f"ledger:={tmp_path / 'ledger.db'}",
    )
    store.wait_for(lambda: "is live at http" in store.output, 60, "web page")
    page = urllib.request.urlopen(f"http://127.0.0.1:{free_port}/", timeout=5).read()
    assert b"<title>Walkout" in page

    store.wait_for(heard.paid, RECEIPT_TIMEOUT_S, "paid receipt")
    store.wait_for(lambda: heard.baskets, 30, "true basket")
    assert any(cart.total.minor > 0 for message in heard.carts for cart in message.carts), (
        "no live cart ever held anything"
    )
    receipt, basket = heard.paid()[0], heard.baskets[0]
    charged = {line.sku: line.quantity for line in receipt.lines}
    assert charged == dict(zip(basket.skus, basket.quantities, strict=True))
    assert receipt.total.minor == sum(line.total_minor for line in receipt.lines)

    names = {name for name, _ in observer.get_node_names_and_namespaces()}
    assert {"store", "detector", "tracker", "shelf_monitor", "cart_manager", "gate", "web_view", "simulator"} <= names
    for topic, _ in observer.get_topic_names_and_types():
        if topic.startswith("/truth/"):
            readers = {end.node_name for end in observer.get_subscriptions_info_by_topic(topic)}
            assert readers <= TRUTH_READERS, f"{topic} is read by {readers}"

    children = store.children()
    assert store.interrupt() < 3.0
    assert store.process.returncode == 0, store.output
    assert "Traceback" not in store.output
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.timeout(180)
def test_a_sensor_that_dies_comes_back_and_a_core_node_ends_the_store(launch, observer, free_port, tmp_path):
    heard = []
    observer.create_subscription(msg.Detections, "camera/c1/detections", heard.append, qos.STREAMS)
    store = launch(
        "walkout",
        "store.launch.py",
        "store:=kiosk",
        "scenario:=kiosk_one",
        "compose:=nodes",
        "web:=false",
        f"ledger:={tmp_path / 'ledger.db'}",
    )
    store.wait_for(lambda: heard, 90, "detections")
    driver = find(store, "camera_driver_c1")
    driver.kill()
    store.wait_for(lambda: find(store, "camera_driver_c1", other_than=driver.pid), 20, "new camera driver")
    heard.clear()
    store.wait_for(lambda: heard, 30, "detections after the restart")

    find(store, "tracker").kill()
    store.process.wait(15)
    assert "tracker has ended" in store.output


def find(store, name, other_than=None):
    for child in store.children():
        try:
            if f"__node:={name}" in child.cmdline() and child.pid != other_than:
                return child
        except psutil.NoSuchProcess:
            continue
    return None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stroe:=corner"], "unknown argument stroe:=; did you mean store:=?"),
        (["store:=nowhere"], "nowhere"),
        (["cameras:=c1,c99"], "store corner has no camera 'c99'"),
        (["scenario:=nothing"], "nothing"),
        (["compose:=sometimes"], "sometimes"),
    ],
)
def test_wrong_arguments_are_one_clear_line(launch, arguments, message):
    store = launch("walkout", "store.launch.py", *arguments)
    code = store.process.wait(40)
    store._reader.join(2)
    assert code != 0
    lines = [line for line in store.lines if message in line]
    assert len(lines) == 1, store.output
    assert "Traceback" not in store.output
    assert store.children() == []


def test_a_port_in_use_ends_the_store_with_a_clear_line(launch, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        store = launch(
            "walkout",
            "store.launch.py",
            "store:=kiosk",
            "scenario:=kiosk_one",
            f"port:={port}",
            f"ledger:={tmp_path / 'ledger.db'}",
        )
        store.process.wait(60)
    store._reader.join(2)
    assert f"port {port} on 127.0.0.1 is in use" in store.output
    assert "Traceback" not in store.output
    assert store.process.returncode != 0


def test_the_arguments_are_shown(launch):
    shown = launch("walkout", "store.launch.py", "-s")
    assert shown.process.wait(30) == 0
    shown._reader.join(2)
    for name in ("store", "scenario", "cameras", "compose", "rviz", "record", "web"):
        assert f"'{name}':" in shown.output
