"""The wire between simulated devices and their drivers; both sides use this module and neither knows the other.

Every device is a local socket ``<name>.sock`` in the run's device directory. Messages are packets (SOCK_SEQPACKET keeps
their borders and sends them whole or not at all), each led by its type and length. Pixels do not go through the
socket: they lie in a ring of slots in shared memory, ``<name>.ring``, and the packet says which slot to read. A slot
carries its sequence number before and after the pixels, so a picture that was overwritten while read is noticed.

A driver acknowledges a packet when it asks for the next; a simulator in lock-step waits for that.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
import tempfile
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import GateSignal, GateSignalKind, ReadingBatch, SourceError

PROTOCOL = 1
SLOTS = 4
LARGEST_PACKET = 1 << 18
_HEADER = struct.Struct("<BI")
_HELLO = struct.Struct("<IIIII")
_FRAME = struct.Struct("<QqI")
_READINGS = struct.Struct("<QqqII")
_SIGNAL = struct.Struct("<QqB")
_ACK = struct.Struct("<Q")
_RING_HEAD = struct.Struct("<4sIIII")
_SLOT_HEAD = struct.Struct("<Qq")
_SLOT_TAIL = struct.Struct("<Q")
_ALIGN = 64
_MAGIC = b"WKR1"


class PacketType(IntEnum):
    """What a packet is."""

    HELLO = 1
    FRAME = 2
    READINGS = 3
    SIGNAL = 4
    ACK = 5
    OPEN = 6
    DENY = 7


@dataclass(frozen=True)
class Hello:
    """The first packet of a device: protocol version and, by kind, picture size and slots or the number of plates."""

    width: int = 0
    height: int = 0
    slots: int = 0
    plates: int = 0


@dataclass(frozen=True)
class FrameNotice:
    """A picture lies in a slot of the ring."""

    sequence: int
    stamp_ns: int
    slot: int


def devices_directory(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the directory of this run's devices: given, by ``WALKOUT_DEVICES``, or one per user and ROS domain."""
    chosen = given or os.environ.get("WALKOUT_DEVICES")
    if chosen:
        return Path(chosen)
    memory = Path("/dev/shm")
    root = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    return root / f"walkout-{os.getuid()}" / f"domain-{os.environ.get('ROS_DOMAIN_ID') or 0}"


def pack(kind: PacketType, payload: bytes = b"") -> bytes:
    """Return a packet."""
    return _HEADER.pack(kind, len(payload)) + payload


def unpack(packet: bytes) -> tuple[PacketType, bytes]:
    """Return type and payload of a packet. Raises SourceError when it is none."""
    if len(packet) < _HEADER.size:
        raise SourceError(f"a packet of {len(packet)} bytes is too short; simulator and drivers differ in version")
    number, length = _HEADER.unpack_from(packet)
    payload = packet[_HEADER.size :]
    if number not in PacketType._value2member_map_ or length != len(payload):
        raise SourceError(f"a packet of type {number} makes no sense; simulator and drivers differ in version")
    return PacketType(number), payload


def pack_hello(hello: Hello) -> bytes:
    """Return the first packet of a device."""
    return pack(PacketType.HELLO, _HELLO.pack(PROTOCOL, hello.width, hello.height, hello.slots, hello.plates))


def unpack_hello(payload: bytes) -> Hello:
    """Return what the device is. Raises SourceError when it speaks another protocol."""
    if len(payload) != _HELLO.size or _HELLO.unpack(payload)[0] != PROTOCOL:
        raise SourceError("the simulator speaks another protocol; start simulator and drivers from one installation")
    return Hello(*_HELLO.unpack(payload)[1:])


def pack_frame(notice: FrameNotice) -> bytes:
    """Return the packet that announces a picture."""
    return pack(PacketType.FRAME, _FRAME.pack(notice.sequence, notice.stamp_ns, notice.slot))


def unpack_frame(payload: bytes) -> FrameNotice:
    """Return the announced picture."""
    return FrameNotice(*_FRAME.unpack(payload))


def pack_readings(sequence: int, batch: ReadingBatch) -> bytes:
    """Return the packet of a batch of plate samples."""
    samples, plates = batch.grams.shape
    head = _READINGS.pack(sequence, batch.stamp_ns, batch.period_ns, samples, plates)
    return pack(PacketType.READINGS, head + np.ascontiguousarray(batch.grams, np.float32).tobytes())


def unpack_readings(payload: bytes, fixture_id: str) -> tuple[int, ReadingBatch]:
    """Return sequence number and batch."""
    sequence, stamp_ns, period_ns, samples, plates = _READINGS.unpack_from(payload)
    grams = np.frombuffer(payload, np.float32, offset=_READINGS.size).reshape(samples, plates).copy()
    return sequence, ReadingBatch(fixture_id, stamp_ns, period_ns, grams)


def pack_signal(sequence: int, signal: GateSignal) -> bytes:
    """Return the packet of a gate's report."""
    return pack(PacketType.SIGNAL, _SIGNAL.pack(sequence, signal.stamp_ns, signal.kind) + signal.token.encode())


def unpack_signal(payload: bytes, gate_id: str) -> tuple[int, GateSignal]:
    """Return sequence number and report."""
    sequence, stamp_ns, kind = _SIGNAL.unpack_from(payload)
    token = payload[_SIGNAL.size :].decode()
    return sequence, GateSignal(gate_id, stamp_ns, GateSignalKind(kind), token)


def pack_ack(sequence: int) -> bytes:
    """Return the packet by which a driver says that it has taken everything up to a sequence number."""
    return pack(PacketType.ACK, _ACK.pack(sequence))


def unpack_ack(payload: bytes) -> int:
    """Return the acknowledged sequence number."""
    return int(_ACK.unpack(payload)[0])


class FrameRing:
    """Slots for pictures (height, width, 3) uint8 in shared memory; one writer, any number of readers."""

    def __init__(self, path: Path, memory: mmap.mmap, width: int, height: int, slots: int) -> None:
        self.path = path
        self._memory = memory
        self._shape = (height, width, 3)
        self._size = width * height * 3
        self._slots = slots
        self._stride = -(-(_SLOT_HEAD.size + self._size + _SLOT_TAIL.size) // _ALIGN) * _ALIGN

    @classmethod
    def create(cls, path: Path, width: int, height: int, slots: int = SLOTS) -> FrameRing:
        """Make a ring for writing."""
        ring = cls(path, mmap.mmap(-1, 1), width, height, slots)
        with path.open("w+b") as file:
            file.truncate(_ALIGN + slots * ring._stride)
            ring._memory = mmap.mmap(file.fileno(), 0)
        ring._memory[: _RING_HEAD.size] = _RING_HEAD.pack(_MAGIC, PROTOCOL, width, height, slots)
        return ring

    @classmethod
    def open(cls, path: Path) -> FrameRing:
        """Open a ring for reading. Raises SourceError when there is none."""
        try:
            with path.open("rb") as file:
                memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except (OSError, ValueError) as error:
            raise SourceError(f"{path}: cannot map the pictures: {error}; start the simulator again") from None
        magic, protocol, width, height, slots = _RING_HEAD.unpack_from(memory)
        if magic != _MAGIC or protocol != PROTOCOL:
            raise SourceError(f"{path} is not a ring of pictures; start the simulator again")
        return cls(path, memory, width, height, slots)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the pictures."""
        return self._shape

    def write(self, sequence: int, stamp_ns: int, image: NDArray[np.uint8]) -> int:
        """Put a picture into the oldest slot and return the slot's number."""
        slot = sequence % self._slots
        at = _ALIGN + slot * self._stride
        # While the pixels change, head and tail differ: a reader of this slot sees that and drops its copy.
        _SLOT_TAIL.pack_into(self._memory, at + _SLOT_HEAD.size + self._size, 0)
        _SLOT_HEAD.pack_into(self._memory, at, sequence, stamp_ns)
        pixels = np.frombuffer(self._memory, np.uint8, self._size, at + _SLOT_HEAD.size)
        pixels.reshape(self._shape)[:] = image
        _SLOT_TAIL.pack_into(self._memory, at + _SLOT_HEAD.size + self._size, sequence)
        return slot

    def read(self, notice: FrameNotice) -> NDArray[np.uint8] | None:
        """Return a copy of the announced picture, or None when it has been overwritten meanwhile."""
        at = _ALIGN + notice.slot * self._stride
        expected = (notice.sequence, notice.stamp_ns)
        tail = at + _SLOT_HEAD.size + self._size
        if _SLOT_TAIL.unpack_from(self._memory, tail)[0] != notice.sequence:
            return None
        image = np.frombuffer(self._memory, np.uint8, self._size, at + _SLOT_HEAD.size).reshape(self._shape).copy()
        whole = _SLOT_HEAD.unpack_from(self._memory, at) == expected
        whole &= _SLOT_TAIL.unpack_from(self._memory, tail)[0] == notice.sequence
        return image if whole else None


class DeviceClient:
    """A driver's end of a simulated device's socket."""

    def __init__(self, directory: Path, name: str) -> None:
        """Connect and read the device's first packet. Raises SourceError when the device is not there."""
        self.uri = f"sim://{name}"
        self.directory = directory
        self.name = name
        self._unacknowledged: int | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.connect(str(directory / f"{name}.sock"))
        except OSError:
            self._socket.close()
            raise SourceError(self._absent()) from None
        kind, payload = self._receive(3.0) or (None, b"")
        if kind is not PacketType.HELLO:
            self._socket.close()
            raise SourceError(f"{self.uri}: the simulated device does not answer; start the simulator again")
        self.hello = unpack_hello(payload)

    def _absent(self) -> str:
        known = sorted(path.stem for path in self.directory.glob("*.sock")) if self.directory.is_dir() else []
        if known and self.name not in known:
            return f"{self.uri}: the simulator has no such device; it has {', '.join(known)}"
        return f"{self.uri}: no simulated device in {self.directory}; start the simulator or set WALKOUT_DEVICES"

    def receive(self, timeout_s: float) -> tuple[PacketType, bytes] | None:
        """Return the next packet or None after the timeout. Raises SourceError when the device is gone."""
        self._acknowledge()
        return self._receive(timeout_s)

    def took(self, sequence: int) -> None:
        """Note what is to be acknowledged with the next call of ``receive``."""
        self._unacknowledged = sequence

    def send(self, packet: bytes) -> None:
        """Send a command. Raises SourceError when the device is gone."""
        try:
            self._socket.send(packet)
        except OSError as error:
            raise SourceError(f"{self.uri}: the simulated device is gone ({error}); start the simulator") from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _acknowledge(self) -> None:
        if self._unacknowledged is not None:
            self.send(pack_ack(self._unacknowledged))
            self._unacknowledged = None

    def _receive(self, timeout_s: float) -> tuple[PacketType, bytes] | None:
        self._socket.settimeout(timeout_s)
        try:
            packet = self._socket.recv(LARGEST_PACKET)
        except (TimeoutError, BlockingIOError):
            return None
        except OSError as error:
            raise SourceError(f"{self.uri}: the simulated device is gone ({error}); start the simulator") from None
        if not packet:
            raise SourceError(f"{self.uri}: the simulated device is gone; start the simulator")
        return unpack(packet)
