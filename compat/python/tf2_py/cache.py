"""History of one frame's transform to its parent: in time (`TimeCache`) or for ever (`StaticCache`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from tf2_py.exceptions import ExtrapolationException
from tf2_py.rigid import Rigid, interpolate


@dataclass(frozen=True, slots=True)
class Sample:
    """Pose of the frame in `parent` at `stamp_ns`."""

    stamp_ns: int
    parent: str
    transform: Rigid


def seconds_text(stamp_ns: int) -> str:
    """Return a stamp the way it stands in messages: seconds with six decimals."""
    return f"{stamp_ns * 1e-9:.6f}"


class StaticCache:
    """The one transform of a frame that never moves; valid at any time."""

    is_static = True

    def __init__(self) -> None:
        self._sample: Sample | None = None

    def insert(self, sample: Sample) -> str | None:
        """Replace the transform."""
        self._sample = Sample(0, sample.parent, sample.transform)
        return None

    def at(self, stamp_ns: int) -> Sample | None:
        """Return the transform; it carries the time that was asked for."""
        sample = self._sample
        return None if sample is None else Sample(stamp_ns, sample.parent, sample.transform)

    def latest(self) -> Sample | None:
        """Return the transform with stamp 0."""
        return self._sample

    def clear(self) -> None:
        """Do nothing: static transforms outlive a reset of time."""

    def span_ns(self) -> tuple[int, int]:
        """Return oldest and latest stamp: both 0."""
        return 0, 0

    def __len__(self) -> int:
        return 0 if self._sample is None else 1


class TimeCache:
    """Samples ordered by stamp, reaching back `length_ns` from the latest."""

    is_static = False

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._stamps: list[int] = []
        self._samples: list[Sample] = []

    def insert(self, sample: Sample) -> str | None:
        """Add a sample; returns the reason when it is refused, else None. An exact duplicate is ignored."""
        stamps, stamp = self._stamps, sample.stamp_ns
        if stamps and stamps[-1] > stamp + self._length_ns:
            return "TF_OLD_DATA ignoring data from the past"
        position = bisect_right(stamps, stamp)
        before = position
        while before > 0 and stamps[before - 1] == stamp:
            before -= 1
            if self._samples[before] == sample:
                return None
        stamps.insert(position, stamp)
        self._samples.insert(position, sample)
        self._prune()
        return None

    def _prune(self) -> None:
        limit = bisect_left(self._stamps, self._stamps[-1] - self._length_ns)
        # Deleting in blocks keeps an insert at amortised constant cost.
        if limit and (limit >= 32 or limit * 2 >= len(self._stamps)):
            del self._stamps[:limit], self._samples[:limit]

    def _first(self) -> int:
        """Index of the oldest sample that still counts."""
        return bisect_left(self._stamps, self._stamps[-1] - self._length_ns)

    def at(self, stamp_ns: int) -> Sample | None:
        """Return the (interpolated) sample at a time, 0 meaning the latest; None when empty.

        Raises ExtrapolationException outside of the stored span.
        """
        if not self._stamps:
            return None
        stamps, samples, first = self._stamps, self._samples, self._first()
        if stamp_ns == 0 or stamp_ns == stamps[-1]:
            return samples[-1]
        if stamp_ns == stamps[first]:
            return samples[first]
        if first == len(stamps) - 1:
            raise ExtrapolationException(
                f"Lookup would require extrapolation at time {seconds_text(stamp_ns)}, "
                f"but only time {seconds_text(stamps[first])} is in the buffer")
        if stamp_ns > stamps[-1]:
            raise ExtrapolationException(
                f"Lookup would require extrapolation into the future.  Requested time {seconds_text(stamp_ns)} "
                f"but the latest data is at time {seconds_text(stamps[-1])}")
        if stamp_ns < stamps[first]:
            raise ExtrapolationException(
                f"Lookup would require extrapolation into the past.  Requested time {seconds_text(stamp_ns)} "
                f"but the earliest data is at time {seconds_text(stamps[first])}")
        index = bisect_right(stamps, stamp_ns)
        older, newer = samples[index - 1], samples[index]
        if older.stamp_ns == stamp_ns:
            return older
        if older.parent != newer.parent:
            return Sample(stamp_ns, older.parent, older.transform)
        ratio = (stamp_ns - older.stamp_ns) / (newer.stamp_ns - older.stamp_ns)
        return Sample(stamp_ns, older.parent, interpolate(older.transform, newer.transform, ratio))

    def latest(self) -> Sample | None:
        """Return the newest sample, None when empty."""
        return self._samples[-1] if self._samples else None

    def clear(self) -> None:
        """Forget everything."""
        self._stamps.clear()
        self._samples.clear()

    def span_ns(self) -> tuple[int, int]:
        """Return oldest and latest stamp; zeros when empty."""
        return (self._stamps[self._first()], self._stamps[-1]) if self._stamps else (0, 0)

    def __len__(self) -> int:
        return len(self._stamps) - self._first() if self._stamps else 0
