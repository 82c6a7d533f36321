"""`BufferCore`: the tree of coordinate frames over time, and lookups in it.

A cache holds a frame's pose in its parent. A lookup climbs from both frames to where they meet, interpolating each link
at the requested time, and composes the two halves.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.logging import get_logger

from tf2_py.cache import Sample, StaticCache, TimeCache, seconds_text
from tf2_py.exceptions import (
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TransformException,
)
from tf2_py.rigid import IDENTITY, Rigid, compose, invert

DEFAULT_CACHE_NS = 10_000_000_000
#: A climb longer than this can only be a loop.
MAX_DEPTH = 1000
#: How far the squared norm of a quaternion may be from one.
QUATERNION_TOLERANCE = 1e-2

_logger = get_logger("tf2_buffer")


def time_to_ns(time: Any) -> int:
    """Nanoseconds of a message's stamp, an rclpy Time or Duration."""
    if hasattr(time, "sec") and hasattr(time, "nanosec"):
        return int(time.sec) * 1_000_000_000 + int(time.nanosec)
    if hasattr(time, "nanoseconds"):
        return int(time.nanoseconds)
    raise TypeError(f"expected a time with 'sec' and 'nanosec' or with 'nanoseconds', got {type(time).__name__}")


@dataclass(slots=True)
class _Frame:
    cache: TimeCache | StaticCache | None = None
    authority: str = ""


class BufferCore:
    """Stores transforms and answers lookups; safe to use from several threads.

    Args:
        cache_time: Duration of history kept per frame (default 10 s).
    """

    def __init__(self, cache_time: Any = None) -> None:
        self._cache_ns = DEFAULT_CACHE_NS if cache_time is None else time_to_ns(cache_time)
        self._frames: dict[str, _Frame] = {}
        self._lock = threading.RLock()

    # -- filling ---------------------------------------------------------------------------------------------------

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Add a transform; one that makes no sense is logged and dropped."""
        self._insert(transform, authority, False)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Add a transform that holds at all times and survives `clear`."""
        self._insert(transform, authority, True)

    def clear(self) -> None:
        """Forget all transforms but the static ones; frame ids stay known."""
        with self._lock:
            for frame in self._frames.values():
                if frame.cache is not None:
                    frame.cache.clear()

    def _insert(self, transform: TransformStamped, authority: str, is_static: bool) -> None:
        child = transform.child_frame_id.lstrip("/")
        parent = transform.header.frame_id.lstrip("/")
        t, q = transform.transform.translation, transform.transform.rotation
        rigid: Rigid = ((t.x, t.y, t.z), (q.x, q.y, q.z, q.w))
        problem = _why_invalid(parent, child, rigid, authority)
        stamp_ns = time_to_ns(transform.header.stamp)
        if problem is None:
            with self._lock:
                frame = self._frames.setdefault(child, _Frame())
                self._frames.setdefault(parent, _Frame())
                if frame.cache is None or frame.cache.is_static != is_static:
                    frame.cache = StaticCache() if is_static else TimeCache(self._cache_ns)
                problem = frame.cache.insert(Sample(stamp_ns, parent, rigid))
                if problem is None:
                    frame.authority = authority
                    return
            problem = (f"{problem} for frame {child} (parent {parent}) at time {seconds_text(stamp_ns)} "
                       f"according to authority {authority}")
        _logger.warning(problem)

    # -- asking ----------------------------------------------------------------------------------------------------

    def lookup_transform_core(self, target_frame: str, source_frame: str, time: Any) -> TransformStamped:
        """Return the pose of `source_frame` in `target_frame` at `time` (0: latest common time).

        Raises a `TransformException` when there is none.
        """
        with self._lock:
            target = self._checked(target_frame, "lookupTransform argument target_frame")
            source = self._checked(source_frame, "lookupTransform argument source_frame")
            stamp_ns, rigid = self._lookup(target, source, time_to_ns(time))
        return _to_message(target, source, stamp_ns, rigid)

    def lookup_transform_full_core(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                                   fixed_frame: str) -> TransformStamped:
        """Return the pose `source_frame` had at `source_time` in `target_frame` as it is at `target_time`.

        `fixed_frame` is the frame that is assumed not to move between the two times.
        """
        with self._lock:
            target = self._checked(target_frame, "lookupTransform argument target_frame")
            source = self._checked(source_frame, "lookupTransform argument source_frame")
            fixed = self._checked(fixed_frame, "lookupTransform argument fixed_frame")
            _, to_fixed = self._lookup(fixed, source, time_to_ns(source_time))
            stamp_ns, to_target = self._lookup(target, fixed, time_to_ns(target_time))
        return _to_message(target, source, stamp_ns, compose(to_target, to_fixed))

    def can_transform_core(self, target_frame: str, source_frame: str, time: Any) -> tuple[bool, str]:
        """Return whether the lookup would succeed, and if not why."""
        try:
            with self._lock:
                target = self._checked(target_frame, "canTransform argument target_frame")
                source = self._checked(source_frame, "canTransform argument source_frame")
                self._lookup(target, source, time_to_ns(time))
        except TransformException as error:
            return False, str(error)
        return True, ""

    def can_transform_full_core(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                                fixed_frame: str) -> tuple[bool, str]:
        """Return whether the full lookup would succeed, and if not why."""
        try:
            with self._lock:
                target = self._checked(target_frame, "canTransform argument target_frame")
                source = self._checked(source_frame, "canTransform argument source_frame")
                fixed = self._checked(fixed_frame, "canTransform argument fixed_frame")
                self._lookup(fixed, source, time_to_ns(source_time))
                self._lookup(target, fixed, time_to_ns(target_time))
        except TransformException as error:
            return False, str(error)
        return True, ""

    def get_latest_common_time(self, target_frame: str, source_frame: str) -> Any:
        """Return the latest time at which the transform between the frames is known (0 if all links are static)."""
        from rclpy.time import Time

        with self._lock:
            target = self._checked(target_frame, "getLatestCommonTime argument target_frame")
            source = self._checked(source_frame, "getLatestCommonTime argument source_frame")
            return Time(nanoseconds=self._latest_common_ns(target, source))

    def all_frames_as_yaml(self) -> str:
        """Return every frame with parent, broadcaster, rate and times as YAML."""
        with self._lock:
            blocks = [self._frame_yaml(name, frame) for name, frame in self._frames.items()]
        text = "".join(blocks)
        return text or "[]"

    def all_frames_as_string(self) -> str:
        """Return one line per frame that has a parent."""
        lines = []
        with self._lock:
            for name, frame in self._frames.items():
                latest = frame.cache.latest() if frame.cache is not None else None
                if latest is not None:
                    lines.append(f"Frame {name} exists with parent {latest.parent}.\n")
        return "".join(lines)

    def _frameExists(self, frame_id: str) -> bool:
        with self._lock:
            return frame_id in self._frames

    def _getFrameStrings(self) -> list[str]:
        with self._lock:
            return list(self._frames)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _checked(self, frame_id: str, argument: str) -> str:
        if not frame_id:
            raise InvalidArgumentException(
                f"Invalid argument passed to {argument} in tf2 frame_ids cannot be empty")
        if frame_id.startswith("/"):
            raise InvalidArgumentException(
                f'Invalid argument "{frame_id}" passed to {argument} in tf2 frame_ids cannot start with a \'/\' like: ')
        if frame_id not in self._frames:
            raise LookupException(f'"{frame_id}" passed to {argument} does not exist. ')
        return frame_id

    def _lookup(self, target: str, source: str, stamp_ns: int) -> tuple[int, Rigid]:
        if target == source:
            return stamp_ns or self._latest_common_ns(target, source), IDENTITY
        if stamp_ns == 0:
            stamp_ns = self._latest_common_ns(target, source)
        where = f", when looking up transform from frame [{source}] to frame [{target}]"
        # Source side: remember every frame passed, so that the target side can stop at the first one it meets.
        passed: dict[str, Rigid] = {}
        frame, pose, missing = source, IDENTITY, None
        while True:
            passed[frame] = pose
            if frame == target:
                return stamp_ns, pose
            try:
                link = self._link(frame, stamp_ns)
            except ExtrapolationException as error:
                missing = error
                break
            if link is None:
                break
            pose = compose(link.transform, pose)
            frame = link.parent
            if len(passed) > MAX_DEPTH or frame in passed:
                raise LookupException("The tf tree is invalid because it contains a loop." + where)
        frame, pose, depth = target, IDENTITY, 0
        while frame not in passed:
            try:
                link = self._link(frame, stamp_ns)
            except ExtrapolationException as error:
                raise ExtrapolationException(f"{error}{where}") from None
            if link is None:
                if missing is not None:
                    raise ExtrapolationException(f"{missing}{where}")
                raise _connectivity(target, source)
            pose = compose(link.transform, pose)
            frame = link.parent
            depth += 1
            if depth > MAX_DEPTH:
                raise LookupException("The tf tree is invalid because it contains a loop." + where)
        return stamp_ns, compose(invert(pose), passed[frame])

    def _link(self, frame: str, stamp_ns: int) -> Sample | None:
        cache = self._frames[frame].cache
        return None if cache is None else cache.at(stamp_ns)

    def _latest_common_ns(self, target: str, source: str) -> int:
        if target == source:
            latest = self._latest(source)
            return latest.stamp_ns if latest is not None else 0
        # Per frame on the source's way up: latest stamp of all links so far (None: only static ones).
        newest: dict[str, int | None] = {}
        frame, common = source, None
        while True:
            newest[frame] = common
            if frame == target:
                return common or 0
            latest = self._latest(frame)
            if latest is None:
                break
            common = _earlier(common, latest.stamp_ns)
            frame = latest.parent
            if len(newest) > MAX_DEPTH or frame in newest:
                raise LookupException("The tf tree is invalid because it contains a loop.")
        frame, common = target, None
        for _ in range(MAX_DEPTH):
            if frame in newest:
                return _earlier(common, newest[frame] or 0) or 0
            latest = self._latest(frame)
            if latest is None:
                raise _connectivity(target, source)
            common = _earlier(common, latest.stamp_ns)
            frame = latest.parent
        raise LookupException("The tf tree is invalid because it contains a loop.")

    def _latest(self, frame: str) -> Sample | None:
        cache = self._frames[frame].cache
        return None if cache is None else cache.latest()

    def _frame_yaml(self, name: str, frame: _Frame) -> str:
        latest = frame.cache.latest() if frame.cache is not None else None
        if latest is None:
            return ""
        first_ns, last_ns = frame.cache.span_ns()
        span_s = (last_ns - first_ns) * 1e-9
        return (f"{name}: \n"
                f"  parent: '{latest.parent}'\n"
                f"  broadcaster: '{frame.authority}'\n"
                f"  rate: {len(frame.cache) / max(span_s, 1e-4):.3f}\n"
                f"  most_recent_transform: {seconds_text(last_ns)}\n"
                f"  oldest_transform: {seconds_text(first_ns)}\n"
                f"  buffer_length: {span_s:.3f}\n")


def _earlier(common: int | None, stamp_ns: int) -> int | None:
    """Return the earlier of two stamps, where 0 (a static link) holds at any time."""
    if stamp_ns == 0:
        return common
    return stamp_ns if common is None else min(common, stamp_ns)


def _connectivity(target: str, source: str) -> ConnectivityException:
    return ConnectivityException(
        f"Could not find a connection between '{target}' and '{source}' because they are not part of the same tree."
        "Tf has two or more unconnected trees.")


def _why_invalid(parent: str, child: str, rigid: Rigid, authority: str) -> str | None:
    by = f'from authority "{authority}"'
    if not child:
        return f"TF_NO_CHILD_FRAME_ID: Ignoring transform {by} because child_frame_id is not set"
    if not parent:
        return f'TF_NO_FRAME_ID: Ignoring transform with child_frame_id "{child}" {by} because frame_id is not set'
    if child == parent:
        return f'TF_SELF_TRANSFORM: Ignoring transform {by} with frame_id and child_frame_id "{child}" the same'
    values = (*rigid[0], *rigid[1])
    if any(math.isnan(v) for v in values):
        return f'TF_NAN_INPUT: Ignoring transform for child_frame_id "{child}" {by} because of a nan value in {values}'
    norm2 = sum(v * v for v in rigid[1])
    if abs(norm2 - 1.0) > QUATERNION_TOLERANCE:
        return (f'TF_DENORMALIZED_QUATERNION: Ignoring transform for child_frame_id "{child}" {by} '
                f"because of an invalid quaternion in the transform {rigid[1]}")
    return None


def _to_message(target: str, source: str, stamp_ns: int, rigid: Rigid) -> TransformStamped:
    message = TransformStamped()
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    message.header.frame_id = target
    message.child_frame_id = source
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = rigid[0]
    q.x, q.y, q.z, q.w = rigid[1]
    return message
