"""Bags: written, read back, split, cut off, and opened by other people's libraries."""

import random
from functools import cache
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from rosbag2_py import (
    ConverterOptions,
    Info,
    Reindexer,
    SequentialReader,
    SequentialWriter,
    StorageFilter,
    StorageOptions,
    TopicMetadata,
)
from rosbag2_py.definitions import definition_of, hash_of
from rosbag2_py.qos import for_publisher, for_subscription, from_plain, profiles_from, to_plain, to_text
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image
from std_msgs.msg import String

LATCHED = QoSProfile(depth=3, durability=DurabilityPolicy.TRANSIENT_LOCAL)
TOPICS = {
    "/label": TopicMetadata(name="/label", type="std_msgs/msg/String", offered_qos_profiles=[LATCHED]),
    "/image": TopicMetadata(name="/image", type="sensor_msgs/msg/Image", offered_qos_profiles=[QoSProfile(depth=5)]),
}


@cache
def messages(count, seed=3):
    """A mix of small and large messages with stamps that are not quite in order.

    Made once: the padding bytes of serialised messages are not the same every time.
    """
    return tuple(_generate(count, random.Random(seed)))


def _generate(count, rng):
    for i in range(count):
        stamp = 1_000_000_000 * (i + 1) + rng.randrange(-600_000_000, 600_000_000)
        if i % 3:
            yield "/label", serialize_message(String(data=f"item {i}")), stamp
        else:
            image = Image(height=20, width=30, encoding="mono8", step=30, data=rng.randbytes(600))
            yield "/image", serialize_message(image), stamp


def write(folder, count=60, close=True, **options):
    writer = SequentialWriter()
    writer.open(StorageOptions(uri=str(folder), **options), ConverterOptions("cdr", "cdr"))
    for topic in TOPICS.values():
        writer.create_topic(topic)
    for topic, data, stamp in messages(count):
        writer.write(topic, data, stamp)
    if close:
        writer.close()
    return writer


def read(path, topics=()):
    with SequentialReader() as reader:
        reader.open_uri(str(path))
        if topics:
            reader.set_filter(StorageFilter(topics=list(topics)))
        found = []
        while reader.has_next():
            found.append(reader.read_next())
        return found


def in_order(count):
    return sorted(messages(count), key=lambda m: m[2])


@pytest.mark.parametrize("preset", ["", "fastwrite", "zstd_fast"])
def test_round_trip_by_time(tmp_path, preset):
    write(tmp_path / "bag", storage_preset_profile=preset)
    assert read(tmp_path / "bag") == in_order(60)
    assert read(tmp_path / "bag", ["/image"]) == [m for m in in_order(60) if m[0] == "/image"]
    assert read(tmp_path / "bag" / "bag_0.mcap") == in_order(60)


def test_metadata_file_is_version_nine_with_the_real_qos(tmp_path):
    write(tmp_path / "bag")
    info = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    expected = in_order(60)
    assert (info["version"], info["storage_identifier"], info["message_count"]) == (9, "mcap", 60)
    assert info["starting_time"]["nanoseconds_since_epoch"] == expected[0][2]
    assert info["duration"]["nanoseconds"] == expected[-1][2] - expected[0][2]
    label = info["topics_with_message_count"][0]["topic_metadata"]
    assert label["offered_qos_profiles"][0]["durability"] == "transient_local"
    assert label["type_description_hash"].startswith("RIHS01_")
    metadata = Info().read_metadata(str(tmp_path / "bag"))
    assert metadata.topics_with_message_count[0].topic_metadata.offered_qos_profiles == [LATCHED]
    assert metadata.bag_size == (tmp_path / "bag" / "bag_0.mcap").stat().st_size


def test_rosbags_and_mcap_open_it(tmp_path):
    write(tmp_path / "bag")
    with AnyReader([tmp_path / "bag"]) as reader:
        found = [(c.topic, bytes(raw), t) for c, t, raw in reader.messages()]
        assert sorted(found) == sorted(in_order(60))
        connection = next(c for c in reader.connections if c.topic == "/image")
        _, _, raw = next(reader.messages(connections=[connection]))
        assert reader.deserialize(raw, connection.msgtype).width == 30
        assert connection.ext.offered_qos_profiles[0].reliability.name == "RELIABLE"
    with (tmp_path / "bag" / "bag_0.mcap").open("rb") as stream:
        reader = make_reader(stream)
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
        assert summary.statistics.message_count == 60
        assert {s.encoding for s in summary.schemas.values()} == {"ros2msg"}
        assert "serialized_metadata" in next(reader.iter_metadata()).metadata


def test_seek_and_time_window(tmp_path):
    write(tmp_path / "bag")
    expected = in_order(60)
    with SequentialReader() as reader:
        reader.open_uri(str(tmp_path / "bag"))
        reader.seek(expected[20][2])
        assert reader.read_next() == expected[20]
        reader.set_filter(StorageFilter(exclude_topics=["/image"]))
        assert reader.read_next() == next(m for m in expected[21:] if m[0] == "/label")
        reader.open(StorageOptions(str(tmp_path / "bag"), start_time_ns=expected[5][2], end_time_ns=expected[7][2]))
        assert [reader.read_next() for _ in range(3)] == expected[5:8]
        assert not reader.has_next()
        with pytest.raises(RuntimeError, match="at end"):
            reader.read_next()


@pytest.mark.parametrize("options", [{"max_bagfile_size": 4000}, {"max_bagfile_duration": 20}])
def test_splits_into_files(tmp_path, options):
    writer = write(tmp_path / "bag", close=False, **options)
    writer.flush()
    writer.close()
    if "max_bagfile_duration" in options:
        assert len(list((tmp_path / "bag").glob("*.mcap"))) == 3
    assert sorted(read(tmp_path / "bag")) == sorted(in_order(60))


@pytest.mark.parametrize("preset", ["", "fastwrite"])
def test_what_was_flushed_survives_a_crash(tmp_path, preset):
    writer = write(tmp_path / "bag", count=60, close=False, storage_preset_profile=preset)
    writer.flush()
    for topic, data, stamp in messages(5, seed=9):
        writer.write(topic, data, stamp + 10**12)
    # The process dies here: no index, no metadata.yaml, and the file may end within a record.
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    whole = (tmp_path / "bag" / "bag_0.mcap").read_bytes()
    path = crashed / "crashed_0.mcap"
    path.write_bytes(whole + b"\x06" + (500).to_bytes(8, "little") + b"cut off")
    assert read(crashed)[:60] == in_order(60)
    metadata = Info().read_metadata(str(crashed))
    assert metadata.message_count >= 60
    assert metadata.topics_with_message_count[0].topic_metadata.offered_qos_profiles == [LATCHED]

    Reindexer().reindex(StorageOptions(uri=str(crashed)))
    with AnyReader([crashed]) as reader:
        assert reader.message_count == metadata.message_count
    writer.close()


def test_cut_at_any_byte_gives_a_prefix_or_a_clear_error(tmp_path):
    write(tmp_path / "bag", count=12, storage_preset_profile="fastwrite")
    whole = (tmp_path / "bag" / "bag_0.mcap").read_bytes()
    path = tmp_path / "cut.mcap"
    complete = list(messages(12))
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        if length < 8:
            with pytest.raises(RuntimeError, match="not an MCAP file"):
                read(path)
            continue
        found = read(path)
        assert sorted(found) == sorted(complete[:len(found)])


def test_clear_errors(tmp_path):
    with pytest.raises(RuntimeError, match="No such bag"):
        read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match="not a bag"):
        read(tmp_path / "empty")
    (tmp_path / "text.mcap").write_text("This is not a recording at all.")
    with pytest.raises(RuntimeError, match="not an MCAP file"):
        read(tmp_path / "text.mcap")
    write(tmp_path / "bag", count=1)
    with pytest.raises(RuntimeError, match="already exists"):
        write(tmp_path / "bag")
    with pytest.raises(RuntimeError, match="sqlite3"):
        write(tmp_path / "other", storage_id="sqlite3")
    assert not (tmp_path / "other").exists()
    writer = SequentialWriter()
    writer.open(StorageOptions(uri=str(tmp_path / "third")))
    with pytest.raises(RuntimeError, match="has not been created"):
        writer.write("/nope", b"", 0)
    writer.close()
    (tmp_path / "third" / "metadata.yaml").write_text("rosbag2_bagfile_information: {version: 9}")
    with pytest.raises(RuntimeError, match="reindex"):
        read(tmp_path / "third")


def test_reads_what_older_distributions_recorded(tmp_path):
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    with Writer(tmp_path / "old", version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        ids = {name: writer.add_connection(f"/{name}", "std_msgs/msg/String", typestore=store) for name in "ab"}
        for stamp in (30, 10, 20):
            writer.write(ids["a" if stamp > 10 else "b"], stamp, serialize_message(String(data=f"at {stamp}")))
    with SequentialReader() as reader:
        reader.open(StorageOptions(uri=str(tmp_path / "old"), storage_id="sqlite3"))
        found = [reader.read_next() for _ in range(3)]
        assert [(topic, stamp) for topic, _, stamp in found] == [("/b", 10), ("/a", 20), ("/a", 30)]
        assert deserialize_message(found[1][1], String).data == "at 20"
        reader.set_filter(StorageFilter(topics=["/b"]))
        reader.seek(0)
        assert reader.read_next()[0] == "/b"
        assert not reader.has_next()
    (tmp_path / "old" / "old.db3").write_text("not a database, but as long as one has to be")
    with pytest.raises(RuntimeError, match="cannot be read"):
        Info().read_metadata(str(tmp_path / "old"))


def test_profiles_as_people_write_them():
    given = profiles_from({"/a": {"reliability": "best_effort", "lifespan": {"sec": 1, "nsec": 5}}})["/a"]
    assert (given.reliability, given.depth) == (ReliabilityPolicy.BEST_EFFORT, 10)
    assert given.lifespan.nanoseconds == 1_000_000_005
    for wrong in ({"depth": -1}, {"deadline": {"sec": 1}}, {"deadline": {"sec": -1, "nsec": 0}}, {"dept": 1},
                  {"durability": "for_ever"}):
        with pytest.raises(ValueError, match=r"depth|both|negative|dept|for_ever"):
            profiles_from({"/a": wrong})


def test_definitions_name_every_type_they_use():
    encoding, text = definition_of("sensor_msgs/msg/Image")
    assert encoding == "ros2msg"
    blocks = text.split("=" * 80 + "\n")
    assert [b.split("\n", 1)[0] for b in blocks[1:]] == ["MSG: std_msgs/Header", "MSG: builtin_interfaces/Time"]
    assert definition_of("no_such_msgs/msg/Thing") == ("", "")
    assert hash_of("std_msgs/msg/String").startswith("RIHS01_")


def test_qos_survives_text_and_is_adapted_to_what_is_offered():
    best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    assert from_plain(to_text([LATCHED, best_effort])) == [LATCHED, best_effort]
    assert from_plain(to_plain([LATCHED])) == [LATCHED]
    assert from_plain("") == from_plain(None) == []
    old = from_plain([{"history": 3, "depth": 0, "reliability": 1, "durability": 1}])
    assert (old[0].reliability, old[0].durability) == (ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
    assert for_subscription([LATCHED]).durability == DurabilityPolicy.TRANSIENT_LOCAL
    mixed = for_subscription([LATCHED, best_effort])
    assert (mixed.reliability, mixed.durability) == (ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE)
    assert for_publisher([LATCHED]).durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert for_publisher([best_effort]).reliability == ReliabilityPolicy.BEST_EFFORT
    assert for_publisher([]).reliability == ReliabilityPolicy.RELIABLE


def test_messages_come_back_as_messages(tmp_path):
    write(tmp_path / "bag", count=2)
    topic, data, _ = read(Path(tmp_path / "bag"), ["/label"])[0]
    assert topic == "/label"
    assert deserialize_message(data, String) == String(data="item 1")
