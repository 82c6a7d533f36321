"""`Buffer`: a `tf2_py.BufferCore` that can wait, follows a node's clock and answers the `tf2_frames` service."""

from __future__ import annotations

import threading
import time as system_time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.task import Future
from tf2_msgs.srv import FrameGraph
from tf2_py import BufferCore

from tf2_ros.buffer_interface import BufferInterface

#: Interval at which a lookup with a timeout tries again, in seconds.
POLL_S = 0.02


class Buffer(BufferCore, BufferInterface):
    """Transforms of the last `cache_time` (default 10 s).

    Give it the `node`: then it forgets everything when the node's clock jumps back by a second or more (a bag that
    loops), or changes its source, and offers `tf2_frames`. A lookup with a timeout polls in the calling thread: where
    that thread also spins the node, nothing new can arrive meanwhile.
    """

    def __init__(self, cache_time: Duration | None = None, node: Node | None = None) -> None:
        BufferCore.__init__(self, cache_time)
        BufferInterface.__init__(self)
        self._waiting: list[Callable[[], None]] = []
        self._waiting_lock = threading.RLock()
        self.clock = Clock() if node is None else node.get_clock()
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True)
        self.jump_handle = self.clock.create_jump_callback(threshold, post_callback=self.time_jump_callback)
        self.srv = None
        if node is not None:
            self.srv = node.create_service(FrameGraph, "tf2_frames", self._answer_frames)

    def time_jump_callback(self, time_jump: TimeJump) -> None:
        """Forget all but static transforms: they belong to another time."""
        self.clear()

    def _answer_frames(self, request: FrameGraph.Request, response: FrameGraph.Response) -> FrameGraph.Response:
        response.frame_yaml = self.all_frames_as_yaml()
        return response

    def set_transform(self, transform: Any, authority: str) -> None:
        """Add a transform and wake those who wait for it."""
        super().set_transform(transform, authority)
        self._wake()

    def set_transform_static(self, transform: Any, authority: str) -> None:
        """Add a static transform and wake those who wait for it."""
        super().set_transform_static(transform, authority)
        self._wake()

    # -- lookups that wait -----------------------------------------------------------------------------------------

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any,
                         timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return the pose of `source_frame` in `target_frame`: it maps points from source to target.

        Args:
            target_frame: frame to express the result in.
            source_frame: frame whose pose is wanted.
            time: when; 0 is the latest common time.
            timeout: how long to wait for it.

        Raises a `TransformException` when it is not available in time.
        """
        self._wait(lambda: self.can_transform_core(target_frame, source_frame, time), timeout)
        return self.lookup_transform_core(target_frame, source_frame, time)

    def lookup_transform_full(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                              fixed_frame: str, timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return the pose of source at its time in target at its time, through a frame that does not move."""
        arguments = (target_frame, target_time, source_frame, source_time, fixed_frame)
        self._wait(lambda: self.can_transform_full_core(*arguments), timeout)
        return self.lookup_transform_full_core(*arguments)

    def can_transform(self, target_frame: str, source_frame: str, time: Any, timeout: Duration = Duration(),  # noqa: B008
                      return_debug_tuple: bool = False) -> Any:
        """Return whether the transform is (or becomes, within the timeout) available.

        With `return_debug_tuple`, return ``(available, reason)``.
        """
        result = self._wait(lambda: self.can_transform_core(target_frame, source_frame, time), timeout)
        return result if return_debug_tuple else result[0]

    def can_transform_full(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                           fixed_frame: str, timeout: Duration = Duration(),  # noqa: B008
                           return_debug_tuple: bool = False) -> Any:
        """Like `can_transform` for `lookup_transform_full`."""
        arguments = (target_frame, target_time, source_frame, source_time, fixed_frame)
        result = self._wait(lambda: self.can_transform_full_core(*arguments), timeout)
        return result if return_debug_tuple else result[0]

    def _wait(self, attempt: Callable[[], tuple[bool, str]], timeout: Duration) -> tuple[bool, str]:
        result = attempt()
        if result[0] or timeout == Duration():
            return result
        start = self.clock.now()
        deadline = start + timeout
        while not result[0]:
            now = self.clock.now()
            # A clock that went back far has been restarted: its deadline would never come.
            if now >= deadline or now + Duration(seconds=3.0) < start:
                break
            system_time.sleep(POLL_S)
            result = attempt()
        return result

    # -- asynchronous lookups --------------------------------------------------------------------------------------

    async def lookup_transform_async(self, target_frame: str, source_frame: str, time: Any) -> Any:
        """Await the transform."""
        await self.wait_for_transform_async(target_frame, source_frame, time)
        return self.lookup_transform_core(target_frame, source_frame, time)

    async def lookup_transform_full_async(self, target_frame: str, target_time: Any, source_frame: str,
                                          source_time: Any, fixed_frame: str) -> Any:
        """Await the transform between different times."""
        arguments = (target_frame, target_time, source_frame, source_time, fixed_frame)
        await self.wait_for_transform_full_async(*arguments)
        return self.lookup_transform_full_core(*arguments)

    def wait_for_transform_async(self, target_frame: str, source_frame: str, time: Any) -> Future:
        """Return a future that becomes True once the transform is available."""
        return self._future_of(lambda: self.can_transform_core(target_frame, source_frame, time))

    def wait_for_transform_full_async(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                                      fixed_frame: str) -> Future:
        """Return a future that becomes True once the transform between different times is available."""
        arguments = (target_frame, target_time, source_frame, source_time, fixed_frame)
        return self._future_of(lambda: self.can_transform_full_core(*arguments))

    def _future_of(self, attempt: Callable[[], tuple[bool, str]]) -> Future:
        future = Future()

        def check() -> None:
            if not future.done() and attempt()[0]:
                future.set_result(True)

        with self._waiting_lock:
            check()
            if not future.done():
                self._waiting.append(check)
                future.add_done_callback(lambda _: self._stop_waiting(check))
        return future

    def _stop_waiting(self, check: Callable[[], None]) -> None:
        with self._waiting_lock:
            if check in self._waiting:
                self._waiting.remove(check)

    def _wake(self) -> None:
        with self._waiting_lock:
            for check in tuple(self._waiting):
                check()
