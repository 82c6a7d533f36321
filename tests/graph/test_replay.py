"""One recording through the graph and through the stages in one process: the same receipts."""

from __future__ import annotations

import pytest

from walkout import msg
from walkout.evaluation.pipeline import StorePipeline, run_recording
from walkout.ros import qos
from walkout.ros.recording import MeasurementWriter, read_measurements
from walkout.simulation.scenario import load_scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.store.loader import load_store

EPOCH_NS = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A scripted visit to the kiosk, recorded with its pictures compressed."""
    bag = tmp_path_factory.mktemp("recording") / "visit"
    store = load_store("kiosk")
    simulator = StoreSimulator(store, load_scenario("kiosk_one", store), 1, epoch_ns=EPOCH_NS)
    pipeline = StorePipeline(store)
    with MeasurementWriter(bag) as writer:
        for measurement in simulator:
            writer.write(measurement, simulator.now_ns)
            if not hasattr(measurement, "image"):
                for command in pipeline.feed(measurement).commands:
                    simulator.world.open_gate(command.gate_id)
    pipeline.close()
    return bag


def summary(receipts):
    """What must be the same: session, lines and total; probabilities may differ in the last digits."""
    return sorted(
        (r.session_id, tuple(sorted((line.sku, line.quantity) for line in r.lines)), total) for r, total in receipts
    )


@pytest.mark.timeout(400)
def test_graph_and_process_give_the_same_receipts(recording, launch, observer, tmp_path):
    in_process = run_recording(load_store("kiosk"), read_measurements(recording))
    assert in_process, "the recording gives no receipt"

    receipts = {}
    observer.create_subscription(msg.Receipt, "receipts", lambda m: receipts.update({m.receipt_id: m}), qos.LEDGER)
    replay = launch(
        "walkout", "replay.launch.py", f"bag:={recording}", "store:=kiosk", "web:=false",
        f"ledger:={tmp_path / 'replay.db'}", "linger:=20.0",
    )  # fmt: skip
    replay.process.wait(300)
    assert "Traceback" not in replay.output
    in_graph = [(receipt, receipt.total.minor) for receipt in receipts.values()]
    assert summary(in_graph) == summary([(receipt, receipt.total_minor) for receipt in in_process]), replay.output


def test_the_bag_opens_with_rosbags(recording):
    from rosbags.highlevel import AnyReader

    with AnyReader([recording]) as reader:
        topics = {connection.topic for connection in reader.connections}
        assert {"/gate/signals", "/camera/c1/image_raw/compressed"} <= topics
        connection = next(c for c in reader.connections if c.topic == "/gate/signals")
        _, _, data = next(reader.messages([connection]))
        assert reader.deserialize(data, connection.msgtype).token


def test_a_missing_bag_is_one_clear_line(launch, tmp_path):
    replay = launch("walkout", "replay.launch.py", f"bag:={tmp_path / 'none'}")
    assert replay.process.wait(30) != 0
    assert "no metadata.yaml there; give the folder that record:= wrote" in replay.output
    assert "Traceback" not in replay.output
