"""What every node tells about itself on /diagnostics: rate, latency from capture, drops, the last error."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

_WINDOW = 600
_WARNING = "warning_"


def lasting_warnings(values: Mapping[str, str]) -> str:
    """Return what a node warns of by ``Diagnostics.warn``, from the values of its report; "" when of nothing."""
    return "; ".join(text for key, text in values.items() if key.startswith(_WARNING))


class Diagnostics:
    """Counts what a node handles and publishes a summary once a second of wall time."""

    def __init__(self, node: Node, hardware_id: str = "", expected_rate_hz: float = 0.0) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._expected_rate_hz = expected_rate_hz
        self._latencies_ns: deque[int] = deque(maxlen=_WINDOW)
        self._busy_ns: deque[int] = deque(maxlen=_WINDOW)
        self._count = 0
        self._last_count = 0
        self._last_ns = 0
        self._dropped = 0
        self._error = ""
        self._warnings: dict[str, str] = {}
        self._extra: dict[str, str] = {}
        self._watched: dict[str, Callable[[], object]] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # Steady time: a node must go on reporting when the simulated clock stands still.
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(1.0, self._publish, clock=self._clock)

    def handled(self, stamp_ns: int, busy_ns: int = 0) -> None:
        """Count one handled message that was captured at ``stamp_ns`` and took ``busy_ns`` of work."""
        self._count += 1
        self._latencies_ns.append(self._node.get_clock().now().nanoseconds - stamp_ns)
        if busy_ns:
            self._busy_ns.append(busy_ns)

    def dropped(self, count: int = 1) -> None:
        """Count messages that were lost or skipped."""
        self._dropped += count

    def error(self, text: str) -> None:
        """Remember an error; it is shown until ``recovered`` is called."""
        self._error = text

    def recovered(self) -> None:
        """Forget the last error."""
        self._error = ""

    def warn(self, about: str, text: str) -> None:
        """Show a warning, as a value too, until it is called again with "" about the same."""
        self._warnings[about] = text

    def set(self, key: str, value: object) -> None:
        """Show one more value."""
        self._extra[key] = str(value)

    def watch(self, key: str, value: Callable[[], object]) -> None:
        """Show one more value, asked for at every publication; an error that it raises becomes the node's error."""
        self._watched[key] = value

    def _publish(self) -> None:
        now_ns = self._clock.now().nanoseconds
        elapsed_s = (now_ns - self._last_ns) / 1e9
        rate = (self._count - self._last_count) / elapsed_s if self._last_ns and elapsed_s > 0 else 0.0
        self._last_ns, self._last_count = now_ns, self._count
        values = {"handled": str(self._count), "rate_hz": f"{rate:.2f}", "dropped": str(self._dropped)}
        for name, samples in (("latency", self._latencies_ns), ("busy", self._busy_ns)):
            if samples:
                p50, p95 = np.percentile(np.fromiter(samples, dtype=np.int64), [50, 95]) / 1e6
                values[f"{name}_p50_ms"], values[f"{name}_p95_ms"] = f"{p50:.1f}", f"{p95:.1f}"
        values.update(self._extra)
        problems = [self._error, *self._ask(values), *getattr(self._node, "qos_mismatches", list)()]
        problems = [problem for problem in problems if problem]
        if problems:
            values["last_error"] = "; ".join(problems)
        state = getattr(self._node, "state", "")
        if state:
            values["state"] = state
            values["life"] = " ".join(map(str, getattr(self._node, "life", (0, 0))))
        slow = self._slowness(rate) if state in ("", "active") else ""
        values |= {f"{_WARNING}{about}": text for about, text in self._warnings.items() if text}
        warning = "; ".join(text for text in [slow, *self._warnings.values()] if text)
        status = DiagnosticStatus(
            level=DiagnosticStatus.ERROR if problems else DiagnosticStatus.WARN if warning else DiagnosticStatus.OK,
            name=self._node.get_fully_qualified_name(),
            message="; ".join(problems) or warning or state or "ok",
            hardware_id=self._hardware_id,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _ask(self, values: dict[str, str]) -> list[str]:
        problems = []
        for key, value in self._watched.items():
            try:
                values[key] = str(value())
            except Exception as error:
                problems.append(f"{key}: {' '.join(str(error).split()) or type(error).__name__}")
        return problems

    def _slowness(self, rate_hz: float) -> str:
        if self._expected_rate_hz and rate_hz < 0.5 * self._expected_rate_hz:
            return f"{rate_hz:.1f} Hz instead of {self._expected_rate_hz:g} Hz"
        return ""
