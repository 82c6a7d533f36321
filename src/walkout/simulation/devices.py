"""The simulated hardware's side of the wire: every camera, shelf and gate of a store as a device for the drivers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from walkout.drivers.sim_link import (
    SLOTS,
    FrameNotice,
    FrameRing,
    Hello,
    PacketType,
    devices_directory,
    pack_frame,
    pack_hello,
    pack_readings,
    pack_signal,
    unpack,
    unpack_ack,
)
from walkout.drivers.types import Frame, GateSignal, ReadingBatch, SourceError
from walkout.errors import UserError
from walkout.store.model import Camera, FixtureType, Store


class DeviceError(UserError):
    """The simulated devices cannot be set up; the text says why and what to do."""


@dataclass(frozen=True)
class GateCommand:
    """What a driver told a gate: open, or deny with a reason."""

    gate_id: str
    open: bool
    reason: str = ""


@dataclass(eq=False)
class _Client:
    connection: socket.socket
    acknowledged: int = 0


@dataclass
class _Device:
    name: str
    hello: Hello
    listener: socket.socket
    ring: FrameRing | None = None
    sequence: int = 0
    clients: list[_Client] = field(default_factory=list)
    dropped: int = 0


class DeviceServer:
    """Serves the devices of a store to drivers in other processes; only ``poll`` and the waits block.

    A lock in the directory tells a live server from the leftovers of a killed one, which are cleaned away.
    """

    def __init__(
        self, store: Store, cameras: Iterable[Camera] | None = None, directory: str | os.PathLike[str] | None = None
    ) -> None:
        """Make all devices (of ``cameras``, default all of the store). Raises DeviceError."""
        self.directory = devices_directory(directory)
        self._selector = selectors.DefaultSelector()
        self._devices: dict[str, _Device] = {}
        self._commands: list[GateCommand] = []
        self._lock = _take_directory(self.directory)
        try:
            for camera in store.cameras if cameras is None else cameras:
                self._add(f"camera_{camera.camera_id}", Hello(camera.width, camera.height, SLOTS))
            for fixture in store.fixtures:
                if fixture.lanes:
                    self._add(f"shelf_{fixture.fixture_id}", Hello(plates=len(fixture.lanes)))
                if fixture.type is FixtureType.GATE:
                    self._add(f"gate_{fixture.fixture_id}", Hello())
        except OSError as error:
            self.close()
            remedy = "free memory in /dev/shm or set WALKOUT_DEVICES to another directory"
            raise DeviceError(f"{self.directory}: cannot make the simulated devices: {error}; {remedy}") from None

    def _add(self, name: str, hello: Hello) -> None:
        ring = None
        if hello.slots:
            ring = FrameRing.create(self.directory / f"{name}.ring", hello.width, hello.height, hello.slots)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        listener.bind(str(self.directory / f"{name}.sock"))
        listener.listen(8)
        device = self._devices[name] = _Device(name, hello, listener, ring)
        self._selector.register(listener, selectors.EVENT_READ, (device, None))

    # ---- publishing

    def publish(self, measurement: Frame | ReadingBatch | GateSignal) -> None:
        """Give a measurement to all drivers of its device; a driver that does not read loses it."""
        if isinstance(measurement, Frame):
            device = self._devices[f"camera_{measurement.camera_id}"]
            device.sequence += 1
            assert device.ring is not None
            slot = device.ring.write(device.sequence, measurement.stamp_ns, measurement.image)
            packet = pack_frame(FrameNotice(device.sequence, measurement.stamp_ns, slot))
        elif isinstance(measurement, ReadingBatch):
            device = self._devices[f"shelf_{measurement.fixture_id}"]
            device.sequence += 1
            packet = pack_readings(device.sequence, measurement)
        else:
            device = self._devices[f"gate_{measurement.gate_id}"]
            device.sequence += 1
            packet = pack_signal(device.sequence, measurement)
        for client in list(device.clients):
            self._send(device, client, packet)

    def _send(self, device: _Device, client: _Client, packet: bytes) -> None:
        try:
            client.connection.send(packet)
        except BlockingIOError:
            device.dropped += 1
        except OSError:
            self._drop(device, client)

    # ---- listening

    def poll(self, timeout_s: float = 0.0) -> list[GateCommand]:
        """Serve drivers for a while (at least once) and return the commands to the gates."""
        until = time.monotonic() + timeout_s
        while True:
            self._serve(max(0.0, until - time.monotonic()))
            if self._commands or time.monotonic() >= until:
                commands, self._commands = self._commands, []
                return commands

    def wait_taken(self, timeout_s: float) -> bool:
        """Wait until every connected driver has taken what was published; returns whether it has. For lock-step."""
        until = time.monotonic() + timeout_s
        while not self._all_taken():
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._serve(left)
        return True

    def wait_connected(self, timeout_s: float) -> list[str]:
        """Wait until every device has a driver; returns the names of those that have none. For lock-step."""
        until = time.monotonic() + timeout_s
        while missing := [device.name for device in self._devices.values() if not device.clients]:
            left = until - time.monotonic()
            if left <= 0:
                return missing
            self._serve(left)
        return []

    @property
    def dropped(self) -> int:
        """How many measurements did not reach a driver because it did not read."""
        return sum(device.dropped for device in self._devices.values())

    def _all_taken(self) -> bool:
        return all(client.acknowledged >= d.sequence for d in self._devices.values() for client in d.clients)

    def _serve(self, timeout_s: float) -> None:
        for key, _ in self._selector.select(timeout_s):
            device, client = key.data
            if client is None:
                self._accept(device)
            else:
                self._hear(device, client)

    def _accept(self, device: _Device) -> None:
        with contextlib.suppress(BlockingIOError):
            connection, _ = device.listener.accept()
            connection.setblocking(False)
            # What was published before this driver came is not its business.
            client = _Client(connection, device.sequence)
            device.clients.append(client)
            self._selector.register(connection, selectors.EVENT_READ, (device, client))
            self._send(device, client, pack_hello(device.hello))

    def _hear(self, device: _Device, client: _Client) -> None:
        try:
            packet = client.connection.recv(4096)
            kind, payload = unpack(packet) if packet else (None, b"")
        except BlockingIOError:
            return
        except (OSError, SourceError):
            self._drop(device, client)
            return
        gate_id = device.name.removeprefix("gate_")
        if kind is PacketType.ACK:
            client.acknowledged = unpack_ack(payload)
        elif kind is PacketType.OPEN:
            self._commands.append(GateCommand(gate_id, True))
        elif kind is PacketType.DENY:
            self._commands.append(GateCommand(gate_id, False, payload.decode(errors="replace")))
        else:
            self._drop(device, client)

    def _drop(self, device: _Device, client: _Client) -> None:
        if client in device.clients:
            device.clients.remove(client)
            self._selector.unregister(client.connection)
            client.connection.close()

    def close(self) -> None:
        """Hang up on all drivers and leave nothing behind."""
        for device in self._devices.values():
            for client in list(device.clients):
                self._drop(device, client)
            self._selector.unregister(device.listener)
            device.listener.close()
        self._selector.close()
        _clean(self.directory)
        with contextlib.suppress(OSError):
            (self.directory / "lock").unlink()
            self.directory.rmdir()
        os.close(self._lock)


def _take_directory(directory: Path) -> int:
    """Make the directory ours and clean what a killed simulator left; returns the lock's file descriptor."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DeviceError(f"{directory}: {error.strerror}; set WALKOUT_DEVICES to a directory you may write") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(lock, 20, 0).decode(errors="replace").strip() or "?"
        os.close(lock)
        remedy = "stop it, or set another ROS_DOMAIN_ID or WALKOUT_DEVICES"
        raise DeviceError(
            f"{directory}: a simulator (process {owner}) already serves these devices; {remedy}"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    _clean(directory)
    return lock


def _clean(directory: Path) -> None:
    for pattern in ("*.sock", "*.ring"):
        for leftover in directory.glob(pattern):
            with contextlib.suppress(OSError):
                leftover.unlink()
