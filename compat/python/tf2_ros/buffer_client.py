"""`BufferClient`: lookups answered by a transform buffer in another process, through an action."""

from __future__ import annotations

from typing import Any

from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Duration as DurationMsg
from builtin_interfaces.msg import Time as TimeMsg
from rclpy.action import ActionClient
from rclpy.duration import Duration
from rclpy.node import Node
from tf2_msgs.action import LookupTransform
from tf2_msgs.msg import TF2Error
from tf2_py import (
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TimeoutException,
    TransformException,
)
from tf2_py.core import time_to_ns

from tf2_ros.buffer_interface import BufferInterface

_EXCEPTIONS = {
    TF2Error.LOOKUP_ERROR: LookupException,
    TF2Error.CONNECTIVITY_ERROR: ConnectivityException,
    TF2Error.EXTRAPOLATION_ERROR: ExtrapolationException,
    TF2Error.INVALID_ARGUMENT_ERROR: InvalidArgumentException,
    TF2Error.TIMEOUT_ERROR: TimeoutException,
}


class BufferClient(BufferInterface):
    """Client of the action server `ns`; the node must be spun by another thread while a lookup waits.

    Args:
        node: the node that owns the client.
        ns: name of the action.
        check_frequency: accepted for compatibility, unused: the action answers by itself.
        timeout_padding: how much longer than a lookup's own timeout the answer may take.
    """

    def __init__(self, node: Node, ns: str, check_frequency: float = 10.0,
                 timeout_padding: Duration = Duration(seconds=2.0)) -> None:  # noqa: B008
        super().__init__()
        self.node = node
        self.action_client = ActionClient(node, LookupTransform, action_name=ns)
        self.check_frequency = check_frequency
        self.timeout_padding = timeout_padding

    def destroy(self) -> None:
        """Give the action client back to the node."""
        self.action_client.destroy()

    def wait_for_server(self, timeout_sec: float | None = None) -> bool:
        """Return whether the server appeared in time."""
        return self.action_client.wait_for_server(timeout_sec)

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any,
                         timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return the pose of `source_frame` in `target_frame` at `time`."""
        goal = LookupTransform.Goal(target_frame=target_frame, source_frame=source_frame, advanced=False)
        goal.source_time = _time_message(time)
        return self._ask(goal, timeout)

    def lookup_transform_full(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                              fixed_frame: str, timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return the pose between frames at different times."""
        goal = LookupTransform.Goal(
            target_frame=target_frame, source_frame=source_frame, fixed_frame=fixed_frame, advanced=True)
        goal.source_time, goal.target_time = _time_message(source_time), _time_message(target_time)
        return self._ask(goal, timeout)

    def can_transform(self, target_frame: str, source_frame: str, time: Any,
                      timeout: Duration = Duration()) -> bool:  # noqa: B008
        """Return whether `lookup_transform` succeeds."""
        try:
            self.lookup_transform(target_frame, source_frame, time, timeout)
        except TransformException:
            return False
        return True

    def can_transform_full(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                           fixed_frame: str, timeout: Duration = Duration()) -> bool:  # noqa: B008
        """Return whether `lookup_transform_full` succeeds."""
        try:
            self.lookup_transform_full(target_frame, target_time, source_frame, source_time, fixed_frame, timeout)
        except TransformException:
            return False
        return True

    def _ask(self, goal: LookupTransform.Goal, timeout: Duration) -> Any:
        sec, nanosec = divmod(timeout.nanoseconds, 1_000_000_000)
        goal.timeout = DurationMsg(sec=sec, nanosec=nanosec)
        limit_s = (timeout.nanoseconds + self.timeout_padding.nanoseconds) * 1e-9
        if not self.action_client.wait_for_server(timeout_sec=limit_s):
            raise TimeoutException("The transform action server is not available")
        handle = _result(self.action_client.send_goal_async(goal), limit_s, "accept the goal")
        if not handle.accepted:
            raise TimeoutException("The transform action server refused the goal")
        answer = _result(handle.get_result_async(), limit_s, "answer")
        error = answer.result.error
        if error.error != TF2Error.NO_ERROR:
            raise _EXCEPTIONS.get(error.error, TransformException)(error.error_string)
        if answer.status != GoalStatus.STATUS_SUCCEEDED:
            raise TimeoutException("The transform action server gave up")
        return answer.result.transform


def _time_message(time: Any) -> TimeMsg:
    sec, nanosec = divmod(time_to_ns(time), 1_000_000_000)
    return TimeMsg(sec=sec, nanosec=nanosec)


def _result(future: Any, limit_s: float, what: str) -> Any:
    from threading import Event

    done = Event()
    future.add_done_callback(lambda _: done.set())
    if not done.wait(limit_s):
        raise TimeoutException(f"The transform action server did not {what} within {limit_s:.1f} s")
    return future.result()
