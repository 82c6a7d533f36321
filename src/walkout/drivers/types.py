"""What the drivers deliver: frames, shelf readings and gate signals, stamped with the capture time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One picture of a camera: ``image`` is (height, width, 3) uint8 BGR, ``stamp_ns`` its capture time."""

    camera_id: str
    stamp_ns: int
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class ReadingBatch:
    """Consecutive samples of all plates of a fixture.

    ``grams`` is (samples, plates) float32, columns in the order of ``Fixture.lanes``; NaN where a cell gives nothing.
    ``stamp_ns`` is the time of the first sample, the others follow every ``period_ns``.
    """

    fixture_id: str
    stamp_ns: int
    period_ns: int
    grams: NDArray[np.float32]


class GateSignalKind(IntEnum):
    """What a gate's hardware reports."""

    UNKNOWN = 0
    TAP = 1
    PASSAGE = 2
    OPENED = 3
    CLOSED = 4


@dataclass(frozen=True)
class GateSignal:
    """One report of a gate: a token presented (TAP), somebody walked through (PASSAGE), leaf opened or closed."""

    gate_id: str
    stamp_ns: int
    kind: GateSignalKind
    token: str = ""


class SourceError(RuntimeError):
    """A source cannot be opened or has failed; the text says which, why and what to do."""


class CameraSource(Protocol):
    """Where a camera driver gets its frames."""

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came within the timeout. Raises SourceError when it is lost."""

    def close(self) -> None:
        """Release the device."""


class ShelfSource(Protocol):
    """Where a shelf driver gets its readings."""

    def read(self, timeout_s: float) -> ReadingBatch | None:
        """Return the next batch, or None when none came within the timeout. Raises SourceError when it is lost."""

    def close(self) -> None:
        """Release the device."""


class GateDevice(Protocol):
    """A gate's controller: reports signals and takes commands."""

    def read(self, timeout_s: float) -> GateSignal | None:
        """Return the next signal, or None when none came within the timeout. Raises SourceError when it is lost."""

    def open_gate(self) -> None:
        """Let one party pass."""

    def deny(self, reason: str) -> None:
        """Show that the entry is refused."""

    def close(self) -> None:
        """Release the device."""
