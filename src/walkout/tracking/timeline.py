"""Detections of asynchronous cameras put into one order that does not depend on when they arrived.

A detection is released once detections ``reorder_window_s`` newer have been seen (capture time), in the order of stamp,
then camera. So any order of arrival inside the window gives the same sequence. What arrives later than that is dropped
and counted. A camera whose clock runs far ahead of all others cannot drive time; when most cameras' stamps fall back,
time starts afresh.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from walkout.perception.types import Detections
from walkout.tracking.parameters import TrackerParameters

_MAX_WAITING = 4096
_LONELY_FRAMES = 20
"""A camera that alone delivers this many frames is the only one left, however far its stamps have leapt."""


class Timeline:
    """The reorder buffer. All times in integer nanoseconds."""

    def __init__(self, camera_ids: Sequence[str], parameters: TrackerParameters) -> None:
        self._order = {camera_id: place for place, camera_id in enumerate(sorted(camera_ids))}
        self._window = int(parameters.reorder_window_s * 1e9)
        self._stall = int(parameters.stall_s * 1e9)
        self._jump = int(parameters.clock_jump_s * 1e9)
        self._lead = int(parameters.max_lead_s * 1e9)
        self.clear()

    def clear(self) -> None:
        """Forget all times and waiting detections."""
        self._heap: list[tuple[int, int, int, Detections]] = []
        self._newest: dict[str, int] = {}
        self._suspects: dict[str, int] = {}
        self._count = 0
        self.released_ns: int | None = None
        self._clock: int | None = None

    def put(self, detections: Detections) -> str:
        """Take one frame; return "" or why it was not taken: "late" or "overflow" (then the oldest was dropped)."""
        stamp, camera_id = detections.stamp_ns, detections.camera_id
        self._watch_lead(camera_id, stamp)
        self._newest[camera_id] = stamp
        if self.released_ns is not None and stamp <= self.released_ns:
            return "late"
        self._count += 1
        heapq.heappush(self._heap, (stamp, self._order[camera_id], self._count, detections))
        if len(self._heap) > _MAX_WAITING:
            heapq.heappop(self._heap)
            return "overflow"
        return ""

    def _watch_lead(self, camera_id: str, stamp: int) -> None:
        """Suspect a camera that leaps ahead of all others until another, the clock or its persistence agrees."""
        for suspect in [s for s in self._suspects if s != camera_id]:
            self._suspects[suspect] = 0
            if abs(stamp - self._newest[suspect]) <= self._lead:
                del self._suspects[suspect]
        if camera_id in self._suspects:
            self._suspects[camera_id] += 1
            others = [s for c, s in self._newest.items() if c != camera_id]
            confirmed = self._clock is not None and stamp <= self._clock + self._lead
            if (
                confirmed
                or self._suspects[camera_id] > _LONELY_FRAMES
                or stamp <= max(others, default=stamp) + self._lead
            ):
                del self._suspects[camera_id]
        elif self._newest and stamp > max(self._newest.values()) + self._lead and len(self._order) > 1:
            self._suspects[camera_id] = 0

    @property
    def newest_ns(self) -> int | None:
        """The newest stamp of the cameras whose clocks are trusted."""
        trusted = [stamp for camera_id, stamp in self._newest.items() if camera_id not in self._suspects]
        return max(trusted, default=None)

    def fell_back(self) -> bool:
        """Return whether most cameras' latest stamps lie far before the time already released."""
        if self.released_ns is None or not self._newest:
            return False
        return float(np.median(list(self._newest.values()))) < self.released_ns - self._jump

    def tick(self, now_ns: int) -> bool:
        """Tell the clock's time; return True when it jumped back (then nothing else was done)."""
        if self._clock is not None and now_ns < self._clock - self._jump:
            return True
        self._clock = max(now_ns, self._clock or now_ns)
        return False

    def release(self, everything: bool = False) -> tuple[list[Detections], int | None]:
        """Return the detections whose time has come, oldest first, and up to when nothing more can come."""
        limit = self._limit(everything)
        if limit is None or (self.released_ns is not None and limit <= self.released_ns):
            return [], self.released_ns
        ready = []
        while self._heap and self._heap[0][0] <= limit:
            ready.append(heapq.heappop(self._heap)[3])
        self.released_ns = limit
        return ready, limit

    def _limit(self, everything: bool) -> int | None:
        if everything:
            waiting = [item[0] for item in self._heap]
            return max(waiting, default=self.released_ns)
        limits = []
        newest = self.newest_ns
        if newest is not None:
            limits.append(newest - self._window)
        if self._clock is not None and (self._newest or self.released_ns is not None):
            limits.append(self._clock - self._stall - self._window)
        return max(limits, default=None)
