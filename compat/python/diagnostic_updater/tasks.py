"""Tasks: each fills in one status, and returns it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType

from diagnostic_updater.status import DiagnosticStatusWrapper

Function = Callable[[DiagnosticStatusWrapper], DiagnosticStatusWrapper]


class DiagnosticTask:
    """Something with a name that can fill in a status."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getName(self) -> str:
        """Return the name."""
        return self.name

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill in the status and return it."""
        raise NotImplementedError


class FunctionDiagnosticTask(DiagnosticTask):
    """A task made of a function."""

    def __init__(self, name: str, fn: Function) -> None:
        super().__init__(name)
        self.fn = fn

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill in the status and return it."""
        return self.fn(stat)


class CompositeDiagnosticTask(DiagnosticTask):
    """Several tasks in one status: their values one after the other, their summaries merged."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.tasks: list[DiagnosticTask] = []

    def addTask(self, t: DiagnosticTask) -> None:
        """Add a task."""
        self.tasks.append(t)

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill in the status and return it."""
        merged = DiagnosticStatusWrapper(level=DiagnosticStatus.OK)
        for task in self.tasks:
            # Each task starts from the status as it was, and the summaries are put together here.
            stat.summary(DiagnosticStatus.ERROR, "No message was set")
            stat = task.run(stat)
            merged.mergeSummary(stat)
        stat.summary(merged)
        return stat


class FrequencyStatusParam:
    """Limits of a rate.

    Args:
        freq_bound: a mapping with ``min`` and ``max`` in hertz; it may change while it is in use.
        tolerance: how far beyond the limits is still in order, as a fraction.
        window_size: how many updates the rate is averaged over.
    """

    def __init__(self, freq_bound: dict[str, float], tolerance: float = 0.1, window_size: int = 5) -> None:
        self.freq_bound = freq_bound
        self.tolerance = tolerance
        self.window_size = window_size


class FrequencyStatus(DiagnosticTask):
    """How often something happens, and whether that is within limits."""

    def __init__(self, params: FrequencyStatusParam, name: str = "FrequencyStatus") -> None:
        super().__init__(name)
        self.params = params
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget what was counted."""
        with self.lock:
            self.count = 0
            self._history = deque([(_steady_s(), 0)], maxlen=max(1, self.params.window_size))

    def tick(self) -> None:
        """Count one event."""
        with self.lock:
            self.count += 1

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill in the status and return it."""
        with self.lock:
            now = _steady_s()
            began, counted = self._history[0]
            events, window = self.count - counted, now - began
            self._history.append((now, self.count))
            total = self.count
        low, high, slack = self.params.freq_bound["min"], self.params.freq_bound["max"], self.params.tolerance
        rate = events / window if window > 0 else 0.0
        if events == 0:
            stat.summary(DiagnosticStatus.ERROR, "No events recorded.")
        elif rate < low * (1 - slack):
            stat.summary(DiagnosticStatus.WARN, "Frequency too low.")
        elif rate > high * (1 + slack):
            stat.summary(DiagnosticStatus.WARN, "Frequency too high.")
        else:
            stat.summary(DiagnosticStatus.OK, "Desired frequency met")
        stat.add("Events in window", events)
        stat.add("Events since startup", total)
        stat.add("Duration of window (s)", window)
        stat.add("Actual frequency (Hz)", rate)
        if low == high:
            stat.add("Target frequency (Hz)", low)
        if low > 0:
            stat.add("Minimum acceptable frequency (Hz)", low * (1 - slack))
        if high != float("inf"):
            stat.add("Maximum acceptable frequency (Hz)", high * (1 + slack))
        return stat


class TimeStampStatusParam:
    """How old a stamp may be, in seconds: at least `min_acceptable` (negative: in the future), at most the other."""

    def __init__(self, min_acceptable: float = -1, max_acceptable: float = 5) -> None:
        self.min_acceptable = min_acceptable
        self.max_acceptable = max_acceptable


class TimeStampStatus(DiagnosticTask):
    """The age of stamps, compared with a clock: the system's, or that of a node."""

    def __init__(self, params: TimeStampStatusParam | None = None, name: str = "Timestamp Status",
                 clock: Clock | None = None) -> None:
        super().__init__(name)
        self.params = params or TimeStampStatusParam()
        self.lock = threading.Lock()
        self._clock = clock or Clock(clock_type=ClockType.ROS_TIME)
        self._ages: list[float] = []
        self._zeros = 0
        self._has_seen = False

    def tick(self, stamp: float) -> None:
        """Take note of a stamp: seconds, or a time message or object of rclpy."""
        if hasattr(stamp, "nanoseconds"):
            stamp = stamp.nanoseconds * 1e-9
        elif hasattr(stamp, "nanosec"):
            stamp = stamp.sec + stamp.nanosec * 1e-9
        with self.lock:
            self._has_seen = True
            if stamp == 0:
                self._zeros += 1
            else:
                self._ages.append(self._clock.now().nanoseconds * 1e-9 - stamp)

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill in the status and return it; begins anew."""
        with self.lock:
            ages, zeros, self._ages, self._zeros = self._ages, self._zeros, [], 0
        stat.summary(DiagnosticStatus.OK, "Timestamps are reasonable.")
        if not ages and not zeros:
            text = "No data since last update." if self._has_seen else "No data yet."
            stat.summary(DiagnosticStatus.WARN, text)
        if ages and min(ages) < self.params.min_acceptable:
            stat.summary(DiagnosticStatus.ERROR, "Timestamps too far in future seen.")
        if ages and max(ages) > self.params.max_acceptable:
            stat.summary(DiagnosticStatus.ERROR, "Timestamps too far in past seen.")
        if zeros:
            stat.summary(DiagnosticStatus.ERROR, "Zero timestamp seen.")
        if ages:
            stat.add("Earliest timestamp delay", min(ages))
            stat.add("Latest timestamp delay", max(ages))
        stat.add("Earliest acceptable timestamp delay", self.params.min_acceptable)
        stat.add("Latest acceptable timestamp delay", self.params.max_acceptable)
        return stat


class Heartbeat(DiagnosticTask):
    """Says that the node is alive, nothing more."""

    def __init__(self) -> None:
        super().__init__("Heartbeat")

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill in the status and return it."""
        stat.summary(DiagnosticStatus.OK, "Alive")
        return stat


def _steady_s() -> float:
    return Clock(clock_type=ClockType.STEADY_TIME).now().nanoseconds * 1e-9
