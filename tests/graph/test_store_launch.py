"""The full store through its launch file: shoppers come, buy, leave and get receipts; then Ctrl-C."""

from __future__ import annotations

import socket
import urllib.request

import psutil
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from walkout import msg, srv
from walkout.ros import qos
from walkout.ros.health import HEALTH_TOPIC, admission
from walkout.ros.manager_node import CORE_NODES
from walkout.ros.supervision import STORE_IS_UP

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


@pytest.mark.timeout(240)
def test_what_dies_comes_back_and_meanwhile_nobody_is_admitted(launch, observer, free_port, tmp_path):
    heard, health = [], []
    observer.create_subscription(msg.Detections, "camera/c1/detections", heard.append, qos.STREAMS)
    observer.create_subscription(DiagnosticStatus, HEALTH_TOPIC, health.append, qos.LATCHED)
    store = launch(
        "walkout",
        "store.launch.py",
        "store:=kiosk",
        "scenario:=kiosk_one",
        "compose:=nodes",
        "web:=false",
        f"ledger:={tmp_path / 'ledger.db'}",
    )
    store.wait_for(lambda: STORE_IS_UP in store.output, 90, "store that is up")
    store.wait_for(lambda: health and admission(health[-1])[0], 10, "admission")
    store.wait_for(lambda: heard, 30, "detections")
    driver = find(store, "camera_driver_c1")
    driver.kill()
    store.wait_for(lambda: find(store, "camera_driver_c1", other_than=driver.pid), 20, "new camera driver")
    heard.clear()
    store.wait_for(lambda: heard, 30, "detections after the restart")

    health.clear()
    carts = find(store, "cart_manager")
    carts.kill()
    store.wait_for(lambda: any(not admission(one)[0] for one in health), 30, "closed gate")
    assert any("cart_manager" in one.message for one in health if not admission(one)[0])
    store.wait_for(lambda: admission(health[-1])[0], 60, "admission after the restart")
    assert find(store, "cart_manager", other_than=carts.pid)


@pytest.mark.timeout(240)
def test_the_service_pauses_shuts_down_in_reverse_and_starts_up(launch, observer, tmp_path):
    health = []
    observer.create_subscription(DiagnosticStatus, HEALTH_TOPIC, health.append, qos.LATCHED)
    manage = observer.create_client(srv.ManageStore, "manage_store")
    store = launch(
        "walkout", "store.launch.py", "store:=kiosk", "scenario:=kiosk_one", "web:=false",
        f"ledger:={tmp_path / 'ledger.db'}",
    )  # fmt: skip
    store.wait_for(lambda: health and admission(health[-1])[0], 90, "admission")

    def command(number):
        future = manage.call_async(srv.ManageStore.Request(command=number))
        store.wait_for(future.done, 20, "answer")
        return future.result()

    def states():
        return {item.key: item.value for item in health[-1].values}

    assert command(srv.ManageStore.Request.PAUSE).success
    store.wait_for(lambda: "paused" in health[-1].message, 10, "pause")
    assert not admission(health[-1])[0]
    assert command(srv.ManageStore.Request.RESUME).success
    store.wait_for(lambda: admission(health[-1])[0], 10, "admission")
    assert command(srv.ManageStore.Request.SHUTDOWN).success
    store.wait_for(lambda: all(states()[name] == "unconfigured" for name in CORE_NODES), 30, "everything down")
    assert not command(srv.ManageStore.Request.RESUME).success
    assert command(srv.ManageStore.Request.STARTUP).success
    store.wait_for(lambda: admission(health[-1])[0], 60, "admission after the start")
    assert "Traceback" not in store.output


def test_a_misspelt_parameter_ends_the_store_with_one_clear_line(launch, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("tracker: {ros__parameters: {tracker.body_radus: 0.3}}", encoding="utf-8")
    store = launch(
        "walkout", "store.launch.py", "store:=kiosk", "scenario:=kiosk_one", "web:=false", f"parameters:={file}",
        f"ledger:={tmp_path / 'ledger.db'}",
    )  # fmt: skip
    store.process.wait(60)
    store._reader.join(2)
    expected = f"tracker: unknown parameter tracker.body_radus (in {file}); did you mean tracker.body_radius?"
    assert expected in store.output
    assert "Traceback" not in store.output
    assert store.process.returncode != 0


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
