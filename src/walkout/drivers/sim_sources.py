"""Drivers' sources that read the simulated devices as if they were hardware."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from walkout.drivers.sim_link import (
    DeviceClient,
    FrameRing,
    PacketType,
    pack,
    unpack_frame,
    unpack_readings,
    unpack_signal,
)
from walkout.drivers.types import Frame, GateSignal, ReadingBatch, SourceError

STARTING_S = 2.0
CONNECT_PAUSE_S = 0.1

T = TypeVar("T")


class SimCamera:
    """Frames of a simulated camera. ``dropped`` counts those that were overwritten before they were read."""

    def __init__(self, client: DeviceClient, camera_id: str) -> None:
        """Map the ring of a connected camera."""
        self._client = client
        self._camera_id = camera_id
        self._ring = FrameRing.open(client.directory / f"{client.name}.ring")
        self.dropped = 0

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came within the timeout. Raises SourceError when it is lost."""
        packet = self._client.receive(timeout_s)
        if packet is None or packet[0] is not PacketType.FRAME:
            return None
        notice = unpack_frame(packet[1])
        self._client.took(notice.sequence)
        image = self._ring.read(notice)
        if image is None:
            self.dropped += 1
            return None
        return Frame(self._camera_id, notice.stamp_ns, image)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures."""
        height, width, _ = self._ring.shape
        return width, height

    def close(self) -> None:
        """Hang up."""
        self._client.close()


class SimShelf:
    """Plate samples of a simulated fixture."""

    def __init__(self, client: DeviceClient, fixture_id: str) -> None:
        """Read a connected fixture."""
        self._client = client
        self._fixture_id = fixture_id

    def read(self, timeout_s: float) -> ReadingBatch | None:
        """Return the next batch, or None when none came within the timeout. Raises SourceError when it is lost."""
        packet = self._client.receive(timeout_s)
        if packet is None or packet[0] is not PacketType.READINGS:
            return None
        sequence, batch = unpack_readings(packet[1], self._fixture_id)
        self._client.took(sequence)
        return batch

    @property
    def plates(self) -> int:
        """How many plates the device has."""
        return self._client.hello.plates

    def close(self) -> None:
        """Hang up."""
        self._client.close()


class SimGate:
    """A simulated gate's controller."""

    def __init__(self, client: DeviceClient, gate_id: str) -> None:
        """Serve a connected gate."""
        self._client = client
        self._gate_id = gate_id

    def read(self, timeout_s: float) -> GateSignal | None:
        """Return the next signal, or None when none came within the timeout. Raises SourceError when it is lost."""
        packet = self._client.receive(timeout_s)
        if packet is None or packet[0] is not PacketType.SIGNAL:
            return None
        sequence, signal = unpack_signal(packet[1], self._gate_id)
        self._client.took(sequence)
        return signal

    def open_gate(self) -> None:
        """Let one party pass."""
        self._client.send(pack(PacketType.OPEN))

    def deny(self, reason: str) -> None:
        """Show that the entry is refused."""
        self._client.send(pack(PacketType.DENY, reason.encode()))

    def close(self) -> None:
        """Hang up."""
        self._client.close()


def connect(directory: Path, name: str, wait_s: float, make: Callable[[DeviceClient], T]) -> T:
    """Connect to a simulated device, waiting for a simulator that is still starting. Raises SourceError."""
    until = time.monotonic() + wait_s
    absent_since: float | None = None
    while True:
        try:
            client = DeviceClient(directory, name)
            break
        except SourceError:
            # A simulator makes its devices within moments; a name it does not have then will not appear by waiting.
            running = directory.is_dir() and any(directory.glob("*.sock"))
            absent = running and not (directory / f"{name}.sock").exists()
            absent_since = (absent_since or time.monotonic()) if absent else None
            if time.monotonic() > until or (absent_since and time.monotonic() - absent_since > STARTING_S):
                raise
        time.sleep(CONNECT_PAUSE_S)
    try:
        return make(client)
    except SourceError:
        client.close()
        raise
