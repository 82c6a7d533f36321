"""One recording through the graph and through the stages in one process: the same receipts."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from rclpy.qos import qos_profile_sensor_data as CLOCK
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage

from walkout import msg
from walkout.evaluation.pipeline import StorePipeline, run_recording
from walkout.ros import launching, qos
from walkout.ros.recording import MeasurementWriter, read_measurements
from walkout.ros.stamps import to_ns
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
    """What must be the same: lines and total; session ids differ, and probabilities may in the last digits."""
    return Counter(
        (tuple(sorted((line.sku, line.quantity) for line in receipt.lines)), total) for receipt, total in receipts
    )


@pytest.mark.timeout(500)
def test_every_pass_at_double_speed_gives_the_receipts_of_one_process(recording, launch, observer, tmp_path):
    in_process = run_recording(load_store("kiosk"), read_measurements(recording))
    assert in_process, "the recording gives no receipt"

    receipts, heard = {}, []
    observer.create_subscription(msg.Receipt, "receipts", lambda m: receipts.update({m.receipt_id: m}), qos.LEDGER)
    observer.create_subscription(Clock, "/clock", lambda m: heard.append(to_ns(m.clock)), CLOCK)
    replay = launch(
        "walkout", "replay.launch.py", f"bag:={recording}", "store:=kiosk", "web:=false", "rate:=2.0", "loop:=2",
        f"ledger:={tmp_path / 'replay.db'}", "linger:=20.0",
    )  # fmt: skip
    replay.process.wait(450)
    assert "Traceback" not in replay.output
    assert "the bag has been played, pass 2 of 2" in replay.output
    assert sum(later < earlier - 1_000_000_000 for earlier, later in itertools.pairwise(heard)) == 1, "no jump back"
    in_graph = summary((receipt, receipt.total.minor) for receipt in receipts.values())
    once = summary((receipt, receipt.total_minor) for receipt in in_process)
    assert in_graph == Counter({key: 2 * count for key, count in once.items()}), replay.output
    assert len({receipt.session_id for receipt in receipts.values()}) == len(receipts)


@pytest.mark.timeout(150)
def test_a_start_leaves_out_the_beginning(recording, launch, observer):
    stamps = [measurement.stamp_ns for measurement in read_measurements(recording)]
    begin_s = (max(stamps) - min(stamps)) / 1e9 - 4.0
    pictures, heard = [], []
    topic = "/camera/c1/image_raw/compressed"
    observer.create_subscription(CompressedImage, topic, lambda m: pictures.append(to_ns(m.header.stamp)), qos.STREAMS)
    observer.create_subscription(Clock, "/clock", lambda m: heard.append(to_ns(m.clock)), CLOCK)
    replay = launch(
        "walkout", "replay.launch.py", f"bag:={recording}", "store:=kiosk", "web:=false", f"start:={begin_s:.1f}",
        "linger:=1.0",
    )  # fmt: skip
    assert replay.process.wait(120) == 0, replay.output
    assert "the bag has been played" in replay.output
    earliest_ns = min(stamps) + int((begin_s - 0.5) * 1e9)
    assert len(pictures) > 10
    assert min(pictures) > earliest_ns
    assert min(heard) > earliest_ns


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("rate:=0", "rate:=0: give a number above zero"),
        ("loop:=often", "loop:=often: give a number that is not negative"),
        ("start:=-3", "start:=-3: give a number that is not negative"),
    ],
)
def test_wrong_numbers_are_one_clear_line(recording, launch, argument, message):
    replay = launch("walkout", "replay.launch.py", f"bag:={recording}", "store:=kiosk", argument)
    assert replay.process.wait(40) != 0
    replay._reader.join(2)
    assert message in replay.output
    assert "Traceback" not in replay.output


def test_nothing_is_played_that_the_replay_computes_itself(recording):
    store = load_store("kiosk")
    cameras = [camera.camera_id for camera in store.cameras]
    played, recorded = set(launching.replayed_topics(store)), set(launching.recorded_topics(store, cameras))
    assert played < recorded
    assert all(topic.startswith(("/camera/", "/shelf/", "/gate/signals")) for topic in played)
    assert not any(topic.endswith(("/weight_events", "/detections")) for topic in played)


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
