"""Recording from a graph and playing back to one, in one process and without a terminal."""

import argparse
import os
import signal
import threading
import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros2cli.bag import play, record
from rosbag2_py import SequentialReader, SequentialWriter, StorageOptions, TopicMetadata
from rosgraph_msgs.msg import Clock
from std_msgs.msg import String
from std_srvs.srv import Trigger

LATCHED = QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def node():
    rclpy.init(args=[])
    node = rclpy.create_node(f"bag_test_{os.getpid()}", enable_rosout=False)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    yield node
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown()


def until(condition, step, timeout_s=30.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        step()
        time.sleep(0.002)


def written(path):
    with SequentialReader() as reader:
        reader.open_uri(str(path))
        while reader.has_next():
            yield reader.read_next()


def recorder_for(node, path, **selection):
    recorded_by = rclpy.create_node("recorder_under_test", enable_rosout=False)
    writer = SequentialWriter()
    writer.open(StorageOptions(uri=str(path)))
    use_sim_time = selection.pop("use_sim_time", False)
    return record.Recorder(recorded_by, writer, record.Selection(**selection), use_sim_time=use_sim_time)


def test_records_what_is_published_with_the_publishers_qos(node, tmp_path):
    label = node.create_publisher(String, "/label", LATCHED)
    noise = node.create_publisher(String, "/noise", QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
    node.create_publisher(String, "/_hidden", 1)
    label.publish(String(data="before anyone listened"))
    recorder = recorder_for(node, tmp_path / "bag", everything=True)
    until(lambda: noise.get_subscription_count() and label.get_subscription_count(), recorder.discover)
    begun = time.time_ns()
    for i in range(20):
        label.publish(String(data=str(i)))
        noise.publish(String(data="x"))
        recorder.take()
    until(lambda: recorder.writer._topics["/label"].message_count >= 21, recorder.take)
    recorder.writer.close()
    recorder.node.destroy_node()

    with SequentialReader() as reader:
        reader.open_uri(str(tmp_path / "bag"))
        topics = {t.name: t for t in reader.get_all_topics_and_types()}
    assert "/_hidden" not in topics
    assert topics["/label"].offered_qos_profiles[0].durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert topics["/noise"].offered_qos_profiles[0].reliability == ReliabilityPolicy.BEST_EFFORT
    found = [(data, stamp) for topic, data, stamp in written(tmp_path / "bag") if topic == "/label"]
    assert len(found) == 21
    assert b"before anyone listened" in found[0][0]
    assert all(begun - 60 * 10**9 < stamp < time.time_ns() for _, stamp in found)


def test_a_weaker_publisher_makes_the_recorder_ask_for_less(node, tmp_path):
    strong = node.create_publisher(String, "/mixed", LATCHED)
    recorder = recorder_for(node, tmp_path / "bag", topics=("/mixed",))
    until(strong.get_subscription_count, recorder.discover)
    weak = node.create_publisher(String, "/mixed", QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))
    until(weak.get_subscription_count, recorder.discover)
    assert recorder.topics == ["/mixed"]
    recorder.writer.close()
    recorder.node.destroy_node()


def test_simulated_time_stamps_messages_and_nothing_is_written_before_it(node, tmp_path):
    label = node.create_publisher(String, "/label", 10)
    clock = node.create_publisher(Clock, "/clock", 1)
    recorder = recorder_for(node, tmp_path / "bag", topics=("/label",), use_sim_time=True)

    def step():
        recorder.discover()
        recorder.take()

    until(lambda: label.get_subscription_count() and clock.get_subscription_count(), step)
    label.publish(String(data="too early"))
    for _ in range(50):
        recorder.take()
        time.sleep(0.002)
    now = Clock()
    now.clock.sec = 42
    clock.publish(now)
    until(lambda: recorder._sim_now_ns == 42 * 10**9, recorder.take)
    label.publish(String(data="in time"))
    until(lambda: recorder.writer._topics["/label"].message_count >= 1, recorder.take)
    recorder.writer.close()
    recorder.node.destroy_node()
    assert [(t, b"in time" in d, s) for t, d, s in written(tmp_path / "bag")] == [("/label", True, 42 * 10**9)]


def make_bag(path, stamps_ms):
    from rclpy.serialization import serialize_message

    writer = SequentialWriter()
    writer.open(StorageOptions(uri=str(path)))
    writer.create_topic(TopicMetadata(name="/label", type="std_msgs/msg/String", offered_qos_profiles=[LATCHED]))
    writer.create_topic(TopicMetadata(name="/alien", type="no_such_msgs/msg/Thing"))
    for ms in stamps_ms:
        writer.write("/label", serialize_message(String(data=str(ms))), 10**9 + ms * 10**6)
        writer.write("/alien", b"\x00\x01\x00\x00", 10**9 + ms * 10**6)
    writer.close()


def play_to(node, path, topic, count, options, steps=None):
    """Play a bag while a subscription on `node` collects; returns texts and /clock stamps in ms."""
    texts, clocks = [], []
    node.create_subscription(String, topic, lambda m: texts.append(int(m.data)), LATCHED)
    node.create_subscription(
        Clock, "/clock", lambda m: clocks.append(m.clock.sec * 1000 + m.clock.nanosec // 10**6 - 1000), 100
    )
    player_node = rclpy.create_node("player_under_test", enable_rosout=False)
    executor = SingleThreadedExecutor()
    executor.add_node(player_node)
    with SequentialReader() as reader:
        reader.open_uri(str(path))
        player = play.Player(player_node, reader, options)
        assert player.wait_for_subscriptions(30.0)
        begun = time.monotonic()
        published = player.play()
        elapsed_s = time.monotonic() - begun
        until(lambda: len(texts) >= count, lambda: node.executor.spin_once(timeout_sec=0.01))
        node.executor.spin_once(timeout_sec=0.05)
    executor.shutdown()
    player_node.destroy_node()
    return texts, clocks, published, elapsed_s


def test_plays_in_order_at_the_rate_under_another_name(node, tmp_path):
    make_bag(tmp_path / "bag", range(0, 1000, 100))
    options = play.PlayOptions(rate=2.0, remap={"/label": "/renamed"}, clock_hz=50.0)
    texts, _, published, elapsed_s = play_to(node, tmp_path / "bag", "/renamed", 5, options)
    assert published == 10
    assert texts == list(range(0, 1000, 100))[-len(texts) :]
    assert elapsed_s > 0.44


def test_start_offset_and_duration_cut_the_bag(node, tmp_path):
    make_bag(tmp_path / "bag", range(0, 500, 50))
    options = play.PlayOptions(rate=10.0, start_offset_ns=100 * 10**6, duration_ns=200 * 10**6)
    texts, _, published, _ = play_to(node, tmp_path / "bag", "/label", 5, options)
    assert (published, texts) == (5, [100, 150, 200, 250, 300])


def test_pause_stops_the_bags_time():
    clock = play.PlayClock(rate=2.0, paused=False)
    clock.start(1000, 5.0)
    assert clock.now_ns(6.0) == 1000 + 2 * 10**9
    clock.set_paused(True, 6.0)
    assert clock.now_ns(99.0) == 1000 + 2 * 10**9
    assert clock.wait_s(10**10, 99.0) == float("inf")
    clock.set_paused(False, 100.0)
    assert clock.wait_s(1000 + 4 * 10**9, 100.0) == pytest.approx(1.0)


def test_paused_player_waits_for_its_service(node, tmp_path):
    make_bag(tmp_path / "bag", [0, 1, 2])
    client = node.create_client(Trigger, "/player_under_test/resume")
    # The service is answered by the player's own loop, so that the request must be under way before it begins.
    sent = []

    class Asking(play.Player):
        def play(self):
            until(client.service_is_ready, lambda: node.executor.spin_once(timeout_sec=0.01))
            sent.append(client.call_async(Trigger.Request()))
            return super().play()

    original, play.Player = play.Player, Asking
    try:
        texts, _, published, _ = play_to(node, tmp_path / "bag", "/label", 3, play.PlayOptions(paused=True))
    finally:
        play.Player = original
    assert (published, texts) == (3, [0, 1, 2])
    until(sent[0].done, lambda: node.executor.spin_once(timeout_sec=0.01))
    assert sent[0].result().success


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_completes_the_bag_when_it_is_ended(tmp_path, number):
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    publishing = rclpy.create_node("publishing", context=context, enable_rosout=False)
    label = publishing.create_publisher(String, "/label", LATCHED)
    label.publish(String(data="kept"))

    def end_when_heard():
        until(label.get_subscription_count, lambda: time.sleep(0.05))
        time.sleep(0.5)
        signal.raise_signal(number)

    thread = threading.Thread(target=end_when_heard)
    thread.start()
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    try:
        assert record.main(parsed(record, "-a", "-o", str(tmp_path / "bag"))) == 0
    finally:
        thread.join()
        publishing.destroy_node()
        rclpy.shutdown(context=context)
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
    assert (tmp_path / "bag" / "metadata.yaml").is_file()
    assert any(b"kept" in data for _, data, _ in written(tmp_path / "bag"))


def parsed(module, *arguments):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (record, [], "Need to specify"),
        (record, ["-e", "("], "regular expression"),
        (record, ["/a", "--exclude-topics", "/b"], "--exclude-topics argument requires either"),
        (record, ["-a", "--services", "/b"], "'ros2 bag record --services' is not supported"),
        (record, ["-a", "--custom-data", "nonsense"], "KEY=VALUE"),
        (play, [], "name the bag"),
        (play, ["/no/such/bag"], "No such bag"),
        (play, ["bag", "--remap", "/a"], "OLD:=NEW"),
    ],
)
def test_bad_arguments_are_one_clear_line(module, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=message):
        module.main(parsed(module, *arguments))
    assert list(tmp_path.iterdir()) == []
