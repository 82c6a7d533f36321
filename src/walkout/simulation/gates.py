"""The simulated gates: a leaf that opens on command, a reader for payment tokens, a light barrier."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from walkout.drivers.types import GateSignal, GateSignalKind
from walkout.store.model import GateDirection

OPENING_S = 0.5
OPEN_FOR_NS = 12_000_000_000
CLOSE_AFTER_NS = 900_000_000


class Answer(Enum):
    """What the gate was told since the last tap."""

    NONE = "none"
    OPEN = "open"
    DENIED = "denied"


@dataclass
class Gate:
    """One gate. ``opening`` is 0 closed .. 1 open. An exit opens by itself for whoever stands before it."""

    gate_id: str
    direction: GateDirection
    opening: float = 0.0
    answer: Answer = Answer.NONE
    reason: str = ""
    signals: list[GateSignal] = field(default_factory=list)
    _open_until_ns: int = -1
    _passed_ns: int | None = None
    _reported_open: bool = False

    def tap(self, token: str, now_ns: int) -> None:
        """Present a payment token."""
        self.answer, self.reason = Answer.NONE, ""
        self._report(GateSignalKind.TAP, now_ns, token)

    def open(self, now_ns: int) -> None:
        """Let one party pass: the command of the gate controller, or the exit's own sensor."""
        self.answer = Answer.OPEN
        self._open_until_ns = now_ns + OPEN_FOR_NS
        self._passed_ns = None

    def deny(self, reason: str) -> None:
        """Refuse the entry."""
        self.answer, self.reason = Answer.DENIED, reason

    def passage(self, now_ns: int) -> None:
        """Somebody walked through the light barrier."""
        self._report(GateSignalKind.PASSAGE, now_ns)
        self._passed_ns = now_ns
        self.answer = Answer.NONE

    @property
    def is_open(self) -> bool:
        """Whether one can walk through."""
        return self.opening > 0.85

    def wants_open(self, now_ns: int) -> bool:
        """Whether the leaf is driven open at this time."""
        if now_ns >= self._open_until_ns:
            return False
        return self._passed_ns is None or now_ns < self._passed_ns + CLOSE_AFTER_NS

    def step(self, now_ns: int, tick_s: float, occupied: bool) -> None:
        """Move the leaf; it never closes on somebody who stands in it."""
        goal = 1.0 if self.wants_open(now_ns) or (occupied and self.opening > 0.0) else 0.0
        change = tick_s / OPENING_S
        self.opening += min(change, max(-change, goal - self.opening))
        if self.opening >= 1.0 and not self._reported_open:
            self._reported_open = True
            self._report(GateSignalKind.OPENED, now_ns)
        elif self.opening <= 0.0 and self._reported_open:
            self._reported_open = False
            self._report(GateSignalKind.CLOSED, now_ns)
        if goal == 0.0 and self.opening <= 0.0 and self.answer is Answer.OPEN:
            self.answer = Answer.NONE

    def _report(self, kind: GateSignalKind, now_ns: int, token: str = "") -> None:
        self.signals.append(GateSignal(self.gate_id, now_ns, kind, token))
