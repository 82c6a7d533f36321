import contextlib
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walkout.drivers import sim_link
from walkout.drivers.sim_link import FrameNotice, FrameRing, Hello, PacketType
from walkout.drivers.types import GateSignal, GateSignalKind, ReadingBatch, SourceError

settings.register_profile("calm", deadline=None)
settings.load_profile("calm")
STAMP = st.integers(0, 2**62)
SEQUENCE = st.integers(0, 2**63)


@given(width=st.integers(0, 9999), height=st.integers(0, 9999), slots=st.integers(0, 99), plates=st.integers(0, 999))
def test_hello_survives_the_wire(width: int, height: int, slots: int, plates: int) -> None:
    hello = Hello(width, height, slots, plates)
    kind, payload = sim_link.unpack(sim_link.pack_hello(hello))
    assert kind is PacketType.HELLO
    assert sim_link.unpack_hello(payload) == hello


@given(
    sequence=SEQUENCE,
    stamp=STAMP,
    period=st.integers(1, 10**9),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 40)),
)
def test_readings_survive_the_wire_with_their_gaps(
    sequence: int, stamp: int, period: int, shape: tuple[int, int]
) -> None:
    grams = np.random.default_rng(sequence).normal(0, 1000, shape).astype(np.float32)
    grams[0, 0] = np.nan
    packet = sim_link.pack_readings(sequence, ReadingBatch("g1", stamp, period, grams))
    kind, payload = sim_link.unpack(packet)
    got, batch = sim_link.unpack_readings(payload, "g1")
    assert (kind, got, batch.stamp_ns, batch.period_ns) == (PacketType.READINGS, sequence, stamp, period)
    assert np.array_equal(batch.grams, grams, equal_nan=True)
    assert batch.grams.flags.writeable


@given(sequence=SEQUENCE, stamp=STAMP, kind=st.sampled_from(GateSignalKind), token=st.text(max_size=60))
def test_signals_survive_the_wire(sequence: int, stamp: int, kind: GateSignalKind, token: str) -> None:
    signal = GateSignal("gate_in", stamp, kind, token)
    _, payload = sim_link.unpack(sim_link.pack_signal(sequence, signal))
    assert sim_link.unpack_signal(payload, "gate_in") == (sequence, signal)


@given(packet=st.binary(max_size=40))
def test_noise_on_the_wire_is_an_error_not_a_crash(packet: bytes) -> None:
    with contextlib.suppress(SourceError):
        kind, payload = sim_link.unpack(packet)
        assert sim_link.pack(kind, payload) == packet


def test_another_protocol_is_refused() -> None:
    payload = sim_link._HELLO.pack(sim_link.PROTOCOL + 1, 0, 0, 0, 0)
    with pytest.raises(SourceError, match="another protocol"):
        sim_link.unpack_hello(payload)


def test_a_picture_lies_in_its_slot_until_it_is_overwritten(tmp_path: Path) -> None:
    writer = FrameRing.create(tmp_path / "c.ring", 8, 6, slots=2)
    reader = FrameRing.open(tmp_path / "c.ring")
    assert reader.shape == (6, 8, 3)
    images = [np.full((6, 8, 3), number, np.uint8) for number in range(4)]
    notices = [FrameNotice(n + 1, 1000 + n, writer.write(n + 1, 1000 + n, image)) for n, image in enumerate(images)]
    assert reader.read(notices[0]) is None
    assert reader.read(notices[1]) is None
    for number in (2, 3):
        assert np.array_equal(reader.read(notices[number]), images[number])


def test_a_picture_is_never_torn(tmp_path: Path) -> None:
    writer = FrameRing.create(tmp_path / "c.ring", 320, 240, slots=2)
    reader = FrameRing.open(tmp_path / "c.ring")
    writer.write(1, 1, np.full((240, 320, 3), 1, np.uint8))
    latest = [1]

    def write() -> None:
        for sequence in range(2, 600):
            writer.write(sequence, sequence, np.full((240, 320, 3), sequence % 251, np.uint8))
            latest[0] = sequence

    thread = threading.Thread(target=write)
    thread.start()
    whole = 0
    while thread.is_alive() or not whole:
        sequence = latest[0]
        image = reader.read(FrameNotice(sequence, sequence, sequence % 2))
        if image is not None:
            whole += 1
            assert np.all(image == sequence % 251)
    thread.join()
    assert whole > 0


def test_a_picture_that_changes_while_it_is_copied_is_dropped(tmp_path: Path) -> None:
    writer = FrameRing.create(tmp_path / "c.ring", 8, 6, slots=2)
    reader = FrameRing.open(tmp_path / "c.ring")
    slot = writer.write(1, 10, np.zeros((6, 8, 3), np.uint8))
    stride = reader._stride
    tail = sim_link._ALIGN + slot * stride + sim_link._SLOT_HEAD.size + reader._size
    with (tmp_path / "c.ring").open("r+b") as file:
        file.seek(tail)
        file.write(bytes(8))
    assert reader.read(FrameNotice(1, 10, slot)) is None


def test_a_file_that_is_no_ring_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ring").write_bytes(b"something else" * 10)
    with pytest.raises(SourceError, match="not a ring"):
        FrameRing.open(tmp_path / "x.ring")
    with pytest.raises(SourceError, match="cannot map"):
        FrameRing.open(tmp_path / "absent.ring")


def test_the_directory_is_one_per_ros_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WALKOUT_DEVICES", raising=False)
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    seven = sim_link.devices_directory()
    monkeypatch.setenv("ROS_DOMAIN_ID", "8")
    assert sim_link.devices_directory() != seven
    monkeypatch.setenv("WALKOUT_DEVICES", "/somewhere/else")
    assert sim_link.devices_directory() == Path("/somewhere/else")
    assert sim_link.devices_directory("/given") == Path("/given")
