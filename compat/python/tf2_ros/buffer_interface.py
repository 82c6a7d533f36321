"""Transforming and converting stamped things of any registered type, on top of a buffer's lookups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rclpy.duration import Duration


class TypeException(Exception):
    """No function is registered for the type."""


class NotImplementedException(Exception):
    """A buffer lacks this operation."""


class Stamped:
    """Any object with a time and a frame."""

    def __init__(self, obj: Any, stamp: Any, frame_id: str) -> None:
        from std_msgs.msg import Header

        self.header = Header(frame_id=frame_id)
        self.header.stamp = stamp
        self.obj = obj


class TransformRegistration:
    """Process-wide table: type -> function ``(object, TransformStamped) -> object`` that transforms it."""

    _functions: ClassVar[dict[Any, Callable]] = {}

    def add(self, key: Any, callback: Callable) -> None:
        """Register the function for a type."""
        self._functions[key] = callback

    def get(self, key: Any) -> Callable:
        """Return the function for a type; TypeException if none is registered."""
        return _find(self._functions, key)

    def print_me(self) -> None:
        """Print the table."""
        print(self._functions)


class ConvertRegistration:
    """Process-wide tables of conversions between types, directly or by way of a message."""

    _to_msg: ClassVar[dict[Any, Callable]] = {}
    _from_msg: ClassVar[dict[Any, Callable]] = {}
    _direct: ClassVar[dict[Any, Callable]] = {}

    def add_from_msg(self, key: Any, callback: Callable) -> None:
        """Register message -> type."""
        self._from_msg[key] = callback

    def add_to_msg(self, key: Any, callback: Callable) -> None:
        """Register type -> message."""
        self._to_msg[key] = callback

    def add_convert(self, key: Any, callback: Callable) -> None:
        """Register a direct conversion; the key is ``(type, type)``."""
        self._direct[key] = callback

    def get_from_msg(self, key: Any) -> Callable:
        """Return message -> type."""
        return _find(self._from_msg, key)

    def get_to_msg(self, key: Any) -> Callable:
        """Return type -> message."""
        return _find(self._to_msg, key)

    def get_convert(self, key: Any) -> Callable:
        """Return the direct conversion for ``(type, type)``."""
        return _find(self._direct, key)


def _find(table: dict[Any, Callable], key: Any) -> Callable:
    try:
        return table[key]
    except KeyError:
        raise TypeException(f"Type {key} if not loaded or supported") from None


def convert(a: Any, b_type: type) -> Any:
    """Return `a` as an object of `b_type`."""
    registration = ConvertRegistration()
    try:
        return registration.get_convert((type(a), b_type))(a)
    except TypeException:
        if type(a) is b_type:
            return a
        return registration.get_from_msg(b_type)(registration.get_to_msg(type(a))(a))


class BufferInterface:
    """What every buffer offers; subclasses supply the lookups."""

    def __init__(self) -> None:
        self.registration = TransformRegistration()

    def transform(self, object_stamped: Any, target_frame: str, timeout: Duration = Duration(),  # noqa: B008
                  new_type: type | None = None) -> Any:
        """Return the object expressed in `target_frame` at its own stamp, converted to `new_type` if given."""
        do_transform = self.registration.get(type(object_stamped))
        header = object_stamped.header
        transform = self.lookup_transform(target_frame, header.frame_id, header.stamp, timeout)
        result = do_transform(object_stamped, transform)
        return result if new_type is None else convert(result, new_type)

    def transform_full(self, object_stamped: Any, target_frame: str, target_time: Any, fixed_frame: str,
                       timeout: Duration = Duration(), new_type: type | None = None) -> Any:  # noqa: B008
        """Return the object expressed in `target_frame` at `target_time`, `fixed_frame` not moving in between."""
        do_transform = self.registration.get(type(object_stamped))
        header = object_stamped.header
        result = do_transform(object_stamped, self.lookup_transform_full(
            target_frame, target_time, header.frame_id, header.stamp, fixed_frame, timeout))
        return result if new_type is None else convert(result, new_type)

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any,
                         timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return the pose of `source_frame` in `target_frame` at `time`."""
        raise NotImplementedException

    def lookup_transform_full(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                              fixed_frame: str, timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return the pose between frames at different times."""
        raise NotImplementedException

    def can_transform(self, target_frame: str, source_frame: str, time: Any,
                      timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return whether `lookup_transform` would succeed."""
        raise NotImplementedException

    def can_transform_full(self, target_frame: str, target_time: Any, source_frame: str, source_time: Any,
                           fixed_frame: str, timeout: Duration = Duration()) -> Any:  # noqa: B008
        """Return whether `lookup_transform_full` would succeed."""
        raise NotImplementedException
