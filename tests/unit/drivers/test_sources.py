"""Drivers' sources against a device server in another process, as in a store; and sources that do not open."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from walkout.drivers.recorded import write_recording
from walkout.drivers.sources import open_camera, open_gate, open_shelf
from walkout.drivers.types import Frame, GateSignal, GateSignalKind, ReadingBatch, ShelfSource, SourceError
from walkout.simulation.devices import DeviceError, DeviceServer
from walkout.store.loader import load_store
from walkout.store.model import Store

PLATES = 12


@pytest.fixture(scope="module")
def store() -> Store:
    return load_store("kiosk")


def serve(store: Store, directory: Path, ready: "multiprocessing.synchronize.Event") -> None:
    """Publish numbered frames and readings; echo gate commands as signals."""
    server = DeviceServer(store, store.cameras[:1], directory)
    ready.set()
    number = 0
    while True:
        number += 1
        image = np.full((480, 640, 3), number % 251, np.uint8)
        server.publish(Frame("c1", number, image))
        server.publish(ReadingBatch("g1", number, 16_666_667, np.full((12, PLATES), number, np.float32)))
        for command in server.poll(0.02):
            kind = GateSignalKind.OPENED if command.open else GateSignalKind.CLOSED
            server.publish(GateSignal(command.gate_id, number, kind, command.reason))


class Server:
    """A simulator in a process of its own."""

    def __init__(self, store: Store, directory: Path) -> None:
        context = multiprocessing.get_context("fork")
        ready = context.Event()
        self.process = context.Process(target=serve, args=(store, directory, ready), daemon=True)
        self.process.start()
        assert ready.wait(20.0)

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


@pytest.fixture
def server(store: Store, tmp_path: Path) -> Iterator[Server]:
    running = Server(store, tmp_path)
    yield running
    running.kill()


def read(source: object, count: int = 1) -> list:  # type: ignore[type-arg]
    got = []
    deadline = time.monotonic() + 20.0
    while len(got) < count and time.monotonic() < deadline:
        item = source.read(0.5)  # type: ignore[attr-defined]
        if item is not None:
            got.append(item)
    assert len(got) == count
    return got


def test_frames_readings_and_gates_come_through(store: Store, server: Server, tmp_path: Path) -> None:
    camera = open_camera("sim://camera_c1", store.camera_by_id["c1"], tmp_path)
    frames = read(camera, 5)
    assert [frame.camera_id for frame in frames] == ["c1"] * 5
    assert all(np.all(frame.image == frame.stamp_ns % 251) for frame in frames)
    assert np.all(np.diff([frame.stamp_ns for frame in frames]) > 0)
    shelf = open_shelf("sim://shelf_g1", "g1", PLATES, tmp_path)
    batch = read(shelf)[0]
    assert batch.grams.shape == (12, PLATES)
    assert np.all(batch.grams == batch.stamp_ns)
    gate = open_gate("sim://gate_gate_in", "gate_in", tmp_path)
    gate.open_gate()
    gate.deny("no money")
    opened, denied = read(gate, 2)
    assert (opened.gate_id, opened.kind) == ("gate_in", GateSignalKind.OPENED)
    assert (denied.kind, denied.token) == (GateSignalKind.CLOSED, "no money")
    for source in (camera, shelf, gate):
        source.close()


def test_a_killed_simulator_is_noticed_and_the_next_one_cleans_up(store: Store, tmp_path: Path) -> None:
    first = Server(store, tmp_path)
    camera = open_camera("sim://camera_c1", store.camera_by_id["c1"], tmp_path)
    read(camera)
    first.kill()
    with pytest.raises(SourceError, match="is gone"):
        read(camera, 1000)
    camera.close()
    assert list(tmp_path.glob("*.sock")), "a killed process leaves its devices behind"
    with pytest.raises(SourceError, match="camera_c1"):
        open_camera("sim://camera_c1", store.camera_by_id["c1"], tmp_path, wait_s=0.2)
    second = Server(store, tmp_path)
    again = open_camera("sim://camera_c1", store.camera_by_id["c1"], tmp_path)
    read(again)
    again.close()
    second.kill()


def test_a_killed_driver_does_not_stop_the_others(store: Store, server: Server, tmp_path: Path) -> None:
    gone = open_shelf("sim://shelf_g1", "g1", PLATES, tmp_path)
    stays = open_shelf("sim://shelf_g1", "g1", PLATES, tmp_path)
    read(gone)
    gone.close()
    assert len(read(stays, 5)) == 5
    stays.close()


def test_two_simulators_do_not_share_a_directory(store: Store, server: Server, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="already serves") as caught:
        DeviceServer(store, (), tmp_path)
    assert str(server.process.pid) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_clean_end_leaves_nothing(store: Store, tmp_path: Path) -> None:
    server = DeviceServer(store, store.cameras, tmp_path / "devices")
    assert (tmp_path / "devices").exists()
    server.close()
    assert not (tmp_path / "devices").exists()


def test_lock_step_waits_until_the_driver_asks_for_more(store: Store, tmp_path: Path) -> None:
    server = DeviceServer(store, (), tmp_path / "devices")
    assert "shelf_g1" in server.wait_connected(0.0)
    opened: list[ShelfSource] = []
    opener = threading.Thread(
        target=lambda: opened.append(open_shelf("sim://shelf_g1", "g1", PLATES, server.directory))
    )
    opener.start()
    deadline = time.monotonic() + 20.0
    while "shelf_g1" in server.wait_connected(0.05) and time.monotonic() < deadline:
        pass
    opener.join()
    server.publish(ReadingBatch("g1", 1, 1, np.zeros((12, PLATES), np.float32)))
    assert not server.wait_taken(0.1), "nobody has read yet"
    assert opened[0].read(5.0) is not None
    assert not server.wait_taken(0.1), "what was read is not yet worked on"
    assert opened[0].read(0.0) is None
    assert server.wait_taken(5.0)
    opened[0].close()
    assert server.wait_taken(5.0), "a driver that has gone is not waited for"
    server.close()


def test_a_device_that_is_not_there(store: Store, server: Server, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no such device; it has camera_c1, gate_gate_in"):
        open_camera("sim://camera_c9", store.camera_by_id["c1"], tmp_path)
    with pytest.raises(SourceError, match=r"no simulated device in .*; start the simulator"):
        open_gate("sim://gate_gate_in", "gate_in", tmp_path / "elsewhere", wait_s=0.0)
    with pytest.raises(SourceError, match="has 12 plates but fixture g1 of the store has 3"):
        open_shelf("sim://shelf_g1", "g1", 3, tmp_path)


@pytest.mark.parametrize(
    "uri", ["/nowhere/at/all.mp4", "/dev/video97", "97", "file:/nowhere.avi", "rtsp://127.0.0.1:1/x", "sim://shelf_g1"]
)
def test_a_camera_that_does_not_open_is_one_clear_line(store: Store, uri: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_camera(uri, store.camera_by_id["c1"], wait_s=0.0)
    assert uri in str(caught.value)
    assert "\n" not in str(caught.value)


def write_video(path: Path, size: tuple[int, int], frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 50.0, size)
    for number in range(frames):
        writer.write(np.full((size[1], size[0], 3), number * 20, np.uint8))
    writer.release()


def test_a_video_file_is_a_camera(store: Store, tmp_path: Path) -> None:
    write_video(tmp_path / "v.avi", (640, 480), 6)
    camera = open_camera(f"file:{tmp_path}/v.avi", store.camera_by_id["c1"])
    frames = read(camera, 6)
    assert [round(float(frame.image.mean()) / 20) for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert np.allclose(np.diff([frame.stamp_ns for frame in frames]), 20_000_000, atol=1000)
    with pytest.raises(SourceError, match="over after 6 frames"):
        camera.read(0.5)
    camera.close()


def test_a_video_of_another_size_is_refused(store: Store, tmp_path: Path) -> None:
    write_video(tmp_path / "v.avi", (320, 240), 2)
    with pytest.raises(SourceError, match="320x240 but camera c1 is calibrated for 640x480"):
        open_camera(str(tmp_path / "v.avi"), store.camera_by_id["c1"])


def test_recorded_shelves_play_what_was_written(tmp_path: Path) -> None:
    grams = np.random.default_rng(1).normal(0, 100, (24, 3)).astype(np.float32).round(3)
    grams[5, 1] = np.nan
    batches = [ReadingBatch("g1", 10_000 + 12 * k * 1_000_000, 1_000_000, grams[12 * k : 12 * k + 12]) for k in (0, 1)]
    write_recording(tmp_path / "g1.csv", ["g1/0/0", "g1/0/1", "g1/0/2"], batches)
    shelf = open_shelf(f"recorded:{tmp_path}/g1.csv", "g1", 3)
    for expected, got in zip(batches, read(shelf, 2), strict=True):
        assert (got.stamp_ns, got.period_ns) == (expected.stamp_ns, expected.period_ns)
        assert np.allclose(got.grams, expected.grams, atol=1e-3, equal_nan=True)
    with pytest.raises(SourceError, match="is over"):
        shelf.read(0.1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1: the first column must be stamp_ns"),
        ("time,a,b,c\n", "1: the first column must be stamp_ns"),
        ("stamp_ns,a,b,c\n1,2,3\n", "2: has 3 columns, not 4"),
        ("stamp_ns,a,b,c\n1,2,3,x\n", "2: not a number"),
        ("stamp_ns,a,b,c\n5,1,1,1\n4,1,1,1\n", "rising stamps"),
        ("stamp_ns,a\n1,1\n2,1\n", "has 1 plates but fixture g1 has 3"),
    ],
)
def test_a_bad_recording_is_one_clear_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(SourceError, match=reason) as caught:
        open_shelf(f"recorded:{tmp_path}/r.csv", "g1", 3)
    assert "\n" not in str(caught.value)
